"""Functions with their owner's rights that ask who calls, and let rows of others through or do not."""

from __future__ import annotations

import pytest
from projects import findings

from rlsaudit.model import Severity

SCHEMA = """
    create table public.cards (id uuid primary key, user_id uuid not null, phone text, title text, published boolean,
      views int not null default 0, token text not null unique default encode(extensions.gen_random_bytes(12), 'hex'));
    alter table public.cards enable row level security;
    create policy own on public.cards for select to authenticated using (user_id = (select auth.uid()));
    create table public.notices (id uuid primary key default gen_random_uuid(), user_id uuid not null);
    alter table public.notices enable row level security;"""
DEFINER = "security definer set search_path = ''"
SIGNED_IN = "(select auth.uid()) is not null"
HIGH, MEDIUM, CRITICAL = Severity.HIGH, Severity.MEDIUM, Severity.CRITICAL


@pytest.mark.parametrize(
    ("function", "severity"),
    [
        (
            f"f() returns setof text language sql {DEFINER} as $$select phone from public.cards where {SIGNED_IN}$$",
            CRITICAL,
        ),
        (
            f"f() returns setof text language sql {DEFINER} as $$select title from public.cards where {SIGNED_IN}$$",
            MEDIUM,
        ),
        (
            f"""f() returns table (title text, user_id uuid) language sql {DEFINER} as
            $$select title, user_id from public.cards where published and {SIGNED_IN}$$""",
            MEDIUM,
        ),
        (
            f"""f(who uuid) returns setof text language sql {DEFINER} as
            $$select phone from public.cards where user_id = who and {SIGNED_IN}$$""",
            HIGH,
        ),
        (
            f"""f(card uuid, t text) returns void language plpgsql {DEFINER} as $$ begin
            if auth.uid() is null then raise exception 'no'; end if;
            update public.cards set title = t where id = card; end $$""",
            HIGH,
        ),
        (
            f"""f(card uuid) returns void language sql {DEFINER} as
            $$update public.cards set views = views + 1 where id = card and {SIGNED_IN}$$""",
            MEDIUM,
        ),
        (
            f"""f(card uuid, n int) returns void language plpgsql {DEFINER} as $$ begin
            if auth.uid() is null then raise exception 'no'; end if;
            update public.cards set views = views + n where id = card; end $$""",
            MEDIUM,
        ),
        (
            f"""f(whose uuid) returns void language plpgsql {DEFINER} as $$ begin
            if auth.uid() is null then raise exception 'no'; end if;
            insert into public.notices (user_id) values (whose); end $$""",
            MEDIUM,
        ),
        (
            f"""f(card uuid) returns void language plpgsql {DEFINER} as $$ begin
            if auth.uid() is null then raise exception 'no'; end if;
            delete from public.cards where id = card; end $$""",
            HIGH,
        ),
        (
            f"""f(card uuid) returns void language plpgsql {DEFINER} as $$ begin
            delete from public.cards where id = card and user_id = auth.uid(); end $$""",
            None,
        ),
        (
            f"""f(secret text) returns setof text language sql {DEFINER} as
            $$select title from public.cards where token = secret and {SIGNED_IN}$$""",
            None,
        ),
        (
            f"""f() returns bigint language sql {DEFINER} as
            $$select count(*) from public.cards where user_id <> (select auth.uid())$$""",
            None,
        ),
        (
            f"""f() returns setof text language sql {DEFINER} as
            $$select phone from public.cards where user_id = (select auth.uid())$$""",
            None,
        ),
    ],
)
def test_what_it_asks_counts_for_what_it_keeps_back(
    supabase_database: str, function: str, severity: Severity | None
) -> None:
    found = findings(supabase_database, f"{SCHEMA} create function public.{function};")
    told = {one.rule: one.severity for one in found if one.severity > Severity.INFO}
    assert told == ({} if severity is None else {"definer-rpc": severity})


def test_what_takes_no_argument_does_nothing_that_its_caller_names(supabase_database: str) -> None:
    function = f"""create function public.f() returns text language plpgsql {DEFINER} as $$
        declare c public.cards;
        begin
          select * into c from public.cards where published order by id limit 1 for update skip locked;
          update public.cards set published = false where id = c.id;
          return c.phone;
        end $$;"""
    (one,) = [one for one in findings(supabase_database, f"{SCHEMA}{function}") if one.rule == "definer-rpc"]
    assert one.message == (
        "anon and authenticated may call public.f(), which takes rows of public.cards (phone, token, id, user_id, "
        "title, published), whoever's they are, as from a queue, and hands them out; it changes rows of public.cards."
    )
