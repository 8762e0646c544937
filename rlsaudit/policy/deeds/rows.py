"""Statements as what they ask of the rows that they are about, in the place that a body gives them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import OverridingKind, SetOperation, SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.deeds.shown import values
from rlsaudit.policy.expr import FALSE, TRUE, AnyRow, Call, Expr, Field, IsNull, Or, Query, type_of, walk
from rlsaudit.policy.read import operators, queries
from rlsaudit.policy.read.aggregates import AGGREGATES, sums
from rlsaudit.policy.read.here import LostError, Table
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.policy.read.shown_rows import among
from rlsaudit.policy.read.sources import row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.expr import Source
    from rlsaudit.policy.read.here import Here, Rows, Value
    from rlsaudit.policy.tree import Node

_MOST_PLACES = 40
_KEPT = frozenset({"bigint", "boolean", "integer", "smallint", "text", "uuid"})
"""Types of columns that keep a value of the same type as it is."""
_USER_VALUE = OverridingKind.OVERRIDING_USER_VALUE


def changed(statement: Node, relation: Relation, here: Here) -> Expr:
    """Returns which rows of `relation`, at place 0, an UPDATE or DELETE is about.

    Raises:
        LostError: it is not followed.
    """
    around = beside(statement.relation, relation, here)
    others = statement.fromClause if isinstance(statement, ast.UpdateStmt) else statement.usingClause
    if statement.whereClause is None:
        return TRUE
    if not others and statement.withClause is None:
        return around.work.readers.condition(statement.whereClause, around)
    asked = ast.SelectStmt(
        targetList=(ast.ResTarget(val=ast.A_Const(isnull=False, val=ast.Integer(ival=1))),),
        fromClause=others,
        whereClause=statement.whereClause,
        withClause=statement.withClause,
        op=SetOperation.SETOP_NONE,
    )
    exists = ast.SubLink(subLinkType=SubLinkType.EXISTS_SUBLINK, subselect=asked)
    return around.work.readers.condition(exists, around)


def inserted(statement: Node, relation: Relation, here: Here) -> Iterator[tuple[Expr, dict[str, Expr]]]:
    """Yields, for every way through its query, which rows an INSERT makes, and what it puts into which column.

    Raises:
        LostError: it is not followed.
    """
    select = statement.selectStmt
    if select is None or statement.withClause is not None or statement.override == _USER_VALUE:
        raise LostError("inserts in a way that is not followed")
    names = [one.name or "" for one in statement.cols or ()] or list(row(relation, 0, here))
    if any(one.indirection for one in statement.cols or ()):
        raise LostError("inserts a part of a column")
    columns = row(relation, 0, here)
    for made in queries.ways(select, here):
        given: dict[str, Expr] = {}
        asked: list[Expr] = []
        for name, (_, value) in zip(names, made.columns, strict=False):
            if name not in columns:
                continue
            try:
                column, found = columns[name](made.here.free), value(made.here.free)
                equal = _same(column, found, made.here)
            except LostError:
                continue
            given[name] = found
            asked.append(equal)
        asked += _left_out(relation, columns, names, here)
        yield _among(made, conjunction(asked)), given


def _left_out(relation: Relation, columns: Mapping[str, Value], names: Sequence[str], here: Here) -> Iterator[Expr]:
    """What a new row has in the columns that a statement gives no value: NULL, or a default that is a constant."""
    database = here.scope.database
    for one in database.catalog.columns[relation.oid] if database is not None else ():
        if one.name in names or one.name not in columns or one.generated or one.identity:
            continue
        column = columns[one.name](here.free)
        if not one.default:
            if not one.not_null:
                yield IsNull(column)
            continue
        node = tree.expression(one.constant) if one.constant is not None else None
        with suppress(LostError):
            if node is not None:
                yield _same(column, here.read(node), here)


def conflicting(statement: Node, relation: Relation, here: Here) -> Expr:
    """Returns which rows ON CONFLICT DO UPDATE changes: those that have the key which was to be inserted.

    Raises:
        LostError: it is not followed.
    """
    clause = statement.onConflictClause
    elements = clause.infer.indexElems if clause.infer is not None else ()
    keys = [one.name for one in elements or ()]
    if not keys or not all(keys):
        raise LostError("has a key that is not followed")
    columns = row(relation, 0, here)
    found: list[Expr] = []
    for made in queries.ways(statement.selectStmt, here):
        asked: list[Expr] = []
        names = [one.name or "" for one in statement.cols or ()] or list(columns)
        for name, (_, value) in zip(names, made.columns, strict=False):
            if name in keys:
                # What the rest of the key is may be left open, but not all of it.
                with suppress(LostError):
                    asked.append(_equal(columns[name](made.here.free), value(made.here.free), made.here))
        if not asked:
            raise LostError("has a key that is not followed")
        found.append(_among(made, conjunction(asked)))
    return found[0] if len(found) == 1 else Or(tuple(found))


def shown(select: Node, here: Here) -> tuple[list[tuple[Source, Expr]], list[Node]]:
    """Returns every table that a query takes rows of, with which of them, at place 0; and the queries it follows.

    Those are itself and queries for values of its columns. Of a table that only decides on rows of others nothing is
    shown: there is no row then for which it is.

    Raises:
        LostError: it is not followed.
    """
    found: list[tuple[Source, Expr]] = []
    followed = [select]
    for arm, around in queries.arms(select, here):
        for made in queries.ways(arm, around):
            made_with = _made_with(made)
            for source in made.sources:
                asked = among((made,), source) if source.place in made_with else FALSE
                found.append((source, asked))
            for link in _links(made):
                with suppress(LostError):
                    found += _nested(link, (made,))
                    followed.append(link)
    return found, followed


def _nested(select: Node, around: tuple[Rows, ...]) -> list[tuple[Source, Expr]]:
    """The same of a query that gives a value to each row of those around it, which has none within it."""
    found = []
    for arm, here in queries.arms(select, around[-1].here):
        for made in queries.ways(arm, here):
            if made.node is None or any(isinstance(one, ast.SubLink) for one in values(made.node.targetList)):
                raise LostError("has queries within a query within a query")
            found += [(source, among((*around, made), source)) for source in made.sources]
    return found


def _links(made: Rows) -> list[Node]:
    """The queries for values that columns of the result are made with, once for each row that comes out.

    Beside a sum there is one row also of none, so that only what is summed up is asked for as often as there are rows.
    """
    targets: Node = made.node.targetList if made.node is not None else ()
    if made.node is not None and sums(made.node) and not made.node.groupClause:
        every = [one for one in values(targets, nested=False) if isinstance(one, ast.FuncCall)]
        targets = tuple(one.args for one in every if tree.name(one.funcname)[-1] in AGGREGATES)
    return [one.subselect for one in values(targets, nested=False) if isinstance(one, ast.SubLink)]


def _made_with(made: Rows) -> set[int]:
    """The places of the rows that columns of the result are made with, all of them where that is not followed."""
    found: set[int] = set()
    for _, value in made.columns:
        try:
            made_of = value(made.here.free)
        except LostError:
            return {one.place for one in made.sources}
        found |= {one.place for one in walk(made_of) if isinstance(one, Field)}
    return found


def beside(name: Node, relation: Relation, here: Here) -> Here:
    """Returns where the conditions of a statement on the relation stand."""
    alias = name.alias.aliasname if name.alias else name.relname
    database = here.scope.database
    schema = "" if name.alias or database is None else database.catalog.schema_name(relation)
    if not name.inh and database is not None and database.catalog.children[relation.oid]:
        raise LostError("writes to a table without its children")
    return replace(here, levels=((Table(alias, row(relation, 0, here), schema),),))


def _among(made: Rows, asked: Expr) -> Expr:
    where = conjunction((queries.where(made), asked))
    if len(made.sources) > _MOST_PLACES:
        raise LostError("reads too many tables")
    return AnyRow(Query(tuple(made.sources), where), TRUE) if made.sources else where


def _equal(column: Expr, value: Expr, here: Here) -> Expr:
    kind = type_of(column)
    if kind.name not in _KEPT and kind.kind != "e":
        raise LostError("puts a value into a column that may round it")
    found = operators.binary("=", column, value, here)
    if not isinstance(found, Call) or any(type_of(one) != kind for one in found.args):
        raise LostError("puts a value into a column of another type")
    return found


def _same(column: Expr, value: Expr, here: Here) -> Expr:
    """IS NOT DISTINCT FROM: a new row has NULL where that is what was put in."""
    return Or((_equal(column, value, here), _both_null(column, value)))


def _both_null(column: Expr, value: Expr) -> Expr:
    return conjunction((IsNull(column), IsNull(value)))


def parts(around: Node) -> Iterator[Node]:
    """Yields the statements that write and stand within another one."""
    writes = ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt
    return (one for one in tree.walk(around) if one is not around and isinstance(one, writes))
