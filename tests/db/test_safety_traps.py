"""Traps: functions in policies and views that would do what no rollback undoes, if an audit ran them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.model import Report

SLEEP = 30


def trap(dsn: str, function: str, *, view: bool = False) -> None:
    """A table with one row whose policy, or a view whose query, calls `public.trap(id)`."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(function.encode())
        admin.execute("create table public.bait (id int); insert into public.bait values (1)")
        if view:
            admin.execute("revoke all on public.bait from anon, authenticated")
            admin.execute("create view public.shown as select id from public.bait where public.trap(id)")
            admin.execute("grant select on public.shown to anon, authenticated")
        else:
            admin.execute("alter table public.bait enable row level security")
            admin.execute("create policy p on public.bait using (public.trap(id))")
            admin.execute("grant all on public.bait to anon, authenticated")


def audited(dsn: str) -> Report:
    with connect(dsn) as session:
        return audit(session, Options())


def skipped(report: Report, relation: str) -> dict[str, str]:
    return {one.what: one.reason for one in report.skipped if f" {relation} " in f"{one.what} "}


BODIES = {
    "sleeps": ("sql", f"select pg_sleep({SLEEP}) is not null", "pg_sleep"),
    "sleeps in plpgsql": ("plpgsql", f"begin perform pg_sleep({SLEEP}); return true; end", "pg_sleep"),
    "takes an advisory lock": ("sql", "select pg_try_advisory_lock(4711)", "pg_try_advisory_lock"),
    "connects elsewhere": ("sql", "select extensions.dblink_connect('trap', 'dbname=postgres') = 'OK'", "dblink"),
    "runs a program": (
        "plpgsql",
        "begin copy (select 1) to program 'touch {file}'; return true; end",
        "not understood",
    ),
    "takes its role back": ("plpgsql", "begin reset role; return true; end", "not understood"),
    "takes another role": ("plpgsql", "begin set local role postgres; return true; end", "not understood"),
    "makes a table": ("plpgsql", "begin create temp table x (); return true; end", "not understood"),
    "sends a notification": ("plpgsql", "begin notify trap; return true; end", "not understood"),
    "prepares a statement": ("plpgsql", "begin prepare x as select 1; return true; end", "not understood"),
    "runs what it puts together": ("plpgsql", "begin execute 'select pg_sle' || 'ep(9)'; return true; end", "dynamic"),
    "reads a file": ("sql", "select pg_read_file('PG_VERSION') is not null", "pg_read"),
    "writes a large object": ("sql", "select lo_create(0) > 0", "lo_"),
    "cancels somebody": ("sql", "select pg_cancel_backend(pg_backend_pid())", "pg_cancel"),
    "terminates us": ("sql", "select pg_terminate_backend(pg_backend_pid())", "pg_terminate"),
    "runs SQL that it is given": ("sql", "select query_to_xml('select 1', true, true, '') is not null", "query_to_xml"),
}


@pytest.mark.parametrize("view", [False, True], ids=["policy", "view"])
@pytest.mark.parametrize("name", BODIES)
def test_what_outlives_a_rollback_is_not_run(supabase_database: str, tmp_path: Path, name: str, *, view: bool) -> None:
    language, body, reason = BODIES[name]
    witness = tmp_path / "witness"
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute("create extension if not exists dblink schema extensions")
    trap(
        supabase_database,
        f"create function public.trap(id int) returns boolean language {language} security definer as"
        f" $f$ {body.replace('{file}', str(witness))} $f$",
        view=view,
    )
    began = time.monotonic()
    report = audited(supabase_database)
    assert time.monotonic() - began < SLEEP / 2
    found = skipped(report, "public.shown" if view else "public.bait")
    assert len(found) == 2
    assert all(reason in one for one in found.values()), found
    assert not witness.exists()


def test_a_function_that_is_a_builtin_under_another_name_is_not_run(supabase_database: str) -> None:
    trap(
        supabase_database,
        "create function public.nap(double precision) returns void language internal as 'pg_sleep';"
        f"create function public.trap(id int) returns boolean language sql as 'select public.nap({SLEEP}) is not null'",
    )
    began = time.monotonic()
    assert len(skipped(audited(supabase_database), "public.bait")) == 2
    assert time.monotonic() - began < SLEEP / 2


def test_foreign_tables_and_what_leads_to_them_are_not_read(supabase_database: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(
            "create extension if not exists postgres_fdw schema extensions;"
            "create server elsewhere foreign data wrapper postgres_fdw options (host '192.0.2.1');"
            "create user mapping for public server elsewhere options (user 'x', password 'y');"
            "create foreign table public.remote (id int) server elsewhere;"
            "create view public.over_it as select * from public.remote;"
            "create table public.parent (id int) partition by range (id);"
            "create foreign table public.part partition of public.parent for values from (0) to (9) server elsewhere;"
            "grant all on public.remote, public.over_it, public.parent, public.part to anon, authenticated"
        )
    began = time.monotonic()
    report = audited(supabase_database)
    assert time.monotonic() - began < SLEEP / 2
    for relation in ("remote", "over_it", "parent", "part"):
        found = skipped(report, f"public.{relation}")
        assert len(found) == 2, relation
        assert all("foreign table" in one for one in found.values())


def test_an_event_trigger_does_not_hear_of_an_audit(supabase_database: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(
            "create function public.heard() returns event_trigger language plpgsql as"
            " $$ begin raise exception 'heard %', tg_tag; end $$;"
            "create event trigger trap on ddl_command_start execute function public.heard()"
        )
    report = audited(supabase_database)
    assert report.matrix
    assert not [one for one in report.skipped if "heard" in one.reason]


def test_a_function_that_changes_the_search_path_changes_no_other_answer(supabase_database: str) -> None:
    trap(
        supabase_database,
        "create function public.trap(id int) returns boolean language plpgsql set search_path = ''"
        " as $$ begin return id = 1; end $$",
    )
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(
            "create table public.z (id int); insert into public.z values (1); alter table public.z enable row level"
            " security; create function public.here() returns boolean language sql as"
            " $$ select current_setting('search_path') = 'public, extensions' $$;"
            "create policy p on public.z using (public.here()); grant all on public.z to anon, authenticated"
        )
    cells = {one.relation: one for one in audited(supabase_database).matrix if one.operation is Operation.SELECT}
    assert "read 1 of 1 rows" in cells["public.z"].because
    assert cells["public.bait"].at_least >= Reach.SOME


def test_row_security_that_is_off_for_a_role_is_not_a_way_in(supabase_database: str) -> None:
    trap(supabase_database, "create function public.trap(id int) returns boolean language sql as 'select id = 2'")
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute("alter role anon set row_security = off")
        try:
            report = audited(supabase_database)
        finally:
            admin.execute("alter role anon reset row_security")
    reads = {one.persona: one for one in report.matrix if (one.relation, one.operation) == ("public.bait", "select")}
    assert reads["anon"].reach is not Reach.ALL
    assert not [one for one in report.matrix if "a bug of rlsaudit" in one.because]
