"""What opens besides single statements, where an audit is alarmed: by force, after a first one or without keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import sql

from oracle.attempts import UUID, listed, literal, quoted
from oracle.force import Force
from oracle.tables import Tables
from oracle.world import A, B, C

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oracle.broken import App
    from oracle.tables import Table
    from oracle.world import Identity, World
    from rlsaudit.model import Operation, Reach

_KEYS = """
select format('alter table %%s drop constraint %%I cascade', conrelid::regclass, conname) from pg_constraint
where contype in ('p', 'u') and conparentid = 0 and connamespace::regnamespace::text = %s
"""
_SAID = """
select set_config('search_path', 'public, extensions', true), set_config(key, value, true) from jsonb_each_text(%s)
"""
Gained: TypeAlias = "frozenset[tuple[str, Operation]]"


def gained(
    connection: psycopg.Connection[Any],
    app: App,
    world: World,
    asking: Sequence[Identity],
    bounds: Mapping[tuple[str, Operation], Reach],
) -> Gained:
    """Returns what is reached further than `bounds` after a first statement, for the first one that leads on.

    `world` is the application's, with what clients may say and call where it is broken.

    Somebody who owns nothing and A, the first two who ask, put in rows of their own and change what they may to any
    value that is there. And it is looked at without keys, which stop only what policies let through: what is taken
    today may be free tomorrow. The connection is a superuser's; nothing stays.
    """
    with connection.transaction(force_rollback=True):
        for (drop,) in connection.execute(_KEYS, [app.ground.schema]).fetchall():
            connection.execute(drop)
        found = _further(Force(connection, world, asking, app.served), bounds)
    if found:
        return found
    for identity in asking[:2]:
        for statement in dict.fromkeys(_steps(Tables(connection, world), identity, app.ground.schema)):
            with connection.transaction(force_rollback=True):
                if not _goes_through(connection, identity, statement):
                    continue
                found = _further(Force(connection, world, (identity,), app.served), bounds)
            if found:
                return found
    return frozenset()


def _further(force: Force, bounds: Mapping[tuple[str, Operation], Reach]) -> Gained:
    return frozenset(
        (relation, operation)
        for (relation, operation), reach in bounds.items()
        if relation in force.tables.all and force.reach(relation, operation).reach > reach
    )


def _steps(tables: Tables, identity: Identity, schema: str) -> Iterator[str]:
    for table in tables.all.values():
        if table.kind in "rp" and table.name.startswith(f"{schema}."):
            yield from _insertions(tables, table, identity)
            yield from _changes(tables, table, identity)


def _insertions(tables: Tables, table: Table, identity: Identity) -> Iterator[str]:
    """Rows like those that are there, of one's own: all that is granted, and also with every flag set."""
    granted = [one for one in tables.granted(identity.role, table, "INSERT") if one not in table.generated]
    users = {literal(one) for one in (A, B, C)}
    for place in tables.places(table):
        seed = {one: tables.seeds[place].get(one) for one in granted}
        mine = {one: literal(identity.user) if literal(said) in users else literal(said) for one, said in seed.items()}
        if table.key[:1] == ("id",) and UUID.fullmatch(seed.get("id") or ""):
            mine["id"] = "gen_random_uuid()"
        for row in (mine, {one: "'true'" if said == "'false'" else said for one, said in mine.items()}):
            if row:
                yield f"insert into {table.name} ({listed(row)}) values ({', '.join(row.values())})"


def _changes(tables: Tables, table: Table, identity: Identity) -> Iterator[str]:
    for column in tables.granted(identity.role, table, "UPDATE"):
        values = {literal(tables.seeds[place].get(column)) for place in tables.places(table)}
        more = {"'true'"} if values & {"'false'", "'true'"} else set()
        yield from (f"update {table.name} set {quoted(column)} = {value}" for value in sorted(values | more))


def _goes_through(connection: psycopg.Connection[Any], identity: Identity, statement: str) -> bool:
    try:
        with connection.transaction():
            login, role = sql.Identifier(identity.login), sql.Identifier(identity.role)
            connection.execute(sql.SQL("set local session authorization {}").format(login))
            said = {"request.jwt.claims": json.dumps(identity.claims), **identity.settings}
            connection.execute(_SAID, [json.dumps(said)])
            connection.execute(sql.SQL("set local role {}").format(role))
            count = connection.execute(statement.encode()).rowcount
            connection.execute("reset session authorization")
    except psycopg.Error:
        return False
    return count > 0
