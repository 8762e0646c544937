from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from places import ask, at, run, supabase, write

from rlsaudit.migrations import find
from rlsaudit.model import Location, ObjectRef

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server

pytestmark = pytest.mark.roles


def test_migrations_build_the_database(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path,
        "create table public.notes (id int primary key, owner uuid references auth.users);",
        "alter table notes enable row level security;\ncreate policy mine on notes using (owner = auth.uid());",
        # The role is the whole server's, and other tests ask what it has.
        roles__sql="alter role anon set app.x to '1';\nalter role anon reset app.x;",
    )
    made = run(server, root)
    assert (made.failures, made.complete, made.statements, made.owner) == ((), True, 5, "postgres")
    assert ask(made, "select relrowsecurity from pg_class where oid = 'notes'::regclass") is True
    assert ask(made, "select has_table_privilege('anon', 'notes', 'insert')") is True
    assert ask(made, "select pg_has_role('postgres', 'supabase_auth_admin', 'member')") is False


def test_migrations_find_those_before_them_in_the_books(server: Server, tmp_path: Path) -> None:
    asking = "do $$ begin assert (select max(version) from supabase_migrations.schema_migrations) = '{}'; end $$;"
    root = supabase(tmp_path, "create table a ();", asking.format("1"), asking.format("2"))
    made = run(server, root)
    assert made.failures == ()
    books = "select array_agg(version order by version) from supabase_migrations.schema_migrations"
    assert ask(made, books) == ["1", "2", "3"]


def test_no_books_are_kept_where_a_migration_does_away_with_them(server: Server, tmp_path: Path) -> None:
    made = run(server, supabase(tmp_path, "drop table supabase_migrations.schema_migrations;", "create table a ();"))
    assert (made.failures, ask(made, "select to_regclass('a') is not null")) == ((), True)


def test_the_era_decides_what_is_granted(server: Server, tmp_path: Path) -> None:
    root = supabase(tmp_path, "create table notes ();")
    assert ask(run(server, root, era="explicit"), "select has_table_privilege('anon', 'notes', 'insert')") is False


def test_the_first_failure_is_the_end(server: Server, tmp_path: Path) -> None:
    root = supabase(tmp_path, "create table a ();\n\nselect 1\n  / 0;\ncreate table b ();", "create table c ();")
    made = run(server, root)
    (failure,) = made.failures
    assert (failure.location, failure.code, failure.statement) == (at(1, 3), "22012", "select 1")
    assert str(failure) == "supabase/migrations/1_m.sql:3: division by zero (22012): select 1"
    assert made.complete is False
    # The tool runs the file in one transaction.
    assert ask(made, "select to_regclass('a')") is None
    assert not made.blame.events


def test_with_continue_the_rest_is_there(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path, "create table a ();\nalter table gone add x int;\ncreate table b ();", "create table c ();"
    )
    made = run(server, root, continue_=True)
    (failure,) = made.failures
    assert (failure.location, failure.objects, failure.opaque) == (
        at(1, 2),
        (ObjectRef("table", "public.gone"),),
        False,
    )
    assert made.complete
    assert ask(made, "select count(*) from pg_class where relname in ('a', 'b', 'c')") == 3


@pytest.mark.parametrize(
    ("statement", "objects", "opaque"),
    [
        ("create policy p on x.gone using (true)", [("policy", "x.gone.p"), ("table", "x.gone")], False),
        ("create view v as select * from gone", [("view", "public.v")], False),
        ("create trigger t after insert on gone execute function f()", [("table", "public.gone")], False),
        ("grant select on gone, other to anon", [("table", "public.gone"), ("table", "public.other")], False),
        ("create function f() returns gone language sql as ''", [("function", "public.f")], False),
        ("do $$ begin perform gone(); end $$", [], True),
        ("create tabel x ()", [], True),
        ("insert into gone values (1)", [("table", "public.gone")], False),
    ],
)
def test_what_a_failed_statement_would_have_changed(
    server: Server, tmp_path: Path, statement: str, objects: list[tuple[str, str]], *, opaque: bool
) -> None:
    (failure,) = run(server, supabase(tmp_path, statement)).failures
    assert [(one.type, one.identity) for one in failure.objects] == objects
    assert failure.opaque is opaque
    assert failure.data is statement.startswith("insert")


def test_transactions_of_the_files_own(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path,
        "begin;\ncreate table a ();\ncommit;\ncreate table b ();",
        "begin; create table c (); rollback; create table d ();",
        "savepoint s; create table e (); rollback to savepoint s; release s; create table f ();",
        "create table g (id int);\ncreate index concurrently on g (id);\nvacuum g;\ncreate table h ();",
        "create procedure p() language plpgsql as $$ begin create table i (); commit; end $$;\ncall p();",
    )
    made = run(server, root)
    assert not made.failures
    found = "select string_agg(relname, '' order by relname) from pg_class where relkind = 'r' and length(relname) = 1"
    assert ask(made, found) == "abdfghi"
    assert any("outside of it" in one for one in made.notes)
    named = {one.name for one in made.blame.events if one.kind == "relation" and one.change == "created"}
    assert named == set("abdfghi")


def test_settings_do_not_leak_into_the_next_file(server: Server, tmp_path: Path) -> None:
    root = supabase(tmp_path, "set search_path = auth; set role anon;", "create table here ();")
    made = run(server, root)
    assert not made.failures
    assert ask(made, "select to_regclass('public.here')::text") == "here"


def test_copy_takes_its_data(server: Server, tmp_path: Path) -> None:
    root = supabase(tmp_path, "create table t (a int, b text);\ncopy t from stdin;\n1\tx;'\n2\t\\N\n\\.\nselect 1 / 0;")
    made = run(server, root, continue_=True)
    assert [one.location for one in made.failures] == [at(1, 6)]
    assert ask(made, "select count(*) from t") == 2


def test_a_dump_of_new_pg_dump(server: Server, tmp_path: Path) -> None:
    dump = (
        "--\n-- PostgreSQL database dump\n--\n\\restrict k3y\nSET statement_timeout = 0;\n"
        "SET client_encoding = 'UTF8';\n"
        "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE SCHEMA app;\nALTER SCHEMA app OWNER TO boss;\n"
        "CREATE TABLE app.t (a integer);\nALTER TABLE app.t OWNER TO boss;\nCOPY app.t (a) FROM stdin;\n1\n\\.\n\n"
        "GRANT SELECT ON TABLE app.t TO reader_of_dump;\nALTER DATABASE shop SET app.x TO '1';\n\\unrestrict k3y\n"
    )
    made = run(server, write(tmp_path, {"dump.sql": dump}) / "dump.sql")
    assert made.failures == ()
    assert made.owner == "boss"
    assert made.roles == ("reader_of_dump",)
    assert ask(made, "select pg_get_userbyid(relowner)::text from pg_class where oid = 'app.t'::regclass") == "boss"
    assert ask(made, "select rolsuper from pg_roles where rolname = 'boss'") is False


def test_extensions_are_made_beforehand(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path,
        "create schema if not exists tools;\ncreate extension pg_trgm with schema tools;\n"
        'create extension if not exists "vector" with schema extensions;\ncreate extension plpython3u;',
        "drop extension pg_trgm;\ncreate extension pg_trgm;\ncomment on extension pg_trgm is 'x';",
    )
    made = run(server, root, continue_=True)
    assert [one.location for one in made.failures] == [at(1, 4)]
    assert ask(made, "select extnamespace::regnamespace::text from pg_extension where extname = 'pg_trgm'") == "public"
    assert set(made.stubs) <= server.stubs
    assert ("vector" in made.stubs) is ("vector" in server.stubs)


def test_settings_of_the_database_and_of_roles(server: Server, tmp_path: Path) -> None:
    sql = """alter database postgres set "app.settings.secret" to 'x';
alter role authenticator set pgrst.db_schemas = 'api';"""
    made = run(server, supabase(tmp_path, sql))
    assert not made.failures
    query = "select count(*) from pg_db_role_setting where setconfig::text like '%app.settings.secret=x%'"
    assert ask(made, query) == 1
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("alter role authenticator reset pgrst.db_schemas")


def test_seeds_are_run_if_asked_and_their_failures_are_notes(server: Server, tmp_path: Path) -> None:
    root = supabase(tmp_path, "create table t (a int);", seed__sql="insert into t values (1);\nselect 1 / 0;\n\\! x\n")
    assert ask(run(server, root), "select count(*) from t") == 0
    made = run(server, root, seeds=True)
    assert ask(made, "select count(*) from t") == 1
    assert made.failures == ()
    assert any("seed.sql:2: division by zero" in one for one in made.notes)


def test_buckets_of_the_configuration(server: Server, tmp_path: Path) -> None:
    root = supabase(tmp_path, "select 1;")
    (root / "supabase/config.toml").write_text('project_id = "p"\n[storage.buckets.pics]\npublic = true\n')
    made = run(server, root)
    assert ask(made, "select public from storage.buckets where id = 'pics'") is True
    (event,) = (one for one in made.blame.events if one.kind == "bucket")
    assert event.location == Location("supabase/config.toml", 2)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"select 1;\nselect $$ x;\n", 2, "never ends"),
        (b"select 1;\n\\connect other\n", 2, "psql"),
        (b"select 1;\n\\! touch /tmp/x\n", 2, "psql"),
        (b"select `ls`;\n", 1, "syntax error"),
        (b"select 1;\n\0", 2, "NUL"),
        (b"drop database postgres;", 1, "no database is dropped"),
        (b"copy pg_class from stdin;\n1\n", 1, "never ends"),
    ],
)
def test_bad_input_is_told_with_its_line(
    server: Server, tmp_path: Path, content: bytes, line: int, reason: str
) -> None:
    (failure,) = run(server, supabase(tmp_path, content)).failures
    assert failure.location == at(1, line)
    assert reason in failure.message
    assert not str(failure).endswith(": ")


def test_files_as_editors_leave_them(server: Server, tmp_path: Path) -> None:
    root = supabase(
        tmp_path,
        b"\xef\xbb\xbfcreate table bom ();\r\n-- x\r\ncreate table crlf (a text default 'a;\r\nb');\r\nselect 1/0;\r\n",
        b"create table latin (a text default '\xe4');",
        "SET client_encoding = 'LATIN1';\ncreate table utf (a text default 'ä');",
    )
    made = run(server, root, continue_=True)
    assert [one.location for one in made.failures] == [at(1, 5)]
    assert any("Latin-1" in one for one in made.notes)
    query = "select string_agg(pg_get_expr(adbin, adrelid), '' order by adrelid) from pg_attrdef"
    query += " where adrelid = any ('{latin,utf}'::regclass[])"
    assert ask(made, query) == "'ä'::text'ä'::text"


def test_a_missing_file_is_a_failure(server: Server, tmp_path: Path) -> None:
    root = write(tmp_path, {"sqitch.plan": "%project=x\n\ngone 2024\n"})
    (failure,) = run(server, root).failures
    assert failure.location == Location("deploy/gone.sql", 1)
    assert "cannot be read" in failure.message


def test_no_tool(server: Server, tmp_path: Path) -> None:
    made = run(server, write(tmp_path, {"1.sql": "create table t (); select 1/0;", "2.sql": "drop table t;"}))
    assert len(made.failures) == 1
    # Each statement by itself, as psql runs it.
    assert ask(made, "select to_regclass('t')::text") == "t"
    assert find(tmp_path).layout == "sql"


def test_what_could_not_be_committed_is_a_failure(server: Server, tmp_path: Path) -> None:
    sql = "create table t (a int, unique (a) deferrable initially deferred);\n"
    twice = "insert into t values (1);\ninsert into t values (1);\ncreate table lost ();\n"
    made = run(
        server, supabase(tmp_path, sql, twice, f"begin;\n{twice}commit;", "create table kept ();"), continue_=True
    )
    assert [one.location for one in made.failures] == [at(2, 1), at(3, 5)]
    assert ask(made, "select to_regclass('lost') is null and to_regclass('kept') is not null") is True
    assert {one.name for one in made.blame.events if one.kind == "relation"} == {"t", "kept"}


def test_a_savepoint_that_is_not_there_undoes_the_transaction(server: Server, tmp_path: Path) -> None:
    sql = "create table lost ();\nrelease savepoint nowhere;\ncreate table kept ();"
    made = run(server, supabase(tmp_path, sql), continue_=True)
    assert [one.location for one in made.failures] == [at(1, 2)]
    assert {one.name for one in made.blame.events if one.kind == "relation"} == {"kept"}
