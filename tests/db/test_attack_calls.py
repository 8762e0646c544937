"""Functions that are called by somebody who owns nothing: which rows of others they gave is told, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Audited, Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import EvidenceKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

DATABASE = "called"
BASICS = """
create table public.people (id uuid primary key references auth.users, name text not null, phone text);
create table public.notes (
  id uuid primary key default gen_random_uuid(), owner uuid references public.people, body text);
alter table public.people enable row level security; alter table public.notes enable row level security;
create policy p on public.people using (id = auth.uid()); create policy p on public.notes using (owner = auth.uid());
"""
FUNCTIONS = {
    "hands everything out": ("public.everybody()", "select * from public.people", "setof public.people", {"people"}),
    "is asked for something": (
        "public.found(what text)", "select name from public.people where name like what", "setof text", {"people"},
    ),
    "gives what its caller names": (
        "public.note_of(person_id uuid)", "select body from public.notes where owner = person_id limit 1", "text",
        {"notes"},
    ),
    "asks who calls": (
        "public.mine()", "select * from public.people where id = auth.uid()", "setof public.people", set(),
    ),
    "gives back what it was given": (
        "public.echo(what uuid)", "select id from public.people where id = what", "uuid", set(),
    ),
    "counts": ("public.total()", "select count(*) from public.people", "bigint", set()),
    "joins": (
        "public.both()", "select p.name, n.body from public.people p join public.notes n on n.owner = p.id",
        "table (name text, body text)", {"people", "notes"},
    ),
}  # fmt: skip


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    server.supabase_database(DATABASE)
    yield server.dsn(DATABASE, user="postgres")
    server.drop_database(DATABASE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_call_gives_is_told(server: Server, url: str, name: str) -> None:
    signature, body, returns, tables = FUNCTIONS[name]
    made = f"create function {signature} returns {returns} language sql security definer set search_path = '' as"
    audited = _audited(server, url, f"{BASICS} {made} $f$ {body} $f$;")
    assert _given(audited) == tables
    for finding in audited.report.findings:
        if finding.rule == "definer-rpc":
            assert (finding.evidence.kind is EvidenceKind.PROBE) is bool(tables)
            assert not tables or _replayed(server, finding.evidence.sql) > 0


def test_what_reaches_out_is_not_called(server: Server, url: str) -> None:
    audited = _audited(
        server,
        url,
        f"""{BASICS}
        create function public.slow() returns setof public.people language plpgsql security definer as
          $f$ begin perform pg_sleep(60); return query select * from public.people; end $f$;""",
    )
    assert _given(audited) == set()
    assert any("slow" in one.what and "pg_sleep" in one.reason for one in audited.report.skipped)


def _audited(server: Server, url: str, schema: str) -> Audited:
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    with connect(url) as session:
        with session.read_only():
            snapshot = take(session)
        return examine(snapshot, Options(throwaway=True), session)


def _given(audited: Audited) -> set[str]:
    """The tables of which anon was given rows of others."""
    called = audited.case.matrix.fought.called
    return {audited.case.catalog.relations[oid].name for persona, _, oid in called if persona == "anon"}


def _replayed(server: Server, sql: tuple[str, ...]) -> int:
    """How many rows the last statement gives, on a table with somebody's row in it."""
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'x@example.com')")
        connection.execute("insert into public.people select id, 'somebody' from auth.users on conflict do nothing")
        connection.execute("insert into public.notes (owner, body) select id, 'private' from public.people")
        rows = 0
        for one in sql:
            cursor = connection.execute(one.encode())
            rows = cursor.rowcount if one.startswith("select") else rows
        return rows
