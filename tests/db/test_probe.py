"""Probes on a real server: what they answer, and what nobody can make them answer."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit import probe
from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, platform_of, take
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Persona
from rlsaudit.personas import built_in
from rlsaudit.probe import Outcome, Probe, Result
from rlsaudit.probe.block import BATCH
from rlsaudit.probe.request import settings, transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.connect import Session


def catalog_of(session: Session) -> Catalog:
    with session.read_only():
        return Catalog(take(session))


def persona(name: str) -> Persona:
    found = built_in(name)
    assert found is not None
    return found


def ask(session: Session, *questions: tuple[str | None, str], relation: int = 0) -> tuple[Result, ...]:
    """Runs statements that return a number as the personas of these names, None being the connection itself."""
    catalog = catalog_of(session)
    probes = [Probe(persona(one) if one else None, relation, Operation.SELECT, sql) for one, sql in questions]
    return probe.run(session, catalog, platform_of(catalog), probes)


def verdicts(results: Sequence[Result]) -> list[tuple[Outcome, int]]:
    return [(one.outcome, one.rows) for one in results]


def on(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        for one in statements:
            admin.execute(one.encode())


class TestThePersona:
    def test_a_probe_runs_as_the_role_with_the_claims_and_the_settings_of_a_request(
        self, supabase_database: str
    ) -> None:
        with connect(supabase_database) as session:
            found = ask(
                session,
                ("anon", "select (current_user = 'anon')::int"),
                ("authenticated", "select (auth.uid() = '0f7a1c52-5d3e-4b8a-9c61-8e2d4f90b7a3')::int"),
                ("authenticated", "select (current_setting('search_path') = 'public, extensions')::int"),
                ("authenticated", "select (current_setting('request.method') = 'GET')::int"),
                ("anon", "select (auth.uid() is null)::int"),
                (None, "select (current_user = session_user and current_setting('search_path') = '')::int"),
            )
        assert verdicts(found) == [(Outcome.ROWS, 1)] * 6

    def test_nothing_that_a_probe_does_reaches_the_next(self, supabase_database: str) -> None:
        spoil = (
            "select count(*) from (select set_config('request.jwt.claims', '{\"role\": \"spoiled\"}', false),"
            " set_config('search_path', 'spoiled', false), set_config('app.spoiled', 'yes', false),"
            " set_config('statement_timeout', '1', false), set_config('role', 'none', false)) as s"
        )
        clean = (
            "select (coalesce(current_setting('app.spoiled', true), '') = ''"
            " and current_setting('statement_timeout') <> '1'"
            " and current_setting('search_path') in ('', 'public, extensions')"
            " and coalesce(current_setting('request.jwt.claims', true), '') !~ 'spoiled'"
            " and current_user = {user})::int"
        )
        with connect(supabase_database) as session:
            found = ask(
                session,
                ("anon", spoil),
                ("anon", clean.format(user="'anon'")),
                ("authenticated", spoil),
                ("authenticated", clean.format(user="'authenticated'")),
                (None, clean.format(user="session_user")),
            )
            assert verdicts(found) == [(Outcome.ROWS, 1)] * 5
            with session.read_only():
                assert session.fetch_value("select current_user = session_user")
                assert session.fetch_value("select current_setting('request.jwt.claims', true)") in {None, ""}

    def test_a_plan_made_for_one_role_is_not_used_for_another(self, supabase_database: str) -> None:
        on(
            supabase_database,
            "create table public.t (id int)",
            "insert into public.t select generate_series(1, 10)",
            "alter table public.t enable row level security",
            "create policy a on public.t to anon using (id <= 3)",
            "create policy b on public.t to authenticated using (id <= 7)",
            "grant select on public.t to anon, authenticated",
            # A cached plan inside of a function, where a role's policies were once kept for the next (CVE-2024-10976).
            "create function public.n() returns bigint language plpgsql as"
            " 'begin return (select count(*) from public.t); end'",
        )
        query = "select public.n()"
        with connect(supabase_database) as session:
            found = ask(session, ("anon", query), ("authenticated", query), ("anon", query), (None, query))
        assert [one.rows for one in found] == [3, 7, 3, 10]

    def test_a_login_of_plain_postgres_has_the_search_path_that_it_would_have(self, database: str) -> None:
        name = "probe_path_role"
        on(database, f"create role {name}", "create schema own", f"grant usage on schema own to {name}")
        try:
            with connect(database) as session:
                for statement, expected in (
                    ("select 1", '"$user", public'),
                    ("alter role all set search_path = own, public", "own, public"),
                    (f"alter role {name} set search_path = public, own", "public, own"),
                ):
                    on(database, statement)
                    catalog = catalog_of(session)
                    made = settings(catalog, platform_of(catalog), Persona(name, name))
                    assert made == {"search_path": expected, "role": name}
        finally:
            on(database, "alter role all reset search_path", f"drop owned by {name}", f"drop role {name}")


class TestForgery:
    """What a policy's function, an operator, or a table of somebody's own could do to the answers."""

    @pytest.mark.parametrize(
        "raised",
        [
            "raise exception 'done'",
            "raise exception 'permission denied for table t' using errcode = '42501'",
            "raise exception 'infinite recursion detected in policy for relation \"t\"' using errcode = '42P17'",
            "raise exception 'deadlock' using errcode = '40P01'",
            "raise exception 'lock' using errcode = '55P03'",
            "raise exception 'assertion' using errcode = 'assert_failure'",
            "raise exception 'canceled' using errcode = 'query_canceled'",
            "raise exception 'fatal' using errcode = 'admin_shutdown'",
            "assert false, 'asserted'",
            "perform 1/0",
            "raise exception '%', repeat('x', 50000000)",
            "raise exception e'\\u202e\\x1b[2J%%\\n' using hint = 'h', detail = 'd', errcode = '22000'",
            "perform count(*) from generate_series(1, 10) as n limit -1",
        ],
    )
    def test_an_error_of_a_function_is_no_answer_and_stops_no_other_probe(
        self, supabase_database: str, raised: str
    ) -> None:
        on(
            supabase_database,
            f"create function public.f() returns int language plpgsql as $f$ begin {raised}; return 1; end $f$",
        )
        with connect(supabase_database) as session:
            found = ask(session, ("anon", "select 1"), ("anon", "select public.f()"), ("anon", "select 2"))
        assert [one.outcome for one in found] == [Outcome.ROWS, Outcome.INCONCLUSIVE, Outcome.ROWS]
        assert [found[0].rows, found[2].rows] == [1, 2]
        assert len(found[1].reason) < 600

    @pytest.mark.parametrize("language", ["sql", "plpgsql"])
    def test_a_refusal_on_some_rows_only_is_no_denial(self, supabase_database: str, language: str) -> None:
        body = "select set_config('role', case when x then 'postgres' end, true) is null or 1 / (not x)::int = 1"
        if language == "plpgsql":
            body = (
                "begin if x then raise exception 'permission denied for table t' using errcode = '42501'; end if;"
                " return true; end"
            )
        on(
            supabase_database,
            f"create function public.f(x boolean) returns boolean language {language} as $f${body}$f$",
            "create table public.t (x boolean)",
            "insert into public.t values (true)",
            "grant select on public.t to anon",
        )
        query = "select count(*) from public.t where public.f(x)"
        with connect(supabase_database) as session:
            (found,) = ask(session, ("anon", query))
            on(supabase_database, "update public.t set x = false")
            (again,) = ask(session, ("anon", query))
        assert found.outcome is Outcome.INCONCLUSIVE
        assert again.outcome is Outcome.ROWS

    def test_a_built_in_function_that_refuses_by_its_data_is_no_denial(self, supabase_database: str) -> None:
        on(
            supabase_database,
            "create table public.t (role text)",
            "insert into public.t values ('postgres')",
            "grant select on public.t to anon",
        )
        # As a policy could: whether this is refused depends on the row.
        query = "select count(*) from public.t where set_config('session_authorization', role, true) is not null"
        login = "probe_unprivileged"
        on(supabase_database, f"create role {login} login", f"grant anon to {login}")
        try:
            with connect(psycopg.conninfo.make_conninfo(supabase_database, user=login)) as session:
                (found,) = ask(session, ("anon", query))
        finally:
            on(supabase_database, f"drop role {login}")
        assert "42501" in found.reason
        assert found.outcome is Outcome.INCONCLUSIVE

    def test_what_the_server_refuses_before_any_row_is_a_denial(self, supabase_database: str) -> None:
        on(
            supabase_database,
            "create table public.secret (id int)",
            "revoke all on public.secret from anon",
            "create table public.t (id int)",
            "insert into public.t values (1)",
            "alter table public.t enable row level security",
            "create policy p on public.t using (exists (select from public.secret))",
            "grant all on public.t to anon",
            'create table public."a\nb" (id int)',
            'revoke all on public."a\nb" from anon',
        )
        with connect(supabase_database) as session:
            found = ask(
                session,
                ("anon", "select count(*) from public.secret"),
                ("anon", "select count(*) from public.t"),
                ("anon", "explain update public.t set id = null"),
                ("anon", 'select count(*) from public."a\nb"'),
            )
        assert [one.outcome for one in found] == [Outcome.DENIED] * 4

    def test_policies_that_call_themselves_are_told_from_those_that_say_so(self, supabase_database: str) -> None:
        on(
            supabase_database,
            "create table public.t (id int)",
            "alter table public.t enable row level security",
            "create policy p on public.t using (exists (select from public.t))",
            "grant all on public.t to anon",
        )
        with connect(supabase_database) as session:
            (found,) = ask(session, ("anon", "select count(*) from public.t"))
        assert found.outcome is Outcome.RECURSION

    def test_objects_that_shadow_the_built_in_ones_are_not_taken_for_them(self, supabase_database: str) -> None:
        on(
            supabase_database,
            "create function public.json_array_elements(json) returns setof json language sql as 'select $1'",
            "create function public.set_config(text, text, boolean) returns text language sql as $$ select 'shadow' $$",
            "create function public.current_setting(text) returns text language sql as"
            " $$ select '[[true, \"777\", null, null, false]]' $$",
            "create function public.left(text, int) returns text language sql as $$ select 'shadow' $$",
            "create function public.replace(text, text, text) returns text language sql as $$ select '' $$",
            "create function public.arrow(json, text) returns text language sql as $$ select 'select 777' $$",
            "create function public.arrow(json, int) returns text language sql as $$ select 'search_path' $$",
            "create function public.glue(jsonb, jsonb) returns jsonb language sql as $$ select '[]'::jsonb $$",
            "create operator public.->> (function = public.arrow, leftarg = json, rightarg = text)",
            "create operator public.->> (function = public.arrow, leftarg = json, rightarg = int)",
            "create operator public.|| (function = public.glue, leftarg = jsonb, rightarg = jsonb)",
            "create type public.json as enum ('shadow')",
            "create type public.jsonb as enum ('shadow')",
            "create domain public.text as int",
            "create table public.pg_class (oid int, relname text)",
            # The persona's own path may even put them first.
            "alter role anon set search_path = public, pg_catalog",
        )
        try:
            with connect(supabase_database) as session:
                found = ask(session, ("anon", "select 5"), ("authenticated", "select 6"), (None, "select 7"))
                with session.read_only():
                    assert take(session).server.version_num == session.server_version_num
        finally:
            on(supabase_database, "alter role anon reset search_path")
        assert [one.rows for one in found] == [5, 6, 7]

    def test_notices_do_not_flood_us(self, supabase_database: str) -> None:
        on(
            supabase_database,
            "create function public.f() returns int language plpgsql as"
            " $$ begin for i in 1..1000 loop raise notice '%', repeat('x', 1000); end loop; return 1; end $$",
        )
        heard: list[object] = []
        with connect(supabase_database) as session:
            session.connection.add_notice_handler(heard.append)
            (found,) = ask(session, ("anon", "select public.f()"))
        assert (found.rows, heard) == (1, [])


class TestNames:
    HOSTILE = (
        'a"b',
        "a'b",
        "a\\b",
        "$o$",
        "$$; drop table x; $$",
        "line\nbreak",
        "\x1b[2Jclear",
        "\u202egnp.exe",
        "select",
        "ünïcode",
        "x" * 63,
        "%s {x} %(y)s",
        "--comment",
        "/*",
        " ",
    )

    def test_hostile_names_are_counted_and_written_to_as_any_other(self, supabase_database: str) -> None:
        quoted = ['"' + name.replace('"', '""') + '"' for name in self.HOSTILE]
        for name in quoted:
            on(
                supabase_database,
                f"create table public.{name} ({name} int default 7)",
                f"insert into public.{name} values (1), (2)",
                f"grant all on public.{name} to anon",
            )
        with connect(supabase_database) as session:
            catalog = catalog_of(session)
            relations = [one for one in catalog.snapshot.relations if catalog.schema_name(one) == "public"]
            assert {one.name for one in relations} == set(self.HOSTILE)
            probes, skipped = probe.plan(Access(catalog), [persona("anon")], relations)
            assert skipped == ()
            found = probe.run(session, catalog, platform_of(catalog), probes)
        assert {one.outcome for one in found} == {Outcome.ROWS}
        selects = [one for one in found if one.probe.operation is Operation.SELECT]
        assert len(selects) == 2 * len(self.HOSTILE)
        assert {one.rows for one in selects} == {2}

    def test_a_transcript_replays_what_the_probe_did(self, supabase_database: str) -> None:
        hostile = Persona("p", "anon", {"sub": 'it\'s \\ "x"\n'}, {"app.a": "b\\'c"})
        statement = (
            "select current_setting('request.jwt.claims'), current_setting('app.a'), current_setting('search_path')"
        )
        on(supabase_database, 'alter role anon set search_path = \'odd; select\', "a""b", public')
        try:
            with connect(supabase_database) as session:
                catalog = catalog_of(session)
                made = settings(catalog, platform_of(catalog), hostile)
                lines = transcript(made, statement)
        finally:
            on(supabase_database, "alter role anon reset search_path")
        with psycopg.connect(supabase_database, autocommit=True) as admin:
            answers = [admin.execute(one.encode()) for one in lines]
            row = answers[-2].fetchone()
        assert row == (made["request.jwt.claims"], "b\\'c", made["search_path"])


class TestRoundTrips:
    def test_they_grow_by_one_for_each_batch(self, supabase_database: str) -> None:
        with connect(supabase_database) as session:
            catalog = catalog_of(session)
            spent = []
            for batches in (1, 3):
                probes = [
                    Probe(persona("anon"), number, Operation.SELECT, f"select {number}")
                    for number in range(batches * BATCH)
                ]
                before = session.round_trips
                found = probe.run(session, catalog, platform_of(catalog), probes)
                assert [one.rows for one in found] == list(range(batches * BATCH))
                spent.append(session.round_trips - before)
        assert spent == [3, 5]

    def test_every_probe_is_told_to_the_progress_once(self, supabase_database: str) -> None:
        told: list[int] = []
        with connect(supabase_database) as session:
            catalog = catalog_of(session)
            probes = [
                Probe(who, number, Operation.SELECT, "select 1")
                for who, number in itertools.product((persona("anon"), None), range(150))
            ]
            probe.run(session, catalog, platform_of(catalog), probes, progress=told.append)
        assert sum(told) == 300

    def test_locks_end_with_the_probe(self, supabase_database: str) -> None:
        on(supabase_database, "create table public.t (id int)", "grant select on public.t to anon")
        held = "select count(*) from pg_locks where pid = pg_backend_pid() and relation = 'public.t'::regclass"
        with connect(supabase_database) as session:
            found = ask(session, ("anon", "select count(*) from public.t"), ("anon", held))
        assert verdicts(found) == [(Outcome.ROWS, 0), (Outcome.ROWS, 0)]

    def test_a_relation_that_is_locked_costs_one_wait(self, supabase_database: str) -> None:
        on(supabase_database, "create table public.t (id int)", "grant select on public.t to anon")
        with psycopg.connect(supabase_database) as owner:
            owner.execute("lock table public.t in access exclusive mode")
            with connect(supabase_database) as session:
                found = ask(session, *[("anon", "select count(*) from public.t")] * 50, relation=1)
        assert {one.outcome for one in found} == {Outcome.INCONCLUSIVE}
        assert all("55P03" in one.reason for one in found)


class TestTime:
    """One time limit is for a whole batch: what it hits, what it leaves, and what that costs."""

    LIMIT_MS = 1_000

    def test_a_slow_probe_costs_a_round_trip_and_no_answer_of_another(self, supabase_database: str) -> None:
        found, spent = self.asked(supabase_database, [*["select 1"] * 300, "select 1 from pg_sleep(60)", "select 2"])
        assert verdicts(found[:300]) == [(Outcome.ROWS, 1)] * 300
        assert found[300].reason == "the statement ran into the time limit"
        assert verdicts(found[301:]) == [(Outcome.ROWS, 2)]
        assert spent == 4

    def test_a_batch_ends_before_its_time_is_up(self, supabase_database: str) -> None:
        each = "select 1 from pg_sleep(0.15)"
        found, spent = self.asked(supabase_database, [each] * 12)
        assert verdicts(found) == [(Outcome.ROWS, 1)] * 12
        assert spent <= 2 + 6

    def test_who_catches_the_cancellation_leaves_nobody_without_a_limit(self, supabase_database: str) -> None:
        on(
            supabase_database,
            "create function public.f() returns int language plpgsql as"
            " $$ begin perform pg_sleep(60); return 1; exception when query_canceled then return 7; end $$",
        )
        found, _ = self.asked(supabase_database, ["select public.f()", "select 1 from pg_sleep(3)", "select 2"])
        assert verdicts(found) == [(Outcome.ROWS, 7), (Outcome.INCONCLUSIVE, 0), (Outcome.ROWS, 2)]

    def test_other_probes_of_a_slow_relation_wait_for_the_end(self, supabase_database: str) -> None:
        held = "select count(*) from public.t"
        on(supabase_database, "create table public.t (id int)", "grant select on public.t to anon, authenticated")
        with connect(supabase_database) as session, psycopg.connect(supabase_database) as owner:
            catalog = catalog_of(session)
            owner.execute("lock table public.t in access exclusive mode")
            # As the lock's holder lets go when the first has waited in vain.
            probes = [
                Probe(persona("anon"), 1, Operation.SELECT, held),
                Probe(persona("authenticated"), 1, Operation.SELECT, held),
                *(Probe(persona("authenticated"), 2, Operation.SELECT, "select 2") for _ in range(BATCH)),
            ]
            told: list[int] = []

            def progress(more: int) -> None:
                told.append(more)
                owner.rollback()

            found = probe.run(session, catalog, platform_of(catalog), probes, progress=progress)
        assert "55P03" in found[0].reason
        assert verdicts(found[1:]) == [(Outcome.ROWS, 0), *[(Outcome.ROWS, 2)] * BATCH]
        assert told == [1, BATCH, 1]

    def asked(self, dsn: str, statements: Sequence[str]) -> tuple[tuple[Result, ...], int]:
        """The answers to statements as anon, each about a relation of its own, and the round trips."""
        with connect(dsn, statement_timeout_ms=self.LIMIT_MS) as session:
            catalog = catalog_of(session)
            probes = [Probe(persona("anon"), n, Operation.SELECT, sql) for n, sql in enumerate(statements)]
            before = session.round_trips
            found = probe.run(session, catalog, platform_of(catalog), probes)
            return found, session.round_trips - before
