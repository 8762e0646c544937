# ruff: noqa: E501 — a door is a line, and SQL in a table is read across
"""Each door is opened by one statement, and that one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from places import at, finding, run, supabase
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.migrations import Blame, located
from rlsaudit.model import Location, ObjectRef

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server

pytestmark = pytest.mark.roles

BASE = """create table public.notes (id int primary key, owner uuid, role text);
alter table public.notes enable row level security;
create policy mine on public.notes using (owner = auth.uid());
create policy gate on public.notes as restrictive using (true);
create function public.is_member(uuid) returns boolean language sql stable as 'select false';
create policy team on public.notes for select using (public.is_member(owner));
create view public.list with (security_invoker) as select * from public.notes;
revoke all on public.notes from anon;
create schema private;
create table private.jobs (id int);
comment on table public.notes is 'x';
insert into public.notes values (1);
create index on public.notes (owner);
analyze public.notes;
"""

DOORS = [
    ("rls-off", "table", "public.notes", "alter table notes disable row level security;", 1),
    ("rls-off", "table", "public.fresh", "select 1;\n\ncreate table fresh (id int);\ncomment on table fresh is 'x';", 3),
    ("rls-off", "table", "public.fresh", "do $$ begin\nexecute format('create table %I (id int)', 'fresh');\nend $$;", 1),
    ("rls-off", "table", "public.notes", "grant select on notes to anon;\ngrant select on notes to anon;", 1),
    ("rls-off", "table", "public.notes", "grant select (id) on notes to anon;", 1),
    ("rls-off", "table", "public.jobs", "select 1;\nalter table private.jobs set schema public;", 2),
    ("rls-off", "table", "private.jobs", "grant usage on schema private to anon;", 1),
    ("rls-off", "table", "api.jobs", "alter schema private rename to api;", 1),
    # The table was open under its old name already.
    ("rls-off", "table", "public.new", "create table old ();\nalter table old rename to new;", 1),
    ("tautology", "policy", "public.notes.mine", "alter policy mine on notes using (true);", 1),
    ("tautology", "policy", "public.notes.everyone", "create policy everyone on notes using (true);", 1),
    ("tautology", "policy", "public.notes.mine", "drop policy mine on notes;\ncreate policy mine on notes using (true);", 2),
    ("tautology", "policy", "public.notes.open", "select 1;\nalter policy mine on notes using (true);\nalter policy mine on notes rename to open;", 2),
    ("tautology", "policy", "public.items.mine", "alter policy mine on notes using (true);\nalter table notes rename to items;", 1),
    ("tautology", "policy", 'public.notes."a.b"', 'create policy "a.b" on notes using (true);', 1),
    ("privilege-column", "table", "public.notes", "drop policy gate on notes;", 1),
    ("privilege-column", "table", "public.notes", "do $$ declare p record; begin for p in select polname from pg_policy where polname = 'gate' loop execute format('drop policy %I on notes', p.polname); end loop; end $$;", 1),
    ("any", "policy", "public.notes.team", "create or replace function is_member(uuid) returns boolean language sql stable as 'select true';", 1),
    ("any", "table", "public.notes", "select 1; create or replace function is_member(uuid) returns boolean language sql stable as 'select true';", 1),
    ("definer-rpc", "function", "public.is_member(uuid)", "alter function is_member(uuid) security definer;", 1),
    ("definer-rpc", "function", "public.is_member(uuid)", "revoke execute on function is_member from public;\ngrant execute on function is_member to public;", 2),
    ("definer-rpc", "function", "public.open_door(text, integer)", "create procedure maker() language plpgsql as $$ begin create function open_door(text, int) returns int language sql as 'select 1'; end $$;\ncall maker();", 2),
    ("definer-view", "view", "public.list", "alter view list set (security_invoker = false);", 1),
    ("definer-view", "view", "public.list", "create or replace view list with (security_invoker) as select * from notes where true;", 1),
    ("definer-view", "view", "public.list", "drop view list;\ncreate view list as select * from notes;", 2),
    ("definer-view", "view", "public.list", "grant service_role to postgres;\ngrant create on schema public to service_role;\nalter view list owner to service_role;", 3),
    ("truncate-bypass", "schema", "public", "select 1;\nalter default privileges in schema public grant truncate on tables to public;", 2),
    ("rls-off", "table", "public.fresh", "alter default privileges in schema public grant select on tables to public;\ncreate table fresh ();", 2),
    ("realtime-publication", "publication", "supabase_realtime", "alter publication supabase_realtime add table notes;", 1),
    ("realtime-publication", "table", "public.notes", "alter publication supabase_realtime add table notes;", 1),
    ("bypass-roles", "role", "app_blame_1", "create role app_blame_1;\nalter role app_blame_1 login;", 2),
    ("role-chain", "role", "service_role", "create role app_blame_2;\ngrant service_role to app_blame_2;", 2),
    ("storage-public-bucket", "bucket", "pics", "insert into storage.buckets (id, name) values ('pics', 'pics');\nupdate storage.buckets set public = true;", 2),
    ("extension-in-public", "extension", "pg_trgm", "create extension pg_trgm;", 1),
    ("sensitive", "column", "public.notes.ssn", "alter table notes add column x text;\nalter table notes rename column x to ssn;", 2),
    ("trigger-copy", "trigger", "public.notes.copy", "create function t() returns trigger language plpgsql as 'begin return new; end';\ncreate trigger copy after insert on notes for each row execute function t();", 2),
    ("child-direct", "table", "public.part", "create table whole (a int) partition by list (a);\ncreate table part (a int);\nalter table whole attach partition part for values in (1);", 3),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "kind", "identity", "door", "line"), DOORS)
def test_the_statement_that_opened_the_door(
    server: Server, tmp_path: Path, rule: str, kind: str, identity: str, door: str, *, line: int
) -> None:
    # What comes after is about the same objects and opens nothing.
    after = "do $$ begin if to_regclass('public.notes') is not null then comment on table public.notes is 'y'; end if; end $$;"
    made = run(server, supabase(tmp_path, BASE, door, after))
    assert made.failures == ()
    relation = "public.notes"
    assert made.blame.of(finding(rule, kind, identity, relation)) == at(2, line)
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("drop role if exists app_blame_1, app_blame_2")  # roles are for the whole server
    # Alone in its transaction or not, with a savepoint or without, it is the same.
    made = run(server, supabase(tmp_path, BASE, f"begin; {door} commit;", after))
    assert made.blame.of(finding(rule, kind, identity, relation)) == at(2, line)


def test_what_closes_a_door_opens_none(server: Server, tmp_path: Path) -> None:
    close = "revoke all on notes from authenticated;\nalter table notes force row level security;\nalter policy mine on notes rename to m;"
    made = run(server, supabase(tmp_path, BASE, close))
    assert made.blame.of(finding("rls-off", "table", "public.notes")) == at(1, 1)
    assert made.blame.of(finding("tautology", "policy", "public.notes.m")) == at(1, 3)


def test_what_is_new_was_made_by_what_is_new(server: Server, tmp_path: Path) -> None:
    made = run(server, supabase(tmp_path, BASE, "alter table notes rename to items;"))
    about = finding("sensitive-name", "table", "public.items")
    assert made.blame.of(about) == at(1, 6)
    assert made.blame.of(about, fresh=frozenset({"supabase/migrations/2_m.sql"})) == at(2, 1)
    elsewhere = frozenset({"supabase/migrations/3_m.sql"})
    assert made.blame.of(about, fresh=elsewhere) == made.blame.of(about)


def test_nobody_is_blamed_for_what_was_there_before(server: Server, tmp_path: Path) -> None:
    made = run(server, supabase(tmp_path, BASE))
    assert made.blame.of(finding("rls-off", "table", "auth.users")) is None
    assert made.blame.of(finding("rls-off", "table", "public.gone")) is None
    assert Blame().of(finding("rls-off", "table", "public.notes")) is None


def test_what_was_rolled_back_is_not_blamed(server: Server, tmp_path: Path) -> None:
    sql = "begin;\nalter table notes disable row level security;\nrollback;\nbegin;\nsavepoint a;\ngrant select on notes to anon;\nrollback to a;\ncommit;"
    made = run(server, supabase(tmp_path, BASE, sql))
    assert made.failures == ()
    assert made.blame.of(finding("rls-off", "table", "public.notes")) == at(1, 1)


def test_a_failed_statement_is_not_blamed(server: Server, tmp_path: Path) -> None:
    sql = "do $$ begin alter table notes disable row level security; perform 1 / 0; end $$;\nselect 1;"
    made = run(server, supabase(tmp_path, BASE, sql), continue_=True)
    assert len(made.failures) == 1
    assert made.blame.of(finding("rls-off", "table", "public.notes")) == at(1, 1)


def test_seeds_and_outside_of_transactions(server: Server, tmp_path: Path) -> None:
    sql = "create procedure p() language plpgsql as $$ begin commit; execute 'grant select on notes to anon'; end $$;\ncall p();"
    made = run(server, supabase(tmp_path, BASE, sql))
    assert made.failures == ()
    assert made.blame.of(finding("rls-off", "table", "public.notes")) == at(2, 2)


def test_a_report_is_located(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path, BASE, "create table open (id int, email text);\n\ncreate view open_list as select * from notes;"
    )
    made = run(server, root)
    name = str(conninfo_to_dict(made.dsn)["dbname"])
    with connect(server.dsn(name, user=made.owner)) as session:
        report = located(audit(session, Options()), made.blame)
    found = {(one.rule, one.object.identity): one.location for one in report.findings}
    assert found[("rls-off", "public.open")] == at(2, 1)
    ours = [one for one in report.findings if one.object != ObjectRef("schema", "storage")]
    assert all(isinstance(one.location, Location) for one in ours if one.object.identity.startswith("public."))
