"""Names and strings, written out for a file: the same to Postgres, and nothing in them that is not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlsaudit.fix.spelled import spelled
from rlsaudit.names import ident, literal
from rlsaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15)


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.create_database("spelled"), autocommit=True) as open_connection:
        yield open_connection
    server.drop_database("spelled")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, NAMES)
def test_it_means_the_same_and_is_seen(connection: psycopg.Connection, name: str, text: str) -> None:
    query = spelled(f"select {literal(text)} as {ident(name)} -- {ident('seen')}")
    assert printable(query) == query
    cursor = connection.execute(query.encode())
    assert cursor.description is not None
    assert cursor.description[0].name == name
    assert cursor.fetchone() == (text,)


@pytest.mark.parametrize(
    "sql",
    [
        "alter table public.notes enable row level security;",
        'drop policy "own notes" on public."Ünïcode";',
        "create function f() returns text language sql as $$\n  select 'a\nb' || \"c\nd\"\n$$;",
        "-- it's a \"comment\nselect 1;",
    ],
)
def test_what_is_seen_stays_as_it_is(sql: str) -> None:
    assert spelled(sql) == sql
