"""Policies that ask each other in a circle: no statement that meets one gets anywhere, and all others do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell

DATABASE = "circles"
SCHEMA = """
set role postgres;
create table public.people (id uuid primary key references auth.users, rank text not null default 'reader');
create table public.news (id int primary key, is_open boolean not null default false);
create table public.guests (id int primary key, name text not null);
create table public.notes (id int primary key, owner uuid not null references auth.users);
create table public.rooms (id int primary key, owner uuid not null references auth.users);
create table public.beds (room int references public.rooms, owner uuid not null references auth.users);
alter table public.people enable row level security;
alter table public.news enable row level security;
alter table public.guests enable row level security;
alter table public.notes enable row level security;
alter table public.rooms enable row level security;
alter table public.beds enable row level security;

-- Asks for itself.
create policy self on public.people for select using (id = auth.uid());
create policy staff on public.people using (exists (select from public.people p where p.id = auth.uid()));
-- Ask for what asks for itself: news always, guests when they are read.
create policy readers on public.news for select using (is_open);
create policy staff on public.news using (exists (select from public.people p where p.id = auth.uid()));
create policy arrive on public.guests for insert with check (true);
create policy staff on public.guests for select using (exists (select from public.people p where p.id = auth.uid()));
create policy own on public.notes using (owner = auth.uid());
create policy nobody on public.notes for delete using (false);
-- Two that ask for each other, but only when they are read.
create policy read on public.rooms for select using (exists (select from public.beds b where b.room = id));
create policy put on public.rooms for insert with check (owner = auth.uid());
create policy read on public.beds for select using (exists (select from public.rooms r where r.id = room));
create policy change on public.beds for update using (owner = auth.uid());

create view public.of_whoever_asks with (security_invoker) as select g.name, n.id from public.guests g, public.notes n;
create view public.of_the_owner as select id, rank from public.people;
reset role;
"""
CLOSED = {
    ("public.people", "select"),
    ("public.people", "insert"),
    ("public.people", "update"),
    ("public.people", "delete"),
    ("public.news", "select"),
    ("public.news", "insert"),
    ("public.news", "update"),
    ("public.news", "delete"),
    ("public.guests", "select"),
    ("public.rooms", "select"),
    ("public.beds", "select"),
    ("public.of_whoever_asks", "select"),
}
STATEMENTS = {
    Operation.SELECT: "select from {}",
    Operation.INSERT: "explain insert into {} default values",
    Operation.UPDATE: "explain update {} set {} = default",
    Operation.DELETE: "explain delete from {}",
}


@pytest.fixture(scope="module")
def cells(server: Server) -> Iterator[tuple[Cell, ...]]:
    login = server.supabase_database(DATABASE)
    with psycopg.connect(login, autocommit=True) as owner:
        owner.execute(SCHEMA)
    with connect(login) as session:
        yield tuple(
            one
            for one in audit(session, Options(probe="none", schemas=("public",))).matrix
            if one.persona == "authenticated" and one.relation.startswith("public.")
        )
    server.drop_database(DATABASE)


def test_what_goes_in_a_circle_reaches_nothing_and_that_is_a_matter_of_the_catalog(cells: tuple[Cell, ...]) -> None:
    told = {(one.relation, one.operation.value): one for one in cells if "42P17" in one.because}
    # The view of the owner's leads to people as well, so that their cells tell of that way.
    led = {("public.people", one) for one in ("select", "insert", "update", "delete")}
    assert told.keys() == CLOSED - led
    for one in told.values():
        assert (one.reach, one.escalated, one.evidence) == (Reach.NONE, Reach.NONE, EvidenceKind.CATALOG)


def test_ways_around_a_circle_stay_open(cells: tuple[Cell, ...]) -> None:
    found = {(one.relation, one.operation.value): one.reach for one in cells}
    assert found["public.people", "select"] is found["public.of_the_owner", "select"] is Reach.ALL
    assert found["public.guests", "insert"] is Reach.ALL
    assert found["public.notes", "select"] is found["public.notes", "insert"] is Reach.OWN
    assert found["public.rooms", "insert"] is found["public.beds", "update"] is Reach.OWN


def test_the_server_refuses_the_same(cells: tuple[Cell, ...], server: Server) -> None:
    refused = set()
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("set role authenticated")
        for one in cells:
            column = "room" if one.relation == "public.beds" else "name" if "whoever" in one.relation else "id"
            try:
                connection.execute(STATEMENTS[one.operation].format(one.relation, column).encode())
            except psycopg.errors.InvalidObjectDefinition:
                refused.add((one.relation, one.operation.value))
            except psycopg.errors.ObjectNotInPrerequisiteState:
                assert one.relation == "public.of_whoever_asks"
    assert refused == CLOSED
