"""Functions that take a secret of their caller, as links in mails do: how bad it is that everybody may call them."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

COURIERS = """
    create table public.couriers (id uuid primary key default gen_random_uuid(), user_id uuid, place text,
      token text not null unique default encode(extensions.gen_random_bytes(12), 'hex'));
    alter table public.couriers enable row level security;
    create policy "own" on public.couriers to authenticated
      using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
    create table public.ratings (id bigint generated always as identity primary key, user_id uuid, stars int);
    alter table public.ratings enable row level security;
    create policy "own" on public.ratings to authenticated
      using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);"""
MOVE = """
    create function public.move(p_token text, p_place text) returns void
      language plpgsql security definer set search_path = '' as $$
      declare c record;
      begin
        {lookup}
        update public.couriers set place = p_place where id = c.id;
        insert into public.ratings (user_id, stars) values (c.user_id, 1);
      end $$;"""
LOOKUP = "select * into c from public.couriers where token = p_token"
REFUSED = "if not found then raise exception 'no such link'; end if;"


def severity(url: str, lookup: str, more: str = "") -> Severity:
    (found,) = (
        one
        for one in findings(url, f"{COURIERS}{MOVE.format(lookup=lookup)}{more}")
        if one.rule == "definer-rpc" and one.object.identity == "public.move(text, text)"
    )
    return found.severity


@pytest.mark.parametrize(
    "lookup",
    [
        f"{LOOKUP}; {REFUSED}",
        "select * into strict c from public.couriers where token = p_token;",
        f"{LOOKUP}; if c.id is null or p_place = '' then return; end if;",
    ],
)
def test_a_secret_that_the_row_is_looked_up_by_first(supabase_database: str, lookup: str) -> None:
    assert severity(supabase_database, lookup) is Severity.MEDIUM


@pytest.mark.parametrize(
    ("lookup", "more"),
    [
        (f"select * into c from public.couriers where place = p_token; {REFUSED}", ""),
        (f"{LOOKUP} or p_token is null; {REFUSED}", ""),
        (
            f"select count(*) as id, null as user_id into c from public.couriers where token = p_token; {REFUSED}",
            "",
        ),
        (
            f"{LOOKUP}; if not found then raise notice 'none'; end if;",
            "",
        ),
        (
            f"{LOOKUP}; {REFUSED}",
            'create policy "all" on public.couriers for select using (true);',
        ),
    ],
)
def test_one_that_is_none(supabase_database: str, lookup: str, more: str) -> None:
    assert severity(supabase_database, lookup, more) >= Severity.HIGH
