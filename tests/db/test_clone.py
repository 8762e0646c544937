"""A clone on a real server: alike in all that decides access, honest where it is not, and no danger to anybody."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from installations import DUMPED
from oracle.world import WORLDS, read_world
from psycopg.conninfo import conninfo_to_dict

from rlsaudit import demo
from rlsaudit.audit import Options, audit
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.likeness import differences
from rlsaudit.catalog.renumbered import renumbered
from rlsaudit.connect import connect
from rlsaudit.connect.dump import meets, schema_of, shares_backends
from rlsaudit.engine import EngineRequest, Server, start
from rlsaudit.engine.programs import dumper
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.errors import AuditError, EngineError, UsageError
from rlsaudit.model import EvidenceKind, ObjectRef, Reach
from rlsaudit.source import in_a_clone
from rlsaudit.source.clone import audited
from rlsaudit.source.clone.build import built, engine_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command import Answer

    from rlsaudit.catalog import Snapshot
    from rlsaudit.catalog.likeness import Difference
    from rlsaudit.model import Report
    from rlsaudit.source.clone.build import Clone

EVERYTHING = (Path(__file__).parent / "everything.sql").read_text(encoding="utf-8")
OURS = (
    "cat_owner",
    "cat_member",
    "cat_nobody",
    'cat "odd"',
    "clone_login",
    "clone_reader",
    "clone_guest",
    "clone_evil",
)


@pytest.fixture(autouse=True)
def _dumped(server: Server) -> None:
    """There is a pg_dump for each major but the newest, of which the tests' packages have the server alone."""
    if server.major > DUMPED:
        pytest.skip(f"the tests' packages have no pg_dump of Postgres {server.major}; that it is told has its own test")


@cache
def program(major: int) -> Path:
    """The `pg_dump` for a major: to look for it, each that there is is asked for its version."""
    return dumper(major, EngineRequest()).path


@pytest.fixture(autouse=True)
def _no_roles_of_ours(server: Server) -> Iterator[None]:
    """Roles are the whole server's: they go with each test."""
    yield
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as admin:
        for (role,) in admin.execute("select quote_ident(rolname) from pg_roles where rolname = any(%s)", [[*OURS]]):
            admin.execute(f"drop role {role}".encode())


@cache
def engine(major: int) -> EngineRequest:
    """The server to clone a database of a major in, looked for in the same way."""
    return engine_for(major, EngineRequest())


def facts(dsn: str) -> Snapshot:
    with connect(dsn) as session, session.read_only():
        return take(session)


@contextmanager
def cloned(dsn: str) -> Iterator[tuple[Clone, Snapshot, list[Difference]]]:
    """A clone with its facts, and how they differ from the database's."""
    snapshot = facts(dsn)
    dump = schema_of(dsn, program(snapshot.server.major))
    with start(engine(snapshot.server.major)) as server, built(server, Catalog(snapshot), dump) as clone:
        copy = facts(clone.login)
        yield clone, copy, differences(snapshot, copy, apart_from=clone.crew.names)


def on(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        for one in statements:
            admin.execute(one.encode())


def make_world(dsn: str, name: str) -> None:
    """Makes a world of the oracle's, without its rows."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("create role clone_guest")
        grant_replay_rights(admin)
        with admin.transaction():
            admin.execute("grant clone_guest to postgres")
            admin.execute("set local role postgres")
            admin.execute(read_world(name).schema.replace("oracle_group", "clone_guest").encode())
        revoke_replay_rights(admin)


def clone_report(dsn: str, **options: object) -> Report:
    with connect(dsn) as session:
        return in_a_clone(session, dsn, EngineRequest(), Options(**options)).report  # type: ignore[arg-type]  # Options'


def verdicts(report: Report) -> dict[tuple[str, str, str], tuple[Reach, Reach]]:
    return {(one.persona, one.relation, one.operation.value): (one.reach, one.escalated) for one in report.matrix}


class TestALikeness:
    def test_the_demo_app(self, supabase_database: str) -> None:
        with psycopg.connect(supabase_database, autocommit=True) as admin:
            demo.load(admin)
        with cloned(supabase_database) as (clone, copy, unlike):
            assert unlike == []
            assert clone.failures == ()
            there = facts(supabase_database)
            assert copy.buckets == there.buckets != ()
            with_its_oids = renumbered(there, copy)
            assert differences(there, with_its_oids) == []
            known = {one.oid for one in copy.relations}
            assert {one.relation for one in with_its_oids.columns} <= known
            assert {ref.relation for one in with_its_oids.policies for ref in one.columns} <= known
            assert {one.oid for one in there.relations} != known

    def test_a_database_with_one_of_everything(self, server: Server, database: str) -> None:
        sql = EVERYTHING.replace("database everything", f"database {conninfo_to_dict(database)['dbname']}")
        if server.major < 15:
            sql = re.sub(r"create publication cat_(one|schema).*?;", "", sql)
        on(database, sql)
        with cloned(database) as (clone, copy, unlike):
            assert unlike == []
            assert [one.message for one in clone.failures if "does not exist" not in one.message] == []
            assert len(copy.policies) == len(facts(database).policies)

    @pytest.mark.parametrize("name", sorted(one.stem for one in WORLDS.glob("*.sql")))
    def test_the_worlds_of_the_oracle(self, supabase_database: str, name: str) -> None:
        make_world(supabase_database, name)
        with cloned(supabase_database) as (clone, _, unlike):
            assert unlike == []
            assert clone.failures == ()
            assert clone.skipped == ()

    def test_what_is_not_alike_is_seen(self, database: str) -> None:
        """Each of these is a way in which a clone could be wrong."""
        schema = (
            "create table public.notes (id int, owner uuid)",
            "alter table public.notes enable row level security",
            "create policy p on public.notes using (id > 1)",
            "create function public.f() returns int language sql as 'select 1'",
            "create role clone_guest",
            "grant select on public.notes to clone_guest",
        )
        on(database, *schema)
        before = facts(database)
        for change, ref, what in (
            ("alter table public.notes disable row level security", "public.notes", "rls"),
            ("alter policy p on public.notes using (true)", "public.notes", "policies"),
            ("grant update (id) on public.notes to clone_guest", "public.notes", "columns"),
            ("alter function public.f() security definer", "public.f()", "security_definer"),
            ("grant usage on schema public to clone_guest with grant option", "public", "acl"),
            ("alter role clone_guest bypassrls", "clone_guest", "bypass_rls"),
            ("drop function public.f()", "public.f()", "missing"),
        ):
            on(database, change)
            found = {(one.object.identity, each) for one in differences(before, facts(database)) for each in one.what}
            assert (ref, what) in found, change


class TestAnAudit:
    def test_the_demo_app_has_the_same_report(self, server: Server, supabase_database: str) -> None:
        with psycopg.connect(supabase_database, autocommit=True) as admin:
            demo.load(admin)
        dsn = server.dsn(str(conninfo_to_dict(supabase_database)["dbname"]), user="postgres")
        with connect(dsn) as session:
            there = audit(session, Options())
        here = clone_report(dsn)
        assert here.target.probe == "clone"
        assert verdicts(here) == verdicts(there)
        assert {one.fingerprint for one in here.findings} == {one.fingerprint for one in there.findings}
        assert not [one for one in here.skipped if "clone" in one.what]
        assert any("no rows but those of storage.buckets" in one for one in here.target.notes)

    @pytest.mark.parametrize(
        "name", ["functions", "partitions", "triggers", "views_writes", "odd_names", "members_nested"]
    )
    def test_a_world_has_the_same_report_as_where_it_may_be_attacked_itself(
        self, server: Server, supabase_database: str, name: str
    ) -> None:
        make_world(supabase_database, name)
        dsn = server.dsn(str(conninfo_to_dict(supabase_database)["dbname"]), user="postgres")
        here = clone_report(dsn, throwaway=True)
        with connect(dsn) as session:
            # As there, the server is the project's.
            there = audit(session, Options(throwaway=True, clone=True))
        assert verdicts(here) == verdicts(there)
        assert {one.fingerprint for one in here.findings} == {one.fingerprint for one in there.findings}
        assert [one.evidence for one in here.matrix] == [one.evidence for one in there.matrix]

    def test_a_table_that_somebody_holds_is_not_waited_for(self, database: str) -> None:
        on(database, "create table public.t (id int)")
        with psycopg.connect(database) as other:
            other.execute("lock table public.t in access exclusive mode")
            with pytest.raises(AuditError) as told:
                clone_report(database)
            other.rollback()
        assert "pg_dump failed" in told.value.message
        assert any("LOCK TABLE public.t" in one for one in told.value.details)
        assert "Somebody holds a lock" in told.value.hint

    def test_plain_roles_of_a_superusers_database_are_asked_in_it(self, database: str) -> None:
        on(
            database,
            "create role clone_login login",
            "create table public.mine (id int)",
            "create table public.hidden (id int)",
            "grant select on public.mine to clone_login",
            "alter table public.hidden enable row level security",
            "grant all on public.hidden to clone_login",
        )
        found = verdicts(clone_report(database))
        assert found["clone_login", "public.mine", "select"][0] is Reach.ALL
        assert found["clone_login", "public.hidden", "select"][0] is Reach.NONE

    def test_what_the_login_may_not_read_is_left_out_and_said(self, server: Server, database: str) -> None:
        on(
            database,
            "create role clone_reader login",
            "create table public.open (id int)",
            "create table public.shut (id int)",
            "grant select on public.open to clone_reader",
        )
        dsn = server.dsn(str(conninfo_to_dict(database)["dbname"]), user="clone_reader")
        report = clone_report(dsn)
        assert {one.what: one.reason for one in report.skipped}["public.shut in the clone"] == (
            "clone_reader may not read it, so pg_dump leaves it out"
        )
        assert all(one.evidence is not EvidenceKind.PROBE for one in report.matrix if one.relation == "public.shut")
        assert ("clone_reader", "public.shut", "select") in verdicts(report)

    def test_the_answers_of_a_clone_that_is_not_alike_are_not_believed(self, database: str) -> None:
        """A function in C cannot be made by a role that is no superuser, nor what depends on it."""
        on(
            database,
            "create role clone_login login",
            "create function public.compiled() returns bool language internal as 'pg_backend_pid'",
            "create table public.depends (id int)",
            "alter table public.depends enable row level security",
            "create policy p on public.depends using (public.compiled())",
            "create policy q on public.depends using (id is null or id is not null)",
            "create table public.apart (id int)",
            "grant all on public.depends, public.apart to clone_login",
        )
        report = clone_report(database)
        skipped = {one.what: one.reason for one in report.skipped}
        assert skipped["function public.compiled() in the clone"] == "missing"
        assert skipped["table public.depends in the clone"] == "policies"
        for cell in report.matrix:
            if cell.relation == "public.depends":
                assert cell.evidence in {EvidenceKind.CATALOG, EvidenceKind.PROOF, EvidenceKind.NONE}
        assert verdicts(report)["clone_login", "public.apart", "select"][0] is Reach.ALL

    def test_no_finding_and_no_chain_rests_on_what_is_not_alike(
        self, server: Server, supabase_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A dump without two guards: in the clone rows are anybody's, for the asking or by a chain."""
        for name in ("guarded", "open"):
            on(
                supabase_database,
                f"create table public.{name} (id uuid primary key default gen_random_uuid(), body text)",
                f"create policy p on public.{name} to authenticated using (length(body) > 0)",
                f"create table public.{name}_members (team uuid, member uuid)",
                f"create policy p on public.{name}_members to authenticated using (member = auth.uid())",
                f"create table public.{name}_plans (id uuid primary key, team uuid, body text)",
                f"create policy p on public.{name}_plans to authenticated using (exists (select from"
                f" public.{name}_members m where m.team = {name}_plans.team and m.member = auth.uid()))",
                *(f"alter table public.{name}{more} enable row level security" for more in ("", "_members", "_plans")),
            )
        on(
            supabase_database,
            "create policy guard on public.guarded as restrictive using (false)",
            "create policy guard on public.guarded_members as restrictive for insert with check (false)",
            "create policy still on public.guarded_members as restrictive for update using (false)",
        )
        real = dumper(server.major, EngineRequest())
        loses = tmp_path / "pg_dump"
        loses.write_text(f"#!/bin/sh\n'{real.path}' \"$@\" | sed '/^CREATE POLICY guard /d'\n", encoding="utf-8")
        loses.chmod(0o755)
        monkeypatch.setattr(audited, "dumper", lambda *_: replace(real, path=loses))
        dsn = server.dsn(str(conninfo_to_dict(supabase_database)["dbname"]), user="postgres")
        report = clone_report(dsn, throwaway=True)
        told = {
            relation.removeprefix("public.")
            for one in report.findings
            if one.rule != "truncate-bypass"
            for relation in (*one.relations, one.object.identity)
            if relation.startswith("public.")
        }
        # That the tables that are alike are told of shows that the others would be, too.
        assert {one for one in told if one.startswith("open")} >= {"open", "open_plans"}
        assert not [one for one in told if one.startswith("guarded")]
        cells = {
            (one.relation.removeprefix("public."), one.operation.value): one
            for one in report.matrix
            if one.persona == "authenticated"
        }
        assert cells["open", "select"].evidence is EvidenceKind.PROBE
        assert (cells["guarded", "select"].reach, cells["guarded", "select"].evidence) == (Reach.NONE, "proof")
        assert cells["open_plans", "select"].escalated is Reach.SOME
        assert cells["guarded_plans", "select"].escalated is Reach.OWN
        assert not [one for one in report.matrix if "bug of rlsaudit" in f"{one.because} {one.escalated_because}"]

    def test_the_database_is_only_read(self, supabase_database: str) -> None:
        with psycopg.connect(supabase_database, autocommit=True) as admin:
            demo.load(admin)
            admin.execute("vacuum freeze")
            ask = "select pg_snapshot_xmax(pg_current_snapshot())::text"
            before = admin.execute(ask).fetchone()
            clone_report(supabase_database)
            assert admin.execute(ask).fetchone() == before
            assert admin.execute("select count(*) from pg_roles where rolname ~ '^rlsaudit_'").fetchone() == (0,)


class TestDanger:
    def test_no_code_of_the_databases_runs_as_a_superuser(self, database: str) -> None:
        """An immutable function in a constraint is called when the table is made, by whoever makes it."""
        harmless = "create or replace function public.trap(int) returns bool immutable language sql as 'select true'"
        trap = (
            "create or replace function public.trap(int) returns bool immutable language plpgsql as $$ begin"
            " if exists (select from pg_roles where rolsuper and rolname in (current_user, session_user)) then"
            "   raise exception 'a superuser fell into it'; end if;"
            " return true; end $$"
        )
        on(database, harmless, "create table public.checked (id int, check (public.trap(1)))")
        on(database, "create index on public.checked ((public.trap(id)))", trap)
        with pytest.raises(psycopg.errors.RaiseException, match="fell into it"):
            on(database, "create table public.again (id int, check (public.trap(1)))", "insert into again values (1)")
        with cloned(database) as (clone, _, unlike):
            assert [one.message for one in clone.failures] == []
            assert unlike == []

    def test_a_superusers_function_has_no_superusers_rights(self, database: str) -> None:
        on(
            database,
            "create role clone_login login",
            "create function public.owned() returns bool language sql security definer as"
            " 'select rolsuper from pg_roles where rolname = current_user'",
        )
        with cloned(database) as (clone, copy, _), psycopg.connect(clone.login) as attacker:
            attacker.execute("set role clone_login")
            assert attacker.execute("select public.owned()").fetchone() == (False,)
            attacker.execute("reset role")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                attacker.execute("copy (select 1) to program 'true'")
            attacker.rollback()
            supers = [one.name for one in copy.roles if one.superuser and not one.name.startswith("pg_")]
            assert set(supers) <= clone.crew.names
            for one in supers:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    attacker.execute(f"set role {one}")
                attacker.rollback()

    def test_nobody_in_it_becomes_a_member_of_what_runs_programs(self, database: str) -> None:
        on(
            database,
            "create role clone_evil login createrole",
            "grant pg_execute_server_program to clone_evil",
        )
        with cloned(database) as (clone, _, unlike), psycopg.connect(clone.login) as attacker:
            assert [one.what for one in clone.skipped] == ["the membership of clone_evil in pg_execute_server_program"]
            assert [one.object for one in unlike] == [
                ObjectRef("membership", "clone_evil in pg_execute_server_program")
            ]
            attacker.execute("set role clone_evil")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                attacker.execute("grant pg_execute_server_program to clone_evil")
            attacker.rollback()

    def test_a_password_is_neither_on_a_command_line_nor_in_an_error(self, database: str, tmp_path: Path) -> None:
        """A pg_dump that tells what it was given, and fails with what it knows."""
        program = tmp_path / "pg_dump"
        program.write_text(
            '#!/bin/sh\necho "$@" > "$0.arguments"\necho "$PGUSER $PGPASSWORD $PGDATABASE" > "$0.environment"\n'
            'echo "error: password $PGPASSWORD" >&2\nexit 1\n'
        )
        program.chmod(0o755)
        dsn = f"{database} password='s3cr3t word'"
        with pytest.raises(AuditError) as told:
            schema_of(dsn, program)
        said = " ".join((told.value.message, told.value.hint, *told.value.details))
        assert "s3cr3t" not in said
        assert "***" in said
        assert "s3cr3t" not in (tmp_path / "pg_dump.arguments").read_text()
        assert "s3cr3t word" in (tmp_path / "pg_dump.environment").read_text()

    def test_a_transaction_pooler_is_told_from_a_connection(self, database: str) -> None:
        with connect(database) as one, connect(database) as other:
            assert not shares_backends(one, database)
            assert not meets(one, other)
            # What a pooler does: two clients, one backend.
            assert meets(one, one)


class TestTheCommand:
    def test_it_audits_in_a_clone(self, ask: Callable[..., Answer], database: str) -> None:
        on(database, "create role clone_login login", "create table public.t (id int)", "grant all on t to clone_login")
        said = ask("audit", database, "--probe", "clone", "--format", "json", "--fail-on", "critical")
        assert said.code in {0, 1}, said.err
        assert '"probe": "clone"' in said.out

    def test_what_cannot_be_is_refused(self, ask: Callable[..., Answer], database: str, tmp_path: Path) -> None:
        (tmp_path / "facts.json").write_text("{}")
        ask("audit", "facts.json", "--probe", "clone").refused("no server to clone")
        ask("audit", database, "--engine", "wheel").refused("--probe clone")
        ask("demo", "--probe", "clone").refused()

    def test_somebodys_server_is_not_taken_for_it(self, database: str) -> None:
        with pytest.raises(UsageError, match="server of its own"):
            engine_for(17, EngineRequest(url=database))


def test_without_a_fitting_pg_dump_it_is_said_what_to_install() -> None:
    with pytest.raises(EngineError) as told:
        dumper(99, EngineRequest())
    assert "pg_dump of Postgres 99 or later" in told.value.message
    assert "postgresql-client-99" in told.value.hint
