"""What is proved of policies that look into other tables, and the states that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.model import Reach
from rlsaudit.personas import built_in
from rlsaudit.policy.decide import Bounds, decide
from rlsaudit.policy.parse import parse
from rlsaudit.policy.sight import at_sight
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

DATABASE = "proofs"
NONE, OWN, SOME, ALL = Reach.NONE, Reach.OWN, Reach.SOME, Reach.ALL
SCHEMA = """
create table public.orgs (id uuid primary key, open boolean not null default false);
create table public.members (
  org_id uuid not null references public.orgs, user_id uuid not null references auth.users,
  rank text not null default 'member', primary key (org_id, user_id));
create table public.staff (user_id uuid primary key references auth.users, role text not null);
create table public.crew (user_id uuid primary key references auth.users);
create table public.people (
  id uuid primary key references auth.users, active boolean not null default true, role text default 'user');
create table public.docs (
  id uuid primary key, org uuid, kept uuid not null references public.orgs, owner uuid, note text, level int,
  tags text[]);
create table public.guests (id uuid primary key);
alter table public.guests enable row level security;
create policy own on public.guests for select using ((select auth.uid()) = id);
create table public.rooms (id uuid primary key);
create table public.seats (room uuid not null references public.rooms, guest uuid not null references public.guests);
create table public.shifts (
  id int primary key, worker uuid not null, place uuid not null, exclude using btree (place with =));
create function public.levels() returns text[] language sql stable security definer set search_path = '' as $$
  select case when count(f.id) > 0 then array['aal2'] else array['aal1', 'aal2'] end
  from auth.mfa_factors f where f.user_id = auth.uid() and f.status = 'verified'
$$;
create function public.claims() returns jsonb language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;
create function public.claim(name text) returns text language sql stable as $$
  select public.claims() -> 'app_metadata' ->> name
$$;
alter table public.people enable row level security;
create policy own on public.people for select using (id = auth.uid());
create function public.welcome() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.people (id) values (new.id);
  return new;
end $$;
create trigger welcome after insert on auth.users for each row execute function public.welcome();
create function public.is_staff() returns boolean language plpgsql stable security definer set search_path = '' as $$
declare held text;
begin
  select role into held from public.staff where user_id = auth.uid();
  if held = 'admin' then return true; end if;
  return false;
end $$;
create function public.is_member(o uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.org_id = o and m.user_id = auth.uid())
$$;
create type public.job as enum ('driver', 'cook');
create function public.job() returns public.job language plpgsql stable as $$
begin
  return (auth.jwt() ->> 'job')::public.job;
exception when others then return null; end $$;
create function public.firm() returns uuid language plpgsql stable as $$
begin
  return nullif(auth.jwt() ->> 'firm', '')::uuid;
exception when others then return null; end $$;
create function public.of_firm(o uuid) returns boolean language plpgsql stable security definer as $$
declare held public.job := public.job();
begin
  if o is null or o <> public.firm() then return false; end if;
  if held = 'driver' then
    return exists (select from public.members m where m.org_id = o and m.user_id = auth.uid());
  end if;
  return true;
end $$;
"""
CASES: dict[str, tuple[Reach, Reach]] = {
    # What ties a row to the persona, directly or by a membership.
    "org in (select m.org_id from public.members m where m.user_id = auth.uid())": (NONE, OWN),
    "public.is_member(org)": (NONE, OWN),
    "exists (select from public.members m where m.org_id = docs.org and m.user_id = auth.uid() and m.rank = 'owner')": (
        NONE,
        OWN,
    ),
    "coalesce(owner, auth.uid()) = auth.uid()": (NONE, SOME),
    "exists (select from public.seats s where s.room = docs.org and s.guest = auth.uid())": (NONE, OWN),
    # Through texts and arrays.
    "public.is_member((string_to_array(note, '/'))[2]::uuid) and split_part(note, '/', 1) = 'orgs'": (NONE, OWN),
    "note ~ ('^' || auth.uid()::text || '/')": (NONE, OWN),
    "'shared' = any (tags) and public.is_member(org)": (NONE, OWN),
    "tags && array['shared']": (SOME, SOME),
    "array[note] <@ array['a', 'b']": (SOME, SOME),
    "array[note] <@ case when level > 0 then array['a'] else array['b'] end and note = 'c'": (NONE, NONE),
    "array[null, note] <@ array['a', null]": (NONE, NONE),
    # The level that a session has, and claims by way of functions.
    "owner = auth.uid() and array[auth.jwt() ->> 'aal'] <@ public.levels()": (NONE, OWN),
    "owner = auth.uid() and auth.jwt() ->> 'aal' = 'aal7'": (NONE, NONE),
    "(public.claims() ->> 'sub')::uuid = owner": (NONE, OWN),
    "public.claim('org') = org::text": (NONE, OWN),
    "public.claims() -> 'user_metadata' ->> 'role' = 'admin'": (NONE, ALL),
    # Of whom the token does not say where he works, the comparison says nothing, and does not refuse him.
    "public.of_firm(kept)": (ALL, ALL),
    "public.of_firm(org)": (SOME, SOME),
    "exists (select from public.orgs o where o.id = docs.org and o.open and public.of_firm(o.id))": (SOME, SOME),
    # What depends on the rows of others that a row points at.
    "exists (select from public.orgs o where o.id = docs.org and o.open)": (SOME, SOME),
    "exists (select from public.orgs o where o.id = docs.org)": (SOME, SOME),
    "exists (select from public.orgs o where o.id = docs.kept)": (ALL, ALL),
    "not exists (select from public.orgs o where o.id = docs.kept and o.open)": (SOME, SOME),
    # Gates that have nothing to do with the row: of staff, of everybody, of members of anything.
    "public.is_staff()": (NONE, NONE),
    "public.is_staff() or owner = auth.uid()": (NONE, OWN),
    "exists (select from public.people p where p.id = auth.uid() and p.active)": (NONE, ALL),
    "exists (select from public.people p where p.id = auth.uid() and p.role = 'admin')": (NONE, NONE),
    "not exists (select from public.members m where m.user_id = auth.uid())": (ALL, ALL),
    # An exclusion constraint limits no row by itself, but two may not be there together.
    "exists (select from public.shifts s where s.place = docs.org and s.worker = auth.uid())": (NONE, OWN),
    # Conditions on one column that have to be taken together.
    "level > 3 and level < 5": (SOME, SOME),
    "level > 3 and level < 4": (NONE, NONE),
    "level > 3 or level < 5 or level is null": (ALL, ALL),
    "note like 'a%' and not note like 'a%'": (NONE, NONE),
}


OPEN = (
    # Who is given such a row may be anybody, or staff by that alone.
    "exists (select from public.members m where m.user_id = auth.uid() and m.rank = 'owner')",
    "exists (select from public.crew c where c.user_id = auth.uid())",
)
EXCLUDED = (
    "exists (select from public.shifts s join public.shifts t on s.place = t.place and s.id < t.id where s.id = level)"
)
WIDE = (
    # Patterns that match more than what holds the id.
    "note ~ ('^x|' || auth.uid()::text)",
    "note ~ (auth.uid()::text || '?')",
)


@dataclass(frozen=True)
class World:
    """Policies of one table, as the server writes them."""

    predicates: Predicates
    deparsed: dict[str, str]

    def decide(self, policy: str, persona: str) -> Bounds:
        who = built_in(persona)
        assert who is not None
        docs = self.predicates.catalog.relations_by_name["public", "docs"]
        return decide(parse(self.deparsed[policy], self.predicates.scope(who, docs)))


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with connect(server.supabase_database(DATABASE)) as session:
        session.execute(SCHEMA)
        deparsed: dict[str, str] = {}
        for policy in (*CASES, *OPEN, *WIDE, EXCLUDED):
            session.execute(f"create policy p on public.docs using ({policy})")
            session.execute("set search_path = ''")
            deparsed[policy] = str(
                session.fetch_value(
                    "select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = 'public.docs'::regclass"
                )
            )
            session.execute("drop policy p on public.docs")
        yield World(Predicates(Access(Catalog(take(session))), Platform.SUPABASE), deparsed)
    server.drop_database(DATABASE)


@pytest.mark.parametrize("policy", CASES)
def test_a_policy_is_decided(world: World, policy: str) -> None:
    for persona, reach in zip(("anon", "authenticated"), CASES[policy], strict=True):
        bounds = world.decide(policy, persona)
        assert (bounds.at_least, bounds.at_most) == (reach, reach), f"{persona}: {bounds}"


@pytest.mark.parametrize("policy", OPEN)
def test_what_rows_that_somebody_gave_open_is_left_open(world: World, policy: str) -> None:
    bounds = world.decide(policy, "authenticated")
    assert (bounds.at_least, bounds.at_most) == (NONE, ALL)
    assert world.decide(policy, "anon").at_most is NONE


def test_no_two_rows_are_claimed_that_an_exclusion_constraint_may_keep_apart(world: World) -> None:
    assert world.decide(EXCLUDED, "authenticated").at_least is NONE


@pytest.mark.parametrize("policy", WIDE)
def test_a_pattern_that_strangers_rows_may_match_is_not_own(world: World, policy: str) -> None:
    assert world.decide(policy, "authenticated").at_most in {SOME, ALL}


def test_what_is_reached_comes_with_a_row_that_shows_it(world: World) -> None:
    bounds = world.decide(
        "org in (select m.org_id from public.members m where m.user_id = auth.uid())", "authenticated"
    )
    assert bounds.passes is not None
    ((table, member),) = bounds.passes.others
    assert table == "public.members"
    assert member["org_id"] == bounds.passes.row["org"]
    assert member["user_id"] == bounds.passes.request["sub"]


def test_what_is_not_reached_comes_with_a_row_as_well(world: World) -> None:
    bounds = world.decide("exists (select from public.orgs o where o.id = docs.org and o.open)", "anon")
    assert bounds.passes is not None
    assert bounds.barred is not None
    assert [one["open"] for _, one in bounds.passes.others] == [True]
    assert all(one["open"] is False for _, one in bounds.barred.others)


def test_a_proof_tells_more_than_first_sight(world: World) -> None:
    policy = "public.is_member(org)"
    who = built_in("authenticated")
    assert who is not None
    docs = world.predicates.catalog.relations_by_name["public", "docs"]
    formula = parse(world.deparsed[policy], world.predicates.scope(who, docs))
    assert not at_sight(formula).decided
    assert decide(formula).decided


def test_what_ordinary_rows_open_is_told_apart(world: World) -> None:
    # Whoever has no such row sees nothing, so that a probe that sees nothing is no contradiction.
    assert world.decide(
        "exists (select from public.people p where p.id = auth.uid() and p.active)", "authenticated"
    ).given
    assert not world.decide("exists (select from public.orgs o where o.id = docs.kept)", "anon").given
