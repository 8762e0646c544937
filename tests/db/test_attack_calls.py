"""Functions that are called by somebody who owns nothing: what of others' they gave or did is told, and no more."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from unchanged import state

from rlsaudit.audit import Audited, Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

DATABASE = "called"
HANGS = 60.0
"""So many seconds nothing takes that was ended by its limit."""
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

DELETED = "delete from public.notes where id = p_note_id"
DELETED_OWN = "delete from public.notes where owner = auth.uid()"
USED_UP = (
    "insert into public.used (badge) select b.name from public.badges b where b.name = p_name;"
    "delete from public.notes n using public.badges b where b.name = p_name and n.owner = b.owner"
)
OWNER_OF = "(select owner from public.notes where id = p_note_id)"
WRITES: dict[str, tuple[str, str, set[str], dict[str, str | None]]] = {
    "deletes what its caller names": (
        "public.remove(p_note_id uuid)", DELETED, {"delete"},
        {"delete": "all"},
    ),
    "deletes one's own": (
        "public.remove(p_note_id uuid)", "delete from public.notes where id = p_note_id and owner = auth.uid()", set(),
        {"delete": "own"},
    ),
    "changes what its caller names": (
        "public.reword(p_note_id uuid, p_body text)",
        "update public.notes set body = body || p_body where id = p_note_id", {"update"}, {"update": "some"},
    ),
    "puts in for whom its caller names": (
        "public.post_as(p_user_id uuid)", "insert into public.notes (owner, body) values (p_user_id, 'x')", {"insert"},
        {"insert": "some"},
    ),
    "puts in for its caller": (
        "public.post()", "insert into public.notes (owner, body) values (auth.uid(), 'x')", set(), {"insert": "own"},
    ),
    "refuses in its own words": (
        "public.remove(p_note_id uuid)",
        f"if {OWNER_OF} is distinct from auth.uid() then raise 'no'; end if; {DELETED}",
        set(), {"delete": "own"},
    ),
    "refuses in its own words, with a code": (
        "public.remove(p_note_id uuid)",
        f"if auth.role() = 'nobody' then {DELETED}; end if; raise 'no' using errcode = '22023'", set(),
        {"delete": "none"},
    ),
    "is refused by a value": (
        "public.remove(p_note_id uuid)", f"perform 'x'::int; {DELETED}", set(), {"delete": None},
    ),
    "says that all is well": (
        "public.remove(p_note_id uuid)",
        "begin delete from public.notes where id = p_note_id; raise exception 'no'; exception when others then end",
        set(), {"delete": "none"},
    ),
    "breaks a constraint": (
        "public.post_as(p_user_id uuid)",
        "insert into public.notes (id, owner) select id, p_user_id from public.notes", set(), {"insert": None},
    ),
    "takes a name": (
        "public.join_as(p_name text)",
        f"insert into public.badges (name, owner) values (p_name, auth.uid()); {DELETED_OWN}", set(), {"delete": "own"},
    ),
    "uses up what its caller names": (
        "public.use_up(p_name text)", USED_UP, set(), {"delete": None},
    ),
    "may point nowhere": (
        "public.post_as(p_user_id uuid)",
        "insert into public.notes (owner, body) values (p_user_id, 'x') on conflict do nothing", {"insert"},
        {"insert": "some", "delete": "none"},
    ),
    "is stopped by what points there": (
        "public.strike(p_id uuid)", "delete from public.people where id = p_id", set(), {"delete": None},
    ),
    "empties it": ("public.clear()", "truncate public.notes cascade", {"delete"}, {"delete": "all"}),
    "writes it as it was": (
        "public.touch(p_note_id uuid)", "update public.notes set body = body where id = p_note_id", set(),
        {"update": None},
    ),
    "puts in what hangs on another's": (
        "public.tag(p_note_id uuid)", "insert into public.tags (note) values (p_note_id)", set(), {},
    ),
    "gives to others what it has not got": (
        "public.pass_on(p_note_id uuid, p_to uuid)",
        "update public.notes set owner = p_to where id = p_note_id and owner = auth.uid()", set(), {"update": "own"},
    ),
}  # fmt: skip
"""By signature and body what of others' is written for certain, and how far that was measured."""
TAGS = (
    "create table public.tags (id serial primary key, note uuid references public.notes on delete cascade);"
    "alter table public.tags enable row level security;"
    "create table public.badges (name text not null unique, owner uuid references public.people);"
    "create table public.used (badge text primary key references public.badges (name));"
    "alter table public.badges enable row level security; alter table public.used enable row level security;"
)


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


@pytest.mark.parametrize("name", WRITES)
def test_what_a_call_does_is_told(server: Server, url: str, name: str) -> None:
    signature, body, certain, measured = WRITES[name]
    made = f"create function {signature} returns void language plpgsql security definer set search_path = '' as"
    audited = _audited(server, url, f"{BASICS}{TAGS} {made} $f$ begin {body}; end $f$;")
    fought, catalog = audited.case.matrix.fought, audited.case.catalog
    done = {
        operation.value
        for persona, _, oid, operation in fought.called
        if persona == "authenticated" and catalog.relations[oid].name == "notes" and operation is not Operation.SELECT
    }
    assert done == certain
    notes = next(one.oid for one in catalog.snapshot.relations if one.name == "notes")
    function = next(one.oid for one in catalog.snapshot.functions if signature.startswith(f"public.{one.name}("))
    got = fought.measured["authenticated", function]
    for operation, expected in measured.items():
        reach = got.reach(notes, Operation(operation))
        assert (reach.value if reach is not None else None) == expected
    for one in audited.report.matrix:
        if (one.persona, one.relation) == ("authenticated", "public.notes") and one.operation.value in certain:
            assert one.at_least >= Reach.SOME
    assert {catalog.relations[oid].name for _, _, oid, _ in fought.called} <= {"notes"}
    for finding in audited.report.findings:
        if finding.rule == "definer-rpc":
            assert (finding.evidence.kind is EvidenceKind.PROBE) is bool(certain)
    assert not any("a bug of rlsaudit" in one.because for one in audited.report.matrix)


SHARED = """
create table public.likes (
  note uuid references public.notes on delete cascade, liked_by uuid references public.people,
  primary key (note, liked_by));
create table public.stubborn (note uuid primary key references public.notes on delete cascade);
create function public.stays() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger stays before delete on public.stubborn for each row execute function public.stays();
alter table public.likes enable row level security; alter table public.stubborn enable row level security;
"""
NAMES_NOTES: dict[str, tuple[str, dict[str, str | None]]] = {
    "beside": ("select n.id, n.body, (select count(*) from public.likes l where l.note = n.id) from public.notes n",
               {"notes": "some", "likes": "none"}),
    "by what points there": ("select l.note, 'x'::text, 1::bigint from public.likes l", {"likes": "some"}),
    "in both": ("select n.id, l.note::text, 1::bigint from public.notes n join public.likes l on l.note = n.id",
                {"likes": None}),
    "held by a trigger": (
        "select n.id, n.body, (select count(*) from public.stubborn s where s.note = n.id) from public.notes n",
        {"notes": "some", "stubborn": None}),
}  # fmt: skip
"""By name what a function of notes and of what points at them gives, and how far that was measured, by table."""


@pytest.mark.parametrize("name", NAMES_NOTES)
def test_what_several_tables_hold_is_told_apart_without_the_rows_of_one(server: Server, url: str, name: str) -> None:
    body, expected = NAMES_NOTES[name]
    made = "create function public.listed() returns table (note uuid, body text, number bigint) language sql"
    audited = _audited(server, url, f"{BASICS}{SHARED} {made} security definer as $f$ {body} $f$;")
    catalog, fought = audited.case.catalog, audited.case.matrix.fought
    function = next(one.oid for one in catalog.snapshot.functions if one.name == "listed")
    for table, reach in expected.items():
        oid = next(one.oid for one in catalog.snapshot.relations if one.name == table)
        got = fought.measured["anon", function].reach(oid, Operation.SELECT)
        assert (got.value if got is not None else None) == reach


def test_what_a_call_did_is_replayed(server: Server, url: str) -> None:
    signature, body, *_ = WRITES["deletes what its caller names"]
    made = f"create function {signature} returns void language plpgsql security definer as $f$ begin {body}; end $f$;"
    audited = _audited(server, url, f"{BASICS} {made}")
    finding = next(one for one in audited.report.findings if one.rule == "definer-rpc")
    assert "deleted rows of others of public.notes" in finding.evidence.result
    begun, *statements, rolled_back = finding.evidence.sql
    named = re.search(r"remove\('([^']+)'\)", statements[-1])
    assert (begun, rolled_back) == ("begin", "rollback")
    assert named is not None
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        there = "select count(*) from public.notes where id = %s"
        for one in (begun, *statements[:-1]):
            connection.execute(one.encode())
        connection.execute("savepoint before")
        connection.execute("reset role")
        assert connection.execute(there, [named[1]]).fetchone() == (1,)
        connection.execute("rollback to savepoint before")
        connection.execute(statements[-1].encode())
        connection.execute("reset role")
        assert connection.execute(there, [named[1]]).fetchone() == (0,)


def test_a_newcomer_may_join_and_no_more(server: Server, url: str) -> None:
    audited = _audited(
        server,
        url,
        """
        create table public.clubs (id uuid primary key default gen_random_uuid(), name text, size int default 0);
        create table public.members (
          club uuid references public.clubs, person uuid references auth.users, primary key (club, person));
        alter table public.clubs enable row level security; alter table public.members enable row level security;
        create policy p on public.clubs for select to authenticated using (true);
        create policy p on public.members for select to authenticated using (person = auth.uid());
        create function public.join_club(p_club_id uuid) returns void language plpgsql security definer as $f$ begin
          if auth.uid() is null then raise exception 'who are you?'; end if;
          insert into public.members (club, person) values (p_club_id, auth.uid());
          update public.clubs set size = size + 1 where id = p_club_id; end $f$;
        """,
    )
    cells = {(one.persona, one.relation, one.operation.value): one for one in audited.report.matrix}
    # Only somebody with an account may stand in the list: it has one.
    joined = cells["authenticated", "public.members", "insert"]
    assert Reach.OWN in {joined.attacked, joined.reach}
    assert cells["authenticated", "public.clubs", "update"].at_least >= Reach.SOME
    assert cells["anon", "public.clubs", "update"].reach is Reach.NONE
    assert cells["anon", "public.members", "insert"].reach is Reach.NONE


def test_what_hangs_on_ones_own_profile_is_ones_own(server: Server, url: str) -> None:
    audited = _audited(
        server,
        url,
        """
        create table public.profiles (
          id uuid primary key default gen_random_uuid(), account uuid references auth.users);
        create table public.posts (
          id uuid primary key default gen_random_uuid(), author uuid references public.profiles,
          about uuid references public.profiles, open boolean not null default false);
        alter table public.profiles enable row level security; alter table public.posts enable row level security;
        create function public.on_sign_up() returns trigger language plpgsql security definer set search_path = '' as
          $f$ begin insert into public.profiles (account) values (new.id); return new; end $f$;
        create trigger signed_up after insert on auth.users for each row execute function public.on_sign_up();
        create function public.post_about(p_payload jsonb) returns void language plpgsql security definer as $f$ begin
          insert into public.posts (author, about)
          select p.id, (p_payload ->> 'about')::uuid from public.profiles p where p.account = auth.uid(); end $f$;
        create function public.close_post(p_payload jsonb) returns void language plpgsql security definer as $f$ begin
          update public.posts set author = null where id = (p_payload ->> 'id')::uuid and open; end $f$;
        """,
    )
    cells = {(one.persona, one.relation, one.operation.value): one for one in audited.report.matrix}
    posted = cells["authenticated", "public.posts", "insert"]
    assert Reach.OWN in {posted.attacked, posted.reach}
    # Of several rows that a document may name one meets the condition.
    assert cells["anon", "public.posts", "update"].at_least >= Reach.SOME


TRAPS = """
create extension if not exists dblink schema extensions;
create sequence public.tickets;
create table public.log (id bigserial primary key, what text);
create function public.loops() returns void language plpgsql as
  $$ begin perform set_config('statement_timeout', '0', true); loop exit when false; end loop; end $$;
create function public.slow() returns setof public.people language plpgsql security definer as
  $$ begin perform pg_sleep(60); return query select * from public.people; end $$;
create function public.dials() returns void language plpgsql security definer as
  $$ begin perform extensions.dblink_exec('dbname=' || current_database(), 'insert into public.log (what) values (1)');
  end $$;
create procedure public.commits() language plpgsql as
  $$ begin insert into public.log (what) values ('committed'); commit; end $$;
create procedure public.writes(p_what text) language plpgsql security definer as
  $$ begin insert into public.log (what) values (p_what); end $$;
create function public.draws() returns bigint language sql security definer as $$ select nextval('public.tickets') $$;
create function public.tells() returns void language sql as $$ select pg_notify('trap', 'sprung') $$;
create function public.keeps() returns void language sql as $$ select set_config('app.trap', 'yes', false) $$;
create function public.locks() returns void language sql as $$ select pg_advisory_lock(7) $$;
create function public.drops() returns void language plpgsql security definer as $$ begin drop table public.log; end $$;
create function public.makes() returns void language plpgsql as
  $$ begin create temporary table notes (id int); insert into notes values (1); end $$;
create function public.takes() returns void language plpgsql as $$ begin perform set_config('role', 'postgres', false);
  end $$;
create function public.catches() returns void language plpgsql as
  $$ begin loop begin perform 1 / 0; exception when others then null; end; end loop; end $$;
"""


def test_traps(server: Server, url: str) -> None:
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as admin:
        for statement in (BASICS, TRAPS):
            admin.execute(statement.encode())
        admin.execute("listen trap")
        before = state(admin)
        started = time.monotonic()
        with connect(url, statement_timeout_ms=1_000) as session:
            with session.read_only():
                snapshot = take(session)
            audited = examine(snapshot, Options(throwaway=True), session)
            assert session.fetch_value("select current_user") == "postgres"
            assert session.fetch_value("select current_setting('app.trap', true)") in {None, ""}
            assert session.fetch_value("select pg_my_temp_schema()") == 0
            assert session.fetch_value("select count(*) from pg_locks where locktype = 'advisory'") == 0
        assert time.monotonic() - started < HANGS
        after = state(admin)
        changed = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
        # Nobody needs the server, so that sequences may go on.
        assert changed <= {"log_id_seq", "tickets"}
        assert list(admin.notifies(timeout=0.2)) == []
    left = {one.what: one.reason for one in audited.report.skipped}
    assert "dblink" in left["calls of public.dials()"]
    assert "pg_sleep" in left["calls of public.slow()"]
    assert "pg_advisory_lock" in left["calls of public.locks()"]
    for name in ("loops", "catches"):
        assert "time limit" in left[f"calls of public.{name}()"]
    catalog, found = audited.case.catalog, audited.case.matrix.fought.measured
    measured = {catalog.functions[oid].name: one for (persona, oid), one in found.items() if persona == "anon"}
    assert measured["writes"].spoilt is False
    assert measured["commits"].spoilt


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
    return {audited.case.catalog.relations[oid].name for persona, _, oid, _ in called if persona == "anon"}


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
