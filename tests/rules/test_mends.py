"""What findings tell to do can be done, and says of several policies what it says of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from projects import findings
from psycopg import sql

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

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
