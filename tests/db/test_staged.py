"""States that take rows of other tables, made on a server that is nobody's: proofs over memberships are checked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from unchanged import state

from rlsaudit.audit import Audited, Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.matrix.agreement import CONFIRMED
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy.proof import Prover
from rlsaudit.probe.supposed import Said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell, Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.proof import Solution
    from rlsaudit.probe import Answer

DATABASE = "staged"
BUG = "a bug of rlsaudit"
ORGS = """
create table public.orgs (id uuid primary key default gen_random_uuid(), name text not null, plan text not null);
create table public.members (
  org uuid not null references public.orgs, person uuid not null references auth.users, role text not null,
  since date not null, check (role in ('owner', 'guest')), primary key (org, person));
create table public.papers (
  id uuid primary key default gen_random_uuid(), org uuid not null references public.orgs, title text not null);
alter table public.orgs enable row level security; alter table public.members enable row level security;
alter table public.papers enable row level security;
create policy own on public.members for select using (person = auth.uid());
create function public.refuses() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
"""
BY_MEMBERSHIP = (
    "create policy p on public.papers using (org in (select org from public.members where person = auth.uid()))"
)
BY_ROLE = """create policy p on public.papers using (exists (
  select from public.members m where m.org = papers.org and m.person = auth.uid() and m.role = 'owner'))"""
BY_HELPER = """
create function public.is_member(o uuid) returns boolean language sql stable security definer set search_path = '' as
  $$ select exists (select from public.members where org = o and person = auth.uid()) $$;
create policy p on public.papers using (public.is_member(org))"""
BY_PLAN = """create policy q on public.orgs for select using (true); create policy p on public.papers using (exists (
  select from public.orgs o where o.id = papers.org and o.plan = 'open'))"""
REFUSING = "create trigger t before insert on public.members for each row execute function public.refuses();"
POLICIES = {
    "by a membership": (BY_MEMBERSHIP, Reach.OWN),
    "by a role in it": (BY_ROLE, Reach.OWN),
    "by a helper": (BY_HELPER, Reach.OWN),
    "by what somebody else's row says": (BY_PLAN, Reach.SOME),
    "past triggers": (REFUSING + BY_MEMBERSHIP, Reach.OWN),
}
LOCKING = """
create function public.locks() returns trigger language plpgsql as
  $$ begin perform pg_advisory_lock(1); return new; end $$;
create trigger t before insert on public.members for each row execute function public.locks();"""


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    server.supabase_database(DATABASE)
    yield server.dsn(DATABASE, user="postgres")
    server.drop_database(DATABASE)


def audited(server: Server, url: str, schema: str) -> Audited:
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    with connect(url) as session:
        with session.read_only():
            snapshot = take(session)
        return examine(snapshot, Options(throwaway=True), session)


def cell(found: Audited, operation: Operation = Operation.SELECT) -> Cell:
    return next(
        one
        for one in found.report.matrix
        if (one.persona, one.relation, one.operation) == ("authenticated", "public.papers", operation)
    )


def staged(found: Audited) -> list[Answer]:
    return [one for each in found.case.matrix.supposed.values() for one in each if one.supposed.consulted]


@pytest.mark.parametrize("name", POLICIES)
def test_a_proof_over_other_tables_is_confirmed(server: Server, url: str, name: str) -> None:
    policy, reach = POLICIES[name]
    found = audited(server, url, f"{ORGS} {policy}")
    assert not [one for one in found.report.matrix if BUG in one.because]
    about = [one for one in staged(found) if one.supposed.cell == "authenticated"]
    assert any(one.supposed.passes for one in about)
    assert all(one.agrees for one in about)
    for operation in (Operation.SELECT, Operation.DELETE):
        assert cell(found, operation).reach is reach
        assert CONFIRMED in cell(found, operation).because


def test_a_proof_that_is_wrong_is_refuted(server: Server, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof forgets the membership that its state takes: the server has to contradict it, by that very state."""
    solve = Prover.solve

    def forgetful(self: Prover, expression: Expr, persona: Persona, relation: int) -> Solution:
        right = solve(self, expression, persona, relation)
        return right if right.passes is None else replace(right, passes=replace(right.passes, others=()))

    monkeypatch.setattr(Prover, "solve", forgetful)
    found = audited(server, url, f"{ORGS} {BY_HELPER}")
    assert any(one.contradicts for one in staged(found))
    one = cell(found)
    assert (one.reach, one.evidence) == (Reach.UNKNOWN, EvidenceKind.NONE)
    assert BUG in one.because
    assert "no row in the tables that are looked into" in one.because


@pytest.mark.parametrize(
    "more",
    [
        "create rule r as on insert to public.members do also notify members;",
        "create table public.parts () inherits (public.members);",
        LOCKING,
    ],
)
def test_what_more_would_happen_with_is_left_alone(server: Server, url: str, more: str) -> None:
    found = audited(server, url, f"{ORGS} {more} {BY_MEMBERSHIP}")
    assert [one for one in staged(found) if one.said is not Said.NOTHING] == []
    assert not [one for one in found.report.matrix if BUG in one.because]


def test_a_state_that_cannot_be_tells_nothing(server: Server, url: str) -> None:
    """A key that the catalog's conditions do not tell of, by an index: the rows of the witness cannot be there."""
    more = (
        "create function public.refused(uuid) returns uuid language plpgsql immutable as"
        " $$ begin raise exception 'no'; end $$; create index on public.members (public.refused(org));"
    )
    found = audited(server, url, f"{ORGS} {more} {BY_MEMBERSHIP}")
    assert all(one.said is Said.NOTHING for one in staged(found) if one.supposed.beside)
    assert not [one for one in found.report.matrix if BUG in one.because]


def test_nothing_is_left(server: Server, url: str) -> None:
    schema = f"{ORGS} {BY_ROLE}; insert into public.orgs (name, plan) values ('theirs', 'open')"
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as admin:
        admin.execute("set role postgres")
        admin.execute(schema.encode())
        admin.execute("reset role")
        before = state(admin)
        with connect(url) as session:
            with session.read_only():
                snapshot = take(session)
            found = examine(snapshot, Options(throwaway=True), session)
        assert any(one.said is not Said.NOTHING for one in staged(found))
        assert state(admin) == before


def test_on_somebodys_server_nothing_is_put_there(server: Server, url: str) -> None:
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as admin:
        admin.execute("set role postgres")
        admin.execute(f"{ORGS} {BY_MEMBERSHIP}".encode())
    with connect(url) as session:
        with session.read_only():
            snapshot = take(session)
        found = examine(snapshot, Options(probe="write"), session)
    assert staged(found) == []
