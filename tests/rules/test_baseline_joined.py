"""What a baseline says of findings that no cell of the matrix tells, and of those that say that nobody gets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from projects import audited

from rlsaudit.audit import Options
from rlsaudit.compare import baseline
from rlsaudit.connect import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.model import Report

APP = "joined_app"
SETTABLE = f"""
    create table public.{{name}} (id bigserial primary key, user_id uuid);
    alter table public.{{name}} enable row level security;
    grant update on sequence public.{{name}}_id_seq to {APP};"""
HUNG = f"""
    create table public.{{name}} (id bigint primary key, user_id uuid);
    alter table public.{{name}} enable row level security;
    grant trigger on public.{{name}} to {APP};"""
CLOSED = f"""
    create table public.{{name}} (id bigint primary key, user_id uuid);
    alter table public.{{name}} enable row level security;
    grant select on public.{{name}} to {APP};"""


@pytest.fixture
def url(database: str) -> Iterator[str]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"create role {APP} login".encode())
        yield database
        connection.execute(f"drop owned by {APP} cascade".encode())
        connection.execute(f"drop role {APP}".encode())


@pytest.mark.parametrize(
    ("schema", "rule"),
    [(SETTABLE, "sequence-grant"), (HUNG, "trigger-references-maintain")],
    ids=["sequences", "privileges on tables"],
)
def test_tables_that_join_are_new(url: str, schema: str, rule: str) -> None:
    known = baseline.baseline_of(_report(url, schema.format(name="first")))
    assert _new(_report(url, "create table public.other (id int); "), known) == []
    assert _new(_report(url, schema.format(name="second")), known) == [rule]


def test_what_keeps_somebody_out_is_not_new_when_something_else_lets_it_in(url: str) -> None:
    first = _report(url, CLOSED.format(name="first"))
    assert [one.rule for one in first.findings] == ["rls-no-policy"]
    opened = f"create view public.shown as select * from public.first; grant select on public.shown to {APP};"
    assert _new(_report(url, opened), baseline.baseline_of(first)) == ["definer-view"]


def _new(report: Report, known: baseline.Baseline) -> list[str]:
    return [one.rule for one in baseline.without_known(report, known, "known").findings]


def _report(url: str, schema: str) -> Report:
    with psycopg.connect(url) as connection:
        connection.execute(schema.encode())
    with connect(url) as session:
        return audited(session, Options(roles=(APP,)))
