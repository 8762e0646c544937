"""Functions that set who is asking, called before another statement: chains that were tried, and calls that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Audited, Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell, Finding

DATABASE = "posed"
ORDERS = """
create table public.orders (id uuid primary key default gen_random_uuid(), tenant uuid not null, total int);
alter table public.orders enable row level security;
create policy tenant on public.orders to authenticated
  using (tenant = nullif(current_setting('app.tenant', true), '')::uuid);
"""
NOTES = """
create table public.notes (
  id uuid primary key default gen_random_uuid(), user_id uuid references auth.users, body text);
alter table public.notes enable row level security;
create policy own on public.notes to authenticated using (user_id = auth.uid());
"""
SETS = """
create function public.be(who {of}) returns void language sql as
  $$ select set_config('{setting}', {value}, {local}) $$;
"""


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    server.supabase_database(DATABASE)
    yield server.dsn(DATABASE, user="postgres")
    server.drop_database(DATABASE)


def _audited(server: Server, url: str, schema: str) -> Audited:
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    return _examined(url)


def _examined(url: str, *roles: str) -> Audited:
    with connect(url) as session:
        with session.read_only():
            snapshot = take(session)
        return examine(snapshot, Options(throwaway=True, roles=roles), session)


def _cell(audited: Audited, persona: str, relation: str, operation: Operation = Operation.SELECT) -> Cell:
    return next(
        one
        for one in audited.report.matrix
        if (one.persona, one.relation, one.operation) == (persona, relation, operation)
    )


def _told(audited: Audited) -> list[Finding]:
    return [one for one in audited.report.findings if one.rule == "claim-guc-override"]


@pytest.mark.parametrize(
    ("schema", "relation", "sets"),
    [
        (ORDERS, "public.orders", SETS.format(of="uuid", setting="app.tenant", value="who::text", local="false")),
        (NOTES, "public.notes",
         SETS.format(of="text", setting="request.jwt.claim.sub", value="who", local="false")),
    ],
)  # fmt: skip
def test_what_stays_in_the_session_opens_the_next_request(
    server: Server, url: str, schema: str, relation: str, sets: str
) -> None:
    audited = _audited(server, url, schema + sets)
    for operation in (Operation.SELECT, Operation.UPDATE, Operation.DELETE):
        cell = _cell(audited, "authenticated", relation, operation)
        assert cell.escalated_at_least is Reach.SOME
        assert "public.be(" in cell.escalated_because
    assert _cell(audited, "anon", relation).escalated_at_least is Reach.NONE
    (finding,) = _told(audited)
    assert finding.evidence.kind is EvidenceKind.PROBE
    assert [one.rule for one in audited.report.findings if one.severity.rank >= finding.severity.rank] == [finding.rule]
    with psycopg.connect(url, autocommit=True) as connection:
        for one in finding.evidence.sql:
            connection.execute(one.encode())


@pytest.mark.parametrize(
    ("schema", "sets"),
    [
        (ORDERS, SETS.format(of="uuid", setting="app.tenant", value="who::text", local="true")),
        (NOTES, SETS.format(of="json", setting="request.jwt.claims", value="who::text", local="false")),
    ],
)
def test_what_does_not_last_to_the_next_request_opens_nothing(server: Server, url: str, schema: str, sets: str) -> None:
    audited = _audited(server, url, schema + sets)
    assert audited.case.matrix.fought.chained == {}
    assert _told(audited) == []


def test_a_role_that_the_api_may_take_is_tried(server: Server, url: str) -> None:
    audited = _audited(
        server,
        url,
        f"""{NOTES}
        create function public.all_notes(rights text) returns setof public.notes language plpgsql as
          $$ begin execute format('set local role %I', rights); return query select * from public.notes; end $$;""",
    )
    assert _cell(audited, "anon", "public.notes").at_least is Reach.SOME
    (finding,) = _told(audited)
    assert finding.evidence.kind is EvidenceKind.PROBE
    assert "service_role" in "".join(finding.evidence.sql)


@pytest.mark.parametrize(
    "take", ["set local role postgres", "execute 'set role postgres'", "set_config('role', 'postgres', true)"]
)
def test_a_role_that_only_this_connection_may_take_is_not(server: Server, url: str, take: str) -> None:
    """The API's login may not become the owner, whatever ours may."""
    does = f"perform {take}" if take.startswith("set_config") else take
    audited = _audited(
        server,
        url,
        f"""{NOTES}
        create function public.all_notes() returns setof public.notes language plpgsql as
          $$ begin {does}; return query select * from public.notes; end $$;""",
    )
    assert _cell(audited, "anon", "public.notes").at_least is Reach.NONE
    assert any("all_notes" in one.what and "the role postgres" in one.reason for one in audited.report.skipped)


def test_on_plain_postgres_what_comes_next_in_the_transaction(server: Server) -> None:
    schema = """
        create role posed_app login; create role posed_owner login bypassrls; grant posed_app to posed_owner;
        create schema app authorization posed_owner;
        set role posed_owner;
        create table app.orders (id uuid primary key default gen_random_uuid(), tenant uuid not null, total int);
        alter table app.orders enable row level security;
        create policy tenant on app.orders using (tenant = current_setting('app.tenant', true)::uuid);
        create function app.set_tenant(tenant uuid) returns void language sql as
          $$ select set_config('app.tenant', tenant::text, true) $$;
        grant usage on schema app to posed_app; grant select on app.orders to posed_app;
    """
    try:
        with psycopg.connect(server.create_database("posed_plain"), autocommit=True) as connection:
            connection.execute(schema)
        audited = _examined(server.dsn("posed_plain", user="posed_owner"), "posed_app")
        cell = _cell(audited, "posed_app", "app.orders")
        assert cell.escalated_at_least is Reach.SOME
        assert "app.set_tenant(" in cell.escalated_because
        assert [(one.rule, one.severity.value) for one in audited.report.findings] == [("claim-guc-override", "info")]
        assert _told(audited)[0].evidence.kind is EvidenceKind.PROBE
    finally:
        server.drop_database("posed_plain")
        with psycopg.connect(server.create_database("posed_end"), autocommit=True) as connection:
            connection.execute("drop role if exists posed_app, posed_owner")
        server.drop_database("posed_end")
