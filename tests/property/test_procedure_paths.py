"""The ways through a body that were followed are the ones that the server goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import assume, event, given, note
from hypothesis import strategies as st
from procedure_world import NUMBERS, SKELETON, NotKnownError, Rendered, bodies, looping

from rlsaudit.catalog.facts import Function, Parameter
from rlsaudit.connect import connect
from rlsaudit.policy.procedure import NotFollowed, paths
from rlsaudit.policy.procedure.path import FellOff, Raised, Returned, Unknown
from rlsaudit.policy.procedure.walk import JOINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server
    from rlsaudit.policy.procedure import Path

DATABASE = "random_procedures"
ARGUMENTS = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS))


@dataclass(frozen=True)
class Outcome:
    """What a call gave: a number or NULL, or an error's code."""

    value: object = None
    sqlstate: str | None = None


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Session]:
    with connect(server.create_database(DATABASE)) as connected:
        connected.execute(SKELETON)
        yield connected
    server.drop_database(DATABASE)


@given(body=bodies, arguments=ARGUMENTS)
def test_without_loops_one_path_is_taken_and_gives_what_the_server_gives(
    session: Session, body: str, arguments: tuple[int | None, ...]
) -> None:
    found, real = followed(session, body, arguments)
    assume(
        not any(
            isinstance(one.test, Unknown) and one.test.reason == JOINED for path in found for one in path.conditions
        )
    )
    rendered = Rendered(arguments)
    taken = [one for one in found if holds(session, one, rendered)]
    assert [gives(session, one, rendered) for one in taken] == [real]


@given(body=looping, arguments=ARGUMENTS)
def test_with_loops_what_the_server_gives_is_never_ruled_out(
    session: Session, body: str, arguments: tuple[int | None, ...]
) -> None:
    found, real = followed(session, body, arguments)
    rendered = Rendered(arguments)
    possible = [one for one in found if may_hold(session, one, rendered)]
    given_back = [may_give(session, one, rendered) for one in possible]
    note(f"{given_back}")
    assert real in given_back or None in given_back


def followed(session: Session, body: str, arguments: tuple[int | None, ...]) -> tuple[tuple[Path, ...], Outcome]:
    """The paths of a body, and what calling it gives."""
    parameters = (Parameter("i", "p"), Parameter("i", "q"))
    function = Function(
        oid=1, schema=1, name="f", kind="f", arguments="integer, integer", returns="integer", returns_set=False,
        language="plpgsql", owner=1, acl=(), security_definer=False, volatility="v", leakproof=False, settings=(),
        body=body, extension=None, parameters=parameters,
    )  # fmt: skip
    found = paths(function)
    note(body)
    if isinstance(found, NotFollowed):
        event(f"not followed: {found.reason}")
        assume(condition=False)
    event(f"{min(len(found), 5)} paths")
    return found, called(session, body, arguments)


def called(session: Session, body: str, arguments: tuple[int | None, ...]) -> Outcome:
    with session.rolled_back():
        try:
            session.execute(
                f"create function public.f(p integer, q integer) returns integer language plpgsql as $x${body}$x$"
            )
        except psycopg.Error as error:
            pytest.fail(f"{body}: {error}")
        try:
            outcome = Outcome(session.fetch_value("select public.f(%s, %s)", arguments))
        except psycopg.Error as error:
            outcome = Outcome(sqlstate=error.sqlstate)
    event(outcome.sqlstate or "a value")
    return outcome


def holds(session: Session, path: Path, rendered: Rendered) -> bool:
    """Whether all conditions are met; where a block may fail by itself, it does not here."""
    for one in path.conditions:
        try:
            met = bool(session.fetch_value(f"select {rendered.condition(one)}"))
        except NotKnownError:
            met = not one.holds
        if not met:
            return False
    return True


def may_hold(session: Session, path: Path, rendered: Rendered) -> bool:
    for one in path.conditions:
        try:
            if not session.fetch_value(f"select {rendered.condition(one)}"):
                return False
        except NotKnownError:
            continue
    return True


def gives(session: Session, path: Path, rendered: Rendered) -> Outcome:
    match path.end:
        case Raised(sqlstate):
            return Outcome(sqlstate=sqlstate)
        case FellOff():
            return Outcome(sqlstate="2F005")
        case Returned(node):
            return Outcome(session.fetch_value(f"select {rendered.node(node, path.bindings)}"))


def may_give(session: Session, path: Path, rendered: Rendered) -> Outcome | None:
    """None where it may be anything."""
    try:
        given_back = gives(session, path, rendered)
    except NotKnownError:
        return None
    return None if isinstance(path.end, Raised) and path.end.sqlstate is None else given_back
