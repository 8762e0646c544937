"""The shape of a view's query: a plain filter over one relation can be reasoned about, anything else is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.body import WHO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.policy.tree import Node

_IDENTITY = frozenset({("auth", "uid"), ("auth", "jwt"), ("auth", "role"), ("auth", "email"), ("current_setting",)})


@dataclass(frozen=True, slots=True)
class Query:
    """A query as far as access control goes.

    `plain` is `select columns from one relation [where …]`: each of its rows is a row of that relation. Then `source`
    is the relation's (schema, name), `alias` what names it, `where` the filter, `columns` maps output names to the
    relation's columns (those that are one). `summarises` is whether rows are grouped, so that no row shows by itself,
    `grouped` by which names of columns, where it is by columns alone.
    `only` says that it reads no rows of the relation's partitions and children. `calls` are all functions called,
    `asks` those of a plain one's filter, which every query calls if `asks_always`. `asks_identity` is whether it reads
    who is calling.
    """

    plain: bool
    source: tuple[str, str] | None
    alias: str
    only: bool
    where: Node | None
    columns: tuple[tuple[str, str], ...]
    summarises: bool
    grouped: frozenset[str]
    calls: frozenset[tuple[str, ...]]
    asks: frozenset[tuple[str, ...]]
    asks_always: bool
    asks_identity: bool


def read_query(sql: str) -> Query | None:
    """Returns the shape of one SELECT, or None where it cannot be parsed."""
    parsed = tree.shared(sql)
    if not parsed or len(parsed) != 1 or not isinstance(parsed[0], ast.SelectStmt):
        return None
    select = parsed[0]
    nodes = list(tree.walk(select))
    calls = _called(nodes)
    identity = bool(calls & _IDENTITY) or any(isinstance(one, ast.SQLValueFunction) and one.op in WHO for one in nodes)
    source = select.fromClause[0] if select.fromClause and len(select.fromClause) == 1 else None
    extras = (
        select.distinctClause, select.groupClause, select.havingClause, select.limitCount, select.limitOffset,
        select.withClause, select.windowClause, select.larg, select.valuesLists,
    )  # fmt: skip
    aggregates = _may_aggregate(select)
    plain = isinstance(source, ast.RangeVar) and bool(source.schemaname) and not any(extras) and not aggregates
    # `from t as x (a, b)` gives the columns other names, each perhaps another column's.
    plain = plain and not (isinstance(source, ast.RangeVar) and source.alias is not None and source.alias.colnames)
    return Query(
        plain=plain,
        source=(source.schemaname or "", source.relname or "") if plain and isinstance(source, ast.RangeVar) else None,
        alias=(source.alias.aliasname or "" if source.alias else source.relname or "")
        if isinstance(source, ast.RangeVar)
        else "",
        only=isinstance(source, ast.RangeVar) and not source.inh,
        where=select.whereClause if plain else None,
        columns=tuple(_columns(select)) if plain else (),
        summarises=bool(select.groupClause) or aggregates,
        grouped=frozenset(_grouped(select)),
        calls=calls,
        asks=_called(tree.walk(select.whereClause)) if plain else frozenset(),
        asks_always=not _may_fold(select.whereClause),
        asks_identity=identity,
    )


def _grouped(select: Node) -> Iterator[str]:
    """The names of columns that the rows of a query are grouped by; none where they are by anything else as well."""
    names = [one.fields[-1].sval for one in select.groupClause or () if isinstance(one, ast.ColumnRef) and one.fields]
    if not select.larg and not select.withClause and len(names) == len(select.groupClause or ()):
        yield from names


def _called(nodes: Iterable[Node]) -> frozenset[tuple[str, ...]]:
    return frozenset(tree.name(one.funcname) for one in nodes if isinstance(one, ast.FuncCall))


def _may_fold(where: Node) -> bool:
    """Whether the planner may fold a part of a filter away, with the calls in it."""
    return any(
        isinstance(one, ast.CaseExpr | ast.CoalesceExpr)
        or (isinstance(one, ast.A_Const) and (one.isnull or isinstance(one.val, ast.Boolean)))
        for one in tree.walk(where)
    )


def _may_aggregate(select: Node) -> bool:
    """Whether the targets, or what they are sorted by, aggregate; a user's own aggregate looks like any other call."""
    parts = (select.targetList, select.sortClause)
    below = {id(one) for part in parts for one in _summed_below(part)}
    return any(id(one) not in below for part in parts for one in tree.walk(part) if _is_aggregate(one))


def _is_aggregate(node: Node) -> bool:
    if isinstance(node, ast.FuncCall):
        return _aggregates(node) or tree.name(node.funcname) in AGGREGATES
    return isinstance(node, ast.JsonArrayAgg | ast.JsonObjectAgg)


def _summed_below(node: Node) -> Iterator[Node]:
    """The aggregates of queries for values: over rows of their own, so that those around them stay what they are.

    One over nothing but columns of the query around it would sum up that one's rows.
    """
    for link in (one for one in tree.walk(node) if isinstance(one, ast.SubLink)):
        inside = list(tree.walk(link.subselect))
        own = {name for one in inside if (name := _alias(one))}
        for one in filter(_is_aggregate, inside):
            names = (each.fields or () for each in tree.walk(one) if isinstance(each, ast.ColumnRef))
            counts = isinstance(one, ast.FuncCall) and one.agg_star
            if counts or any(len(each) > 1 and getattr(each[0], "sval", None) in own for each in names):
                yield one


def _alias(node: Node) -> str | None:
    """What a source of rows is called, None where it is none or has no name."""
    match node:
        case ast.RangeVar() | ast.RangeSubselect() | ast.RangeFunction():
            name = node.alias.aliasname if node.alias is not None else getattr(node, "relname", None)
            return str(name) if name else None
        case _:
            return None


def _aggregates(call: ast.FuncCall) -> bool:
    return bool(call.agg_star or call.agg_distinct or call.agg_filter or call.agg_order or call.agg_within_group)


AGGREGATES = frozenset(
    (name,)
    for name in (
        "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr", "count", "covar_pop",
        "covar_samp", "every", "json_agg", "json_object_agg", "jsonb_agg", "jsonb_object_agg", "max", "min", "mode",
        "percentile_cont", "percentile_disc", "range_agg", "range_intersect_agg", "regr_avgx", "regr_avgy",
        "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "stddev",
        "stddev_pop", "stddev_samp", "string_agg", "sum", "var_pop", "var_samp", "variance", "xmlagg", "any_value",
    )
)  # fmt: skip
"""The aggregates of pg_catalog."""


def _columns(select: Node) -> list[tuple[str, str]]:
    found = []
    for target in select.targetList or ():
        if isinstance(target, ast.ResTarget) and isinstance(target.val, ast.ColumnRef):
            last = (target.val.fields or (None,))[-1]
            if isinstance(last, ast.String):
                found.append((target.name or last.sval or "", last.sval or ""))
    return found
