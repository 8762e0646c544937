"""Subqueries as conditions and values: EXISTS, IN, ANY, ALL, and the one value of a query."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.expr import (
    BOOLEAN,
    FALSE,
    TRUE,
    UNKNOWN,
    Aggregate,
    And,
    AnyRow,
    Case,
    Const,
    Expr,
    IsNull,
    IsTrue,
    Lookup,
    Not,
    Or,
    Query,
    type_of,
)
from rlsaudit.policy.read import constants, operators, queries, types
from rlsaudit.policy.read.aggregates import sums
from rlsaudit.policy.read.arrays import among
from rlsaudit.policy.read.here import LostError, Rows, Summed

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here
    from rlsaudit.policy.tree import Node


def sublink(node: Node, here: Here) -> Expr:
    """Returns what a subquery stands for."""
    match node.subLinkType:
        case SubLinkType.EXISTS_SUBLINK:
            return _either([_exists(one, here) for one in queries.ways(node.subselect, here)])
        case SubLinkType.EXPR_SUBLINK:
            target = tree.lone_target(node.subselect)
            return here.read(target) if target is not None and not sums(node.subselect) else scalar(node, here)
        case SubLinkType.ANY_SUBLINK:
            return _any(node, here, every=False)
        case SubLinkType.ALL_SUBLINK:
            return Not(_any(node, here, every=True))
        case SubLinkType.ARRAY_SUBLINK:
            return _array(node, here)
        case _:
            raise LostError("has a subquery that is not followed")


def scalar(node: Node, here: Here) -> Expr:
    """Returns the one value of a subquery."""
    return value_of(node.subselect, here, strict=True)


def value_of(select: Node, here: Here, *, strict: bool) -> Expr:
    """Returns the first column of a query's only row; `strict`: more than one is an error."""
    rows = _lone_way(select, here)
    if rows.node is not None and len(rows.columns) != 1:
        raise LostError("returns more than one column")
    return _value(rows, 0, here, strict=strict)


def column_of(select: Node, column: int | str, here: Here, *, strict: bool) -> Expr:
    """Returns one column of a query's row, by number from 0 or by name, as `value_of` does; NULL beyond the last."""
    rows = _lone_way(select, here)
    if isinstance(column, str):
        names = [name for name, _ in rows.columns]
        if names.count(column) != 1:
            raise LostError(f"names {column}, which is no column of the row")
        column = names.index(column)
    if column >= len(rows.columns):
        return Const(None, UNKNOWN)
    return _value(rows, column, here, strict=strict)


def _lone_way(select: Node, here: Here) -> Rows:
    every = list(queries.ways(select, here))
    if len(every) != 1:
        raise LostError("takes the one value of several queries")
    return every[0]


def _value(rows: Rows, column: int, here: Here, *, strict: bool) -> Expr:
    node = rows.node
    if _is_sum(rows):
        return _summed(rows, here, column)
    if node is not None and (node.groupClause or node.havingClause):
        raise LostError("groups its rows")
    most = queries.limit(rows)
    value = rows.columns[column][1](rows.here.free)
    query = queries.query(rows, exact=not queries.picks(rows))
    queries.permitted(rows)
    kind = type_of(value)
    if most == 0:
        return Const(None, kind)
    if not rows.sources:
        return value if query.where == TRUE else Case(((query.where, value),), Const(None, kind), kind)
    if strict and most != 1 and node is not None and node.distinctClause:
        raise LostError("takes the one of several rows that are alike")
    return Lookup(query, value, strict and most != 1, kind)


def _array(node: Node, here: Here) -> Expr:
    """`ARRAY (SELECT …)`, which is empty where there is no row."""
    every = list(queries.ways(node.subselect, here))
    if len(every) != 1 or len(every[0].columns) != 1 or _is_sum(every[0]) or not every[0].sources:
        raise LostError("makes an array of a query that is not followed")
    rows = every[0]
    if queries.limit(rows) is not None or queries.picks(rows) or (rows.node is not None and rows.node.groupClause):
        raise LostError("makes an array of some rows of a query")
    (value,) = queries.output(rows)
    kind = types.array_of(type_of(value))
    query = queries.query(rows)
    queries.permitted(rows)
    if types.is_array(type_of(value)) or kind == UNKNOWN:
        raise LostError("has an array of arrays")
    gathered = Aggregate("array_agg", value, query, kind)
    return Case(((Not(IsNull(gathered)), gathered),), Const("{}", kind), kind)


def _is_sum(rows: Rows) -> bool:
    return rows.node is not None and rows.node.groupClause is None and sums(rows.node)


def _summed(rows: Rows, here: Here, column: int = 0) -> Expr:
    """The one row that an aggregate without GROUP BY comes out as."""
    if rows.node.havingClause is not None or rows.node.limitOffset is not None or queries.limit(rows) == 0:
        raise LostError("sums up only perhaps")
    summed = Summed(rows.here, queries.query(rows))
    target = rows.node.targetList[column].val
    value = replace(here, summed=summed, common=rows.here.common).read(target)
    queries.permitted(rows)
    return value


def _exists(rows: Rows, here: Here) -> Expr:
    most = queries.limit(rows)
    if most == 0:
        return FALSE
    if _is_sum(rows):
        summed = Summed(rows.here, queries.query(rows))
        around = replace(here, summed=summed, common=rows.here.common)
        for one in rows.node.targetList or ():
            around.read(one.val)
        if rows.node.limitOffset is not None:
            raise LostError("sums up only perhaps")
        having = rows.node.havingClause
        met = TRUE if having is None else IsTrue(around.read(having))
        queries.permitted(rows)
        return met
    queries.output(rows)
    query = queries.query(rows, exact=not queries.picks(rows))
    queries.permitted(rows)
    return _any_row(query, TRUE)


def _any_row(query: Query, test: Expr) -> Expr:
    if query.sources:
        return AnyRow(query, test)
    if query.where == TRUE:
        return test
    return IsTrue(query.where) if test == TRUE else Case(((query.where, test),), FALSE, BOOLEAN)


def _either(found: list[Expr]) -> Expr:
    unlike = tuple(dict.fromkeys(found))
    return unlike[0] if len(unlike) == 1 else Or(unlike)


def _any(node: Node, here: Here, *, every: bool) -> Expr:
    """`x op ANY (SELECT …)`; with `every` what is wrong with `x op ALL (SELECT …)`."""
    names = tree.name(node.operName) if node.operName else ("=",)
    if len(names) != 1:
        raise LostError(f"uses the operator {'.'.join(names)}")
    array = _unnested(node.subselect)
    if array is not None and not every:
        of = here.read(array)
        value = constants.as_type(here.read(node.testexpr), types.element(type_of(of), here.scope), here)
        if here.redefines("unnest"):
            raise LostError("calls unnest, which may be a function of the project")
        # Of no array there are no rows, and so the answer is no.
        found = among(names[0], value, of, here, every=False)
        return Case(((IsNull(of), FALSE),), found, BOOLEAN)
    return _either([_among(one, node, names[0], here, every=every) for one in queries.ways(node.subselect, here)])


def _unnested(select: Node) -> Node | None:
    lone = tree.lone_target(select)
    if isinstance(lone, ast.FuncCall) and tree.name(lone.funcname) == ("unnest",):
        args = lone.args or ()
        return args[0] if len(args) == 1 else None
    return None


def _among(rows: Rows, node: Node, name: str, here: Here, *, every: bool) -> Expr:
    if _is_sum(rows):
        if len(rows.columns) != 1 or isinstance(node.testexpr, ast.RowExpr):
            raise LostError("looks for a row of values in what sums up")
        test = operators.binary(name, here.read(node.testexpr), _summed(rows, here), here)
        return Not(test) if every else test
    most = queries.limit(rows)
    test = _test(rows, node, name, here.at(rows.here.free))
    exact = most is None and not queries.picks(rows) and not (rows.node is not None and queries.distinct_on(rows.node))
    query = queries.query(rows, exact=exact)
    queries.permitted(rows)
    if most == 0:
        return FALSE
    return _any_row(query, Not(test) if every else test)


def _test(rows: Rows, node: Node, name: str, here: Here) -> Expr:
    values = queries.output(rows)
    wanted = node.testexpr.args or () if isinstance(node.testexpr, ast.RowExpr) else (node.testexpr,)
    if len(wanted) != len(values) or (len(values) > 1 and name != "="):
        raise LostError("looks for a row of values in a way that is not followed")
    tests = [operators.binary(name, here.read(a), b, here) for a, b in zip(wanted, values, strict=True)]
    return tests[0] if len(tests) == 1 else And(tuple(tests))
