"""What is told of columns that signing up fills: their names are their makers', and hostile."""

from __future__ import annotations

import pytest
from projects import findings

COLUMN = 'role"\n; drop table public.reports; --'


def test_a_name_ends_no_comment(supabase_database: str) -> None:
    name = '"' + COLUMN.replace('"', '""') + '"'
    schema = f"""
    create table public.profiles (id uuid primary key references auth.users, {name} text not null);
    alter table public.profiles enable row level security;
    create policy "own" on public.profiles for select using (id = (select auth.uid()));
    create table public.reports (id bigint primary key, body text);
    alter table public.reports enable row level security;
    create policy "staff" on public.reports for select using (
      exists (select from public.profiles p where p.id = (select auth.uid()) and p.{name} = 'admin'));
    create function public.welcome() returns trigger language plpgsql security definer set search_path = '' as $$
      begin
        insert into public.profiles (id, {name}) values (new.id, new.raw_user_meta_data ->> 'role');
        return new;
      end $$;
    create trigger welcome after insert on auth.users for each row execute function public.welcome();
    """
    (found,) = (one for one in findings(supabase_database, schema) if one.rule == "signup-metadata")
    assert "drop table public.reports" in found.fix.sql
    assert [line for line in found.fix.sql.splitlines() if not line.startswith("--")] == []


REPORTS = """
    create table public.profiles (id uuid primary key references auth.users, role text not null default 'user');
    alter table public.profiles enable row level security;
    create policy "own" on public.profiles for select using (id = (select auth.uid()));
    create table public.reports (id bigint primary key, body text);
    alter table public.reports enable row level security;
    create policy "staff" on public.reports for select using (
      exists (select from public.profiles p where p.id = (select auth.uid()) and p.role = 'admin'));
    create function public.welcome() returns trigger language plpgsql security definer set search_path = '' as $$
      begin {} end $$;
    create trigger welcome after insert on auth.users for each row execute function public.welcome();"""
INSERT = "insert into public.profiles (id, role) values (new.id, {});"
SAYS = "coalesce(new.raw_user_meta_data ->> 'role', 'user')"
BARE = "new.raw_user_meta_data ->> 'role'"
CAUGHT = "exception when others then raise warning 'no profile';"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"{INSERT.format(SAYS)} return new; {CAUGHT} return new;", 1),
        (f"begin {INSERT.format(SAYS)} {CAUGHT} end; return new;", 1),
        # It is undone each time.
        (f"begin {INSERT.format(SAYS)} raise exception 'no'; {CAUGHT} end; return new;", 0),
        # One that signs up without a word of that gets none.
        (f"begin {INSERT.format(BARE)} {CAUGHT} end; return new;", 0),
        (
            INSERT.format(
                "case when new.raw_user_meta_data is null then 'user' else new.raw_user_meta_data ->> 'role' end"
            )
            + " return new;",
            1,
        ),
        (
            INSERT.format(
                "case when new.raw_user_meta_data ->> 'role' is null then 'user'"
                " else new.raw_user_meta_data ->> 'role' end"
            )
            + " return new;",
            1,
        ),
        (
            INSERT.format("case when new.raw_user_meta_data ->> 'role' is null then 'user' else 'member' end")
            + " return new;",
            0,
        ),
    ],
)
def test_what_is_said_at_sign_up(supabase_database: str, body: str, told: int) -> None:
    found = [one for one in findings(supabase_database, REPORTS.format(body)) if one.rule == "signup-metadata"]
    assert len(found) == told
