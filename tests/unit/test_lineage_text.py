"""Lineage of text that nobody wrote to be read."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import pytest
import sqlglot

from rlsaudit.policy.lineage import Shown, lineage_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDE = tuple(f"c{number}" for number in range(1_600))
COLUMNS: dict[tuple[str, str], Sequence[str]] = {
    ("public", "a"): ("id", "x", "y"),
    ("public", "wide"): WIDE,
}


def lineage(sql: str, *outputs: str) -> Mapping[str, Shown | None]:
    return lineage_of(sql, outputs, COLUMNS.get)


def plain(*columns: tuple[str, str, str]) -> Shown:
    return Shown(plain=frozenset(columns))


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "select",
        "select from where",
        "delete from public.a returning x",
        "select x from public.a; select y from public.a",
        "explain select x from public.a",
        "select x, y from public.a",
        "select * from public.b",
        "select b.* from public.a",
        "select x from public.a union select x, y from public.a",
        "select '\x00' as x",
        "select '\ud800' as x",
        "select \x1b[31m x from public.a",
        "select (" * 500 + "x" + ")" * 500 + " as x from public.a",
        "select " + " + ".join(["x"] * 40_000) + " as x from public.a",
        "select " + "(select " * 80 + "x" + ")" * 80 + " as x from public.a",
        f"select x from public.a where y = '{'y' * 100_000}'",
    ],
    ids=lambda sql: sql[:20].encode("ascii", "backslashreplace").decode(),
)
def test_what_is_not_understood_is_not_known(sql: str) -> None:
    assert lineage(sql, "x") == {"x": None}


@pytest.mark.parametrize(
    "value",
    ["a.nowhere", "b.x", "public.a.x", "nowhere", "(select c.z from c)", "w.x"],
)
def test_a_name_that_is_not_found_is_not_known(value: str) -> None:
    sql = f"with c as (select a.x from public.a), w as (select 1) select {value} as x, c.x as y from public.a, c"
    assert lineage(sql, "x", "y") == {"x": None, "y": plain(("public", "a", "x"))}


def test_a_name_that_two_columns_have() -> None:
    assert lineage("select j.x from (public.a l join public.a r on (true)) j", "x") == {"x": None}
    assert lineage("select x from public.a l, public.a r", "x") == {"x": None}


def test_a_reference_that_one_grammar_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    read = sqlglot.parse_one
    monkeypatch.setattr(sqlglot, "parse_one", lambda sql, dialect: read(sql.replace("x.y", "1"), dialect=dialect))
    assert lineage("select concat(x.x, x.y) as x from public.a x", "x") == {"x": None}


def test_whatever_a_grammar_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise KeyError

    monkeypatch.setattr(sqlglot, "parse_one", stumble)
    assert lineage("select x from public.a", "x") == {"x": None}


def test_nothing_of_the_text_goes_to_a_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG):
        lineage("select x from public.a; comment on view public.a is 'secret'", "x")
        lineage("select x from public.a order by x using operator(public.<) nulls first secret", "x")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_1600_columns() -> None:
    names = tuple(f"d{number}" for number in range(len(WIDE)))
    sql = f"SELECT {', '.join(f'w.{one} AS {new}' for one, new in zip(WIDE, names, strict=True))} FROM public.wide w"
    found = _soon(sql, names)
    assert found == {new: plain(("public", "wide", one)) for one, new in zip(WIDE, names, strict=True)}


def test_a_view_of_nearly_100_000_characters() -> None:
    names = tuple(f"d{number}" for number in range(1_500))
    sql = "SELECT " + ", ".join(f"lower((wide.c{number})::text) AS {one:_<30}" for number, one in enumerate(names))
    found = _soon(f"{sql} FROM public.wide", names)
    assert 80_000 < len(sql) < 100_000
    assert found["d7"] == Shown(computed=frozenset({("public", "wide", "c7")}))


def test_500_branches() -> None:
    sql = "\nUNION ALL\n ".join(f"SELECT wide.c{number} AS x FROM public.wide" for number in range(500))
    assert _soon(sql, ("x",))["x"] == plain(*(("public", "wide", f"c{number}") for number in range(500)))


def test_a_value_that_passes_through_many_columns() -> None:
    names = [f"r{number}" for number in range(60)]
    turned = ", ".join(f"t_1.{one}" for one in (*names[1:], names[0]))
    first = ", ".join(f"wide.c{number}" for number in range(60))
    sql = (
        f"WITH RECURSIVE t({', '.join(names)}) AS (SELECT {first} FROM public.wide"
        f" UNION ALL SELECT {turned} FROM t t_1) SELECT t.r0 AS x FROM t"
    )
    assert _soon(sql, ("x",))["x"] == plain(*(("public", "wide", f"c{number}") for number in range(60)))


def test_with_queries_that_each_read_the_one_before_twice() -> None:
    parts = ["t0 AS (SELECT a.x FROM public.a)"]
    parts += [f"t{n} AS (SELECT p.x FROM t{n - 1} p, t{n - 1} q)" for n in range(1, 40)]
    assert _soon(f"WITH {', '.join(parts)} SELECT t39.x FROM t39", ("x",))["x"] == plain(("public", "a", "x"))


def _soon(sql: str, outputs: Sequence[str]) -> Mapping[str, Shown | None]:
    lineage("select 1 as x", "x")
    start = time.monotonic()
    found = lineage_of(sql, outputs, COLUMNS.get)
    assert time.monotonic() - start < 20
    return found
