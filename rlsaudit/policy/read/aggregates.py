"""Aggregates: one value for all rows of a query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.expr import BOOLEAN, UNKNOWN, Aggregate, Expr, Type, type_of
from rlsaudit.policy.query import AGGREGATES as NAMES
from rlsaudit.policy.read import types
from rlsaudit.policy.read.here import LostError
from rlsaudit.policy.read.junctions import conjunction

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Summed
    from rlsaudit.policy.tree import Node

AGGREGATES = frozenset(name for (name,) in NAMES)
_BIG, _NUMERIC, _DOUBLE = Type("bigint"), Type("numeric"), Type("double precision")
_SAME = UNKNOWN
_RESULTS = {
    "array_agg": _SAME,
    "avg": _NUMERIC,
    "bool_and": BOOLEAN,
    "bool_or": BOOLEAN,
    "count": _BIG,
    "every": BOOLEAN,
    "max": _SAME,
    "min": _SAME,
    "sum": _SAME,
}
"""The aggregates that are followed: of no order, and with one argument."""
_SETS = frozenset({"array_agg", "bool_and", "bool_or", "every", "max", "min"})
"""Aggregates for which it is all the same how often a value is there, an array as far as ANY and ALL ask."""
_SUMS = {"smallint": _BIG, "integer": _BIG, "bigint": _NUMERIC}


def aggregate(call: Node, name: str, summed: Summed) -> Expr:
    """Returns the aggregate that a call is over the rows of the query around."""
    distinct = call.agg_distinct and name not in _SETS
    if name not in _RESULTS or distinct or call.agg_within_group:
        raise LostError(f"calls the aggregate {name}")
    query, value = summed.query, None
    if call.agg_filter is not None:
        query = replace(query, where=conjunction((query.where, summed.here.read(call.agg_filter))))
    if not call.agg_star:
        if len(call.args or ()) != 1:
            raise LostError(f"calls the aggregate {name}")
        value = summed.here.read(call.args[0])
    if not query.sources:
        raise LostError(f"calls the aggregate {name} over no table")
    kind = _RESULTS[name]
    if value is not None and kind == _SAME:
        kind = type_of(value)
        kind = _SUMS.get(kind.name, kind) if name == "sum" else kind
        if name == "array_agg":
            if types.is_array(kind):
                raise LostError("has an array of arrays")
            kind = types.array_of(kind)
    if value is not None and name == "avg" and type_of(value).name in {"real", "double precision"}:
        kind = _DOUBLE
    return Aggregate("bool_and" if name == "every" else name, value, query, kind)


def sums(select: Node) -> bool:
    """Whether a query's output is one row for many: it has an aggregate outside of its subqueries."""
    waiting = [select.targetList, select.havingClause, select.sortClause]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple | list):
            waiting.extend(node)
        elif isinstance(node, ast.FuncCall) and node.over is None:
            marks = node.agg_star or node.agg_distinct or node.agg_filter or node.agg_order or node.agg_within_group
            if marks or tree.name(node.funcname)[-1] in AGGREGATES:
                return True
            waiting.append(node.args)
        elif isinstance(node, ast.JsonArrayAgg | ast.JsonObjectAgg):
            return True
        elif isinstance(node, ast.Node) and not isinstance(node, ast.SubLink):
            waiting.extend(getattr(node, one) for one in node)
    return False
