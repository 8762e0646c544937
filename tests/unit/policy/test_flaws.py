"""Flaws of policies: each kind is found where it is, and what looks like it is left alone.

Where the server can tell, it is the judge: what is said to let all rows through does, what is said to be refused is.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.model import STRANGER, Persona
from rlsaudit.personas import built_in
from rlsaudit.policy.flaws import Flaw, Flaws, Kind
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

DATABASE = "flaws"
SCHEMA = """
create table public.orgs (
  id uuid primary key default gen_random_uuid(), owner_id uuid references auth.users,
  open boolean not null default false
);
create table public.profiles (id uuid primary key, name text);
create table public.projects (id uuid primary key default gen_random_uuid(), org_id uuid references public.orgs);
create table public.members (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs, user_id uuid not null references auth.users,
  project_id uuid references public.projects,
  role text not null default 'member', unique (org_id, user_id));
alter table public.members enable row level security;
create policy own on public.members for select using (user_id = auth.uid());
create table public.staff (user_id uuid primary key references auth.users, role text);
create table public.posts (id uuid primary key, author uuid, published boolean not null);
alter table public.posts enable row level security;
create policy seen on public.posts for select using (published or author = auth.uid());
create table public.tags (id uuid primary key default gen_random_uuid(), doc uuid);
create table public.loop_a (id uuid primary key, other uuid);
create table public.loop_b (id uuid primary key, other uuid);
alter table public.loop_a enable row level security;
alter table public.loop_b enable row level security;
create policy a on public.loop_a for select using (exists (select from public.loop_b b where b.id = other));
create policy b on public.loop_b for select using (exists (select from public.loop_a a where a.id = other));
create view public.all_members as select * from public.members;
create function public.is_member(o uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.org_id = o and m.user_id = auth.uid())
$$;
create function public.is_member_too(org_id uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.org_id = org_id and m.user_id = auth.uid())
$$;
create function public.has_role(who uuid, wanted text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.role = wanted)
$$;
create function public.may(o uuid, who uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.org_id = o and m.user_id = who)
$$;
create function public.is_admin() returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.members m where m.user_id = auth.uid() and m.role = 'admin')
$$;
create function public.raises(o uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  if o is null then raise exception 'which?'; end if;
  return auth.uid() is not null;
end $$;
"""
TABLE = """
create table public.{name} (
  id uuid primary key default gen_random_uuid(), owner uuid, kept uuid not null default gen_random_uuid(),
  org_id uuid references public.orgs, user_id uuid references auth.users, profile_id uuid references public.profiles,
  project_id uuid references public.projects,
  note text, status text not null default 'new' check (status in ('new', 'old')), level int, role text);
alter table public.{name} enable row level security;
"""
FOR_SELECT = "create policy p on public.docs for select using ({})"
ANON, USER = "anon", "authenticated"

CASES: dict[str, set[tuple[Kind, str | None]]] = {
    # True whatever the row holds.
    "true": {(Kind.ALWAYS_TRUE, None)},
    "id = id": {(Kind.ALWAYS_TRUE, None)},
    "level > 3 or level <= 3 or level is null": {(Kind.ALWAYS_TRUE, None)},
    "status in ('new', 'old')": {(Kind.ALWAYS_TRUE, None)},
    "owner = owner": set(),
    "level > 3 or level <= 3": set(),
    "note::int > 3 or note::int <= 3 or note is null": set(),
    "status = 'new'": set(),
    # True of no row.
    "false": set(),
    "level > 3 and level < 3": {(Kind.ALWAYS_FALSE, None)},
    "status = 'gone'": {(Kind.ALWAYS_FALSE, None)},
    "owner = null": {(Kind.ALWAYS_NULL, None)},
    "note = 'a' and note = 'b'": {(Kind.ALWAYS_FALSE, None)},
    "auth.role() = 'service_role'": set(),
    "auth.uid() = '7b0e0a52-0000-4000-8000-000000000001'": set(),
    "auth.uid() <> '7b0e0a52-0000-4000-8000-000000000001'": set(),
    "owner = auth.uid() and owner = '7b0e0a52-0000-4000-8000-000000000001'": set(),
    "(auth.jwt() ->> 'is_anonymous')::boolean is true": set(),
    "(auth.jwt() -> 'app_metadata' ->> 'role') = 'admin'": set(),
    "public.is_admin()": {(Kind.ROW_INDEPENDENT, None)},
    "exists (select from public.members m where m.user_id = auth.uid())": {(Kind.ROW_INDEPENDENT, None)},
    "exists (select from public.staff s where s.user_id = auth.uid())": set(),
    # True by who asks.
    "auth.uid() is not null": {(Kind.TRUE_FOR_ANY_USER, USER)},
    "auth.role() = 'authenticated'": {(Kind.TRUE_FOR_ANY_USER, USER)},
    "auth.role() = 'anon'": {(Kind.TRUE_FOR_ANON, ANON)},
    "auth.uid() is null": {(Kind.TRUE_FOR_ANON, ANON)},
    "auth.uid() = owner": set(),
    "auth.uid() is not null and level > 3": set(),
    # Columns.
    "exists (select from public.members m where m.org_id = org_id and m.user_id = auth.uid())": {
        (Kind.SHADOWED_COLUMN, None)
    },
    "exists (select from public.members m where m.org_id = docs.org_id and m.user_id = auth.uid())": set(),
    "exists (select from public.orgs o where o.id = docs.org_id and o.open = o.open)": set(),
    "exists (select from public.members m where m.user_id = docs.org_id and m.user_id = auth.uid())": set(),
    "exists (select from public.members m where m.org_id = docs.project_id and m.user_id = auth.uid())": {
        (Kind.WRONG_COLUMN, None)
    },
    "exists (select from public.members m where m.user_id = docs.profile_id and m.user_id = auth.uid())": set(),
    "exists (select from public.members m where m.org_id = docs.owner and m.user_id = auth.uid())": set(),
    "exists (select from public.tags t where t.id = docs.kept)": set(),
    # Precedence.
    "exists (select from public.members m where m.org_id = docs.org_id and m.user_id = auth.uid() "
    "and m.role = 'admin' or m.role = 'owner')": {(Kind.PRECEDENCE, None)},
    "exists (select from public.members m where m.org_id = docs.org_id and m.user_id = auth.uid() "
    "and (m.role = 'admin' or m.role = 'owner'))": set(),
    "owner = auth.uid() and status = 'new' or status = 'old'": set(),
    # NULL.
    "coalesce(auth.uid(), owner) = owner": {(Kind.NULL_OPENS, ANON)},
    "auth.uid() is not distinct from owner": {(Kind.NULL_OPENS, ANON)},
    "(owner <> auth.uid()) is not true": {(Kind.NULL_OPENS, ANON), (Kind.NULL_OPENS, USER)},
    "coalesce(auth.uid(), '7b0e0a52-0000-4000-8000-000000000001') = owner": set(),
    "owner is null or owner = auth.uid()": set(),
    "owner = auth.uid() or status = 'new'": set(),
    # Trust.
    "(auth.jwt() -> 'user_metadata' ->> 'role') = 'admin'": {(Kind.CLIENT_INPUT, None)},
    "org_id::text = (auth.jwt() -> 'user_metadata' ->> 'org')": {(Kind.CLIENT_INPUT, None)},
    "org_id::text = (auth.jwt() -> 'app_metadata' ->> 'org')": set(),
    "(auth.jwt() ->> 'aal') = 'aal2' and owner = auth.uid()": set(),
    "org_id in (select m.org_id from public.members m)": {(Kind.DEPENDS_ON_RLS, None)},
    "org_id in (select m.org_id from public.members m where m.user_id = auth.uid())": set(),
    "org_id in (select m.org_id from public.all_members m)": set(),
    "exists (select from public.posts p where p.id = docs.kept and p.published)": set(),
    "exists (select from public.posts p where p.id = docs.kept)": set(),
    # Functions.
    "public.is_member(org_id)": set(),
    "public.is_member_too(org_id)": {(Kind.IGNORED_ARGUMENT, None)},
    "public.has_role(auth.uid(), role)": {(Kind.IGNORED_CALLER, None)},
    "public.may(org_id, auth.uid())": set(),
    "public.raises(org_id)": set(),
    # Recursion.
    "owner = auth.uid() or exists (select from public.docs d where d.owner = auth.uid())": {
        (Kind.RECURSION, ANON),
        (Kind.RECURSION, USER),
    },
    "exists (select from public.loop_a a where a.id = docs.org_id)": {(Kind.RECURSION, ANON), (Kind.RECURSION, USER)},
    "exists (select from public.all_members m where m.org_id = docs.org_id and m.user_id = auth.uid())": set(),
}

STATEMENTS: dict[str, set[tuple[str, Kind, str | None]]] = {
    # Redundant.
    "create policy p on public.docs for select using (owner = auth.uid());"
    "create policy q on public.docs for select using (owner = auth.uid() or level > 3)": {("p", Kind.REDUNDANT, None)},
    "create policy p on public.docs for select using (level > 5);create policy q on public.docs using (level > 3)": {
        ("p", Kind.REDUNDANT, None)
    },
    "create policy p on public.docs for select using (owner = auth.uid());"
    "create policy q on public.docs for select using (owner = auth.uid())": {("q", Kind.REDUNDANT, None)},
    "create policy p on public.docs for select using (level > 3);"
    "create policy q on public.docs for select using (level > 5 or owner = auth.uid())": set(),
    "create policy p on public.docs for select using (level > 5);"
    "create policy q on public.docs for select to authenticated using (level > 3)": set(),
    "create policy p on public.docs using (level > 5);"
    "create policy q on public.docs for select using (level > 3)": set(),
    "create policy p on public.docs for select using (level > 5);"
    "create policy q on public.docs for select using (level > 3 and note::int > 1)": set(),
    "create policy p on public.docs for select using (false);"
    "create policy q on public.docs for select using (level > 3)": set(),
    # Unreachable.
    "create policy p on public.docs for select using (owner = auth.uid());"
    "create policy q on public.docs as restrictive for select using (level > 3 and level < 3)": {
        ("p", Kind.UNREACHABLE, None),
        ("q", Kind.ALWAYS_FALSE, None),
    },
    "create policy p on public.docs for select using (owner = auth.uid());"
    "create policy q on public.docs as restrictive for select to anon using (false)": set(),
    "create policy p on public.docs for select using (owner = auth.uid());"
    "create policy q on public.docs as restrictive for delete using (false)": set(),
    # Without a grant.
    "create policy p on public.docs for select using (owner = auth.uid());"
    "revoke all on public.docs from anon, authenticated": {("p", Kind.WITHOUT_GRANT, None)},
    "create policy p on public.docs for delete to anon using (level > 3);revoke delete on public.docs from anon": {
        ("p", Kind.WITHOUT_GRANT, None)
    },
    "create policy p on public.docs for select using (owner = auth.uid());"
    "revoke all on public.docs from anon, authenticated; grant select (id) on public.docs to authenticated": set(),
    "create policy p on public.docs to service_role using (level > 3)": set(),
    # Recursion of writes alone.
    "create policy p on public.docs for select using (owner = auth.uid());"
    "create policy q on public.docs for insert with check (exists (select from public.docs d where level = 1))": set(),
    "create policy p on public.docs using (owner = auth.uid())"
    " with check (exists (select from public.docs d where d.owner = auth.uid()))": {
        ("p", Kind.RECURSION, ANON),
        ("p", Kind.RECURSION, USER),
    },
    # Nobody asks it.
    "create policy p on public.docs using (true); alter table public.docs disable row level security": set(),
}


@dataclass(frozen=True)
class World:
    """One table for each case, with its policies."""

    session: Session
    catalog: Catalog
    flaws: Flaws
    names: dict[str, str]

    def of(self, case: str) -> tuple[Flaw, ...]:
        return self.flaws.of(self.catalog.relations_by_name["public", self.names[case]])


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with connect(server.supabase_database(DATABASE)) as session:
        session.execute(SCHEMA)
        names: dict[str, str] = {}
        for number, case in enumerate((*CASES, *STATEMENTS)):
            names[case] = f"docs{number}"
            statement = FOR_SELECT.format(case) if case in CASES else case
            session.execute(TABLE.format(name=names[case]))
            session.execute(statement.replace("docs", names[case]))
        session.execute("set search_path = ''")
        access = Access(Catalog(take(session)))
        personas = tuple(one for one in map(built_in, (ANON, USER)) if one is not None)
        flaws = Flaws(access, Predicates(access, Platform.SUPABASE), personas)
        yield World(session, access.catalog, flaws, names)
    server.drop_database(DATABASE)


@pytest.mark.parametrize("policy", CASES)
def test_a_policy_has_these_flaws_and_no_others(world: World, policy: str) -> None:
    assert {(one.kind, one.persona) for one in world.of(policy)} == CASES[policy]


@pytest.mark.parametrize("statements", STATEMENTS)
def test_policies_together_have_these_flaws(world: World, statements: str) -> None:
    found = {(one.policy.name, one.kind, one.persona) for one in world.of(statements)}
    by_themselves = {Kind.ALWAYS_TRUE, Kind.DEPENDS_ON_RLS, Kind.ROW_INDEPENDENT}
    assert {one for one in found if one[1] not in by_themselves} == STATEMENTS[statements]


ROWS = """
insert into public.{name} (owner, note, status, level, role)
select owner, note, status, level, role
from unnest(array[null, %(me)s, %(other)s]::uuid[]) owner, unnest(array[null, '', '7', 'x']) note,
  unnest(array['new', 'old']) status, unnest(array[null, 1, 3, 4, 9]) level, unnest(array[null, 'owner']) role
"""
COUNT = 240


def ask(session: Session, persona: str, query: str) -> list[tuple[Any, ...]] | str:
    """Returns the rows that a persona gets, or the error's code."""
    who = built_in(persona) or Persona("", "")
    claims = f"""{{"sub": "{STRANGER}", "role": "authenticated"}}""" if persona == USER else '{"role": "anon"}'
    session.execute(f"savepoint asked; set local role {who.role}; set local request.jwt.claims = '{claims}'")
    try:
        cursor = session.execute(query)
        return cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        return error.sqlstate or ""
    finally:
        session.execute("rollback to savepoint asked; release asked")


@pytest.mark.parametrize("case", [*CASES, *STATEMENTS])
def test_the_server_agrees(world: World, case: str) -> None:
    name, found = world.names[case], world.of(case)
    refused = dict.fromkeys((ANON, USER), False)
    with world.session.rolled_back():
        world.session.execute(
            ROWS.format(name=name).replace("%(me)s", f"'{STRANGER}'").replace("%(other)s", f"'{uuid.uuid4()}'")
        )
        for persona in (ANON, USER):
            seen = ask(world.session, persona, f"select id from public.{name}")
            update = ask(world.session, persona, f"update public.{name} set level = 1 returning 1")
            insert = ask(world.session, persona, f"insert into public.{name} (level) values (1) returning 1")
            refused[persona] = "42P17" in (seen, update, insert)
            kinds = {one.kind for one in found if one.persona in (None, persona) and one.policy.permissive}
            if kinds & {Kind.ALWAYS_TRUE, Kind.TRUE_FOR_ANON, Kind.TRUE_FOR_ANY_USER} and case in CASES:
                assert len(seen) == COUNT
            if kinds & {Kind.ALWAYS_FALSE, Kind.ALWAYS_NULL, Kind.UNREACHABLE}:
                assert seen == []
            if Kind.WITHOUT_GRANT in kinds and persona == ANON:
                assert ask(world.session, persona, f"delete from public.{name}") == "42501"
            for one in found:
                if one.kind is Kind.REDUNDANT:
                    world.session.execute(f"savepoint without; drop policy {one.policy.name} on public.{name}")
                    assert ask(world.session, persona, f"select id from public.{name}") == seen
                    world.session.execute("rollback to savepoint without")
    said = {persona: any(one.kind is Kind.RECURSION and one.persona == persona for one in found) for persona in refused}
    assert said == refused
