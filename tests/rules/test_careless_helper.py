"""A fault in a function is one finding of the function, however many policies ask it; a policy's own stays its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from projects import findings

from rlsaudit.model import Severity

if TYPE_CHECKING:
    from rlsaudit.model import Finding

STUB = "create function public.may_see(owner uuid) returns boolean language sql stable as 'select true';"
METADATA = """
    create function public.claimed() returns text language sql stable as
      $$select auth.jwt() -> 'user_metadata' ->> 'role'$$;
    create function public.is_admin() returns boolean language sql stable as $$select public.claimed() = 'admin'$$;"""
SIGNED_IN = "create function public.signed_in() returns boolean language sql stable as 'select auth.uid() is not null';"
MAY = "public.may_see(user_id)"


def table(name: str, asked: str, command: str = "select", more: str = "") -> str:
    return f"""
        create table public.{name} (id bigint primary key, user_id uuid not null, body text{more});
        alter table public.{name} enable row level security;
        create policy p on public.{name} for {command} using ({asked});"""


def told(url: str, schema: str) -> dict[tuple[str, str], Finding]:
    found = findings(url, schema)
    return {(one.rule, one.object.identity): one for one in found if one.severity > Severity.INFO}


@pytest.mark.parametrize(
    "schema",
    [
        f"{STUB}{table('a', MAY)}",
        f"{STUB}{table('a', MAY)}{table('b', MAY, 'all')}{table('c', f'{MAY} or (select auth.uid()) = user_id')}",
    ],
)
def test_one_finding_whose_fingerprint_is_the_functions(supabase_database: str, schema: str) -> None:
    (one,) = told(supabase_database, schema).values()
    assert (one.rule, one.object.type, one.object.identity) == (
        "careless-helper",
        "function",
        "public.may_see(uuid)",
    )
    assert one.fingerprint == "a7deea4d6c014c91"
    assert one.relations == tuple(f"public.{name}" for name in "abc" if f"public.{name} " in schema)
    assert all(f'"p" on {name}' in one.message for name in one.relations)
    assert all(f"alter policy p on {name} " in one.fix.sql for name in one.relations)


def test_it_is_as_grave_as_the_gravest_of_what_it_opens(supabase_database: str) -> None:
    reading, private = table("a", MAY), table("b", MAY, more=", phone text")
    (one,) = told(supabase_database, f"{STUB}{reading}").values()
    assert one.severity is Severity.HIGH
    (one,) = told(supabase_database, private).values()
    assert (one.severity, one.relations) == (Severity.CRITICAL, ("public.a", "public.b"))


def test_the_function_that_reads_the_metadata_is_at_fault(supabase_database: str) -> None:
    found = told(supabase_database, f"{METADATA}{table('a', 'public.is_admin()')}{table('b', 'public.is_admin()')}")
    assert found.keys() == {("user-metadata-claim", "public.claimed()")}
    (one,) = found.values()
    assert not told(supabase_database, one.fix.sql)


def test_visitors_whom_a_function_lets_pass(supabase_database: str) -> None:
    helper = """create function public.mine(owner uuid) returns boolean language plpgsql stable as $$
        begin if auth.uid() <> owner then return false; end if; return true; end $$;"""
    found = told(supabase_database, f"{helper}{table('a', 'public.mine(user_id)')}{table('b', 'public.mine(user_id)')}")
    assert found.keys() == {("null-logic", "public.mine(uuid)")}


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (f"{MAY} or id = id", "tautology"),
        ("public.signed_in()", "any-authenticated"),
    ],
)
def test_a_policys_own_fault_stays_its_own(supabase_database: str, asked: str, rule: str) -> None:
    found = told(supabase_database, f"{STUB}{SIGNED_IN}{table('a', asked)}{table('b', asked)}")
    assert found.keys() == {(rule, "public.a.p"), (rule, "public.b.p")}


def test_what_a_function_that_ignores_its_argument_leaves_open(supabase_database: str) -> None:
    schema = """
        create table public.members (team_id uuid, user_id uuid, primary key (team_id, user_id));
        alter table public.members enable row level security;
        create function public.is_member(team uuid) returns boolean language sql stable security definer
          set search_path = '' as 'select exists (select from public.members m where m.user_id = auth.uid())';
        create table public.a (id bigint primary key, team_id uuid);
        alter table public.a enable row level security;
        create policy p on public.a for select to authenticated using (public.is_member(team_id));"""
    found = told(supabase_database, schema)
    assert found.keys() == {("careless-helper", "public.is_member(uuid)")}
    asked = """alter policy p on public.a using (public.is_member(team_id)
        and exists (select from public.members m where m.team_id = a.team_id and m.user_id = auth.uid()));
        create policy own on public.members for select to authenticated using (user_id = auth.uid());"""
    assert not told(supabase_database, asked)
