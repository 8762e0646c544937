# ruff: noqa: E501 — a door is a line, and SQL in a table is read across
"""Doors that a pull request opens: found at their line and only there, and silent once a later migration closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from places import supabase

from rlsaudit.audit import Options
from rlsaudit.compare import compared
from rlsaudit.engine import EngineRequest
from rlsaudit.model import Location, Severity
from rlsaudit.source import Recipe, from_migrations

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.compare import Side
    from rlsaudit.engine import Server
    from rlsaudit.model import Finding, Report

CONFIG = 'project_id = "p"\n[api]\nschemas = ["public", "api", "open"]\n'
APP = """
create table public.notes (id bigint primary key, owner uuid not null, body text);
alter table public.notes enable row level security;
create policy mine on public.notes to authenticated using (owner = (select auth.uid())) with check (owner = (select auth.uid()));
create view public.my_notes with (security_invoker = on) as select id, body from public.notes;

create table public.letters (id bigint primary key, owner uuid not null, body text);
alter table public.letters enable row level security;
create policy everyone on public.letters using (true);
create policy gate on public.letters as restrictive using (owner = (select auth.uid()));

create function public.may_read(note uuid) returns boolean language sql stable security definer set search_path = ''
  as 'select note = (select auth.uid())';
create table public.files (id bigint primary key, owner uuid not null, path text);
alter table public.files enable row level security;
create policy readers on public.files for select to authenticated using (public.may_read(owner));

create function public.every_note() returns setof public.notes language sql stable set search_path = ''
  as 'select * from public.notes';
create function public.some_notes() returns setof public.notes language sql stable security definer set search_path = ''
  as 'select * from public.notes limit 10';
revoke execute on function public.some_notes() from public, anon, authenticated;

create table public.events (id bigint, at date, owner uuid) partition by range (at);
alter table public.events enable row level security;
create policy mine on public.events to authenticated using (owner = (select auth.uid()));

create role reporter nologin;
grant reporter to postgres;
grant select on public.notes to reporter;
create view public.report as select body from public.notes;
grant create on schema public to reporter;
alter view public.report owner to reporter;
revoke create on schema public from reporter;

create schema internal;
create table internal.jobs (id bigint primary key, secret text);
grant select on internal.jobs to anon, authenticated;
grant usage on schema internal to anon, authenticated;
create schema open;
grant usage on schema open to anon, authenticated;

create table public.closed (id bigint primary key, secret text);
revoke all on public.closed from anon, authenticated;
"""
BEFORE = "-- what comes before and after opens nothing\ncomment on table public.notes is 'x';\n"
AFTER = "\ncreate index on public.notes (owner);\ncomment on table public.letters is 'y';\n"


class Door(NamedTuple):
    """A statement that opens one, what may have to stand before it, what is found, and what closes it again."""

    what: str
    rule: str
    about: str
    opens: str
    closes: str
    needs: str = ""


_OWN = "(owner = (select auth.uid()))"
DOORS = [
    Door(
        "rls disabled",
        "policy-but-rls-off",
        "public.notes",
        "alter table public.notes disable row level security;",
        "alter table public.notes enable row level security;",
    ),
    Door(
        "table without rls",
        "rls-off",
        "public.fresh",
        "create table public.fresh (id int, email text);",
        "alter table public.fresh enable row level security;",
    ),
    Door(
        "table from a do block",
        "rls-off",
        "public.fresh",
        "do $$ begin\n  execute format('create table public.%I (id int, email text)', 'fresh');\nend $$;",
        "drop table public.fresh;",
    ),
    Door(
        "table by a procedure",
        "rls-off",
        "public.fresh",
        "call public.maker();",
        "alter table public.fresh enable row level security;",
        needs="create procedure public.maker() language plpgsql as $$ begin create table public.fresh (id int, email text); end $$;\nrevoke execute on procedure public.maker() from public, anon, authenticated;",
    ),
    Door(
        "grant on a closed table",
        "rls-off",
        "public.closed",
        "grant select on public.closed to anon;",
        "revoke select on public.closed from anon;",
    ),
    Door(
        "grant on columns",
        "rls-off",
        "public.closed",
        "grant select (secret) on public.closed to authenticated;",
        "revoke select (secret) on public.closed from authenticated;",
    ),
    Door(
        "alter policy",
        "for-all-write",
        "public.notes.mine",
        "alter policy mine on public.notes using (true);",
        f"alter policy mine on public.notes using {_OWN};",
    ),
    Door(
        "alter policy from a do block",
        "for-all-write",
        "public.notes.mine",
        "do $$ declare p record; begin\n  for p in select policyname as n from pg_policies where tablename = 'notes' loop\n    execute format('alter policy %I on public.notes using (1 = 1)', p.n); end loop; end $$;",
        "drop policy mine on public.notes;",
    ),
    Door(
        "alter policy to anon",
        "tautology",
        "public.notes.extra",
        "alter policy extra on public.notes using (owner is not null);",
        "alter policy extra on public.notes using (false);",
        needs="create policy extra on public.notes for select to anon using (false);",
    ),
    Door(
        "drop the restrictive policy",
        "for-all-write",
        "public.letters.everyone",
        "drop policy gate on public.letters;",
        f"create policy gate on public.letters as restrictive using {_OWN};",
    ),
    Door(
        "policy made anew",
        "for-all-write",
        "public.notes.mine",
        "create policy mine on public.notes using (true);",
        "drop policy mine on public.notes;",
        needs="drop policy mine on public.notes;",
    ),
    Door(
        "insert as anybody",
        "insert-check-true",
        "public.notes.adds",
        "create policy adds on public.notes for insert with check (true);",
        "drop policy adds on public.notes;",
    ),
    Door(
        "any signed-in user",
        "any-authenticated",
        "public.notes.members",
        "create policy members on public.notes for select using ((select auth.uid()) is not null);",
        "drop policy members on public.notes;",
    ),
    Door(
        "helper replaced",
        "careless-helper",
        "public.may_read(uuid)",
        "create or replace function public.may_read(note uuid) returns boolean language sql stable security definer set search_path = '' as 'select true';",
        "create or replace function public.may_read(note uuid) returns boolean language sql stable security definer set search_path = '' as 'select note = (select auth.uid())';",
    ),
    Door(
        "view of the owner",
        "definer-view",
        "public.wall",
        "create view public.wall as select * from public.notes;",
        "alter view public.wall set (security_invoker = on);",
    ),
    Door(
        "view altered",
        "definer-view",
        "public.my_notes",
        "alter view public.my_notes set (security_invoker = off);",
        "alter view public.my_notes reset (security_invoker);\nalter view public.my_notes set (security_invoker = true);",
    ),
    Door(
        "view replaced",
        "definer-view",
        "public.my_notes",
        "create or replace view public.my_notes as select id, body from public.notes;",
        "create or replace view public.my_notes with (security_invoker) as select id, body from public.notes;",
    ),
    Door(
        "view changes hands",
        "definer-view",
        "public.report",
        "alter view public.report owner to postgres;",
        "drop view public.report;",
    ),
    Door(
        "materialized view",
        "matview",
        "public.totals",
        "create materialized view public.totals as select owner, count(*) from public.notes group by owner;",
        "revoke all on public.totals from anon, authenticated;",
    ),
    Door(
        "function of the owner",
        "definer-rpc",
        "public.every_note()",
        "alter function public.every_note() security definer;",
        "alter function public.every_note() security invoker;",
    ),
    Door(
        "function replaced",
        "definer-rpc",
        "public.every_note()",
        "create or replace function public.every_note() returns setof public.notes language sql stable security definer set search_path = '' as 'select * from public.notes';",
        "drop function public.every_note();",
    ),
    Door(
        "function granted",
        "definer-rpc",
        "public.some_notes()",
        "grant execute on function public.some_notes() to anon;",
        "revoke execute on function public.some_notes() from anon;",
    ),
    Door(
        "view of accounts",
        "auth-exposure",
        "public.people",
        "create view public.people as select id, email from auth.users;",
        "revoke all on public.people from anon, authenticated;",
    ),
    Door(
        "partition addressed itself",
        "child-direct",
        "public.events_2026",
        "create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');",
        "alter table public.events_2026 enable row level security;",
    ),
    Door(
        "schema renamed",
        "rls-off",
        "api.jobs",
        "alter schema internal rename to api;",
        "revoke usage on schema api from anon, authenticated;",
    ),
    Door(
        "table moved",
        "rls-off",
        "public.jobs",
        "alter table internal.jobs set schema public;",
        "alter table public.jobs set schema internal;",
    ),
    Door(
        "table renamed into its place",
        "rls-off",
        "public.letters",
        "create table public.letters (like public.letters_old including all);",
        "alter table public.letters enable row level security;",
        needs="alter table public.letters rename to letters_old;",
    ),
    Door(
        "default privileges",
        "rls-off",
        "open.fresh",
        "create table open.fresh (id int, email text);",
        "revoke select on open.fresh from anon;",
        needs="alter default privileges in schema open grant select on tables to anon;",
    ),
]


@pytest.fixture(scope="module")
def recipe(server: Server) -> Recipe:
    return Recipe(EngineRequest(url=server.dsn("postgres")))


@pytest.fixture(scope="module")
def base(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Side:
    return _built(recipe, tmp_path_factory.mktemp("base"), APP)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.what)
def test_a_door_is_found_at_its_line_until_it_is_closed(recipe: Recipe, base: Side, tmp_path: Path, door: Door) -> None:
    before = BEFORE + door.needs + "\n"
    change = f"{before}{door.opens}\n{AFTER}"
    place = Location("supabase/migrations/2_m.sql", before.count("\n") + 1)
    opened = compared(base, _built(recipe, tmp_path / "open", APP, change, base=base), "main")
    found = {(one.rule, one.object.identity, one.location) for one in _alarming(opened)}
    assert found == {(door.rule, door.about, place)}

    closed = compared(base, _built(recipe, tmp_path / "closed", APP, change, door.closes, base=base), "main")
    assert _alarming(closed) == []


def _built(recipe: Recipe, root: Path, *migrations: str, base: Side | None = None) -> Side:
    return from_migrations(supabase(root, *migrations, config__toml=CONFIG), recipe, Options(), base)


def _alarming(report: Report) -> list[Finding]:
    return [one for one in report.findings if one.severity > Severity.INFO]
