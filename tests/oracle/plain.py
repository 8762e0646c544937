"""Worlds on plain Postgres, where roles and the settings of the application say who somebody is.

A file in `plain/` is SQL in parts. What stands before the first mark makes roles, all called `oracle_…`, and a schema,
as superuser; `-- @seed` are rows; `-- @personas` is a line for each role that is audited: the role, which login it is
reached by (its own name, or that of a member), and the settings that the application makes. With settings a role is
somebody who owns nothing, A and B; without, the role is who it is, and rows that hold its name are its own. A word with
`claims:` before it is a path into the claims that says who somebody is; `-- @intent` declares such personas, by the
names of their roles, with the values that do not vary. `-- @calls`, `-- @tied` and `-- @measures` are as in the other
worlds.
"""

from __future__ import annotations

import json
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from oracle.force import Force
from oracle.judged import Judged, asked
from oracle.mutants import Ground
from oracle.world import TIED, A, B, Identity, World, measured, parts_of
from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import STRANGER, UNSET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oracle.mutants import Mutant
    from rlsaudit.engine import Server
    from rlsaudit.model import JsonObject

PLAIN = Path(__file__).parent / "plain"
_PARTS = ("-- @seed", "-- @personas", "-- @intent", "-- @calls", "-- @tied", "-- @measures")
_OURS = r"select rolname from pg_roles where rolname like 'oracle\_%'"
SERVED = ("public.", "app.")


@dataclass(frozen=True, slots=True)
class Plain:
    """A world, and for each persona who asks on its behalf."""

    world: World
    asking: Mapping[str, tuple[Identity, ...]]


def read_plain(name: str, directory: Path = PLAIN) -> Plain:
    """Reads `<name>.sql` of a directory."""
    found = parts_of((directory / f"{name}.sql").read_text("utf-8"), _PARTS)
    lines = {part: [one.split() for one in text.splitlines() if one.strip()] for part, text in found.items()}
    declared = {one["name"]: one for one in tomllib.loads(found["-- @intent"]).get("persona", ())}
    asking = {
        role: _identities(role, login, said, declared.get(role, {})) for role, login, *said in lines["-- @personas"]
    }
    names = {one: frozenset({one}) for one in asking}
    world = World(
        name,
        found[""],
        found["-- @seed"],
        tuple(one for one in found["-- @calls"].splitlines() if one.strip()),
        tied=TIED | names | {said: frozenset(whose) for said, *whose in lines["-- @tied"]},
        seeing_all=frozenset({"S", "A", "B", *asking, *(f"{one}{UNSET}" for one in asking)}),
        measures=tuple(measured(*one) for one in lines["-- @measures"]),
        intent=found["-- @intent"],
    )
    return Plain(world, asking)


@dataclass(frozen=True, slots=True)
class OnPlain:
    """An application on plain Postgres, to break: its superuser makes it, and whoever changes it later."""

    plain: Plain
    served: tuple[str, ...] = SERVED

    @property
    def world(self) -> World:
        return self.plain.world

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self.plain.asking)

    @property
    def ground(self) -> Ground:
        there = dict(one for role, people in self.plain.asking.items() for one in _there(role, people))
        return Ground("app", self.roles, there)

    @contextmanager
    def database(self, server: Server, name: str) -> Iterator[str]:
        try:
            yield server.create_database(name)
        finally:
            server.drop_database(name)
            forget_roles(server.dsn("postgres"))

    def build(self, connection: psycopg.Connection[Any], mutant: Mutant | None = None) -> None:
        for text in (self.world.schema, self.world.seed, mutant.statement if mutant else ""):
            connection.execute(text.encode())

    def asking(self, persona: str, world: World) -> tuple[Identity, ...]:  # noqa: ARG002  roles call as they are
        people = self.plain.asking[persona.removesuffix(UNSET)]
        if not persona.endswith(UNSET):
            return people
        # Nothing is set of what varies, and on a connection that was used before that is empty, not NULL.
        settings = {**people[0].settings, **dict.fromkeys(_varying(people[0]), "")}
        return (replace(people[0], name=persona, user=None, settings=settings),)


def _there(role: str, people: Sequence[Identity]) -> Iterator[tuple[str, str]]:
    """Yields conditions that hold for whoever has an identity, with what an operator is called that takes them."""
    yield f"read by {role}", f"current_user = '{role}'"
    for name in _varying(people[0]):
        yield f"read with {name}", f"current_setting('{name}', true) is not null"
    if people[0].claims:
        yield "read with claims", "nullif(current_setting('request.jwt.claims', true), '') is not null"


def _varying(one: Identity) -> tuple[str, ...]:
    """The settings that say who somebody is."""
    return tuple(name for name, value in one.settings.items() if value == one.user)


def _identities(role: str, login: str, said: list[str], declared: JsonObject) -> tuple[Identity, ...]:
    if not said:
        return (Identity(role, role, {}, None, login=login),)
    people = (("S", STRANGER), ("A", A), ("B", B))
    found = []
    for name, user in people:
        claims = json.loads(json.dumps(declared.get("claims", {})))
        settings = dict(declared.get("settings", {}))
        for one in said:
            kind, _, path = one.rpartition(":")
            inner = claims if kind else settings
            *steps, last = path.split(".") if kind else (path,)
            for step in steps:
                inner = inner[step]
            inner[last] = user
        found.append(Identity(name, role, claims, user, login=login, settings=settings))
    return tuple(found)


def judge_plain(url: str, plain: Plain, directory: Path) -> Judged:
    """Makes the world in an empty database at `url`, the conninfo of a superuser, and audits and measures it.

    The intent is written into `directory`.
    """
    intent = directory / "intent.toml"
    intent.write_text(plain.world.intent, "utf-8")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(plain.world.schema.encode())
        roles = tuple(plain.asking)
        with connect(url) as session:
            empty = audit(session, Options(roles=roles, intent=intent, probe="write", throwaway=True)).matrix
        connection.execute(plain.world.seed.encode())
        with connect(url) as session:
            cells, supposed = asked(session, Options(roles=roles, intent=intent))
            unprobed = audit(session, Options(roles=roles, intent=intent, probe="none")).matrix
            attacked = audit(session, Options(roles=roles, intent=intent, probe="write", throwaway=True)).matrix
        measured_ = {
            role: Force(connection, plain.world, identities, SERVED) for role, identities in plain.asking.items()
        }
        return Judged(cells, unprobed, attacked, measured_, empty, supposed)


def forget_roles(url: str) -> None:
    """Drops the roles of a world whose database is no more; `url` is the conninfo of another one."""
    with psycopg.connect(url, autocommit=True) as connection:
        for (role,) in connection.execute(_OURS).fetchall():
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
