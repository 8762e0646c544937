"""What a policy is proved to allow is what the server allows, measured with every sort of row and of identity.

The proof's bounds may be wide, never wrong: `at_least` may not be more than what is measured, nor `at_most` less.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import assume, event, given, note
from policy_world import SKELETON, TYPES, Identity, identities, policies, rows

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.model import STRANGER, Reach
from rlsaudit.names import literal
from rlsaudit.personas import built_in
from rlsaudit.policy.client import split_key
from rlsaudit.policy.columns import describe
from rlsaudit.policy.decide import Bounds, decide
from rlsaudit.policy.evaluate import Endless, Value
from rlsaudit.policy.parse import parse
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server
    from rlsaudit.policy.proof import Witness
    from rlsaudit.policy.values import Scope

DATABASE = "random_predicates"
MOST_ROWS = 800
NAMED_CLAIMS = {
    "the e-mail": ("email",),
    "the phone number": ("phone",),
    "the provider": ("app_metadata", "provider"),
    "the providers": ("app_metadata", "providers"),
}
DEPARSED = "select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = 'public.t'::regclass"


@dataclass(frozen=True, repr=False)
class World:
    """A database with a table to make policies for, and what names mean in them, for both personas."""

    session: Session
    anon: Scope
    authenticated: Scope


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with connect(server.supabase_database(DATABASE)) as session:
        session.execute(SKELETON)
        catalog = Catalog(take(session))
        relation = catalog.relations_by_name["public", "t"]
        predicates = Predicates(Access(catalog), Platform.SUPABASE)
        scopes = [
            replace(predicates.scope(persona, relation), columns=describe(catalog, relation))
            for persona in (built_in("anon"), built_in("authenticated"))
            if persona is not None
        ]
        yield World(session, *scopes)
    server.drop_database(DATABASE)


@given(policy=policies)
def test_a_verdict_is_never_tighter_than_what_the_server_allows(world: World, policy: str) -> None:
    made = rows(policy)
    assume(made.count <= MOST_ROWS)
    with world.session.rolled_back():
        try:
            world.session.execute(f"create policy p on public.t for select using ({policy})")
            deparsed = str(world.session.fetch_value(DEPARSED))
            decided = {
                anon: decide(parse(deparsed, world.anon if anon else world.authenticated)) for anon in (True, False)
            }
            world.session.execute(made.insert)
            witnessed = [show(world.session, one) for one in decided.values()]
            measured = {anon: measure(world.session, policy, anon=anon) for anon in (True, False)}
        except psycopg.Error as error:
            # A row or an identity that it fails for: what others then see is another question.
            event(f"refused: {error.sqlstate}")
            assume(condition=False)
    assert not any(witnessed), "\n".join(filter(None, witnessed))
    for anon, reach in measured.items():
        bounds = decided[anon]
        event(f"{bounds.at_least} to {bounds.at_most}")
        note(f"{'anon' if anon else 'authenticated'}: {deparsed}: {bounds}, measured {reach}")
        assert reach <= bounds.at_most
        # What is said of all rows of others that there may be need not show with those that are, nor at this time.
        others = any(one in policy for one in ("member", "rank", "named("))
        elsewhere = others or (bounds.passes is not None and timed(bounds.passes))
        assert bounds.at_least <= reach or elsewhere


def show(session: Session, bounds: Bounds) -> str:
    """Puts the rows of witnesses into the table, and asks for them as those who were said to see them or not.

    Returns what was said and is not so, empty where all of it is.
    """
    for witness, expected in ((bounds.passes, True), (bounds.barred, False)):
        if witness is None or timed(witness):
            continue
        session.execute("savepoint witness; delete from public.members; delete from public.t")
        for table, row in witness.others:
            session.execute(inserted(table, row))
        session.execute(inserted("public.t", witness.row))
        newest = session.fetch_value("select max(id) from public.t")
        ((_, seen),) = look(session, [asking(witness)])
        session.execute("rollback to savepoint witness")
        if (newest in seen) is not expected:
            return f"{witness} was to be {'seen' if expected else 'hidden'}"
        # What it is like counts for what is measured, whoever it was made for.
        session.execute(inserted("public.t", witness.row))
    return ""


def timed(witness: Witness) -> bool:
    """Whether it is about another time than this one."""
    return not {"now", "statement"}.isdisjoint(witness.request)


def inserted(table: str, row: Mapping[str, Value]) -> str:
    if not row:
        return f"insert into {table} default values"
    values = [f"{written(value)}{f'::{TYPES[name]}' if name in TYPES else ''}" for name, value in row.items()]
    return f"insert into {table} ({', '.join(row)}) values ({', '.join(values)})"


def written(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return literal("{" + ",".join("NULL" if one is None else f'"{one}"' for one in value) + "}")
    return literal(value.value if isinstance(value, Endless) else str(value))


def asking(witness: Witness) -> Identity:
    """Who sends the witness's request."""
    claims: dict[str, Any] = {"role": witness.request.get("role")}
    headers: dict[str, Any] = {}
    for key, value in witness.request.items():
        sent = split_key(key, "request.headers")
        steps = sent or NAMED_CLAIMS.get(key) or split_key(f"claims.{key}", "claims")
        at = headers if sent else claims
        for step in steps[:-1]:
            at = at.setdefault(step, {})
        if value is not None:
            at[steps[-1]] = value
    if claims.get("sub") is not None and claims["role"] == "authenticated":
        claims.setdefault("aal", "aal1")
    role = "anon" if claims.get("sub") is None else "authenticated"
    return Identity(role, claims | {"role": role}, (), (("request.headers", json.dumps(headers)),))


def measure(session: Session, policy: str, *, anon: bool) -> Reach:
    """How far anybody that the persona may be gets, over all rows."""
    every = {int(key): str(row) for key, row in session.fetch_all("select id, to_jsonb(t) - 'id' from public.t")}
    reached = Reach.NONE
    for identity, seen in look(session, identities(policy, STRANGER, anon=anon)):
        foreign = {key for key, row in every.items() if not any(one in row for one in identity.mentions)}
        if foreign and foreign <= seen:
            return Reach.ALL
        reached = max(reached, Reach.SOME if foreign & seen else Reach.OWN if seen else Reach.NONE)
    return reached


def look(session: Session, asking: list[Identity]) -> list[tuple[Identity, set[int]]]:
    """The rows that each identity selects, all in one round trip."""
    statements = []
    for one in asking:
        settings = [("request.jwt.claims", json.dumps(one.claims)), *one.settings]
        made = ", ".join(f"set_config({literal(name)}, {literal(value)}, true)" for name, value in settings)
        statements.append(
            f"reset role; select {made}; set local role {one.role}; "
            "select coalesce(array_agg(id), '{}') from public.t"
        )
    cursor = session.execute(";".join(statements))
    seen: list[set[int]] = []
    for number, _ in enumerate(cursor.results()):
        if number % 4 == 3:
            seen.append({int(one) for one in (cursor.fetchone() or ([],))[0]})
    session.execute("reset role")
    return list(zip(asking, seen, strict=True))
