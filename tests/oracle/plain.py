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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from oracle.force import Force
from oracle.judged import Judged, asked
from oracle.world import TIED, A, B, Identity, World, measured, parts_of
from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.personas import STRANGER

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    intent: str


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
        seeing_all=frozenset({"S", "A", "B", *asking}),
        measures=tuple(measured(*one) for one in lines["-- @measures"]),
    )
    return Plain(world, asking, found["-- @intent"])


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
    intent.write_text(plain.intent, "utf-8")
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
