"""A SELECT as the rows that it combines: FROM, WHERE, what comes out, and whether all of it may be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import LockWaitPolicy, SetOperation

from rlsaudit.policy import tree
from rlsaudit.policy.expr import TRUE, Expr, Query
from rlsaudit.policy.read.here import Choices, Here, LostError, Rows, Value
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.policy.read.sources import From, distinct_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.tree import Node

_MOST_VALUES = 16


def ways(select: Node, here: Here) -> Iterator[Rows]:
    """Yields each way through a query: its rows are those of all of them together."""
    choices = Choices()
    while True:
        yield here.work.readers.rows(select, here, choices)
        if not choices.next():
            break


def arms(select: Node, here: Here) -> Iterator[tuple[Node, Here]]:
    """Yields the queries that a UNION is made of, with where each stands; of any other query itself."""
    if not isinstance(select, ast.SelectStmt) or select.op != SetOperation.SETOP_UNION:
        yield select, here
    elif select.limitCount is not None or select.limitOffset is not None:
        raise LostError("picks among the rows of a UNION")
    else:
        around = _with_common(select, here)
        for one in (select.larg, select.rarg):
            yield from arms(one, around)


def rows(select: Node, here: Here, choices: Choices) -> Rows:
    """Returns one way through a query.

    Raises:
        LostError: it is not a query that is followed.
    """
    if not isinstance(select, ast.SelectStmt) or select.intoClause is not None:
        raise LostError("runs something that is no plain query")
    if select.lockingClause and not here.locks:
        raise LostError("locks rows, which not every statement may")
    here.work.spend()
    # Aggregates of a query around end here.
    here = replace(_with_common(select, here), summed=None)
    if select.op != SetOperation.SETOP_NONE:
        return _united(select, here, choices)
    made = Rows(here, select)
    if select.valuesLists:
        return _values(made, choices)
    lone = tree.lone_target(select)
    if isinstance(lone, ast.FuncCall) and _is_set(lone, here):
        return here.work.readers.returned(lone, here, choices)
    items = From(made, choices)
    for one in select.fromClause or ():
        items.add(one)
    items.finish()
    if select.lockingClause and not _lockable(made):
        raise LostError("locks rows in a way that is not followed")
    if select.whereClause is not None:
        made.conditions.append(_reading(select.whereClause, made.here))
    made.columns = _targets(select, made)
    return made


def where(of: Rows) -> Expr:
    """Returns the conditions of a query, read where all of its places are taken."""
    return conjunction(one(of.here.free) for one in of.conditions)


def query(of: Rows, *, exact: bool = True) -> Query:
    """Returns the rows of a query."""
    return Query(tuple(of.sources), where(of), exact)


def permitted(of: Rows) -> None:
    """Makes sure that the tables may be read, by all columns that are named by now.

    Raises:
        LostError: one may not, so that the statement fails.
    """
    database = of.here.scope.database
    for role, relation, table in of.checks:
        if database is not None and not database.may_read(role, relation, table.used):
            raise LostError(f"reads {database.catalog.identity(relation)}, which the role may not")


def output(of: Rows) -> list[Expr]:
    """Returns the columns that come out."""
    return [value(of.here.free) for _, value in of.columns]


def limit(of: Rows) -> int | None:
    """Returns the most rows that come out, None where there is no limit.

    Raises:
        LostError: it is computed.
    """
    count = None if of.node is None else of.node.limitCount
    if count is None or (isinstance(count, ast.A_Const) and count.isnull):
        return None
    count = count.arg if isinstance(count, ast.TypeCast) else count
    if isinstance(count, ast.A_Const) and isinstance(count.val, ast.Integer):
        return count.val.ival or 0
    raise LostError("computes how many rows it wants")


def picks(of: Rows) -> bool:
    """Whether some rows are left out that meet the conditions: by OFFSET, or by what groups have to be like."""
    return of.node is not None and (of.node.limitOffset is not None or of.node.havingClause is not None)


def _with_common(select: Node, here: Here) -> Here:
    if select.withClause is None:
        return here
    if select.withClause.recursive:
        raise LostError("has a recursive query")
    common = dict(here.common)
    for one in select.withClause.ctes or ():
        names = tuple(name.sval or "" for name in one.aliascolnames or ())
        if not isinstance(one.ctequery, ast.SelectStmt):
            raise LostError("writes")
        common[one.ctename] = (one.ctequery, replace(here, common=dict(common)), names)
    return replace(here, common=common)


def _lockable(made: Rows) -> bool:
    """Whether FOR UPDATE or SHARE gives the rows that the query would give without it.

    A row that is locked already is waited for, or fails the statement, but for SKIP LOCKED. Row-level security asks in
    addition what it asks for an UPDATE.
    """
    here = made.here
    waits = all(one.waitPolicy != LockWaitPolicy.LockWaitSkip for one in made.node.lockingClause)
    derived = any(isinstance(one, ast.RangeSubselect | ast.RangeFunction) for one in tree.walk(made.node.fromClause))
    return (
        waits
        and not derived
        and all(
            relation.kind in "rp" and here.work.readers.policies(relation, here.free, here) == TRUE
            for _, relation, _ in made.checks
        )
    )


def _united(select: Node, here: Here, choices: Choices) -> Rows:
    if select.op != SetOperation.SETOP_UNION:
        raise LostError("has INTERSECT or EXCEPT")
    if select.limitCount is not None or select.limitOffset is not None:
        raise LostError("picks among the rows of a UNION")
    turn = choices.pick(2)
    made = here.work.readers.rows(select.rarg if turn else select.larg, here, choices)
    if made.node is not None and (made.node.limitCount is not None or made.node.limitOffset is not None):
        raise LostError("picks among the rows of a UNION")
    return made


def _values(made: Rows, choices: Choices) -> Rows:
    lists = made.node.valuesLists
    if len(lists) > _MOST_VALUES or made.node.limitCount is not None or made.node.limitOffset is not None:
        raise LostError("lists too many values")
    listed = lists[choices.pick(len(lists))]
    made.columns = [(f"column{number}", _reading(one, made.here)) for number, one in enumerate(listed, 1)]
    return made


def _is_set(call: Node, here: Here) -> bool:
    database = here.scope.database
    found = database and database.function(tree.name(call.funcname), here.scope.path, len(call.args or ()))
    return bool(found and found.returns_set)


def _reading(node: Node, here: Here) -> Value:
    return lambda free: here.at(free).read(node)


def _targets(select: Node, made: Rows) -> list[tuple[str, Value]]:
    found: list[tuple[str, Value]] = []
    for one in select.targetList or ():
        fields = one.val.fields or () if isinstance(one.val, ast.ColumnRef) else ()
        if fields and isinstance(fields[-1], ast.A_Star):
            found += _star([each.sval or "" for each in fields[:-1]], made)
        else:
            last = fields[-1].sval if fields else None
            found.append((one.name or last or _called(one.val), _reading(one.val, made.here)))
    return found


def _called(node: Node) -> str:
    """What a column without a name is called."""
    while isinstance(node, ast.TypeCast):
        node = node.arg
    if isinstance(node, ast.FuncCall):
        return tree.name(node.funcname)[-1]
    if isinstance(node, ast.CoalesceExpr):
        return "coalesce"
    return "case" if isinstance(node, ast.CaseExpr) else "?column?"


def _star(qualifier: list[str], made: Rows) -> list[tuple[str, Value]]:
    tables = [one for one in made.tables if not qualifier or one.alias == qualifier[-1]]
    if not tables:
        raise LostError("has a star of no table")

    def value(table_value: tuple[str, Value], used: set[str]) -> Value:
        def touched(free: int) -> Expr:
            used.add(table_value[0])
            return table_value[1](free)

        return touched

    return [
        (name, value((name, of), one.used))
        for one in tables
        for name, of in one.columns.items()
        if qualifier or name not in one.merged
    ]


__all__ = ["arms", "distinct_on", "limit", "output", "permitted", "picks", "query", "rows", "ways", "where"]
