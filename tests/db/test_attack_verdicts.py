"""What attacks on empty tables come to: rows that were made for them say no more than they show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rlsaudit.audit import Options, audit, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.probe.attack import chains

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.matrix import Matrix
    from rlsaudit.model import Cell

Cells = dict[tuple[str, str, Operation], "Cell"]


def test_where_there_are_too_many_chains_that_is_said(supabase_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = """
        create table public.members (
          org int not null, user_id uuid not null references auth.users, primary key (org, user_id));
        alter table public.members enable row level security;
        create policy anybody on public.members for insert with check (user_id = auth.uid());
        create policy own on public.members for select using (user_id = auth.uid());
        create table public.papers (id int primary key, org int not null);
        alter table public.papers enable row level security;
        create policy theirs on public.papers for select using (org in (select m.org from public.members m));
    """
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        connection.execute("set role postgres")
        connection.execute(schema)
    said = []
    for most in (6_000, 2):
        monkeypatch.setattr(chains, "_MOST_TRIED", most)
        with connect(supabase_database) as session:
            report = audit(session, Options(probe="write", throwaway=True))
        said.append([one.what for one in report.skipped if one.what.startswith("chains")])
    assert said == [[], ["chains of statements as anon", "chains of statements as authenticated"]]


def attacked(database: str, schema: str, user: str = SUPERUSER, intent: Path | None = None) -> Cells:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set role postgres")
        connection.execute(schema)
    with connect(make_conninfo(database, user=user)) as session:
        report = audit(session, Options(probe="write", throwaway=True, intent=intent))
    assert not [one for one in report.matrix if "a bug of rlsaudit" in f"{one.because} {one.escalated_because}"]
    return {(one.persona, one.relation, one.operation): one for one in report.matrix}


class TestAllThatThereIs:
    """One row for each user, and all of one content, for that is the default."""

    PROFILES = """
        create table public.profiles (
          user_id uuid primary key references auth.users, visible boolean not null default true);
        alter table public.profiles enable row level security;
    """

    def test_is_not_all_that_a_proof_has_in_mind(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            f"{self.PROFILES} create policy seen on public.profiles for select using (visible or user_id = auth.uid())",
        )
        for persona in ("anon", "authenticated"):
            cell = cells[persona, "public.profiles", Operation.SELECT]
            assert (cell.reach, cell.evidence) == (Reach.SOME, EvidenceKind.PROBE)
            assert re.search(r"read \d of \d rows", cell.because)

    @pytest.mark.parametrize(
        "condition",
        [
            "not decided(visible)",
            "exists (select from public.profiles p where p.user_id = works.user_id and not decided(p.visible))",
        ],
    )
    def test_is_not_all_that_there_could_be(self, supabase_database: str, condition: str) -> None:
        table, looked_into = ("works", "profiles") if "works" in condition else ("profiles", "works")
        cells = attacked(
            supabase_database,
            f"""
            {self.PROFILES}
            create table public.works (id uuid primary key, user_id uuid not null references auth.users);
            alter table public.works enable row level security;
            create function public.decided(boolean) returns boolean language plpgsql immutable as $$
              begin return (select md5($1::text) = md5('false')); end $$;
            create policy everybody on public.{looked_into} for select using (true);
            create policy seen on public.{table} for select using ({condition.replace("decided", "public.decided")});
            """,
        )
        cell = cells["anon", f"public.{table}", Operation.SELECT]
        assert cell.reach in {Reach.SOME, Reach.UNKNOWN}
        assert cell.at_least is not Reach.ALL


class TestTriggers:
    """Of a trigger's function it is seldom known what it lets pass; then the server is the one to ask."""

    REFUSES = """
        create table public.notes (
          id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
          body text, open boolean not null default false);
        alter table public.notes enable row level security;
        create function public.guard() returns trigger language plpgsql as $$
          begin if {0} then raise exception 'no'; end if; return coalesce(new, old); end $$;
        create trigger guard before insert or update or delete on public.notes
          for each row execute function public.guard();
    """

    def test_one_that_lets_its_owner_pass(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            self.REFUSES.format("length(coalesce(new.body, old.body)) > 100")
            + "create policy own on public.notes using (user_id = auth.uid())",
        )
        for operation in (Operation.INSERT, Operation.UPDATE, Operation.DELETE):
            cell = cells["authenticated", "public.notes", operation]
            assert (cell.reach, cell.evidence) == (Reach.OWN, EvidenceKind.PROBE), cell.because
            assert cells["anon", "public.notes", operation].reach is Reach.NONE

    def test_one_that_lets_nobody_pass(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            self.REFUSES.format("current_user <> 'postgres'")
            + "create policy own on public.notes using (user_id = auth.uid())",
        )
        for operation in (Operation.INSERT, Operation.UPDATE, Operation.DELETE):
            assert cells["authenticated", "public.notes", operation].reach is Reach.UNKNOWN

    @pytest.mark.parametrize(
        ("refused", "reach"), [("false", Reach.ALL), ("current_user = 'anon' and new.open", Reach.UNKNOWN)]
    )
    def test_what_everybody_may_put_in(self, supabase_database: str, refused: str, reach: Reach) -> None:
        schema = self.REFUSES.format(refused) + "create policy all_may on public.notes for insert with check (true)"
        cell = attacked(supabase_database, schema)["anon", "public.notes", Operation.INSERT]
        assert (cell.reach, cell.at_least) == (reach, Reach.ALL if reach is Reach.ALL else Reach.SOME), cell.because

    def test_files_are_deleted_as_the_api_of_storage_does(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            """
            reset role;
            insert into storage.buckets (id, name) values ('docs', 'docs'), ('wall', 'wall');
            create policy own on storage.objects for delete
              using (bucket_id = 'docs' and (storage.foldername(name))[1] = auth.uid()::text);
            create policy wall on storage.objects for delete to anon using (bucket_id = 'wall');
            """,
        )
        for persona, reach in (("authenticated", Reach.OWN), ("anon", Reach.SOME)):
            cell = cells[persona, "storage.objects", Operation.DELETE]
            assert (cell.reach, cell.evidence) == (reach, EvidenceKind.PROBE), cell.because


class TestStatementsThatGetFurther:
    """An UPDATE that makes a row one's own, an INSERT that meets a key: where plain ones would not have got so far."""

    NOTES = """
        create table public.notes (
          id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
          body text not null default 'x', state text not null default 'draft');
        alter table public.notes enable row level security;
    """

    @pytest.mark.parametrize("check", ["user_id = auth.uid()", "state = 'lost'"])
    def test_a_row_that_is_made_to_pass_the_check(self, supabase_database: str, check: str) -> None:
        cells = attacked(
            supabase_database,
            f"""{self.NOTES}
            create policy p on public.notes for update to authenticated using (true) with check ({check})""",
        )
        cell = cells["authenticated", "public.notes", Operation.UPDATE]
        assert (cell.reach, cell.evidence) == (Reach.ALL, EvidenceKind.PROBE), cell.because

    def test_a_restrictive_check(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            f"""{self.NOTES}
            create policy p on public.notes using (true);
            create policy q on public.notes as restrictive for update with check (user_id = auth.uid());""",
        )
        cell = cells["authenticated", "public.notes", Operation.UPDATE]
        assert (cell.reach, cell.evidence) == (Reach.ALL, EvidenceKind.PROBE), cell.because
        assert cells["anon", "public.notes", Operation.UPDATE].at_least is Reach.NONE

    def test_a_check_that_keeps_every_row_out(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            f"""{self.NOTES}
            create policy p on public.notes for update using (true)
              with check (user_id = auth.uid() and state = 'x')""",
        )
        assert cells["anon", "public.notes", Operation.UPDATE].at_least is Reach.NONE

    POSES = """
        create policy p on public.notes using (user_id = auth.uid());
        create function public.pose() returns trigger language plpgsql as $$
          begin
            perform set_config('request.jwt.claims', json_build_object('sub', new.user_id)::text, true);
            return new;
          end $$;
        create trigger pose before {0} on public.notes for each row execute function public.pose();
    """

    @pytest.mark.parametrize(("event", "further"), [("insert", True), ("update", False)])
    def test_an_insert_that_meets_a_key(self, supabase_database: str, event: str, *, further: bool) -> None:
        cells = attacked(supabase_database, self.NOTES + self.POSES.format(event), "postgres")
        changed = cells["authenticated", "public.notes", Operation.UPDATE]
        assert (changed.at_least is Reach.SOME) is further
        # A trigger that lets others ask contradicts no proof of who may by themselves.
        assert cells["anon", "public.notes", Operation.INSERT].at_least is (Reach.SOME if further else Reach.NONE)


def test_evidence_bears_no_date_so_that_reports_can_be_compared(supabase_database: str) -> None:
    schema = """
        create table public.members (
          id int primary key generated always as identity, org int not null,
          user_id uuid not null references auth.users,
          joined timestamptz not null default now(), seen timestamp(0) not null default now(),
          day date not null default current_date);
        alter table public.members enable row level security;
        create policy anybody on public.members for insert with check (user_id = auth.uid());
        create policy own on public.members for select using (user_id = auth.uid());
        create table public.papers (id int primary key, org int not null);
        alter table public.papers enable row level security;
        create policy theirs on public.papers for select using (org in (select m.org from public.members m));
    """
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        connection.execute("set role postgres")
        connection.execute(schema)
        asked = connection.execute("select extract(year from now())::int").fetchone()
    assert asked is not None
    with connect(supabase_database) as session:
        report = audit(session, Options(probe="write", throwaway=True))
    told = [line for one in report.findings for line in one.evidence.sql]
    assert any("insert into public.members" in line for line in told)
    assert not [line for line in told if re.search(rf"\b{asked[0]}-\d\d-\d\d", line)]


class TestRoles:
    """On plain Postgres a role is who somebody is, and a stranger to rows that do not name it."""

    SCHEMA = """
        create role attack_ann login;
        create role attack_app login;
        create table public.members (team uuid, member name, primary key (team, member));
        create table public.plans (id uuid primary key, team uuid not null, body text);
        alter table public.members enable row level security;
        alter table public.plans enable row level security;
        create policy joins on public.members for insert with check (member = current_user);
        create policy own on public.members for select using (member = current_user);
        create policy theirs on public.plans using (
          exists (select from public.members m where m.team = plans.team and m.member = current_user));
        create table public.open (id uuid primary key, owner name default current_user, body text);
        grant all on public.members, public.plans, public.open to attack_ann, attack_app;
        create function public.decided(boolean) returns boolean language plpgsql immutable as $$
          begin return (select md5($1::text) = md5('true')); end $$;
        create table public.named (id uuid primary key, owner name not null, body text);
        create policy own on public.named using (public.decided(owner = current_user));
        create table public.levels (who name primary key, level int not null);
        create table public.cleared (id uuid, level int not null, body text) partition by list (body);
        create table public.cleared_part partition of public.cleared default;
        create policy level on public.cleared using (
          level <= (select l.level from public.levels l where l.who = current_user));
        create table public.taken (id uuid primary key, owner name not null, body text);
        create policy seen on public.taken for select using (public.decided(true));
        create policy takes on public.taken for update using (public.decided(true))
          with check (public.decided(owner = current_user));
        alter table public.named enable row level security;
        alter table public.cleared enable row level security;
        alter table public.cleared_part enable row level security;
        alter table public.taken enable row level security;
        grant all on public.named, public.cleared, public.cleared_part, public.taken to attack_ann;
        grant select on public.levels to attack_ann;
    """

    @pytest.fixture
    def matrix(self, database: str) -> Iterator[Matrix]:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(self.SCHEMA)
            try:
                with connect(database) as session:
                    with session.read_only():
                        snapshot = take(session)
                    options = Options(probe="write", throwaway=True, roles=("attack_ann",))
                    yield examine(snapshot, options, session).case.matrix
            finally:
                connection.execute("drop owned by attack_ann, attack_app; drop role attack_ann, attack_app")

    def test_it_attacks_the_rows_of_others(self, matrix: Matrix) -> None:
        for operation in (Operation.SELECT, Operation.UPDATE, Operation.DELETE):
            cell = matrix.by_key["attack_ann", "public.open", operation]
            assert (cell.reach, cell.evidence) == (Reach.ALL, EvidenceKind.PROBE), cell.because
        # A default puts the role's name in: whose the new row is has to be in the statement.
        assert matrix.by_key["attack_ann", "public.open", Operation.INSERT].evidence is EvidenceKind.CATALOG

    def test_how_far_it_gets_is_measured_by_rows_that_name_it(self, matrix: Matrix) -> None:
        measured = {
            name: {matrix.by_key["attack_ann", f"public.{name}", one].attacked for one in Operation}
            for name in ("named", "cleared", "cleared_part")
        }
        assert measured["named"] == {Reach.OWN}
        # Somebody who is cleared at all reads what is secret as far as that: rows of others among it.
        assert measured["cleared"] <= {Reach.SOME, Reach.ALL}
        assert measured["cleared_part"] <= {Reach.SOME, Reach.ALL, None}
        assert matrix.by_key["attack_ann", "public.cleared_part", Operation.SELECT].attacked is Reach.ALL
        # What its own statement makes pass is not kept from it by what is there.
        assert matrix.by_key["attack_ann", "public.taken", Operation.UPDATE].attacked is Reach.ALL

    def test_it_makes_itself_a_member_by_its_name(self, matrix: Matrix) -> None:
        cell = matrix.by_key["attack_ann", "public.plans", Operation.SELECT]
        assert (cell.reach, cell.escalated_at_least) == (Reach.OWN, Reach.SOME)
        chained = [one for (_, _, operation), one in matrix.fought.chained.items() if operation is Operation.SELECT]
        assert any("attack_ann" in step.sql for one in chained for step in one.steps)


class TestDeclared:
    """Personas of the intent attack as well: with what their requests bring along, as a stranger and as an owner."""

    INTENT = """
        [[persona]]
        name = "org"
        role = "authenticated"
        claims = { sub = "$user", role = "authenticated", app_metadata = { org = "$org" } }
        [[persona]]
        name = "gold"
        role = "authenticated"
        claims = { sub = "$user", role = "authenticated", app_metadata = { plan = "gold" } }
    """
    SCHEMA = """
        create table public.papers (id uuid primary key, org uuid not null, body text);
        alter table public.papers enable row level security;
        create policy theirs on public.papers using (org = (auth.jwt() -> 'app_metadata' ->> 'org')::uuid);
        create table public.offers (id uuid primary key, plan text not null, body text);
        alter table public.offers enable row level security;
        create policy paid on public.offers for select using (plan = auth.jwt() -> 'app_metadata' ->> 'plan');
        create policy all_paid on public.offers for delete using (auth.jwt() -> 'app_metadata' ->> 'plan' = 'gold');
    """

    def test_with_claims(self, supabase_database: str, tmp_path: Path) -> None:
        intent = tmp_path / "intent.toml"
        intent.write_text(self.INTENT, "utf-8")
        cells = attacked(supabase_database, self.SCHEMA, intent=intent)
        for operation in Operation:
            cell = cells["org", "public.papers", operation]
            assert (cell.reach, cell.evidence) == (Reach.OWN, EvidenceKind.PROBE), cell.because
        for persona, operation, reach in (
            ("gold", Operation.SELECT, Reach.SOME),
            ("gold", Operation.DELETE, Reach.ALL),
        ):
            cell = cells[persona, "public.offers", operation]
            assert (cell.reach, cell.evidence) == (reach, EvidenceKind.PROBE), cell.because
        assert cells["authenticated", "public.offers", Operation.DELETE].reach is Reach.NONE


class TestSessions:
    """Without an account and with a second factor: personas where something asks for that, and only there."""

    NOTES = """
        create table public.notes (id uuid primary key, user_id uuid not null, body text);
        alter table public.notes enable row level security;
        create policy own on public.notes to authenticated using (user_id = auth.uid());
    """

    def test_nobody_asks(self, supabase_database: str) -> None:
        cells = attacked(supabase_database, self.NOTES)
        assert {persona for persona, _, _ in cells} == {"anon", "authenticated"}

    def test_an_account_is_asked_for(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            self.NOTES
            + """create policy r on public.notes as restrictive to authenticated
                   using ((auth.jwt() ->> 'is_anonymous')::boolean is false);
                 create policy guests on public.notes for select to authenticated using (
                   not coalesce((auth.jwt() ->> 'is_anonymous')::boolean, false));""",
        )
        assert {persona for persona, _, _ in cells} == {"anon", "authenticated", "anonymous-sign-in"}
        for operation in Operation:
            assert cells["anonymous-sign-in", "public.notes", operation].reach is Reach.NONE
        assert cells["authenticated", "public.notes", Operation.SELECT].evidence is EvidenceKind.PROBE
        assert cells["authenticated", "public.notes", Operation.SELECT].reach is Reach.ALL

    def test_a_second_factor_is_brought_along_by_whoever_signs_up(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            self.NOTES
            + """create policy strong on public.notes for select to authenticated
                   using (auth.jwt() ->> 'aal' = 'aal2');
                 create policy weak on public.notes for delete to authenticated
                   using (auth.jwt() ->> 'aal' = 'aal1');""",
        )
        assert {persona for persona, _, _ in cells} == {"anon", "authenticated", "aal2"}
        for persona in ("authenticated", "aal2"):
            cell = cells[persona, "public.notes", Operation.SELECT]
            assert (cell.reach, cell.evidence) == (Reach.ALL, EvidenceKind.PROBE), cell.because
        assert cells["authenticated", "public.notes", Operation.DELETE].reach is Reach.ALL
        assert cells["aal2", "public.notes", Operation.DELETE].reach is Reach.OWN

    def test_without_an_address_nothing_is_said_of_rows_that_have_none(self, supabase_database: str) -> None:
        cells = attacked(
            supabase_database,
            """
            create table public.invitations (id uuid primary key, email text not null);
            alter table public.invitations enable row level security;
            create policy theirs on public.invitations for select to authenticated using (email = auth.email());
            create policy staff on public.invitations for delete to authenticated
              using (auth.email() like '%@acme.example' or auth.email() = 'boss@example.com');
            create policy guests on public.invitations for update to authenticated using (
              (auth.jwt() ->> 'is_anonymous')::boolean and auth.email() = '');
            """,
        )
        guest = {operation: cells["anonymous-sign-in", "public.invitations", operation] for operation in Operation}
        assert (guest[Operation.SELECT].reach, guest[Operation.SELECT].at_least) == (Reach.UNKNOWN, Reach.NONE)
        assert guest[Operation.DELETE].reach is Reach.NONE
        assert guest[Operation.UPDATE].reach is Reach.ALL


class TestWhatIsMeasured:
    """It stands beside a verdict that is not known, and is no verdict."""

    NOTES = """
        create table public.notes (
          id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
          open boolean not null default false);
        alter table public.notes enable row level security;
        create function public.decided(boolean) returns boolean language plpgsql immutable as $$
          begin return (select md5($1::text) = md5('true')); end $$;
    """

    @pytest.mark.parametrize(
        ("condition", "measured"),
        [
            ("public.decided(user_id is null)", Reach.NONE),
            ("public.decided(user_id = auth.uid())", Reach.OWN),
            ("public.decided(open)", Reach.SOME),
            ("public.decided(open or not open)", Reach.ALL),
        ],
    )
    def test_how_far_statements_got(self, supabase_database: str, condition: str, measured: Reach) -> None:
        schema = f"{self.NOTES} create policy p on public.notes using ({condition})"
        cells = attacked(supabase_database, schema)
        for operation in Operation:
            cell = cells["authenticated", "public.notes", operation]
            assert cell.attacked is measured, operation
            assert cell.reach is Reach.UNKNOWN

    def test_what_had_no_clear_answer_is_not_measured(self, supabase_database: str) -> None:
        schema = f"""{self.NOTES}
            create policy p on public.notes using (public.decided(user_id is null));
            create function public.stops() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
            create trigger stops before insert on public.notes for each row
              when (current_user <> 'supabase_admin') execute function public.stops();
        """
        cell = attacked(supabase_database, schema)["authenticated", "public.notes", Operation.INSERT]
        assert (cell.reach, cell.attacked) == (Reach.UNKNOWN, None)

    def test_where_no_rows_are_nothing_is_measured(self, supabase_database: str) -> None:
        schema = f"""{self.NOTES}
            create policy p on public.notes using (public.decided(user_id is null));
            create function public.stops() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
            create trigger stops before insert on public.notes for each row execute function public.stops();
        """
        cells = attacked(supabase_database, schema)
        assert {cells["authenticated", "public.notes", one].attacked for one in Operation} == {None}

    STAFF = """
        create table public.staff (
          id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
          role text not null default 'guest' check (role in ('admin', 'guest')));
        alter table public.staff enable row level security;
        create policy own on public.staff for select using (user_id = auth.uid());
    """

    def test_rows_that_make_their_owner_staff_are_put_aside(self, supabase_database: str) -> None:
        schema = f"""{self.NOTES} {self.STAFF}
            create policy p on public.notes using (public.decided(user_id = auth.uid() or exists (
              select from public.staff s where s.user_id = auth.uid() and s.role = 'admin')));
        """
        cells = attacked(supabase_database, schema)
        for operation in Operation:
            cell = cells["authenticated", "public.notes", operation]
            assert (cell.reach, cell.attacked) == (Reach.UNKNOWN, Reach.OWN), operation

    def test_what_plain_rows_let_their_owner_do_is_told(self, supabase_database: str) -> None:
        schema = f"""{self.NOTES} {self.STAFF}
            create policy p on public.notes using (public.decided(exists (
              select from public.staff s where s.user_id = auth.uid())));
        """
        cells = attacked(supabase_database, schema)
        for operation in (Operation.SELECT, Operation.UPDATE, Operation.DELETE):
            cell = cells["authenticated", "public.notes", operation]
            assert (cell.reach, cell.attacked) == (Reach.UNKNOWN, Reach.ALL), operation

    def test_what_made_up_staff_reaches_is_not_told_where_users_are_proved_to_reach_nothing(
        self, supabase_database: str
    ) -> None:
        schema = f"""{self.NOTES} {self.STAFF}
            create policy p on public.notes for insert with check (user_id = auth.uid() and exists (
              select from public.staff s where s.user_id = auth.uid() and s.role = 'admin'));
        """
        cell = attacked(supabase_database, schema)["authenticated", "public.notes", Operation.INSERT]
        assert (cell.reach, cell.attacked) == (Reach.NONE, None)


def test_tables_without_rows_are_named_also_where_only_functions_lead_there(supabase_database: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        connection.execute("set role postgres")
        connection.execute(
            """
            create function public.stops() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
            create table public.led (id uuid primary key, body text);
            create table public.left_alone (id uuid primary key, body text);
            alter table public.led enable row level security;
            alter table public.left_alone enable row level security;
            create trigger stops before insert on public.led for each row execute function public.stops();
            create trigger stops before insert on public.left_alone for each row execute function public.stops();
            create function public.shown() returns setof public.led language sql security definer set search_path = ''
              as $$ select * from public.led $$;
            """
        )
    with connect(supabase_database) as session:
        report = audit(session, Options(probe="write", throwaway=True))
    assert [one.what for one in report.skipped if one.what.startswith("rows of")] == ["rows of public.led to attack"]


@pytest.mark.parametrize("tie", [" references public.posts", ""])
def test_rows_point_at_every_kind_of_row_that_policies_tell_apart(supabase_database: str, tie: str) -> None:
    cells = attacked(
        supabase_database,
        f"""
        create type public.status as enum ('draft', 'review', 'published', 'gone');
        create table public.posts (
          id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users,
          status public.status not null default 'draft', title text not null check (title in ('a', 'b', 'c')));
        create table public.pictures (
          id uuid primary key default gen_random_uuid(), post_id uuid not null{tie}, of text not null
          check (of in ('x', 'y', 'z', 'u', 'v', 'w')));
        alter table public.posts enable row level security;
        alter table public.pictures enable row level security;
        create policy own on public.posts for select using (user_id = auth.uid() or status = 'published');
        create policy shown on public.pictures for select
          using (exists (select from public.posts p where p.id = post_id and p.status = 'published'));
        """,
    )
    for persona in ("anon", "authenticated"):
        cell = cells[persona, "public.pictures", Operation.SELECT]
        assert (cell.reach, cell.attacked, cell.evidence) == (Reach.SOME, Reach.SOME, EvidenceKind.PROBE)


def test_two_databases_of_one_schema_give_one_report(server: Server) -> None:
    """Whatever the OIDs are, and whatever the time is."""
    schema = """
        create table public.members (
          org uuid not null, user_id uuid not null references auth.users, since timestamptz not null default now(),
          primary key (org, user_id));
        alter table public.members enable row level security;
        create policy anybody on public.members for insert with check (user_id = auth.uid());
        create policy own on public.members for select using (user_id = auth.uid());
        create table public.papers (id uuid primary key default gen_random_uuid(), org uuid not null);
        alter table public.papers enable row level security;
        create policy theirs on public.papers for select using (org in (select m.org from public.members m));
    """
    told = []
    for number in (1, 2):
        url = server.supabase_database(f"alike_{number}")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("set role postgres")
            connection.execute(schema)
        with connect(url) as session:
            report = audit(session, Options(probe="write", throwaway=True))
        told.append((report.findings, report.matrix))
        server.drop_database(f"alike_{number}")
    assert any("insert into public.members" in line for one in told[0][0] for line in one.evidence.sql)
    assert told[0] == told[1]


@pytest.mark.parametrize("mode", ["read", "write"])
def test_rows_of_a_role_that_logs_in_are_its_own_by_its_name(server: Server, mode: str) -> None:
    url = server.supabase_database("worker")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create role verdicts_worker login; grant verdicts_worker to postgres")
        connection.execute(
            """
            set role postgres;
            create table public.jobs (id int primary key, owner name not null default current_user);
            alter table public.jobs enable row level security;
            create policy mine on public.jobs using (owner = current_user);
            grant all on public.jobs to verdicts_worker;
            insert into public.jobs values (1, 'verdicts_worker');
            """
        )
    with connect(url) as session:
        options = Options(probe=mode, throwaway=mode == "write", roles=("verdicts_worker",))
        found = {one.operation: one for one in audit(session, options).matrix if one.relation == "public.jobs"}
    server.drop_database("worker")
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("drop role verdicts_worker")
    assert {one: cell.at_least for one, cell in found.items()} == dict.fromkeys(Operation, Reach.NONE)


def test_an_address_is_none_of_somebody_without_an_account(supabase_database: str) -> None:
    schema = """
        create table public.notes (id int primary key, open boolean not null);
        alter table public.notes enable row level security;
        create policy p on public.notes for select using ((auth.jwt() ->> 'email') ~ '^.+@.+$' and (id > 0 or open));
        create table public.rooms (id int primary key);
        alter table public.rooms enable row level security;
        create policy p on public.rooms for select using ((auth.jwt() ->> 'is_anonymous')::boolean);
    """
    cell = attacked(supabase_database, schema)["anonymous-sign-in", "public.notes", Operation.SELECT]
    assert (cell.at_least, cell.attacked) == (Reach.NONE, Reach.NONE), cell.because


@pytest.mark.parametrize(
    "condition",
    [
        """auth.jwt() @> '{"is_anonymous": true}'""",
        "auth.jwt() @@ '$.is_anonymous == true'",
        "(auth.jwt() ->> 'is_anonymous')::boolean",
    ],
)
def test_who_has_no_account_is_shown_however_the_claim_is_read(supabase_database: str, condition: str) -> None:
    cells = attacked(
        supabase_database,
        f"""
        create table public.rooms (id int primary key);
        alter table public.rooms enable row level security;
        create policy p on public.rooms for select using ({condition});
        """,
    )
    assert cells["anonymous-sign-in", "public.rooms", Operation.SELECT].at_least is not Reach.NONE
    assert ("aal2", "public.rooms", Operation.SELECT) not in cells
