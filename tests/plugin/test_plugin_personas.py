"""Statements sent as somebody: what they see, what refuses them, and that nothing of it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from plugin_runs import made, ran, told
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

pytest_plugins = ["pytester"]

SCHEMA = """
set role postgres;
create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid not null default auth.uid() references auth.users (id), body text not null check (body <> '')
);
alter table public.notes enable row level security;
revoke delete on public.notes from authenticated;
create policy "own notes" on public.notes to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create function public.refuse() returns trigger language plpgsql as $$ begin raise 'not on a Sunday'; end $$;
create table public.days (id int primary key);
create trigger refuse before insert on public.days for each row execute function public.refuse();
create table public.circle (id int primary key);
alter table public.circle enable row level security;
create policy "circle" on public.circle using (exists (select from public.circle c where c.id = circle.id));
create function public.whoami() returns text language sql stable as
  $$ select concat_ws(' ', current_user, auth.uid(), auth.jwt() -> 'app_metadata' ->> 'role', auth.email()) $$;
"""
PLAIN = """
create role {0}_app login;
create role {0}_out nologin;
grant usage on schema public to {0}_app;
create table public.seats (id int primary key, tenant text not null);
alter table public.seats enable row level security;
grant select on public.seats to {0}_app;
create policy "tenant" on public.seats to {0}_app using (tenant = current_setting('app.tenant', true));
"""


@pytest.fixture(scope="module")
def project(server: Server) -> Iterator[str]:
    dsn = server.supabase_database("plugin_personas")
    made(dsn, SCHEMA)
    yield dsn
    server.drop_database("plugin_personas")


@pytest.fixture
def plain(server: Server) -> Iterator[str]:
    dsn = server.create_database("plugin_plain")
    made(dsn, PLAIN.format("plugin"))
    yield dsn
    server.drop_database("plugin_plain")
    made(make_conninfo(dsn, dbname="postgres"), "drop role plugin_app, plugin_out")


def test_what_holds(pytester: pytest.Pytester, project: str) -> None:
    tests = """
    from uuid import UUID

    def test_the_request(as_persona):
        with as_persona("anon") as db:
            assert db.rows("select public.whoami()") == [("anon",)]
            db.become("authenticated", sub=UUID(ALICE), claims={"email": "a@b.c", "app_metadata": {"role": "staff"}})
            assert db.rows("select public.whoami()") == [(f"authenticated {ALICE} staff a@b.c",)]
            db.become("anon")
            assert db.rows("select public.whoami()") == [("anon",)]
            db.become("service_role", settings={"app.plan": "free"})
            assert db.rows("select current_user::text, current_setting('app.plan')") == [("service_role", "free")]
            db.become("anon")
            assert db.rows("select current_setting('app.plan')") == [("",)]

    def test_rows(as_persona):
        with as_persona("authenticated", sub=ALICE) as db:
            db.given("insert into auth.users (id) values (%s), (%s)", [ALICE, BOB])
            db.given("create table public.extra (id int); insert into public.extra values (1), (2); analyze notes")
            assert db.rows("select * from extra order by id") == [(1,), (2,)]
            assert db.execute("insert into notes (body) values (%(body)s)", {"body": "hers; commit"}).rowcount == 1
            assert db.rows("select body, user_id from notes") == [("hers; commit", UUID(ALICE))]
            db.become("authenticated", sub=BOB)
            assert db.rows("select * from notes") == []

    def test_it_goes_on_after_an_error(as_persona):
        with as_persona("authenticated", sub=ALICE) as db:
            db.given("insert into auth.users (id) values (%s)", [ALICE])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.rows("delete from notes returning 1")
            with pytest.raises(psycopg.errors.UndefinedTable):
                db.given("select * from nowhere")
            with pytest.raises(psycopg.errors.CheckViolation):
                db.execute("insert into notes (body) values ('')")
            assert db.rows("select current_user::text") == [("authenticated",)]

    def test_refusals(as_persona):
        with as_persona("authenticated", sub=BOB) as db:
            db.given("insert into auth.users (id) values (%s), (%s)", [ALICE, BOB])
            db.given("insert into notes (user_id, body) values (%s, 'hers')", [ALICE])
            assert db.refuses("select * from notes", by="policy")
            assert db.refuses("update notes set body = 'his' where user_id = %s", [ALICE], by="policy")
            assert db.refuses("insert into notes (user_id, body) values (%s, 'forged')", [ALICE], by="policy")
            assert db.refuses("delete from notes", by="grant")
            assert db.refuses("truncate auth.users")
            assert db.refuses("insert into notes (body) values ('')", by="constraint")
            assert db.refuses("insert into days values (7)", by="code")
            # What was tried left nothing behind.
            db.given("set local session_replication_role = replica")
            db.become("postgres")
            assert db.rows("select body from notes") == [("hers",)]

    def test_two_at_once(as_persona):
        with as_persona("authenticated", sub=ALICE) as one, as_persona("anon") as other:
            one.given("insert into auth.users (id) values (%s)", [ALICE])
            one.execute("insert into notes (body) values ('hers')")
            assert other.rows("select current_user::text") == [("anon",)]
    """
    result = ran(pytester, tests, f"--rlsaudit-url={project}", "--rlsaudit-probe=none")
    result.assert_outcomes(passed=5)
    with psycopg.connect(project) as connection:
        query = "select (select count(*) from notes), (select count(*) from auth.users), to_regclass('public.extra')"
        assert connection.execute(query).fetchone() == (0, 0, None)


FAILING = (
    (
        "db.refuses(\"insert into notes (body) values ('mine')\")",
        (
            "authenticated was to be refused by a missing grant or row-level security: it went through (1 row).",
            "replayed by",
            "begin;",
            "set local search_path = public, extensions;",
            'set local role "none";',
            "set local request.jwt.claims = '';",
            "insert into auth.users (id) values ('11111111-1111-4111-8111-111111111111');",
            "set local role authenticated;",
            f'"sub": "{"1" * 8}-1111',
            "insert into notes (body) values ('mine');",
            "rollback;",
        ),
    ),
    (
        'db.refuses("insert into notes (body) values (%s)", [""])',
        (
            "stopped by a constraint: ",
            '"notes_body_check" (23514)',
            "when row-level security has let the row pass",
            "`by='constraint'` if that is meant",
            "insert into notes (body) values ('');",
        ),
    ),
    (
        'db.refuses("delete from notes", by="policy")',
        ("was to be refused by row-level security: it was refused by a missing grant: permission denied for table",),
    ),
    (
        'db.refuses("insert into days values (7)")',
        ("stopped by RAISE in a function or trigger: not on a Sunday (P0001) (`by='code'` if that is meant)",),
    ),
    (
        'db.refuses("select * from notes")',
        ("it found no row, but neither does the connection itself, so nothing was refused (put a row in first",),
    ),
    ('db.refuses("select * from circle")', ("the policies call themselves, so the statement fails for everybody",)),
    ('db.refuses("select * from nowhere")', ('relation "nowhere" does not exist (42P01)',)),
    ('db.rows("select * from auth.users")', ("InsufficientPrivilege: permission denied for table users",)),
    ('db.execute("/* /* */ */ Commit")', ("COMMIT is not sent",)),
    ('db.given("select 1; -- well\\nrollback")', ("ROLLBACK is not sent",)),
    ('db.rows("update notes set body = body")', ("This statement returns no rows.",)),
    ('db.rows("select 1; select 2")', ("There are 2 statements, where one is sent.",)),
    ('db.rows("select \'")', ("This is no SQL: a string begins here and never ends (line 1).",)),
    ('db.refuses("select 1", by="luck")', ("There is nobody called 'luck' who refuses.", "grant, policy,")),
    ('db.become("nobody")', ("There is no role 'nobody' in this database.",)),
    ('db.become("anon", sub=ALICE)', ("The persona anon is nobody in particular, so it has no sub.",)),
    ('db.become("anon", claims={"x": {1}})', ("The claims are no JSON.",)),
    ('db.become("anon", settings={"app.tenant": 7})', ("A setting's value is a text.",)),
    ('db.become("anon", settings={"work_mem": "lots"})', ("The request cannot be set up: invalid value",)),
)


def test_what_fails(pytester: pytest.Pytester, project: str) -> None:
    tests = (
        f"def test_{number}_(as_persona):\n"
        "    with as_persona('authenticated', sub=ALICE) as db:\n"
        "        db.given('insert into auth.users (id) values (%s)', [ALICE])\n"
        f"        {one}"
        for number, (one, _) in enumerate(FAILING)
    )
    result = ran(pytester, "\n".join(tests), f"--rlsaudit-url={project}", "--rlsaudit-probe=none")
    result.assert_outcomes(failed=len(FAILING))
    for number, (_, words) in enumerate(FAILING):
        following = (f"_ test_{number + 1}_ _",) if number + 1 < len(FAILING) else ()
        told(result, f"_ test_{number}_ _", *words, *following)


def test_roles_and_settings_of_plain_postgres(pytester: pytest.Pytester, plain: str) -> None:
    tests = """
    def test_settings(as_persona):
        with as_persona("plugin_app", settings={"app.tenant": "7"}) as db:
            db.given("insert into seats values (1, '7'), (2, '8'), (3, '$8')")
            assert db.rows("select id from seats") == [(1,)]
            db.become("plugin_app", settings={"app.tenant": "$8"})
            assert db.rows("select id from seats") == [(3,)]
            db.become("plugin_app")  # somebody who has nothing
            assert db.refuses("select id from seats", by="policy")
            assert db.refuses("delete from seats", by="grant")

    def test_claims(as_persona):
        with as_persona("plugin_app", sub=ALICE):
            pass
    """
    result = ran(pytester, tests, f"--rlsaudit-url={plain}")
    result.assert_outcomes(passed=1, failed=1)
    told(result, "On plain Postgres there are no claims: nothing would read them.", "settings={")


def test_a_role_that_cannot_be_taken(pytester: pytest.Pytester, plain: str) -> None:
    tests = """
    def test_it(as_persona):
        with as_persona("plugin_out"):
            pass
    """
    result = ran(pytester, tests, f"--rlsaudit-url={make_conninfo(plain, user='plugin_app')}")
    result.assert_outcomes(failed=1)
    told(result, "plugin_app may not SET ROLE plugin_out.", "grant plugin_out to plugin_app;")


def test_roles_that_migrations_made_can_be_taken(pytester: pytest.Pytester) -> None:
    schema = "create role reader; create table t (id int); create table u (id int); grant select on t to reader;"
    pytester.path.joinpath("1_init.sql").write_text(schema, encoding="utf-8")
    tests = """
    def test_it(as_persona):
        with as_persona("reader") as db:
            db.given("insert into t values (1)")
            assert db.rows("select id from t") == [(1,)]
            db.refuses("select * from u", by="grant")
    """
    result = ran(pytester, tests, "--rlsaudit-migrations=.", "--rlsaudit-probe=none")
    result.assert_outcomes(passed=1)
