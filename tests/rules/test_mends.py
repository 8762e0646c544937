"""What findings tell to do can be done, and says of several policies what it says of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from projects import findings
from psycopg import sql

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.migrations.split import split
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLE = "files_app"
CUSTOMERS = """
    create table public.shops (id uuid primary key default gen_random_uuid(), owner_id uuid references auth.users);
    alter table public.shops enable row level security;
    create table public.customers (id uuid primary key {own}, shop_id uuid references public.shops, name text);
    alter table public.customers enable row level security;
    create table public.cards (id uuid primary key default gen_random_uuid(), stamps int,
      customer_id uuid not null references public.customers);
    alter table public.cards enable row level security;
    create policy "stamp" on public.cards for update using (true);
    """


@pytest.fixture
def plain(database: str) -> Iterator[str]:
    """A plain database with the role of an application, which is the whole server's."""
    name = sql.Identifier(ROLE)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login").format(name))
        yield database
        connection.execute(sql.SQL("drop owned by {}").format(name))
        connection.execute(sql.SQL("drop role {}").format(name))


@pytest.mark.parametrize(
    ("own", "ties"), [("default gen_random_uuid()", False), ("references auth.users", True), ("", True)]
)
def test_ids_that_rows_make_themselves_are_no_users(supabase_database: str, own: str, *, ties: bool) -> None:
    found = findings(supabase_database, CUSTOMERS.format(own=own))
    (fix,) = (one.fix.sql for one in found if one.rule == "tautology")
    assert ("= customer_id" in fix) is ties


def test_what_two_policies_ask(supabase_database: str) -> None:
    buckets = "".join(
        f"insert into storage.buckets (id, name) values ('{one}', '{one}');"
        f"create policy \"{one}\" on storage.objects for delete to authenticated using (bucket_id = '{one}');"
        for one in ("faces", "covers")
    )
    (found,) = (one for one in findings(supabase_database, buckets) if one.rule == "storage-bucket-only")
    assert found.title == 'Policies "covers" and "faces" on storage.objects ask for the bucket only'
    assert found.message.endswith("ask nothing of whose a file is.")


def test_grants_on_large_objects_are_taken_back(plain: str) -> None:
    rule = all_rules()["large-object"]
    example = next(one for one in rule.bad if one.name == "Granted to everybody")
    with psycopg.connect(plain) as connection:
        connection.execute(example.sql.encode())

    def fixes() -> list[str]:
        with connect(plain) as session:
            return [one.fix.sql for one in audit(session, Options(roles=(ROLE,))).findings if one.rule == rule.id]

    (fix,) = fixes()
    with psycopg.connect(plain) as connection:
        connection.execute(fix.encode())
    assert fixes() == []


def test_a_name_ends_no_comment(supabase_database: str) -> None:
    key = '"claimed\n; drop table public.claims; --"'
    schema = f"""
        create table public.invites (id uuid primary key, invite_code text unique);
        alter table public.invites enable row level security;
        create table public.claims (id uuid primary key, user_id uuid,
          invite_code text constraint {key} references public.invites (invite_code));
        alter table public.claims enable row level security;
        create policy own on public.claims to authenticated
          using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
    """
    (fix,) = (one.fix.sql for one in findings(supabase_database, schema) if one.rule == "fk-oracle")
    assert "drop table public.claims" in fix
    assert list(split(fix)) == []


def test_bodies_of_helpers_are_asked_by_any_name(supabase_database: str) -> None:
    name = 'public."is$$\'staff"'
    schema = f"""
        create table public.reports (id bigint primary key, body text);
        alter table public.reports enable row level security;
        create function {name}() returns boolean language sql stable set search_path = ''
          as 'select (auth.jwt() -> ''user_metadata'' ->> ''staff'') = ''true''';
        create policy "staff" on public.reports for update to authenticated using ({name}());
    """
    (fix,) = (one.fix.sql for one in findings(supabase_database, schema) if one.rule == "user-metadata-claim")
    with psycopg.connect(supabase_database) as connection:
        connection.execute(fix.encode())
        (body,) = connection.execute("select prosrc from pg_proc where proname = 'is$$''staff'").fetchone() or ("",)
    assert "'app_metadata'" in body


def test_a_floor_is_for_the_commands_that_are_at_fault_where_others_are_meant(
    supabase_database: str, tmp_path: Path
) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(
        '[[allow]]\nrelation = "public.posts"\npersona = "authenticated"\nselect = "all"\n'
        '[[allow]]\nrelation = "public.posts"\npersona = "anonymous-sign-in"\nselect = "none"\n'
    )
    schema = """
        create table public.posts (id bigint primary key, user_id uuid not null, body text);
        alter table public.posts enable row level security;
        create policy "read" on public.posts for select to authenticated using (true);
        create policy "with an account, select" on public.posts for insert to authenticated
          with check (user_id = (select auth.uid()));
    """
    found = findings(supabase_database, schema, intent)
    (fix,) = (one.fix.sql for one in found if one.rule == "anonymous-signin")
    assert fix.startswith('create policy "with an account, select 2" on public.posts as restrictive for select')


def test_a_restrictive_policy_is_made_again_where_others_are_meant(supabase_database: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text('[[allow]]\nrelation = "public.notes"\npersona = "authenticated"\nselect = "all"\n')
    schema = """
        create table public.notes (id bigint primary key, user_id uuid not null, archived boolean);
        alter table public.notes enable row level security;
        create policy "read" on public.notes for select to authenticated using (true);
        create policy "current ones" on public.notes for delete to authenticated using (not archived);
        create policy "own" on public.notes as restrictive for update to authenticated
          using (user_id = (select auth.uid()));
    """
    found = findings(supabase_database, schema, intent)
    (fix,) = (one.fix.sql for one in found if one.rule == "restrictive-missing-command")
    assert fix == (
        'create policy "own, delete" on public.notes as restrictive for delete to authenticated'
        " using (user_id = ( SELECT auth.uid() AS uid));"
    )


def test_a_column_is_taken_from_whoever_holds_it_alone_or_with_the_table(supabase_database: str) -> None:
    schema = """
        create table public.profiles (id uuid primary key references auth.users, nick text, is_admin boolean);
        alter table public.profiles enable row level security;
        create policy "edit" on public.profiles for update to authenticated using (id = (select auth.uid()));
        revoke update on public.profiles from authenticated;
        grant update (nick, is_admin) on public.profiles to authenticated;
        create table public.audits (id bigint primary key, body text);
        alter table public.audits enable row level security;
        create policy "admins" on public.audits to authenticated using (exists (
          select from public.profiles p where p.id = (select auth.uid()) and p.is_admin));
        create policy "own" on public.profiles for select to authenticated using (id = (select auth.uid()));
    """
    (fix,) = (one.fix.sql for one in findings(supabase_database, schema) if one.rule == "privilege-column")
    assert fix.splitlines() == [
        "revoke update on public.profiles from anon;",
        "grant update (id, nick) on public.profiles to anon;",
        "revoke update (is_admin) on public.profiles from authenticated;",
    ]
