"""Hostile and broken input: whatever stands in a catalog, reading ends, soon, and with an expression."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.personas import built_in
from rlsaudit.policy import tree
from rlsaudit.policy.expr import Field, Opaque, walk
from rlsaudit.policy.parse import parse
from rlsaudit.policy.read import read, read_node
from rlsaudit.policy.read.constraints import Reference, checks, references
from rlsaudit.policy.shown import shown
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.policy.values import Scope

DATABASE = "read_badly"
PATIENCE = 20
"""Seconds that a reading may take on a machine that is busy."""

WORLD = """
create table public.t (id int primary key, a text, b boolean, gone int, kind text check (kind in ('x', 'y')),
  n int check (n > 0), m int check (m < 5) no inherit, w timestamptz check (w < now()), up int references public.t);
alter table public.t add constraint later check (a <> '') not valid;
alter table public.t drop column gone;
create table public."Odd "" name" ("select" int, "a.b" text, "" int);
""".replace(', "" int', "")
FUNCTIONS = """
create function public.twice(n int) returns int language sql as 'select public.thrice(n) + public.thrice(n)';
create function public.ping() returns boolean language sql as 'select public.pong()';
create function public.lost() returns boolean language sql as 'select gone > 1 from public.t';
create function public.dropped() returns boolean language sql as 'select x from public.nowhere';
create function public.broken() returns boolean language plpgsql as 'begin return (; end';
create function public.odd() returns boolean language sql as 'this is no SQL';
create function public.empty() returns boolean language sql as '';
create function public.made() returns table (a int, b int) language plpgsql as 'begin return query select 1; end';
create function public.pong() returns boolean language sql as 'select public.ping()';
create function public.thrice(n int) returns int language sql as 'select public.twice(n) * 3';
"""


@pytest.fixture(scope="module")
def scope(server: Server) -> Iterator[Scope]:
    persona = built_in("authenticated")
    assert persona is not None
    with connect(server.supabase_database(DATABASE)) as session:
        session.execute(WORLD)
        session.execute("set check_function_bodies = off")
        session.execute(FUNCTIONS)
        for number in range(14):
            # Each calls the next twice: followed to the end, that is 16,384 calls.
            session.execute(
                f"create function public.f{number}(x int) returns int language sql as "
                f"'select public.f{number + 1}(x) + public.f{number + 1}(x + 1)'"
            )
        session.execute("create function public.f14(x int) returns int language sql as 'select x'")
        catalog = Catalog(take(session))
        predicates = Predicates(Access(catalog), Platform.SUPABASE)
        yield predicates.scope(persona, catalog.relations_by_name["public", "t"])
    server.drop_database(DATABASE)


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE


LONG = {
    "or": " or ".join(f"id = {number}" for number in range(7_000)),
    "nested": "(" * 1_000 + "b" + ")" * 1_000,
    "not": "not " * 1_000 + "b",
    "plus": "id = " + " + ".join(["1"] * 20_000),
    "case": "case when b then " * 900 + "b" + " end" * 900,
    "cast": "(a" + "::text" * 5_000 + ") = 'x'",
    "exists": "exists (select 1 from public.t where " * 300 + "b" + ")" * 300,
    "subselects": "(select " * 900 + "b" + ")" * 900,
    "in": f"id in ({', '.join(map(str, range(12_000)))})",
    "array": f"a = any ('{{{','.join('x' * 3 for _ in range(20_000))}}}'::text[])",
    "coalesce": "coalesce(" * 900 + "b" + ", true)" * 900,
    "jwt": "auth.jwt()" + " -> 'a'" * 5_000 + " = '1'",
    "joins": "exists (select 1 from public.t t0" + "".join(
        f" left join public.t t{number} on true" for number in range(1, 40)
    ) + ")",
    "unions": "id in (" + " union ".join(["select id from public.t"] * 200) + ")",
    "values": f"id in (values {', '.join(f'({number})' for number in range(5_000))})",
    "with": "exists (with q0 as (select id from public.t), " + ", ".join(
        f"q{number} as (select x.id from q{number - 1} x, q{number - 1} y)" for number in range(1, 30)
    ) + " select 1 from q29)",
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_long_and_deep_expressions_are_read_or_said_not_to_be(scope: Scope, name: str) -> None:
    found = read(parse(LONG[name], scope))
    assert found is not None
    assert len(shown(found)) < 10_000


def test_beyond_the_limit_all_columns_may_matter(scope: Scope) -> None:
    found = read_node(tree.expression(" or ".join(f"id = {number}" for number in range(7_000))), scope)
    assert isinstance(found, Opaque)
    assert found.reason == "too large"
    assert {one.name for one in found.reads if isinstance(one, Field)} == set(scope.columns)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("public.ping()", "calls itself"),
        ("public.twice(id) = 1", "calls itself"),
        ("public.lost()", "gone"),
        ("public.dropped()", "nowhere"),
        ("public.broken()", "body is not followed"),
        ("public.odd()", "body is not followed"),
        ("public.empty()", "body is not followed"),
        ("id in (select a from public.made())", "columns are not followed"),
        ("public.absent(1)", "public.absent"),
        ("exists (select 1 from public.absent)", "public.absent"),
        ("gone = 1", "gone"),
        ("t.gone = 1", "t.gone"),
        ("other.id = 1", "other.id"),
        ("ctid = '(0,1)'", "ctid"),
        ("t.* is null", "whole row"),
        ("exists (select x from public.t x, public.t y where id = 1)", "more than one"),
        ("id operator(public.=) 1", "public.="),
        ("a collate \"C\" = 'x'", "collation"),
        ("$1 = id", "argument"),
        ("exists (with recursive r as (select 1) select 1 from r)", "recursive"),
        ("exists (select 1 from public.t for update)", "locks rows"),
        ("exists (select 1 from public.t tablesample system (1))", "not followed"),
        ("exists (select 1 from public.t x full join public.t y on true)", "full"),
        ("exists (select 1 from public.t intersect select 1)", "INTERSECT"),
        ("id = (select x.id from public.t x limit (select 1))", "how many rows"),
        ("row_number() over () = 1", "window"),
        ("count(*) = 1", "aggregate"),
    ],
)
def test_what_is_not_followed_is_said(scope: Scope, sql: str, reason: str) -> None:
    found = read(parse(sql, scope))
    assert any(reason in one.reason for one in walk(found) if isinstance(one, Opaque)), found


def test_calls_that_grow_without_end_are_cut(scope: Scope) -> None:
    found = read(parse("public.f0(id) = 1", scope))
    assert isinstance(found, Opaque)
    assert found.reason == "too large"


def test_odd_names_are_names(scope: Scope) -> None:
    found = read(
        parse("""exists (select 1 from public."Odd "" name" o where o."select" = id and "a.b" = 'x''y')""", scope)
    )
    assert shown(found) == """exists(public."Odd "" name" o: o."select" = id and o."a.b" = 'x''y')"""


def test_names_are_not_mixed_up_without_a_table(scope: Scope) -> None:
    found = read(parse("id = 1", replace(scope, columns={})))
    assert any(isinstance(one, Opaque) for one in walk(found))


def test_checks_hold_of_every_row(scope: Scope) -> None:
    database = scope.database
    assert database is not None
    relation = database.find(("public", "t"), ())
    assert relation is not None
    found = [shown(one) for one in checks(database, relation)]
    # Not those of children that may break it, of rows that came before it, and of the time when a row was written.
    assert found == ["(not (kind = 'x' or kind = 'y')) is not true", "(not (n > 0)) is not true"]
    assert references(database, relation) == (Reference((9,), relation.oid, (1,)),)
