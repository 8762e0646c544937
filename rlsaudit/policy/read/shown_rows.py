"""A view as what the rows of each table below it have to be like to come out, each with the partners that it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.expr import TRUE, AnyRow, Expr, Field, Query, Source, rebuilt, walk
from rlsaudit.policy.read.aggregates import sums
from rlsaudit.policy.read.here import Here, LostError
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.policy.read.queries import output, permitted, ways, where
from rlsaudit.policy.read.sources import is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.read.here import Rows, Work
    from rlsaudit.policy.tree import Node
    from rlsaudit.policy.values import Scope

FIRST_PLACE = 1
"""That of a query's first table: the one before is for the row that is asked about."""
_CONDITIONS = frozenset({"quals", "whereClause"})


@dataclass(frozen=True, slots=True)
class ShownRows:
    """The rows of `relation` (an OID) that one way through a query shows: those that meet `condition`, at place 0.

    `outputs` are the columns of the result that are a column of it, with its number. `used` says whether any column is
    made with it. `exact` is false where rows are grouped, summed up or left out, so that not each shows by itself.
    """

    relation: int
    condition: Expr
    outputs: Mapping[str, int]
    used: bool
    exact: bool


@dataclass(frozen=True, slots=True)
class ShownView:
    """What a view shows: for each way through its query, the tables whose rows it combines.

    `calls` are the functions that its columns and its FROM call, those of the views below it among them, and `looks`
    whether its columns are made with subqueries, or with what its FROM sums up: both may show rows that are not among
    `ways`.
    """

    ways: tuple[tuple[ShownRows, ...], ...]
    calls: frozenset[tuple[str, ...]]
    looks: bool


def shown_view(view: Relation, names: tuple[str, ...], scope: Scope, work: Work) -> ShownView:
    """Returns what a view shows.

    Args:
        view: The view.
        names: What its columns are called.
        scope: What names mean there, with the role whose rights count.
        work: How much is read.

    Raises:
        LostError: it is not a query that is followed, or one that fails.
        TooLargeError: there is more of it than is read.
    """
    parsed = tree.shared(view.definition or "")
    if not parsed or len(parsed) != 1:
        raise LostError("is no query that is understood")
    within = frozenset({("view", view.oid, 0)})
    here = Here(work, scope, FIRST_PLACE, within=within, key=f"view {view.oid} as {scope.role}")
    found = tuple(tuple(_tables(one, names)) for one in ways(parsed[0], here))
    made = list(_made(parsed[0], scope))
    calls = frozenset(tree.name(one.funcname) for one in made if isinstance(one, ast.FuncCall))
    summed = any(isinstance(one, ast.SelectStmt) and one is not parsed[0] and sums(one) for one in made)
    return ShownView(found, calls, summed or any(isinstance(one, ast.SubLink) for one in made))


def _made(node: Node, scope: Scope) -> Iterator[Node]:
    """All that a query is made with but its conditions: they choose rows, and show none."""
    waiting, seen = [node], set[int]()
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend(current)
            continue
        if isinstance(current, ast.Node):
            yield current
            waiting.extend(getattr(current, part) for part in current if part not in _CONDITIONS)
        if isinstance(current, ast.RangeVar) and scope.database is not None:
            found = scope.database.find((current.schemaname or "", current.relname or ""), ())
            if found is not None and found.kind == "v" and found.oid not in seen:
                seen.add(found.oid)
                waiting.extend(tree.shared(found.definition or "") or ())


def _tables(rows: Rows, names: tuple[str, ...]) -> Iterator[ShownRows]:
    condition = where(rows)
    outputs = output(rows)
    permitted(rows)
    if len(outputs) != len(names) or not rows.sources:
        raise LostError("has columns that are not followed")
    exact = rows.node is not None and is_plain(rows.node)
    for chosen in rows.sources:
        others = tuple(beside(one, chosen.place) for one in rows.sources if one is not chosen)
        asked = about(condition, chosen.place)
        read = {one.place for each in outputs for one in walk(each) if isinstance(one, Field)}
        yield ShownRows(
            chosen.relation,
            AnyRow(Query(others, asked), TRUE) if others else asked,
            {
                name: one.number
                for name, one in zip(names, outputs, strict=True)
                if isinstance(one, Field) and one.place == chosen.place
            },
            chosen.place in read or not exact,
            exact,
        )


def among(nest: tuple[Rows, ...], source: Source) -> Expr:
    """Returns what a row of a source has to be like, at place 0, with all the others that it is combined with.

    `nest` are queries that stand within one another, the outermost first.
    """
    free = nest[-1].here.free
    condition = about(conjunction(one(free) for made in nest for one in made.conditions), source.place)
    others = tuple(beside(one, source.place) for made in nest for one in made.sources if one.place != source.place)
    return AnyRow(Query(others, condition), TRUE) if others else condition


def about(expression: Expr, place: int) -> Expr:
    """Returns the expression where the row at `place` is the one that is asked about, at 0; those after it move up."""

    def leaf(one: Expr) -> Expr:
        return replace(one, place=_moved(one.place, place)) if isinstance(one, Field) else one

    return rebuilt(expression, leaf, lambda one: beside(one, place))


def beside(source: Source, place: int) -> Source:
    """Returns a source as it stands beside the row at `place`, where that is the one that is asked about."""
    return replace(source, place=_moved(source.place, place))


def _moved(place: int, asked: int) -> int:
    if place == asked:
        return 0
    return place - 1 if place > asked else place
