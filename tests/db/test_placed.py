"""Rows that transcripts put there: as they are said to be, whatever else their tables ask for, and without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from rlsaudit.catalog import Catalog, take
from rlsaudit.connect import connect
from rlsaudit.probe.attack.identities import OTHERS
from rlsaudit.probe.rows.placed import filled, placed, pointed_at, updated

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import JsonObject

SCHEMA = """
create type kind as enum ('plain', 'odd');
create domain short as text check (length(value) between 1 and 3);
create table orgs (id uuid primary key, name text not null, parent uuid references orgs);
create table teams (id bigint generated always as identity primary key, org uuid not null references orgs);
create table notes (
  id int primary key, team bigint not null references teams, "Odd ""name" text not null, kind kind not null,
  code short not null, status text not null check (status in ('new', 'done')), made timestamptz not null default now(),
  less int generated always as (id - 1) stored, tags text[], facts jsonb not null, paid boolean, price numeric);
create table logs (id int primary key, what text not null);
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger refuse before insert on logs for each row execute function refuse();
create table steps (id int primary key, next int not null references steps);
"""


@pytest.fixture
def catalog(database: str) -> Catalog:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    with connect(database) as session, session.read_only():
        return Catalog(take(session))


def relation(catalog: Catalog, name: str) -> Relation:
    return catalog.relations_by_name["public", name]


def there(url: str, statements: tuple[str, ...], question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        for one in statements:
            connection.execute(one.encode())
        found = connection.execute(question.encode()).fetchall()
        connection.rollback()
    return found


def put(catalog: Catalog, *rows: tuple[str, JsonObject]) -> tuple[str, ...]:
    return placed(catalog, [(relation(catalog, name).oid, row) for name, row in rows], OTHERS[0])


def test_a_row_is_there_with_what_it_points_at(database: str, catalog: Catalog) -> None:
    said: JsonObject = {
        "tags": ["a", 'b"c', None, "d\\,e"],
        "facts": {"it's": [1, None]},
        "paid": True,
        "price": "1.50",
        "team": 7,
    }
    statements = put(catalog, ("notes", said))
    assert [one.split(" (")[0] for one in statements] == [
        "insert into public.orgs", "insert into public.teams", "insert into public.notes",
    ]  # fmt: skip
    question = "select tags, facts, paid, price::text, team, kind::text, status from public.notes"
    assert there(database, statements, question) == [
        (["a", 'b"c', None, "d\\,e"], {"it's": [1, None]}, True, "1.50", 7, "plain", "new")
    ]


def test_what_points_at_others_comes_after_them(database: str, catalog: Catalog) -> None:
    org = "59e06cf8-f390-5093-af2e-3685be593a25"
    statements = put(catalog, ("teams", {"id": 1, "org": org}), ("orgs", {"id": org, "parent": None}))
    assert len(statements) == 2
    assert there(database, statements, "select org::text from public.teams") == [(org,)]


def test_what_several_point_at_is_put_there_once(database: str, catalog: Catalog) -> None:
    org = "59e06cf8-f390-5093-af2e-3685be593a25"
    statements = put(catalog, ("teams", {"id": 1, "org": org}), ("teams", {"id": 2, "org": org}))
    assert [one.split(" (")[0] for one in statements].count("insert into public.orgs") == 1
    assert there(database, statements, "select count(*) from public.teams") == [(2,)]


@pytest.mark.parametrize(("table", "row"), [("logs", {"id": 1}), ("steps", {"id": 1, "next": 2})])
def test_triggers_and_keys_without_an_end_are_put_aside(
    database: str, catalog: Catalog, table: str, row: JsonObject
) -> None:
    statements = put(catalog, (table, row))
    assert statements[0] == "set local session_replication_role = 'replica'"
    assert len(statements) == 3
    question = f"select id, current_setting('session_replication_role') from public.{table}"
    assert there(database, statements, question) == [(1, "origin")]


def test_no_rows_take_no_statements(catalog: Catalog) -> None:
    assert put(catalog) == ()


def test_a_row_is_changed_and_its_keys_are_checked(database: str, catalog: Catalog) -> None:
    notes = relation(catalog, "notes")
    row = filled(catalog, notes, {"team": 7}, OTHERS[0])
    new: JsonObject = {"paid": False, "team": 8}
    targets = list(pointed_at(catalog, notes.oid, row | new, []))
    assert targets == [(relation(catalog, "teams").oid, {"id": 8})]
    statements = placed(catalog, [(notes.oid, row), *targets], OTHERS[0])
    changed = (*statements, updated(catalog, notes, new))
    assert there(database, changed, "select team, paid from public.notes") == [(8, False)]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        there(database, (*statements, updated(catalog, notes, {"team": 9})), "select 1")
