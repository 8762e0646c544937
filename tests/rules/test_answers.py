"""What a function's text says of the rows that it gives and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from rlsaudit.policy.answers import doing_of, is_filtered

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function, Parameter
    from rlsaudit.policy.answers import Doing

T, U = ("public", "t"), ("public", "u")
COLUMNS: dict[tuple[str, ...], frozenset[str]] = {
    T: frozenset({"id", "email", "org_id", "body"}),
    U: frozenset({"id", "t_id", "name"}),
}


def columns(name: tuple[str, ...]) -> frozenset[str] | None:
    return COLUMNS.get(name)


@dataclass(frozen=True)
class _Text:
    language: str
    body: str
    arguments: str = ""
    name: str = "f"
    parameters: tuple[Parameter, ...] = ()


def doing(body: str, language: str = "sql") -> Doing:
    found = doing_of(cast("Function", _Text(language, body)), columns)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("sql", "shown", "keys"),
    [
        ("select * from public.t", {(T, "*")}, set()),
        ("select x.email from public.t x where x.email ilike '%' || term || '%'", {(T, "email")}, set()),
        ("select email from public.t where id = $1", {(T, "email")}, {(T, "id")}),
        ("select email from public.t where lower(email) = lower(address)", {(T, "email")}, {(T, "email")}),
        ("select email from public.t where id = any(ids)", {(T, "email")}, {(T, "id")}),
        ("select email from public.t where wanted is null or id = wanted", {(T, "email")}, set()),
        ("select email from public.t where id = coalesce(wanted, id)", {(T, "email")}, set()),
        ("select name from public.u join public.t on t.id = t_id where org_id = o", {(U, "name")}, {(T, "org_id")}),
        ("select name from public.u left join public.t on t.id = wanted", {(U, "name")}, set()),
        ("with x as (select * from public.t where id = i) select x.email from x", {(T, "*")}, {(T, "id")}),
        ("select id from public.t where id = i union select id from public.u", {(T, "id"), (U, "id")}, set()),
        ("select jsonb_agg(t) from public.t", {(T, "*")}, set()),
        ("select count(*), sum(org_id) from public.t", set(), set()),
        ("select org_id, count(*) from public.t group by org_id", {(T, "org_id")}, set()),
        ("select exists (select 1 from public.t where email = address)", set(), set()),
        ("select (select email from public.t where id = i)", {(T, "email")}, {(T, "id")}),
        ("delete from public.t where id = i returning email", {(T, "email")}, {(T, "id")}),
    ],
)  # fmt: skip
def test_reads(sql: str, shown: set[object], keys: set[object]) -> None:
    (read,) = doing(sql).reads
    assert (set(read.shown), set(read.keys)) == (shown, keys)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("begin return query select email from public.t; end", {(T, "email")}),
        ("declare v record; begin select * into v from public.t; return to_jsonb(v); end", {(T, "*")}),
        ("declare v record; begin select * into v from public.t; return v; end", {(T, "*")}),
        ("declare r record; begin for r in select * from public.t loop return next r; end loop; end", {(T, "*")}),
        ("declare v text; w text; begin v := (select email from public.t); w := v; return w; end", {(T, "email")}),
        ("declare n int; begin select count(*) into n from public.t; return n; end", set()),
        ("declare v text; begin select email into v from public.t; return 1; end", set()),
    ],
)
def test_reads_in_plpgsql(body: str, shown: set[object]) -> None:
    assert {one for read in doing(body, "plpgsql").reads for one in read.shown} == shown


@pytest.mark.parametrize(
    ("sql", "operation", "keys", "filtered", "given"),
    [
        ("insert into public.t (id) values ($1)", "insert", set(), False, True),
        ("insert into public.t (id) values (1)", "insert", set(), False, False),
        ("update public.t set org_id = org_id + 1 where id = i", "update", {(T, "id")}, True, False),
        ("update public.t set body = new_body", "update", set(), False, True),
        ("delete from public.t where id < 5", "delete", set(), True, False),
        ("truncate public.t", "delete", set(), False, False),
    ],
)
def test_writes(sql: str, operation: str, keys: set[object], filtered: bool, given: bool) -> None:  # noqa: FBT001
    (write,) = doing(sql).writes
    assert write.relation == T
    assert (write.operation, set(write.keys), write.filtered, write.given) == (operation, keys, filtered, given)


def test_what_is_not_understood() -> None:
    assert doing_of(cast("Function", _Text("plv8", "return 1")), columns) is None
    assert doing_of(cast("Function", _Text("sql", "select from where")), columns) is None
    assert doing_of(cast("Function", _Text("plpgsql", "no body")), columns) is None


@pytest.mark.parametrize(
    ("sql", "filtered"),
    [
        ("select * from public.t", False),
        ("select u.id from public.u left join public.t on t.id = u.t_id", False),
        ("select id from public.t where body = ''", True),
        ("select id from public.t limit 1", True),
        ("select id from public.t union all select id from public.u where name = ''", False),
        ("select x.id from (select id from public.t where body = '') x", True),
        ("select from where", True),
    ],
)
def test_conditions(sql: str, filtered: bool) -> None:  # noqa: FBT001 — what is expected
    assert is_filtered(sql) is filtered


def test_a_conflict_on_an_expression_is_on_no_column() -> None:
    sql = "insert into public.t (id, email) values ($1, $2) on conflict (id, lower(email)) do update set body = 'x'"
    conflict = next(one for one in doing(sql).writes if one.operation == "update")
    assert conflict.keys == {(T, "id")}
