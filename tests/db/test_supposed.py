"""Rows that do not exist, put to the policies of a real server: what it computes, and what follows from that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Audited, Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.matrix.agreement import CONFIRMED, OPENED
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy import decide, sight
from rlsaudit.policy.proof import Prover
from rlsaudit.probe.supposed import Questions, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rlsaudit.model import Cell, Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.proof import Solution
    from rlsaudit.policy.sight import Bounds
    from rlsaudit.probe import Answer, Result
    from rlsaudit.probe.supposed import Run

BUG = "a bug of rlsaudit"


def audited(database: str, schema: str, *, owner: str = "postgres") -> Audited:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"set role {owner}".encode())
        connection.execute(schema.encode())
    with connect(database) as session:
        with session.read_only():
            snapshot = take(session)
        return examine(snapshot, Options(probe="read"), session)


def cell(found: Audited, persona: str, relation: str, operation: Operation = Operation.SELECT) -> Cell:
    return next(
        one
        for one in found.report.matrix
        if (one.persona, one.relation, one.operation) == (persona, relation, operation)
    )


def answers(found: Audited) -> list[Answer]:
    return [one for each in found.case.matrix.supposed.values() for one in each]


def bugs(found: Audited) -> list[Cell]:
    return [one for one in found.report.matrix if BUG in one.because]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


NOTES = """
create table public.notes (id uuid primary key, owner uuid not null, status text not null, body text);
alter table public.notes enable row level security;
create policy seen on public.notes for select using (status = 'open' or owner = auth.uid());
create policy put on public.notes for insert with check (owner = auth.uid());
create policy changed on public.notes for update using (owner = auth.uid()) with check (status <> 'locked');
create policy removed on public.notes for delete to authenticated using (owner = auth.uid() and status = 'open');
"""


class TestConfirmed:
    def test_what_proofs_say_the_server_computes_over_an_empty_table(self, supabase_database: str) -> None:
        found = audited(supabase_database, NOTES)
        assert bugs(found) == []
        for operation in Operation:
            one = cell(found, "authenticated", "public.notes", operation)
            assert one.because.endswith(CONFIRMED), one
            assert one.evidence is EvidenceKind.PROOF
        assert cell(found, "anon", "public.notes").because.endswith(CONFIRMED)
        with psycopg.connect(supabase_database) as connection:
            assert connection.execute("select count(*) from public.notes").fetchone() == (0,)

    def test_what_the_client_writes_is_in_the_request(self, supabase_database: str) -> None:
        found = audited(
            supabase_database,
            """
            create table public.staff_only (id int primary key);
            alter table public.staff_only enable row level security;
            create policy a on public.staff_only for select using (
              (auth.jwt() -> 'user_metadata' ->> 'role') = 'staff');
            create policy b on public.staff_only for delete using (
              (current_setting('request.headers', true)::json ->> 'x-role') = 'staff');
            """,
        )
        assert bugs(found) == []
        asked = {
            one.supposed.operation: one.supposed.asker
            for one in answers(found)
            if one.supposed.passes and one.agrees and one.supposed.cell == "authenticated"
        }
        assert asked[Operation.SELECT].claims["user_metadata"] == {"role": "staff"}
        assert cell(found, "authenticated", "public.staff_only").reach is Reach.ALL

    def test_rows_of_other_tables_are_not_asked_for(self, supabase_database: str) -> None:
        """A membership that is not there cannot be supposed: that a row does not pass says nothing then."""
        found = audited(
            supabase_database,
            """
            create table public.members (org uuid not null, user_id uuid not null, primary key (org, user_id));
            alter table public.members enable row level security;
            create policy own on public.members for select using (user_id = auth.uid());
            create table public.papers (id uuid primary key, org uuid not null);
            alter table public.papers enable row level security;
            create policy theirs on public.papers for select
              using (org in (select m.org from public.members m where m.user_id = auth.uid()));
            """,
        )
        assert bugs(found) == []
        one = cell(found, "authenticated", "public.papers")
        assert (one.reach, one.evidence) == (Reach.OWN, EvidenceKind.PROOF)
        assert CONFIRMED not in one.because

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            ("a \"b\" 'c'", '"'),
            ("$1", "$2"),
            ("100%s", "%%"),
            ("{0}", "{probes}"),
            ("select", "from"),
            ("Ünïcode ключ 表", "列"),
            ("back\\slash", "new\nline"),
            ("a.b", "x.y"),
            ("interval", "user"),
            ("seen", "ordinality"),
            ("$i$", "--"),
        ],
    )
    def test_names_may_be_anything(self, supabase_database: str, table: str, column: str) -> None:
        name, value, other = quoted(table), quoted(column), quoted(f"{table} %s")
        found = audited(
            supabase_database,
            f"""
            create schema {other};
            grant usage on schema {other} to anon, authenticated;
            create table {other}.{name} (id int);
            grant select on {other}.{name} to anon, authenticated;
            create table public.{name} (id int, owner uuid, {value} text not null);
            alter table public.{name} enable row level security;
            create function public.is_x(r public.{name}) returns boolean language sql stable as
              $f$ select r.{value} = 'x' $f$;
            create policy {name} on public.{name} for select using ({value} = 'it''s "open" \\ $1 %s {{0}}');
            create policy {value} on public.{name} for insert with check (
              {name}.{value} = 'x' and not exists (
                select from {other}.{name} where {name}.id = 0 and public.{name}.owner is null));
            create policy "by row" on public.{name} for delete using (public.is_x({name}));
            """,
        )
        assert bugs(found) == []
        assert [one.reason for one in answers(found) if one.reason] == []
        for operation in (Operation.SELECT, Operation.INSERT, Operation.DELETE):
            said = {one.said for one in answers(found) if one.supposed.operation is operation}
            assert said
            assert said <= {Said.PASSES, Said.FAILS}
            # What a function makes of a whole row is not always known, so that no row is there to show it.
            assert operation is Operation.DELETE or Said.PASSES in said
        relation = next(one.relation for one in found.report.matrix if one.relation.startswith("public."))
        assert cell(found, "anon", relation).because.endswith(CONFIRMED)

    def test_a_column_may_have_the_name_of_its_table_and_a_subquery_its_alias(self, supabase_database: str) -> None:
        found = audited(
            supabase_database,
            """
            create table public.things (things text not null, owner uuid not null, place point, bits int[], doc jsonb);
            alter table public.things enable row level security;
            create policy a on public.things for select using (things = 'x' and bits = '{1,2}' and doc ->> 'k' = 'v');
            create policy b on public.things for delete using (
              things.things = 'x' or exists (select from (values (1)) as things (n) where things.n = 2));
            create policy c on public.things for insert with check (
              things in (select t.things from (select things.things) as t) and things = 'y');
            """,
        )
        assert bugs(found) == []
        assert [one.reason for one in answers(found) if one.reason] == []
        for operation in (Operation.SELECT, Operation.DELETE):
            assert any(one.agrees for one in answers(found) if one.supposed.operation is operation)


class TestRefuted:
    """Proofs that were broken on purpose: what the server computes is said beside what they said."""

    def test_a_witness_that_does_not_pass(self, supabase_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        solve: Callable[[Prover, Expr, Persona, int], Solution] = Prover.solve

        def broken(self: Prover, expression: Expr, persona: Persona, relation: int) -> Solution:
            found = solve(self, expression, persona, relation)
            if found.passes is None or "status" not in found.passes.row:
                return found
            return replace(
                found, passes=replace(found.passes, row={**found.passes.row, "status": "shut", "owner": None})
            )

        monkeypatch.setattr(Prover, "solve", broken)
        one = cell(audited(supabase_database, NOTES), "anon", "public.notes")
        assert one.reach is Reach.UNKNOWN
        assert (one.at_most, one.evidence) == (Reach.ALL, EvidenceKind.NONE)
        assert "proof and server disagree, a bug of rlsaudit: proof some" in one.because
        assert '"status": "shut"' in one.because
        assert "the server computes false or NULL" in one.because

    def test_a_row_that_is_said_not_to_pass(self, supabase_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        solve: Callable[[Prover, Expr, Persona, int], Solution] = Prover.solve

        def broken(self: Prover, expression: Expr, persona: Persona, relation: int) -> Solution:
            found = solve(self, expression, persona, relation)
            return replace(found, barred=found.passes) if found.at_most is Reach.SOME else found

        monkeypatch.setattr(Prover, "solve", broken)
        one = cell(audited(supabase_database, NOTES), "anon", "public.notes")
        assert one.reach is Reach.UNKNOWN
        assert "does not pass USING, but the server computes true" in one.because

    @pytest.mark.parametrize("operation", list(Operation))
    def test_a_bound_that_is_too_narrow(
        self, supabase_database: str, monkeypatch: pytest.MonkeyPatch, operation: Operation
    ) -> None:
        """No row is there to be read or written, and no witness is wrong: a stranger's row that is made up tells."""
        at_sight = sight.at_sight

        def broken(formula: Formula) -> Bounds:
            found = at_sight(formula)
            return replace(found, at_least=min(found.at_least, Reach.OWN), at_most=Reach.OWN)

        monkeypatch.setattr(decide, "at_sight", broken)
        schema = """
            create table public.notes (id uuid primary key, owner uuid not null, status text not null);
            alter table public.notes enable row level security;
            create policy p on public.notes for all using (owner = auth.uid() or status = 'open');
        """
        one = cell(audited(supabase_database, schema), "authenticated", "public.notes", operation)
        assert one.reach is Reach.UNKNOWN
        assert "proof and server disagree, a bug of rlsaudit: proof own" in one.because
        clause = "WITH CHECK" if operation is Operation.INSERT else "USING"
        assert f"does not pass {clause}, but the server computes true" in one.because


OPAQUE = """
create domain public.label as text check (length(value) < 20);
create table public.notes (id int, owner uuid, label public.label, body text);
alter table public.notes enable row level security;
create policy a on public.notes for {command} {clause} (label is null or owner = auth.uid());
"""


class TestOpened:
    """What proofs leave open, and a stranger's row that is not there decides."""

    @pytest.mark.parametrize(
        ("operation", "clause"),
        [
            (Operation.SELECT, "using"),
            (Operation.INSERT, "with check"),
            (Operation.UPDATE, "using"),
            (Operation.DELETE, "using"),
        ],
    )
    def test_some_rows_of_strangers_are_reached(
        self, supabase_database: str, operation: Operation, clause: str
    ) -> None:
        found = audited(supabase_database, OPAQUE.format(command=operation.value, clause=clause))
        one = cell(found, "anon", "public.notes", operation)
        assert one.at_least is Reach.SOME, one
        assert OPENED in one.because
        with psycopg.connect(supabase_database) as connection:
            assert connection.execute("select count(*) from public.notes").fetchone() == (0,)

    @pytest.mark.parametrize(
        "more",
        [
            # A trigger may refuse it.
            """
            create function public.no() returns trigger language plpgsql as
              $$ begin if new.label is null then return null; end if; return new; end $$;
            create trigger no before insert on public.notes for each row execute function public.no();
            """,
            # Whose the row is cannot be said.
            """
            revoke insert on public.notes from anon;
            grant insert (id, body) on public.notes to anon;
            """,
            # A condition of the table itself makes it none.
            "alter table public.notes add constraint given check (label is not null)",
            "alter table public.notes add constraint two check (label is not null or coalesce(body, '') = md5('x'))",
            # Another policy keeps it away.
            "create policy not_so on public.notes as restrictive for insert with check (label is not null)",
        ],
    )
    def test_not_where_something_else_may_stand_in_the_way(self, supabase_database: str, more: str) -> None:
        schema = OPAQUE.format(command="insert", clause="with check") + more
        one = cell(audited(supabase_database, schema), "anon", "public.notes", Operation.INSERT)
        assert one.at_least is Reach.NONE, one
        assert OPENED not in one.because

    def test_not_by_a_row_that_could_not_be_there(self, supabase_database: str) -> None:
        """Where nobody is by that id, no profile says otherwise; but a row points at somebody who is there."""
        one = cell(
            audited(
                supabase_database,
                """
                create table public.people (id uuid primary key);
                create table public.notes (id int, owner uuid references public.people);
                alter table public.notes enable row level security;
                create function public.is_hidden(who uuid) returns boolean language plpgsql stable security definer
                  set search_path = '' as $$ declare found_one record; begin
                    for found_one in select * from public.people where id = who loop return true; end loop;
                    return false; end $$;
                create policy a on public.notes for select using (not public.is_hidden(owner));
                """,
            ),
            "anon",
            "public.notes",
        )
        assert OPENED not in one.because
        assert one.at_least is Reach.NONE, one

    def test_not_for_a_persona_whom_rows_may_belong_to(self, database: str) -> None:
        """A login of plain Postgres may own rows by its name alone, whatever a made-up one holds."""
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("create role supposed_login login")
        try:
            found = audited(
                database,
                """
                create domain public.label as text;
                create table public.notes (id int, owner text, label public.label);
                alter table public.notes enable row level security;
                create policy a on public.notes using (label is null);
                create table public.asked (id int, status text not null);
                alter table public.asked enable row level security;
                create policy a on public.asked using (status = 'open');
                grant all on public.notes, public.asked to supposed_login;
                """,
                owner="none",
            )
            assert answers(found)
            assert not [one for one in answers(found) if one.supposed.passes is None]
        finally:
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("drop owned by supposed_login; drop role supposed_login")


class TestHarmless:
    @pytest.mark.parametrize(
        "body",
        [
            "select pg_sleep(100) is not null and p = 'open'",
            "select pg_try_advisory_lock(1) and p = 'open'",
            "select set_config('role', 'postgres', true) is not null and p = 'open'",
        ],
    )
    def test_a_policy_that_has_effects_is_not_evaluated(self, supabase_database: str, body: str) -> None:
        found = audited(
            supabase_database,
            f"""
            create function public.seen(p text) returns boolean language sql as $$ {body} $$;
            create table public.notes (id int, status text not null);
            alter table public.notes enable row level security;
            create policy a on public.notes using (status = 'open' or public.seen(status));
            """,
        )
        assert answers(found) == []
        assert any("public.notes" in one.what for one in found.report.skipped)

    def test_nothing_is_asked_where_names_may_not_be_those_of_postgres(self, supabase_database: str) -> None:
        """Policies name Postgres's functions without a schema; here one of the project's would be found first."""
        shadowed = """
            reset role;
            do $$ begin execute format(
              'alter role anon in database %I set search_path = public, pg_catalog', current_database()); end $$;
            create function public.lower(text) returns text language sql immutable as $$ select 'x' $$;
            create table public.notes (status text not null);
            alter table public.notes enable row level security;
            create policy a on public.notes using (pg_catalog.lower(status) = 'open');
            grant all on public.notes to anon, authenticated;
        """
        found = audited(supabase_database, shadowed)
        assert bugs(found) == []
        assert {one.supposed.cell for one in answers(found)} == {"authenticated"}

    def test_the_batches_grow_with_the_probes_and_not_with_the_tables(
        self, supabase_database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[int] = []
        answered = Questions.answers

        def counted(self: Questions, results: Sequence[Result], run: Run) -> tuple[Answer, ...]:
            made.append(len(self.probes))
            return answered(self, results, run)

        monkeypatch.setattr(Questions, "answers", counted)
        trips: list[int] = []
        for number in range(2):
            with psycopg.connect(supabase_database, autocommit=True) as connection:
                connection.execute("set role postgres")
                for place in range(12):
                    connection.execute(NOTES.replace("public.notes", f"public.notes_{number}_{place}").encode())
            with connect(supabase_database) as session:
                with session.read_only():
                    snapshot = take(session)
                examine(snapshot, Options(probe="read"), session)
                trips.append(session.round_trips)
        assert made[1] > made[0]
        assert trips[0] == trips[1]


def test_what_is_compared_with_a_document_need_not_be_one(supabase_database: str) -> None:
    """A text that no document has is a row that cannot be, and ends no audit."""
    found = audited(
        supabase_database,
        """
        create function public.opaque(text) returns boolean language plpgsql immutable as
        $$ begin return (select md5($1) = md5('x')); end $$;
        create table public.docs (id int, data jsonb check (data::text not in ('{', 'not json', '') or data is null));
        alter table public.docs enable row level security;
        create policy p on public.docs using (public.opaque(data::text) or data::text = 'no document' or data = '{}');
        """,
    )
    assert bugs(found) == []
    assert cell(found, "anon", "public.docs").at_least is Reach.SOME
