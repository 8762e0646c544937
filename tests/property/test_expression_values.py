"""What an expression is read and evaluated as is what the server computes, for any row, tables and request.

Where the server fails, so does the evaluation, or it does not know; a value that it knows is the server's.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from expression_world import SMALL, WORLD, Asking, askings, expressions, filled, inserted
from hypothesis import event, example, given, note, settings
from hypothesis import strategies as st
from policy_world import ALICE

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.names import literal, qualified
from rlsaudit.personas import built_in
from rlsaudit.policy import tree
from rlsaudit.policy.columns import describe
from rlsaudit.policy.evaluate import EvaluationError, Json, State, Unknown, evaluate, from_text
from rlsaudit.policy.expr import Given, Type, Who, walk
from rlsaudit.policy.read import read_node
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server
    from rlsaudit.policy.evaluate import Value
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.values import Scope

DATABASE = "random_expressions"
EXAMPLES = 5 * settings().max_examples
"""A server computes expressions faster than it makes policies."""
MOST_UNKNOWN = 0.35
KEY = 1
"""The number of the wide table's key."""
_FAILED = "failed "
_TWO_ROWS = (
    "delete from public.members; delete from public.teams;"
    f"insert into public.members (user_id, team) values ('{ALICE}', 'T1'), ('{ALICE}', 'T2')"
)
_OF_TWO_ROWS = "(select m.team from public.members m where m.user_id = auth.uid())"
"""As a helper's argument it fails, also where the body asks for it of no row."""


class World:
    """A database with its tables, what names mean in policies of the wide one, and what evaluation has come to.

    No dataclass, of which Hypothesis would print everything.
    """

    def __init__(self, session: Session, scopes: Mapping[str, Scope], catalog: Catalog) -> None:
        self.session = session
        self.scopes = scopes
        self.catalog = catalog
        self.empty = _empty(catalog)
        self.wide = _rows(session, catalog, "t", self.empty)
        self.found = Counter[str]()


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with connect(server.supabase_database(DATABASE)) as session:
        session.execute(WORLD)
        session.execute(inserted())
        # As where the catalog is read.
        session.execute("set search_path to ''")
        catalog = Catalog(take(session))
        relation = catalog.relations_by_name["public", "t"]
        predicates = Predicates(Access(catalog), Platform.SUPABASE)
        scopes = {
            persona.name: replace(predicates.scope(persona, relation), columns=describe(catalog, relation))
            for persona in map(built_in, ("anon", "authenticated"))
            if persona is not None
        }
        yield World(session, scopes, catalog)
    server.drop_database(DATABASE)


@settings(max_examples=EXAMPLES)
@example(
    written=[f"public.either_team(null, {_OF_TWO_ROWS})", f"public.allowed(auth.uid(), {_OF_TWO_ROWS})"],
    tables=_TWO_ROWS,
    asking=Asking("authenticated", {"sub": ALICE}, {}),
)
@given(written=st.lists(expressions, min_size=1, max_size=4), tables=filled(), asking=askings())
def test_a_known_value_is_the_servers(world: World, written: list[str], tables: str, asking: Asking) -> None:
    with world.session.rolled_back():
        world.session.execute(tables)
        shown = "), (".join(f"{number}, public.written({literal(one)})" for number, one in enumerate(written))
        deparsed = [text for _, text in world.session.fetch_all(f"select * from (values ({shown})) x order by 1")]
        kept = [(one, str(text)) for one, text in zip(written, deparsed, strict=True) if text is not None]
        event(f"{len(written) - len(kept)} refused")
        if not kept:
            return
        state = _state(world)
        measured = _measure(world.session, [one for one, _ in kept], asking)
    scope = world.scopes[asking.role]
    for (one, text), values in zip(kept, measured, strict=True):
        parsed = read_node(tree.expression(text), scope)
        asked = replace(state, given=_given(parsed, asking, state))
        note(f"{one}\n  is {text}\n  as {asking}\n  with {tables}\n  read {parsed}")
        answers = {str(row[KEY]): _answer(parsed, replace(asked, row=row)) for row in world.wide}
        for key, answer in answers.items():
            _compare(answer, values.values[key])
            world.found["unknown" if isinstance(answer, Unknown) else "known"] += 1
        event(_as_condition(answers, values.shown))


def test_most_values_are_known(world: World) -> None:
    total = sum(world.found.values())
    assert total == 0 or world.found["unknown"] / total < MOST_UNKNOWN, world.found


def _compare(answer: str | Unknown | None, expected: str | None) -> None:
    """Asserts that what is known of a value is true."""
    if answer is Unknown.VALUE:
        assert expected is None or not expected.startswith(_FAILED)
    elif answer is not Unknown.ANYTHING:
        assert answer == expected


def _as_condition(answers: Mapping[str, str | Unknown | None], shown: frozenset[str] | None) -> str:
    """Asserts that a WHERE, which the server plans in its own way, agrees. Returns what came of it."""
    failing = {key for key, one in answers.items() if one is Unknown.ANYTHING or str(one).startswith(_FAILED)}
    if shown is None:
        assert failing
        return "WHERE fails"
    for key, answer in answers.items():
        if key not in failing and answer is not Unknown.VALUE:
            assert (answer == "true") is (key in shown)
    return "WHERE fails for no row, though it might" if failing else "WHERE fails for no row"


def _answer(parsed: Expr, state: State) -> str | Unknown | None:
    """The value as the server writes it, its error, or what is not known."""
    try:
        value = evaluate(parsed, state)
    except EvaluationError as error:
        return f"{_FAILED}{error.code}"
    if isinstance(value, Unknown) or value is None:
        return value
    assert isinstance(value, bool)
    return "true" if value else "false"


def _empty(catalog: Catalog) -> State:
    """A state with nothing but types."""
    snapshot, names = catalog.snapshot, {oid: one.name for oid, one in catalog.schemas.items()}
    return State(
        labels={qualified(names[one.schema], one.name): one.labels for one in snapshot.types if one.labels},
        bases={qualified(names[one.schema], one.name): one.base for one in snapshot.types if one.base},
        utc=True,
    )


def _rows(session: Session, catalog: Catalog, name: str, empty: State) -> list[Mapping[int, Value]]:
    columns = catalog.columns[catalog.relations_by_name["public", name].oid]
    shown = ", ".join(f"{one.name}::text" for one in columns)
    return [
        {one.number: _value(text, one.type, empty) for one, text in zip(columns, row, strict=True)}
        for row in session.fetch_all(f"select {shown} from public.{name}")
    ]


def _state(world: World) -> State:
    """Everything but the row and the request."""
    catalog = world.catalog
    tables: dict[int, Sequence[Mapping[int, Value]]] = {
        catalog.relations_by_name["public", name].oid: _rows(world.session, catalog, name, world.empty)
        for name in SMALL
    }
    tables[catalog.relations_by_name["public", "t"].oid] = world.wide
    now = world.session.fetch_value("select now()")
    return replace(world.empty, tables=tables, given={(Who.CLOCK, "now"): now, (Who.CLOCK, "statement"): now})


def _value(text: str | None, declared: str, state: State) -> Value:
    plain = declared.partition("(")[0]
    kind = "e" if plain in state.labels else "d" if plain in state.bases else "b"
    value = from_text(text, Type(plain, kind), state)
    assert not isinstance(value, Unknown), f"{declared}: {text}"
    return value


def _given(parsed: Expr, asking: Asking, state: State) -> dict[tuple[Who, str], Value]:
    """The values of the request that the expression asks for."""
    found = dict(state.given)
    for one in walk(parsed):
        if isinstance(one, Given) and one.who is not Who.CLOCK:
            source: Any = asking.claims
            for step in _path(one.key):
                source = source.get(step) if isinstance(source, dict) else None
            if one.key.startswith("request.headers."):
                source = asking.headers.get(one.key.removeprefix("request.headers."))
            found[one.who, one.key] = None if source is None else Json(source)
    return found


_CALLED = {
    "the e-mail": ["email"],
    "the phone number": ["phone"],
    "the provider": ["app_metadata", "provider"],
    "the providers": ["app_metadata", "providers"],
}


def _path(key: str) -> list[str]:
    return _CALLED.get(key) or key.split(".")


@dataclass(frozen=True)
class Measured:
    """What an expression is by row, and which rows a WHERE of it leaves; None where that fails."""

    values: Mapping[str, str | None]
    shown: frozenset[str] | None


def _measure(session: Session, written: list[str], asking: Asking) -> list[Measured]:
    """What each expression is by row, all in one round trip."""
    asked = [f"select public.measured({literal(one)})" for one in written]
    cursor = session.execute(";".join((asking.settings, f"set local role {asking.role}", *asked)))
    found = []
    for number, _ in enumerate(cursor.results()):
        if number > 1:
            value = (cursor.fetchone() or (None,))[0]
            every = value if isinstance(value, dict) else json.loads(str(value))
            shown = every.pop("shown")
            found.append(Measured(every, None if shown is None else frozenset(map(str, shown))))
    session.execute("reset role")
    return found
