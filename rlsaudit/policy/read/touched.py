"""Which rows the statements of a function's body lead to, each as a condition on the row at place 0.

Whoever calls the function picks its arguments. A statement is run where the conditions of its path hold; what a path
asks after something was written is left out where it reads tables, and a statement after one that wrote may reach every
row. Leaving out only ever widens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SetOperation, SubLinkType

from rlsaudit.model import Operation
from rlsaudit.policy import tree
from rlsaudit.policy.body import fragments_of
from rlsaudit.policy.expr import (
    BOOLEAN,
    TRUE,
    And,
    AnyRow,
    Call,
    Expr,
    Field,
    Given,
    IsTrue,
    Not,
    Query,
    Who,
    rebuilt,
    walk,
)
from rlsaudit.policy.procedure import Conflict, NotFollowed, conflict_of, paths
from rlsaudit.policy.procedure.path import (
    Assigns,
    Bound,
    Changed,
    Computed,
    Dynamic,
    FirstRow,
    Gives,
    Path,
    Raised,
    Reads,
    Returned,
    Sets,
    SomeRow,
    Writes,
)
from rlsaudit.policy.read import queries, types
from rlsaudit.policy.read.calls import settings_followed
from rlsaudit.policy.read.here import Here, LostError, Readers, TooLargeError, Work
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.policy.read.plpgsql import Body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.expr import Source
    from rlsaudit.policy.read.here import Value
    from rlsaudit.policy.tree import Node
    from rlsaudit.policy.values import Scope

Name = tuple[str, ...]
_FLAGS = re.IGNORECASE | re.DOTALL
_TELLS_MORE = re.compile(r"\braise\b.*\b(?:detail|hint|column|constraint|datatype|table|schema)\b", _FLAGS)
"""An error tells more than its message, which alone is known of the end of a path."""
_SAME = frozenset({"uuid", "smallint", "integer", "bigint"})
_CONDITIONS = frozenset({"whereClause", "quals", "havingClause"})


@dataclass(slots=True)
class Reached:
    """What a body's own statements reach: `rows` are conditions by operation and relation (an OID).

    `lost` are names of relations of which more may be reached by an operation than `rows` says.
    """

    rows: dict[tuple[Operation, int], list[Expr]] = field(default_factory=dict)
    lost: set[tuple[Operation, Name]] = field(default_factory=set)

    def add(self, operation: Operation, relation: int, condition: Expr) -> None:
        """Notes one more way."""
        found = self.rows.setdefault((operation, relation), [])
        if condition not in found:
            found.append(condition)

    def loses(self, node: Node) -> None:
        """Gives up subqueries that give values, where they stand for more than a condition."""
        for one in _valued(node):
            self.loses_all(one.subselect)

    def loses_all(self, node: Node) -> None:
        """Gives up whatever is read below `node`."""
        self.lost |= {(Operation.SELECT, _name(one)) for one in tree.relations(node)}


def reached(function: Function, scope: Scope, readers: Readers) -> Reached | None:
    """Returns what a function's own statements reach; None where its body is not followed.

    `scope` is where its names are looked for, with the rights that it runs with.
    """
    database = scope.database
    found = paths(function)
    if (
        database is None
        or isinstance(found, NotFollowed)
        or function.kind != "f"
        or not settings_followed(function, exempt=True)
    ):
        return None
    if any(isinstance(step, Sets | Dynamic) for path in found for step in path.steps):
        return None
    fragments = fragments_of(function)
    if fragments is None:
        return None
    result = Reached()
    for path in found:
        try:
            _Way(path, function, scope, readers, result).follow()
        except (LostError, TooLargeError, RecursionError):
            return None
        except (AttributeError, IndexError, KeyError, TypeError):
            # A statement of a shape that the grammar has and this does not know.
            return None
    _account(fragments, found, result)
    return result


def _account(fragments: tuple[Node, ...], found: tuple[Path, ...], result: Reached) -> None:
    """Gives up what the body's text reads and no path has as a query of its own."""
    steps = [step for path in found for step in path.steps]
    queries = [one.query for one in steps if isinstance(one, Reads)]
    queries += [one.value for one in steps if isinstance(one, Gives) and one.query]
    queries += [path.end.node for path in found if isinstance(path.end, Returned) and path.end.query]
    followed = {tree.text(one) for one in queries if isinstance(one, ast.SelectStmt)}
    for one in fragments:
        result.loses(one)
        if isinstance(one, ast.SelectStmt) and one.fromClause and tree.text(one) not in followed:
            result.loses_all(one)


class _Way:
    """One path, read."""

    def __init__(self, path: Path, function: Function, scope: Scope, readers: Readers, result: Reached) -> None:
        self._path = path
        self._result = result
        shown = function.name if scope.database is None else scope.database.catalog.function_identity(function)
        kinds = function.arguments.split(", ") if function.arguments else []
        numbered = tuple(_argument(shown, number, kind, scope) for number, kind in enumerate(kinds, 1))
        here = Here(
            Work(readers),
            scope,
            1,
            numbered=numbered,
            within=frozenset({("function", function.oid, 0)}),
            user=function.owner if function.security_definer else 0,
            written=True,
            clash=conflict_of(function) is not Conflict.COLUMN,
            key=f"in {shown}",
        )
        self._body = Body(here, types.of_text(function.returns, scope), "")
        self._again = any(isinstance(one, Writes) and one.maybe for one in path.steps)
        self._talks = _TELLS_MORE.search(function.body) is not None
        self._written = any(isinstance(one, Writes) for one in path.steps)

    def follow(self) -> None:
        end = self._path.end
        fails = isinstance(end, Raised)
        if isinstance(end, Raised) and end.message is not None and "%" not in end.message and not self._talks:
            # The statement fails, and says nothing that it has read: nothing is put into its message.
            return
        conditions = tuple(self._conditions())
        before = False
        for step in self._path.steps:
            match step:
                case Reads(query, bindings):
                    self._query(query, self._body.moment(bindings), conditions, before=before or self._again)
                case Writes(statement, bindings):
                    if not fails:
                        self._write(statement, self._body.moment(bindings), conditions, before=before or step.maybe)
                    self._loses_shown(statement)
                    before = True
                case Gives(value, query) if value is not None and not isinstance(value, Dynamic):
                    if query:
                        self._query(value, self._body.moment(step.bindings), conditions, before=before or self._again)
                    else:
                        self._result.loses(value)
                case Assigns(value=bound):
                    self._bound(bound, conditions, before=before or self._again)
                case _:
                    pass
        if isinstance(end, Returned) and end.node is not None:
            if end.query and isinstance(end.node, ast.SelectStmt):
                self._query(end.node, self._body.moment(self._path.bindings), conditions, before=self._written)
            elif not end.query:
                self._result.loses(end.node)

    def _conditions(self) -> Iterator[Expr]:
        for one in self._path.conditions:
            test = self._body.test(one)
            if (one.first and not self._again) or not self._written or not _reads_tables(test):
                yield IsTrue(test) if one.holds else Not(IsTrue(test))

    def _query(self, query: Node, here: Here, conditions: tuple[Expr, ...], *, before: bool) -> None:
        """All rows of a query may flow into what is given back."""
        if not isinstance(query, ast.SelectStmt):
            self._result.loses_all(query)
            return
        self._result.loses(query)
        # A lock takes no rows away and adds none.
        plain = ast.SelectStmt(**{one: getattr(query, one) for one in query if one != "lockingClause"})
        try:
            for rows in queries.ways(plain, here):
                queries.output(rows)
                self._promote(Operation.SELECT, rows.sources, queries.where(rows), conditions, before=before)
        except LostError:
            self._result.loses_all(query)

    def _promote(
        self, operation: Operation, sources: list[Source], where: Expr, conditions: tuple[Expr, ...], *, before: bool
    ) -> None:
        for one in sources:
            others = tuple(each for each in sources if each is not one)
            # What it reads may be what was written just before.
            condition = TRUE if before else narrowed(conjunction((*conditions, promoted(one, others, where))))
            self._result.add(operation, one.relation, condition)

    def _write(self, statement: Node, here: Here, conditions: tuple[Expr, ...], *, before: bool) -> None:
        operation = _OPERATIONS.get(type(statement))
        if operation is None or statement.withClause is not None:
            self._loses_written(statement)
            return
        more = (statement.fromClause if operation is Operation.UPDATE else statement.usingClause) or ()
        select = ast.SelectStmt(
            fromClause=(statement.relation, *more),
            whereClause=statement.whereClause,
            targetList=(),
            op=SetOperation.SETOP_NONE,
        )
        try:
            for rows in queries.ways(select, here):
                target, *others = rows.sources
                condition = narrowed(conjunction((*conditions, promoted(target, tuple(others), queries.where(rows)))))
                if before:
                    condition = TRUE
                self._result.add(operation, target.relation, condition)
                if _returning(statement):
                    self._result.add(Operation.SELECT, target.relation, condition)
        except LostError:
            self._loses_written(statement)

    def _loses_written(self, statement: Node) -> None:
        for one in tree.relations(statement):
            self._result.lost |= {(each, _name(one)) for each in Operation}

    def _loses_shown(self, statement: Node) -> None:
        """What a statement that writes may read for its values or give back, beside the rows of its target."""
        if not isinstance(statement, ast.UpdateStmt | ast.DeleteStmt):
            self._result.loses_all(statement)
            return
        parts = ("withClause", "targetList", "returningList", "returningClause", "fromClause", "usingClause")
        self._result.loses_all(tuple(getattr(statement, one, None) for one in parts))

    def _bound(self, bound: Bound, conditions: tuple[Expr, ...], *, before: bool) -> None:
        """What a variable is given may flow into the result."""
        match bound:
            case Computed(node):
                self._result.loses(node)
            case FirstRow(query=query, bindings=bindings) | SomeRow(query=query, bindings=bindings):
                self._query(query, self._body.moment(bindings), conditions, before=before)
            case Changed(whole, _, value):
                self._bound(whole, conditions, before=before)
                self._bound(value, conditions, before=before)
            case _:
                pass


_OPERATIONS = {ast.UpdateStmt: Operation.UPDATE, ast.DeleteStmt: Operation.DELETE}


def _returning(statement: Node) -> bool:
    # The grammar of Postgres 18 has a clause of its own for it.
    return bool(getattr(statement, "returningList", None) or getattr(statement, "returningClause", None))


def narrowed(condition: Expr) -> Expr:
    """Returns the condition with an argument that has to equal a column of the row replaced by that, elsewhere in it.

    Only for types of which equal values are the same value.
    """
    if not isinstance(condition, And):
        return condition
    same: dict[Expr, Expr] = {}
    equalities: set[Expr] = set()
    for one in condition.operands:
        if isinstance(one, Call) and one.name == "=" and one.type == BOOLEAN:
            left, right = one.args
            for field, given in ((left, right), (right, left)):
                if not isinstance(field, Field) or not isinstance(given, Given) or field.place != 0:
                    continue
                if given.who is Who.ARGUMENT and given.type == field.type and field.type.name in _SAME:
                    same.setdefault(given, field)
                    equalities.add(one)

    def leaf(one: Expr) -> Expr:
        return same.get(one, one)

    return And(tuple(one if one in equalities else rebuilt(one, leaf) for one in condition.operands))


def promoted(target: Source, others: tuple[Source, ...], where: Expr) -> Expr:
    """Returns a query's condition as one on the row of `target`, which moves to place 0, which nothing has taken."""

    def moved(place: int) -> int:
        return 0 if place == target.place else place - 1 if place > target.place else place

    def leaf(one: Expr) -> Expr:
        return replace(one, place=moved(one.place)) if isinstance(one, Field) else one

    def source(one: Source) -> Source:
        return replace(one, place=moved(one.place))

    condition = rebuilt(where, leaf, source)
    return AnyRow(Query(tuple(map(source, others)), condition), TRUE) if others else condition


def _reads_tables(condition: Expr) -> bool:
    return any(hasattr(one, "query") for one in walk(condition))


def _valued(node: Node) -> Iterator[Node]:
    """Subqueries below a node that are no part of a condition."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend(current)
        elif isinstance(current, ast.SubLink) and current.subLinkType != SubLinkType.EXISTS_SUBLINK:
            yield current
        elif isinstance(current, ast.Node) and not isinstance(current, ast.SubLink):
            waiting.extend(getattr(current, one) for one in current if one not in _CONDITIONS)


def _name(node: Node) -> Name:
    return (node.schemaname, node.relname) if node.schemaname else (node.relname,)


def _argument(function: str, number: int, kind: str, scope: Scope) -> Value:
    given = Given(Who.ARGUMENT, f"{function}.{number}", types.of_text(kind, scope), nullable=True)
    return lambda _: given
