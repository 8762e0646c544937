"""What keeps a fix, and what makes it a draft: fixes of all kinds, tried on databases made for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from benches import fixed_by, plain, supabase

from rlsaudit.fix import Outcome, mended, migration
from rlsaudit.probe.doubts import Doubts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.fix import Tried
    from rlsaudit.source import Standing

OPEN = """
    create table public.notes (id bigint primary key, user_id uuid not null, body text, private_note text);
    insert into public.notes values (1, gen_random_uuid(), 'a', 'b');
"""
MINE = '"mine" on public.notes to authenticated using ((select auth.uid()) = user_id)'
RLS = "alter table public.notes enable row level security;"


@pytest.fixture(scope="module")
def open_table(server: Server) -> Iterator[Standing]:
    with supabase(server, OPEN) as standing:
        yield standing


def _tried(standing: Standing, fix: str) -> Tried:
    (one,) = mended(fixed_by(standing, "rls-off", fix), wanted=lambda finding: finding.rule == "rls-off").tried
    return one


class TestOneTable:
    def test_its_own_fix_is_kept_and_says_what_it_closes(self, open_table: Standing) -> None:
        (one,) = mended(open_table, wanted=lambda finding: finding.rule == "rls-off").tried
        assert one.outcome is Outcome.VERIFIED
        assert 'create policy "own notes" on public.notes' in one.finding.fix.sql
        closed = {(each.persona, each.operation, each.after) for each in one.closed}
        assert ("anon", "select", "none") in closed
        assert ("authenticated", "delete", "own") in closed

    def test_one_that_locks_owners_out_is_a_draft(self, open_table: Standing) -> None:
        one = _tried(open_table, RLS)
        assert one.outcome is Outcome.DRAFT
        assert one.because == (
            "authenticated could no longer read, insert, change and delete rows of its own of public.notes",
        )

    def test_one_that_lets_owners_only_read_is_a_draft(self, open_table: Standing) -> None:
        one = _tried(open_table, f"{RLS} create policy {MINE.replace(' to ', ' for select to ')};")
        assert one.outcome is Outcome.DRAFT
        assert one.because == (
            "authenticated could no longer insert, change and delete rows of its own of public.notes",
        )

    def test_one_that_hides_a_column_from_owners_is_a_draft(self, open_table: Standing) -> None:
        hide = (
            "revoke select on public.notes from authenticated;"
            "grant select (id, user_id, body) on public.notes to authenticated;"
        )
        one = _tried(open_table, f"{RLS} create policy {MINE}; {hide}")
        assert one.outcome is Outcome.DRAFT
        assert one.because == ("authenticated could no longer read private_note of public.notes",)

    def test_one_that_does_not_mend_it_is_a_draft(self, open_table: Standing) -> None:
        one = _tried(open_table, "revoke delete on public.notes from anon;")
        assert "the finding is still there after it" in one.because

    def test_one_that_brings_another_finding_is_a_draft(self, open_table: Standing) -> None:
        one = _tried(open_table, f'{RLS} create policy "all" on public.notes using (true);')
        assert one.outcome is Outcome.DRAFT
        assert any("comes instead: for-all-write, critical" in why for why in one.because)

    def test_one_whose_policy_fails_when_it_is_asked_is_a_draft(self, open_table: Standing) -> None:
        private = (
            "create schema hidden; create function hidden.mine(uuid) returns boolean language sql stable"
            " as 'select $1 = auth.uid()';"
        )
        one = _tried(
            open_table,
            f"{private} {RLS} create policy mine on public.notes using (hidden.mine(user_id));"
            " revoke execute on function hidden.mine(uuid) from public;",
        )
        assert one.outcome is Outcome.DRAFT
        assert any("authenticated could no longer" in why for why in one.because)

    def test_one_that_opens_something_else_is_a_draft(self, open_table: Standing) -> None:
        also = (
            "create function public.spill() returns text language sql security definer"
            " as 'select string_agg(email, '','') from auth.users';"
        )
        one = _tried(open_table, f"{RLS} create policy {MINE}; {also}")
        assert one.outcome is Outcome.DRAFT
        assert any("public.spill()" in why for why in one.because)

    def test_one_that_drops_a_constraint_is_a_draft(self, open_table: Standing) -> None:
        one = _tried(open_table, f"{RLS} create policy {MINE}; alter table public.notes drop constraint notes_pkey;")
        assert one.because == ('the constraint "notes_pkey" of public.notes would be gone',)

    def test_one_that_the_server_refuses_is_a_draft_and_leaves_nothing(self, open_table: Standing) -> None:
        one = _tried(open_table, f"{RLS} select 1 / 0;")
        assert one.because == ("the server refuses it: division by zero",)

    def test_one_that_opens_a_role_is_a_draft_and_leaves_it(self, server: Server, open_table: Standing) -> None:
        one = _tried(open_table, "grant anon to authenticated;")
        assert one.outcome is Outcome.DRAFT
        assert any(why.startswith("it opens the role authenticated: ") for why in one.because)
        with psycopg.connect(server.dsn(open_table.name)) as connection:
            query = "select pg_has_role('authenticated', 'anon', 'member')"
            assert connection.execute(query).fetchone() == (False,)

    @pytest.mark.parametrize("none", ["", "-- have somebody look at it"])
    def test_a_finding_without_sql_has_no_fix(self, open_table: Standing, none: str) -> None:
        assert _tried(open_table, none).outcome is Outcome.NONE

    def test_what_the_copy_is_in_doubt_about_is_not_tried(self, open_table: Standing) -> None:
        doubts = Doubts(relations={"public.notes": "the clone is not alike"})
        one = _tried(replace(open_table, doubts=doubts), f"{RLS} create policy {MINE};")
        assert one.because == ("it was not tried: the clone is not alike",)

    def test_the_database_itself_stays_as_it_is(self, server: Server, open_table: Standing) -> None:
        mended(open_table)
        with psycopg.connect(server.dsn(open_table.name)) as connection:
            query = "select relrowsecurity from pg_class where oid = 'public.notes'::regclass"
            assert connection.execute(query).fetchone() == (False,)
            left = connection.execute("select datname from pg_database where datname like 'fixed%'").fetchall()
        assert left == []


def test_a_finding_that_goes_with_another_fix_needs_none(server: Server) -> None:
    schema = f"{OPEN} {RLS} create policy {MINE}; create view public.wall as select * from public.notes;"
    with supabase(server, schema) as standing:
        report = standing.side.report
        twice = replace(report, findings=(*report.findings, *report.findings))
        twin = replace(standing, side=replace(standing.side, report=twice))
        done = mended(twin, wanted=lambda one: one.rule == "definer-view")
    assert [one.outcome for one in done.tried] == [Outcome.VERIFIED, Outcome.SPARED]
    assert done.tried[1].because == ("gone with the fix of definer-view of public.wall",)


def test_what_is_declared_as_public_stays_so(server: Server, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text('[[allow]]\nrelation = "public.notes"\npersona = ["anon", "authenticated"]\nselect = "all"\n')
    with supabase(server, OPEN, intent=intent) as standing:
        (one,) = mended(standing, wanted=lambda finding: finding.rule == "rls-off").tried
    assert one.outcome is Outcome.VERIFIED, one.because
    assert "for select to anon, authenticated using (true)" in one.finding.fix.sql


def test_a_table_of_a_tenant_is_closed_in_the_words_of_its_sister(server: Server) -> None:
    schema = """
        create table public.members (team_id uuid, user_id uuid, primary key (team_id, user_id));
        alter table public.members enable row level security;
        create policy own on public.members for select using (user_id = (select auth.uid()));
        create table public.projects (id uuid primary key, team_id uuid not null, name text);
        alter table public.projects enable row level security;
        create policy "the team's" on public.projects to authenticated using (exists (
          select from public.members m where m.team_id = projects.team_id and m.user_id = (select auth.uid())));
        create table public.budgets (id uuid primary key, team_id uuid not null, amount numeric);
    """
    with supabase(server, schema) as standing:
        (one,) = mended(standing, wanted=lambda finding: finding.rule == "rls-off").tried
    assert one.outcome is Outcome.VERIFIED, one.because
    assert "m.team_id = budgets.team_id" in one.finding.fix.sql


def test_a_tenant_on_plain_postgres_keeps_its_rows(server: Server) -> None:
    schema = """
        create table public.orders (id bigint primary key, tenant_id uuid not null, body text);
        alter table public.orders enable row level security;
        create policy tenant on public.orders using (tenant_id = current_setting('app.tenant')::uuid);
        create table public.notes (id bigint primary key, tenant_id uuid not null, body text);
        create policy later on public.notes using (tenant_id = current_setting('app.tenant')::uuid);
        grant select, insert, update, delete on public.orders, public.notes to shop_app;
    """
    with plain(server, schema, ("shop_app",)) as standing:
        done = mended(standing)
    assert [(one.finding.rule, one.outcome) for one in done.tried] == [("policy-but-rls-off", Outcome.VERIFIED)]


HOSTILE = 'x"\n; drop table public.notes; -- \x1b[2J 2. critical, verified'


def test_hostile_names_stay_names(server: Server) -> None:
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    schema = f"""{OPEN} {RLS} create policy {quoted} on public.notes using (true);
        create table public.{quoted} (id bigint primary key, body text, email text);"""
    with supabase(server, schema) as standing:
        done = mended(standing, wanted=lambda one: one.rule != "truncate-bypass")
        text = migration(done)
        outcomes = {one.finding.rule: one.outcome for one in done.tried}
        assert outcomes == {"rls-off": Outcome.DRAFT, "for-all-write": Outcome.VERIFIED}
        # Nothing but the fix is a statement, and nobody has to trust a line that is not seen.
        code = [line for line in text.splitlines() if line and not line.startswith("--")]
        assert len(code) == 1
        assert code[0].startswith(r'alter policy U&"x""\000a; drop table')
        assert text.replace("\n", "").isprintable()
        with psycopg.connect(server.dsn(standing.name), autocommit=True) as connection:
            connection.execute(text.encode())
            rows = connection.execute("select polname from pg_policy where polrelid = 'public.notes'::regclass")
            assert rows.fetchall() == [(HOSTILE,)]
