"""Foreign SQL: what a migration must not get out of the server that it runs in."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from places import ask, at, run, supabase, write

from rlsaudit.names import ident

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server

pytestmark = pytest.mark.roles

WRITES = re.compile(r"\b(?:insert\s+into|update|delete\s+from)\s+(\w+\.\w+)")

ESCAPES = [
    "alter system set log_statement = 'all'",
    "copy (select 1) to program 'touch /tmp/rlsaudit-escape'",
    "create table x (a text); copy x from program 'id'",
    "create table x (a text); copy x from '/etc/passwd'",
    "copy (select 1) to '/tmp/rlsaudit-escape'",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_binary_file('postgresql.conf')",
    "select pg_ls_dir('/')",
    "select lo_import('/etc/passwd')",
    "select lo_export(lo_create(0), '/tmp/rlsaudit-escape')",
    "create function f() returns int language c as '/lib/libc.so.6', 'system'",
    "create extension plpython3u",
    "create extension file_fdw",
    "create extension adminpack",
    "create event trigger e on ddl_command_end execute function auth.uid()",
    "set session authorization supabase_admin",
    "set role supabase_admin",
    "alter role {owner} superuser",
    "create role evil superuser",
    "grant supabase_admin to {owner}",
    "grant pg_execute_server_program to {owner}",
    "grant pg_read_server_files to {owner}",
    "alter group pg_write_server_files add user {owner}",
    "create role helper_of_evil in role pg_execute_server_program",
    "create role helper_of_evil role {owner}; grant pg_execute_server_program to helper_of_evil",
    "do $$ begin execute 'grant pg_execute_server_program to {owner}'; end $$; copy (select 1) to program 'id'",
    "create tablespace t location '/tmp'",
    "load '/tmp/x.so'",
    "set session_preload_libraries = 'x'",
    "alter role {owner} set session_preload_libraries = 'x'",
    "set local_preload_libraries = '/tmp/x'",
    "create subscription s connection 'dbname=postgres' publication p",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'supabase_admin' and false; select 1 / 0",
    "update pg_catalog.pg_authid set rolsuper = true",
    "create function pg_catalog.evil() returns int language sql as 'select 1'",
    "select set_config('session_authorization', 'supabase_admin', false)",
    "select pg_reload_conf()",
]


@pytest.mark.parametrize("sql", ESCAPES)
@pytest.mark.parametrize("platform", ["supabase", "postgres"])
def test_the_server_refuses(server: Server, tmp_path: Path, sql: str, platform: str) -> None:
    owner = "postgres" if platform == "supabase" else "rlsaudit_owner"
    text = sql.format(owner=owner)
    root = supabase(tmp_path, text) if platform == "supabase" else write(tmp_path, {"1.sql": text})
    made = run(server, root, continue_=True)
    if sql.startswith("set local_preload"):
        return  # only directories that the installation has for it, and a new session
    assert made.failures, made
    assert ask(made, f"select rolsuper from pg_roles where rolname = '{owner}'") is False
    roles = "array['pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files', 'supabase_admin']"
    query = f"select count(*) from unnest({roles}) as one where pg_has_role('{owner}', one, 'member')"
    assert ask(made, query) == 0


def test_a_trigger_on_what_is_written_for_the_project_is_no_superuser(server: Server, tmp_path: Path) -> None:
    sql = """
    create table public.seen (who text);
    create function public.look() returns trigger language plpgsql as $$
      begin insert into public.seen select current_setting('is_superuser') || session_user; return new; end $$;
    create trigger look before insert on storage.buckets for each row execute function public.look();
    """
    root = supabase(tmp_path, sql)
    (root / "supabase/config.toml").write_text('project_id = "p"\n[storage.buckets.pics]\npublic = true\n')
    assert ask(run(server, root), "select string_agg(who, '') from public.seen") == "offpostgres"


def test_no_extension_is_made_once_there_could_be_traps(server: Server, tmp_path: Path) -> None:
    sql = "drop extension if exists pg_cron;\ncreate extension pg_cron;\ndrop extension pg_cron cascade;"
    made = run(server, supabase(tmp_path, sql))
    assert made.failures == ()
    assert ask(made, "select count(*) from pg_extension where extname = 'pg_cron'") == 0
    assert any("was kept" in one for one in made.notes)


def test_no_definer_of_ours_writes_where_a_trigger_could_wait(server: Server, supabase_database: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        for name in sorted(server.stubs):
            connection.execute(f"create extension if not exists {ident(name)} cascade".encode())
        bodies = connection.execute(
            "select prosrc from pg_proc p join pg_roles r on r.oid = p.proowner and r.rolsuper where p.prosecdef"
        ).fetchall()
        written = {name for (body,) in bodies for name in WRITES.findall(body)}
        assert "cron.job" in written or "pg_cron" not in server.stubs
        for name in sorted(written):
            row = connection.execute("select has_table_privilege('postgres', to_regclass(%s), 'trigger')", [name])
            assert row.fetchone() != (True,), name


def test_nobody_becomes_superuser_by_going_back(server: Server, tmp_path: Path) -> None:
    query = "select rolsuper from pg_roles where rolname = current_user"
    sql = f"reset role; reset session authorization; reset all;\ncreate table t as {query};"
    assert ask(run(server, supabase(tmp_path, sql)), "select rolsuper from t") is False


def test_other_databases_are_out_of_reach(server: Server, tmp_path: Path) -> None:
    host = psycopg.conninfo.conninfo_to_dict(server.dsn("postgres"))["host"]
    sql = (
        "create extension if not exists dblink;\n"
        f"select * from dblink('host={host} user=supabase_admin dbname=postgres', 'select 1') as t (a int);\n"
        "select dblink_connect_u('dbname=postgres');\n"
        "select dblink_connect('host=127.0.0.1 user=a password=b');"
    )
    made = run(server, supabase(tmp_path, sql), continue_=True)
    assert [one.location.line for one in made.failures][-3:] == [2, 3, 4]
    assert {one.code for one in made.failures} <= {"42501", "2F003"}


def test_a_database_that_a_migration_makes_does_not_stay(server: Server, tmp_path: Path) -> None:
    sql = "create database side;\ndo $$ begin execute 'create database hidden'; end $$;"
    made = run(server, supabase(tmp_path, sql), continue_=True)
    assert [one.location for one in made.failures] == [at(1, 2)]
    assert ask(made, "select count(*) from pg_database where datname in ('side', 'hidden')") == 0


_DEAF = (
    "set statement_timeout = 0;\ndo $$ begin loop begin perform pg_sleep(600);"
    " exception when query_canceled then null; end; end loop; end $$;"
)


@pytest.mark.parametrize(
    "sql",
    [
        "select pg_sleep(600);",
        "set statement_timeout = 0;\nselect pg_sleep(600);",
        _DEAF,
    ],
)
def test_a_statement_that_never_ends_is_ended(server: Server, tmp_path: Path, sql: str) -> None:
    began = time.monotonic()
    made = run(server, supabase(tmp_path, sql, "create table after ();"), continue_=True, seconds=1)
    assert time.monotonic() - began < 20
    (failure,) = made.failures
    assert failure.code in {"57014", "57P01", ""}
    assert ask(made, "select to_regclass('after')::text") == "after"


def test_rows_without_end_need_no_memory(server: Server, tmp_path: Path) -> None:
    made = run(
        server,
        supabase(tmp_path, "select repeat('x', 1000) from generate_series(1, 300000);\ncopy (select 1) to stdout;"),
    )
    assert not made.failures


_TRAP = (
    "create schema evil; create function evil.gt(bigint, bigint) returns bool language sql as 'select false';"
    " create operator evil.> (leftarg = bigint, rightarg = bigint, function = evil.gt);"
    " set search_path = evil, pg_catalog; create table public.seen ();"
)


@pytest.mark.parametrize(
    "sql",
    [
        "drop schema public cascade;\ncreate schema public;\ngrant usage on schema public to anon;",
        "drop owned by current_user cascade;",
        "drop schema if exists storage cascade;",
        "reassign owned by current_user to anon;",
        "discard all;\ndeallocate all;",
        "do $$ begin execute 'deallocate all'; end $$;",
        "set search_path = ''; set role anon; reset role;",
        _TRAP,
        "lock table auth.users; alter table auth.users add x int;",
        "rollback; rollback; commit; end;",
        "declare c cursor for select 1; fetch c; close c; listen x; notify x; prepare p as select 1; execute p;",
    ],
)
def test_what_tears_the_house_down_has_a_clear_outcome(server: Server, tmp_path: Path, sql: str) -> None:
    made = run(server, supabase(tmp_path, sql, "create table public.after (a int);"), continue_=True)
    assert made.complete
    for failure in made.failures:
        assert failure.code
        assert failure.location.file.startswith("supabase/migrations/")
    last = [one for one in made.blame.events if one.name == "after"]
    assert last or made.failures
