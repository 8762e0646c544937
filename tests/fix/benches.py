"""Databases that fixes are tried on: made of a schema, in the server that the tests share."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from rlsaudit.audit import Options, examine
from rlsaudit.catalog import take
from rlsaudit.compare import Side
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.rules import releases
from rlsaudit.source import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server

_numbers = itertools.count(1)


@contextmanager
def supabase(
    server: Server, schema: str, *, intent: Path | None = None, before: str = "", version: int | None = None
) -> Iterator[Standing]:
    """A project whose owner ran `schema`, after Supabase ran `before`; `version` is what its server is taken for."""
    name = f"to_mend_{next(_numbers)}"
    with psycopg.connect(server.supabase_database(name)) as connection:
        connection.execute(before.encode())
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    try:
        login = server.dsn(name, user="postgres")
        yield _standing(server, name, login, Options(intent=intent), version, hosted=True)
    finally:
        server.drop_database(name)


@contextmanager
def plain(
    server: Server,
    schema: str,
    roles: tuple[str, ...],
    *,
    intent: Path | None = None,
    before: str = "",
    version: int | None = None,
) -> Iterator[Standing]:
    """A plain database with these roles, which are the whole server's."""
    name = f"to_mend_{next(_numbers)}"
    url = server.create_database(name)
    names = [sql.Identifier(one) for one in roles]
    with psycopg.connect(url) as connection:
        for one in names:
            connection.execute(sql.SQL("create role {} login").format(one))
        connection.execute(before.encode())
        connection.execute(schema.encode())
    try:
        yield _standing(server, name, url, Options(roles=roles, intent=intent), version, hosted=False)
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            for one in names:
                connection.execute(sql.SQL("reassign owned by {} to current_user").format(one))
                connection.execute(sql.SQL("drop owned by {}").format(one))
        server.drop_database(name)
        with psycopg.connect(server.create_database(f"{name}_roles"), autocommit=True) as connection:
            for one in names:
                connection.execute(sql.SQL("drop role {}").format(one))
        server.drop_database(f"{name}_roles")


def fixed_by(standing: Standing, rule: str, fix: str) -> Standing:
    """The same, with the findings of a rule to be mended by this SQL."""
    findings = tuple(
        replace(one, fix=replace(one.fix, sql=fix)) if one.rule == rule else one
        for one in standing.side.report.findings
    )
    return replace(standing, side=replace(standing.side, report=replace(standing.side.report, findings=findings)))


def _standing(
    server: Server, name: str, login: str, options: Options, version: int | None, *, hosted: bool
) -> Standing:
    # As if it were the project's own, of which the versions count.
    wanted = replace(options, throwaway=True, clone=True)

    def again(at: str) -> Side:
        with connect(at) as session:
            with session.read_only():
                snapshot = take(session)
            server = snapshot.server
            taken_for = version or max(releases.mended(server.major) or 0, server.version_num)
            snapshot = replace(snapshot, server=replace(server, version_num=taken_for))
            audited = examine(snapshot, wanted, session)
        return Side(audited.report, audited.case)

    return Standing(again(login), login, server, name, again, hosted=hosted)
