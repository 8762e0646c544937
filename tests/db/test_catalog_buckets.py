"""Supabase's buckets: read where this role may read all of them, else said to be unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.catalog import take
from rlsaudit.catalog.facts import Bucket
from rlsaudit.connect import connect

if TYPE_CHECKING:
    from rlsaudit.catalog import Snapshot

UNSEEN = "storage.buckets: this role may not read all of it"
UNKNOWN = "storage.buckets has columns that rlsaudit does not know"


def taken(dsn: str, *statements: str, role: str | None = None) -> Snapshot:
    with psycopg.connect(dsn, autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement.encode())
    with connect(dsn) as session, session.read_only():
        if role:
            session.execute(f"set local role {role}")
        return take(session)


def test_buckets_are_told_in_two_round_trips_more(supabase_database: str) -> None:
    insert = (
        "insert into storage.buckets (id, name, public) values ('b', 'B', true), ('a', 'A', false), ('c', 'C', null)"
    )
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(insert)
    with connect(supabase_database) as session, session.read_only():
        before = session.round_trips
        snapshot = take(session)
        assert session.round_trips == before + 3
    assert snapshot.buckets == (
        Bucket("a", "A", public=False),
        Bucket("b", "B", public=True),
        Bucket("c", "C", public=False),
    )
    assert snapshot.blind == ()


def test_a_role_that_rls_filters_does_not_take_what_it_sees_for_all(supabase_database: str) -> None:
    snapshot = taken(
        supabase_database,
        "insert into storage.buckets (id, name, public) values ('a', 'A', true)",
        "create policy one on storage.buckets for select to anon using (id = 'b')",
        "grant usage on schema storage to anon",
        "grant select on storage.buckets to anon",
        role="anon",
    )
    assert (snapshot.buckets, snapshot.blind) == ((), (UNSEEN,))


def test_a_role_without_usage_says_so(supabase_database: str) -> None:
    snapshot = taken(supabase_database, "revoke all on schema storage from anon, public", role="anon")
    assert (snapshot.buckets, snapshot.blind) == ((), (UNSEEN,))


@pytest.mark.parametrize(
    "columns",
    [
        "id text, name text",
        "id int, name text, public boolean",
        "id text, name text, public text",
        "id text, public int",
        "id text, name text, public boolean",
    ],
)
def test_somebody_elses_buckets_are_no_obstacle(database: str, columns: str) -> None:
    snapshot = taken(
        database,
        f"create schema storage; create table storage.buckets ({columns})",
        "insert into storage.buckets values ('1')",
    )
    assert (snapshot.buckets, snapshot.blind) == ((), (UNKNOWN,))


def test_a_view_in_their_place_is_not_run(database: str) -> None:
    snapshot = taken(
        database,
        "create schema storage",
        "create function storage.trap() returns text language plpgsql as $$begin raise 'run as the auditor'; end$$",
        "create view storage.buckets as select storage.trap() as id, 'a' as name, true as public",
    )
    assert (snapshot.buckets, snapshot.blind) == ((), (UNKNOWN,))
