"""Random queries, each with what every output is made of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st
from lineage_world import TEXTS, identity

from rlsaudit.names import ident

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Draw: TypeAlias = st.DrawFn


@dataclass(frozen=True)
class Output:
    """A column of texts: its name, the columns of tables that it is made of, and whether it is one as it is."""

    name: str
    made_of: frozenset[str]
    plain: bool = True


@dataclass(frozen=True)
class Query:
    sql: str
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Value:
    """An expression, likewise."""

    sql: str
    made_of: frozenset[str]
    plain: bool


_NAMES = ("a", "b", "email", "Na.me", "select", 'q"t', "é")
_EXPRESSIONS: Sequence[tuple[str, str]] = (
    # The expression, and which of x and y it shows something of.
    ("{x}", "x"),
    ("{x}", "x"),
    ("{x}::varchar(99)::text", "x"),
    ("lower({x})", "x "),
    ("({x} || ',' || {y})", "xy"),
    ("coalesce({x}, {y})", "xy"),
    ("case when {x} > '' then {y} else {x} end", "xy"),
    ("array[{x}, {y}]::text", "xy"),
    ("row({x}, {y})::text", "xy"),
    ("jsonb_build_object('k', {x}, coalesce({y}, ''), 1)::text", "xy"),
    ("(select max(t.{c}) from {t} t where t.{c} > {x})", "c "),
    ("array(select t.{c} || {x} from {t} t)::text", "cx"),
    ("exists (select t.{c} from {t} t where t.{c} > {x})::text", ""),
    ("(select l.v from (select {x} as v, t.{c} as w from {t} t) l limit 1)", "x"),
    ("s.twice({x})", "x "),
    ("count({x}) over (partition by {y})::text", ""),
    ("first_value({x}) over (order by {y})", "x "),
    ("string_to_table({x}, '-')", "x "),
    ("'-'::text", ""),
)


class Queries:
    """Draws queries over the tables and over `views` that were made before."""

    def __init__(self, draw: Draw, views: Sequence[tuple[str, tuple[Output, ...]]]) -> None:
        self._draw = draw
        self._sources: list[tuple[str, tuple[Output, ...]]] = [
            *((table, _columns(table)) for table in TEXTS),
            *views,
        ]
        self._numbers = itertools.count(1)

    def query(self, depth: int = 2) -> Query:
        shapes: list[Callable[[int], Query]] = [self._select]
        if depth > 0:
            shapes += [self._select, self._union, self._with, self._grouped, self._recursive]
        return self._draw(st.sampled_from(shapes))(depth)

    def _select(self, depth: int) -> Query:
        source, columns = self._from(depth)
        values = [self._expression(columns) for _ in range(self._draw(st.integers(1, 3)))]
        names = self._draw(st.permutations(_NAMES))[: len(values)]
        listed = ", ".join(f"{one.sql} as {ident(name)}" for one, name in zip(values, names, strict=True))
        where = f" where {self._one(columns).sql} <> ''" if self._draw(st.booleans()) else ""
        outputs = (Output(name, one.made_of, one.plain) for one, name in zip(values, names, strict=True))
        return Query(f"select {listed} from {source}{where}", tuple(outputs))

    def _grouped(self, depth: int) -> Query:
        source, columns = self._from(depth)
        key, other = self._one(columns), self._one(columns)
        sql = (
            f"select {key.sql} as k, count({other.sql})::text as n, max({other.sql}) as m,"
            f" string_agg({other.sql}, ',' order by {key.sql}) as s from {source} group by {key.sql}"
        )
        outputs = (
            Output("k", key.made_of, key.plain),
            Output("n", frozenset(), plain=False),
            Output("m", other.made_of, plain=False),
            Output("s", other.made_of, plain=False),
        )
        return Query(sql, outputs)

    def _union(self, depth: int) -> Query:
        left, right = self.query(depth - 1), self.query(depth - 1)
        count = min(len(left.outputs), len(right.outputs))
        operator = self._draw(st.sampled_from(("union", "union all", "intersect", "except")))
        sql = f" {operator} ".join(f"(select {_listed(one, count)} from ({one.sql}) q)" for one in (left, right))
        if operator == "except":
            return Query(sql, left.outputs[:count])
        pairs = zip(left.outputs[:count], right.outputs[:count], strict=True)
        outputs = (Output(a.name, a.made_of | b.made_of, a.plain and b.plain) for a, b in pairs)
        return Query(sql, tuple(outputs))

    def _with(self, depth: int) -> Query:
        inner = self.query(depth - 1)
        name = self._name()
        renamed = self._draw(st.permutations(_NAMES))[: len(inner.outputs)]
        outputs = tuple(Output(to, one.made_of, one.plain) for to, one in zip(renamed, inner.outputs, strict=True))
        self._sources.append((name, outputs))
        outer = self.query(depth - 1)
        self._sources.pop()
        listed = ", ".join(map(ident, renamed))
        return Query(f"with {name} ({listed}) as ({_few(inner)}) {_in_place(outer)}", outer.outputs)

    def _recursive(self, depth: int) -> Query:
        """Each column of a row is the next one of the row before; the last is the first, or comes from elsewhere."""
        first, (source, columns) = self.query(depth - 1), self._from(depth - 1)
        given = self._one(columns) if self._draw(st.booleans()) else None
        name, other = self._name(), self._name()
        names = [f"{name}.{ident(one.name)}" for one in first.outputs]
        turned = [*names[1:], names[0] if given is None else f"{other}.v"]
        sql = (
            f"with recursive {name} as (select {_listed(first)}, 1 as round from ({_few(first)}) q union all"
            f" select {', '.join(turned)}, {name}.round + 1"
            f" from {name}, (select {'1' if given is None else given.sql} as v from {source} limit 2) {other}"
            f" where {name}.round < 4) select {_listed(first)} from {name}"
        )
        shown = [(one.made_of, one.plain) for one in first.outputs]
        for _ in shown:
            turn = [*shown[1:], shown[0] if given is None else (given.made_of, given.plain)]
            shown = [(a | b, p and q) for (a, p), (b, q) in zip(shown, turn, strict=True)]
        outputs = (Output(one.name, *what) for one, what in zip(first.outputs, shown, strict=True))
        return Query(sql, tuple(outputs))

    def _from(self, depth: int) -> tuple[str, list[Value]]:
        """A FROM clause, and the columns that it has."""
        items, columns = [], list[Value]()
        for _ in range(self._draw(st.sampled_from((1, 1, 2)))):
            alias = self._name()
            if depth > 0 and self._draw(st.booleans()):
                inner = self.query(depth - 1)
                item, outputs = f"({_few(inner)}) {alias}", inner.outputs
            else:
                source, outputs = self._draw(st.sampled_from(self._sources))
                item = f"{source} {alias}"
            items.append(item)
            columns += [Value(f"{alias}.{ident(one.name)}", one.made_of, one.plain) for one in outputs]
        if self._draw(st.integers(0, 3)) == 0:
            alias, given = self._name(), self._one(columns)
            items.append(f"lateral (select {given.sql} as v) {alias}")
            columns.append(Value(f"{alias}.v", given.made_of, given.plain))
        if self._draw(st.integers(0, 5)) == 0:
            alias, given = self._name(), self._one(columns)
            items.append(f"lateral unnest(array[{given.sql}]) {alias}(u)")
            columns.append(Value(f"{alias}.u", given.made_of, plain=False))
        join = self._draw(st.sampled_from((" cross join ", ", ", " left join ")))
        if join != " left join ":
            return join.join(items), columns
        return items[0] + "".join(f" left join {one} on true" for one in items[1:]), columns

    def _expression(self, columns: Sequence[Value]) -> Value:
        pattern, shows = self._draw(st.sampled_from(_EXPRESSIONS))
        x, y = self._one(columns), self._one(columns)
        table = self._draw(st.sampled_from(list(TEXTS)))
        column = self._draw(st.sampled_from(TEXTS[table]))
        sql = pattern.format(x=x.sql, y=y.sql, t=table, c=ident(column))
        parts = {"x": x.made_of, "y": y.made_of, "c": frozenset({identity(table, column)}), " ": frozenset[str]()}
        made_of = frozenset[str]().union(*(parts[one] for one in shows))
        return Value(sql, made_of, plain=shows == "x" and x.plain)

    def _one(self, columns: Sequence[Value]) -> Value:
        return self._draw(st.sampled_from(columns))

    def _name(self) -> str:
        return f"n{next(self._numbers)}"


def _columns(table: str) -> tuple[Output, ...]:
    return tuple(Output(one, frozenset({identity(table, one)})) for one in TEXTS[table])


def _listed(query: Query, count: int | None = None) -> str:
    return ", ".join(ident(one.name) for one in query.outputs[:count])


def _few(query: Query) -> str:
    """The query with few rows: those of joins over joins multiply."""
    return f"{query.sql} limit 5"


def _in_place(query: Query) -> str:
    """A query behind WITH, which may not have a second one."""
    return f"select {_listed(query)} from ({query.sql}) q"


@st.composite
def views(draw: Draw) -> list[tuple[str, str, Query]]:
    """Views, each perhaps over those before it: kind, name and query."""
    made: list[tuple[str, str, Query]] = []
    for number in range(draw(st.integers(1, 3))):
        query = Queries(draw, [(name, one.outputs) for _, name, one in made]).query()
        query = Query(_few(query), query.outputs)
        kind = draw(st.sampled_from(("view", "view", "view", "materialized view")))
        made.append((kind, f"s.v{number}", query))
    return made
