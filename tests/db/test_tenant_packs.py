"""Packs for databases of many tenants, and the strict one: what they find that others take as meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.model import Report

TENANTS = """
create table public.projects (id bigint primary key, tenant_id uuid not null, name text);
alter table public.projects enable row level security;
create policy "tenant" on public.projects using (tenant_id = current_setting('app.tenant_id')::uuid);
create table public.countries (code text primary key, name text);
grant select, insert, update, delete on public.projects to pk_app;
grant select on public.countries to pk_app;
"""
FORGOTTEN = """
create table public.invoices (id bigint primary key, tenant_id uuid not null, amount numeric);
grant select on public.invoices to pk_app;
"""
TEAMS = """
create table public.teams (id uuid primary key default gen_random_uuid(), name text);
create table public.members (team_id uuid not null references public.teams, user_id uuid not null,
  primary key (team_id, user_id));
create table public.plans (id bigint primary key, team_id uuid not null references public.teams, body text);
alter table public.teams enable row level security;
alter table public.members enable row level security;
alter table public.plans enable row level security;
create policy "own memberships" on public.members for select to authenticated using (user_id = (select auth.uid()));
create policy "the team" on public.plans to authenticated
  using (team_id in (select m.team_id from public.members m where m.user_id = (select auth.uid())));
revoke truncate on all tables in schema public from anon, authenticated;
"""


@pytest.fixture
def tenants(database: str) -> Iterator[str]:
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("create role pk_app login")
        admin.execute(TENANTS.encode())
        yield database
        admin.execute("drop owned by pk_app")
        admin.execute("drop role pk_app")


def audited(url: str, folder: Path, intent: str, roles: tuple[str, ...] = ()) -> Report:
    path = folder / "rlsaudit.toml"
    path.write_text(intent, "utf-8")
    with connect(url) as session:
        return audit(session, Options(intent=path, roles=roles))


def about(report: Report) -> set[str]:
    """What is found of the database: the server of these tests may lack a release."""
    found = [one for one in report.findings if one.object.type != "server"]
    return {one.object.identity for one in found if one.severity >= Severity.MEDIUM}


def test_a_table_that_was_forgotten_is_found_among_tenants(tenants: str, tmp_path: Path) -> None:
    shared = 'extends = "postgres-multi-tenant"\n[zones]\npublic = ["public.countries"]'
    assert about(audited(tenants, tmp_path, shared, ("pk_app",))) == set()
    with psycopg.connect(tenants, autocommit=True) as admin:
        admin.execute(FORGOTTEN.encode())
    assert about(audited(tenants, tmp_path, shared, ("pk_app",))) == {"public.invoices"}
    assert about(audited(tenants, tmp_path, "", ("pk_app",))) == set()


def test_a_tenants_persona_is_declared_on_top(tenants: str, tmp_path: Path) -> None:
    intent = """
    extends = "postgres-multi-tenant"
    [[persona]]
    name = "tenant"
    role = "pk_app"
    settings = { "app.tenant_id" = "$tenant" }
    [zones]
    public = ["public.countries"]
    tenant = ["public.projects"]
    """
    report = audited(tenants, tmp_path, intent, ("pk_app",))
    assert about(report) == set()
    reached = {
        (one.persona, one.operation.value): one.reach.value for one in report.matrix if "projects" in one.relation
    }
    assert {reached["tenant", operation] for operation in ("select", "insert", "update", "delete")} == {"own"}


def test_teams_are_left_alone_and_who_has_no_account_is_in_none(supabase_database: str, tmp_path: Path) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(TEAMS.encode())
    assert about(audited(supabase_database, tmp_path, 'extends = "supabase-multi-tenant"')) == set()
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(
            """
            create policy "seen" on public.teams for select to authenticated using (
              (auth.jwt() ->> 'is_anonymous')::boolean
              and id in (select m.team_id from public.members m where m.user_id = (select auth.uid())))
            """
        )
    report = audited(supabase_database, tmp_path, 'extends = "supabase-multi-tenant"')
    (found,) = (
        one for one in report.findings if one.relations == ("public.teams",) and one.severity >= Severity.MEDIUM
    )
    assert found.persona == "anonymous-sign-in"


def test_strict_takes_nothing_as_meant(supabase_database: str, tmp_path: Path) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(TEAMS.encode())
    zones = '[zones]\ntenant = ["public.members", "public.plans"]'
    assert about(audited(supabase_database, tmp_path, f'extends = "strict"\n{zones}')) == set()
    assert about(audited(supabase_database, tmp_path, 'extends = "strict"')) == {"public.members", "public.plans"}
