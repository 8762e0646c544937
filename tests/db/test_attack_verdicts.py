"""What attacks on empty tables come to: rows that were made for them say no more than they show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.probe.attack import chains

if TYPE_CHECKING:
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


def attacked(database: str, schema: str, user: str = SUPERUSER) -> Cells:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set role postgres")
        connection.execute(schema)
    with connect(make_conninfo(database, user=user)) as session:
        report = audit(session, Options(probe="write", throwaway=True))
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
    def test_an_insert_that_meets_a_key(self, supabase_database: str, event: str, further: bool) -> None:  # noqa: FBT001
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
