"""Policy SQL to `Formula`, for one persona: pglast parses, and what the persona's identity decides is folded in.

Expressions come deparsed by the server with an empty search_path, so an unqualified function or operator is one of
pg_catalog's. What is not recognised becomes an opaque atom: never guessed, and never dropped.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, BoolTestType, NullTestType, SubLinkType

from rlsaudit.model import Reach
from rlsaudit.policy import tree
from rlsaudit.policy.compare import Comparisons, in_array
from rlsaudit.policy.formula import FALSE, NULL, And, Atom, AtomKind, Coalesce, Constant, Formula, Is, Not, Or, Written
from rlsaudit.policy.helpers import applied
from rlsaudit.policy.scalar import Chosen, Clock, Column, Known, Literal, Row, Scalar, Unknown
from rlsaudit.policy.sight import at_sight
from rlsaudit.policy.values import Scope, Values, is_stable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.tree import Node

_MOST_DEPTH = 100
_MOST_CASES = 3
"""How deep CASE and COALESCE are followed into one another: a condition is repeated for each value that it leads to."""
_MOST_BRANCHES = 8
_MOST_CALLS = 50
_occurrences = itertools.count(1)


def parse(expression: str, scope: Scope) -> Formula:
    """Returns the predicate `expression` as it is for the scope's persona. Never raises: the unknown is opaque."""
    node = tree.expression(expression)
    if node is None:
        shown = expression if len(expression) <= tree.MOST_CHARACTERS else f"{len(expression)} characters of SQL"
        return _not_understood(shown)
    return parse_node(node, scope)


def parse_node(node: Node, scope: Scope, depth: int = 0) -> Formula:
    """The same for an expression that is parsed already."""
    try:
        meant = _Predicates(scope, depth).formula(node)
    except RecursionError:
        meant = _not_understood("nested too deeply")
    if isinstance(meant, Constant):
        return meant
    return Written(meant, tree.text(node), scope.role, node, scope)


def _not_understood(text: str) -> Atom:
    return Atom(AtomKind.OPAQUE, text, occurrence=next(_occurrences))


class _Calls:
    """The helpers that are being followed: none into itself, and no more than so many, for each may call two others.

    `looked_into` is whether all of it is about the body of a helper.
    """

    def __init__(self, *, looked_into: bool = False) -> None:
        self._within: set[tuple[str, ...]] = set()
        self._left = _MOST_CALLS
        self._looked_into = looked_into

    @property
    def is_within(self) -> bool:
        """Whether what is read is the body of a helper, and not the expression that calls it."""
        return self._looked_into or bool(self._within)

    def enter(self, name: tuple[str, ...]) -> bool:
        """Whether the helper may be followed; if so, `leave` it."""
        if name in self._within or not self._left:
            return False
        self._left -= 1
        self._within.add(name)
        return True

    def leave(self, name: tuple[str, ...]) -> None:
        self._within.discard(name)


class _Predicates:
    """Reads predicates in one scope. `never_true` are the helpers looked at so far, and whether they are never true."""

    def __init__(
        self,
        scope: Scope,
        depth: int,
        never_true: dict[tuple[str, ...], bool] | None = None,
        calls: _Calls | None = None,
    ) -> None:
        self._scope = scope
        self._values = Values(scope, self._never_a_row)
        self._compare = Comparisons(scope.persona)
        self._depth = depth
        self._cases = 0
        self._never_true = {} if never_true is None else never_true
        self._calls = calls or _Calls()

    def formula(self, node: Node) -> Formula:
        self._depth += 1
        try:
            return self._formula(node) if self._depth <= _MOST_DEPTH else _not_understood("nested too deeply")
        finally:
            self._depth -= 1

    def _formula(self, node: Node) -> Formula:
        result: Formula
        match node:
            case ast.BoolExpr():
                result = self._junction(node)
            case ast.A_Expr():
                result = self._expression(node)
            case ast.NullTest():
                result = self._null_test(node)
            case ast.BooleanTest():
                result = self._boolean_test(node)
            case ast.CoalesceExpr():
                result = Coalesce(tuple(self.formula(one) for one in node.args or ()))
            case ast.SubLink():
                result = self._sublink(node)
            case ast.CaseExpr():
                result = self._case(node)
            case ast.FuncCall() if tree.name(node.funcname) in self._scope.helpers:
                result = self._helper(node)
            case _:
                result = self._as_boolean(self._values.of(node), node)
        return result

    def _junction(self, node: Node) -> Formula:
        operands = tuple(self.formula(one) for one in node.args or ())
        if node.boolop == BoolExprType.NOT_EXPR:
            return Not(operands[0])
        return And(operands) if node.boolop == BoolExprType.AND_EXPR else Or(operands)

    def _expression(self, node: Node) -> Formula:
        operator = tree.name(node.name)
        if len(operator) != 1 or node.lexpr is None:
            return self._opaque(node)
        match node.kind:
            case A_Expr_Kind.AEXPR_OP | A_Expr_Kind.AEXPR_LIKE | A_Expr_Kind.AEXPR_ILIKE:
                return self._spread(operator[0], node.lexpr, node.rexpr, node)
            case A_Expr_Kind.AEXPR_NOT_DISTINCT:
                return self._not_distinct(node)
            case A_Expr_Kind.AEXPR_DISTINCT:
                return Not(self._not_distinct(node))
            case A_Expr_Kind.AEXPR_OP_ANY if operator[0] == "=":
                return self._any(node, node.rexpr)
            case A_Expr_Kind.AEXPR_OP_ALL if operator[0] == "<>":
                return Not(self._any(node, node.rexpr))
            case A_Expr_Kind.AEXPR_IN if operator[0] in {"=", "<>"} and isinstance(node.rexpr, tuple):
                among = Or(tuple(self._item(node, one) for one in node.rexpr))
                return among if operator[0] == "=" else Not(among)
            case _:
                return self._opaque(node)

    def _spread(self, operator: str, left: Node, right: Node, node: Node = None) -> Formula:
        """A comparison, with the conditions of a COALESCE, CASE or NULLIF on a side taken out of it."""
        for one, other, turned in ((_unwrapped(left), right, False), (_unwrapped(right), left, True)):
            if self._cases >= _MOST_CASES or not _branches(one) or not isinstance(self._values.of(one), Unknown):
                continue
            self._cases += 1
            try:
                found: list[Formula] = []
                for condition, value in self._alternatives(one):
                    sides = (other, value) if turned else (value, other)
                    found.append(And((condition, self._spread(operator, *sides))))
                return Or(tuple(found))
            finally:
                self._cases -= 1
        a, b = self._values.of(left), self._values.of(right)
        text = "" if node is not None else f"{tree.text(left)} {operator} {tree.text(right)}"
        return self._compare.compare(operator, a, b, self._opaque((left, right) if text else node, a, b, text=text))

    def _alternatives(self, node: Node) -> Iterator[tuple[Formula, Node]]:
        """The values that a COALESCE, CASE or NULLIF may take, each with its condition, which is true or false."""
        passed: tuple[Formula, ...] = ()
        for condition, value in self._branches_of(node):
            met = Is(condition, value=True, negated=False)
            yield And((*passed, met)), value
            passed = (*passed, Not(met))

    def _branches_of(self, node: Node) -> Iterator[tuple[Formula, Node]]:
        true = Constant(value=True)
        match node:
            case ast.CoalesceExpr():
                for one in node.args or ():
                    yield Not(self._is_null(one)), one
            case ast.CaseExpr():
                yield from ((self._when(node, one), one.result) for one in node.args or ())
                if node.defresult is not None:
                    yield true, node.defresult
            case ast.A_Expr():
                equal = self._spread("=", node.lexpr, node.rexpr)
                yield Is(equal, value=True, negated=True), node.lexpr
        yield true, _NULL

    def _case(self, node: Node) -> Formula:
        """CASE over Booleans: the first value whose condition is true."""
        if self._cases >= _MOST_CASES or not _branches(node):
            return self._opaque(node)
        self._cases += 1
        try:
            return Or(tuple(And((met, self.formula(value))) for met, value in self._alternatives(node)))
        finally:
            self._cases -= 1

    def _when(self, case: Node, when: Node) -> Formula:
        if case.arg is None:
            return self.formula(when.expr)
        return self._spread("=", case.arg, when.expr)

    def _not_distinct(self, node: Node) -> Formula:
        left, right = self._values.of(node.lexpr), self._values.of(node.rexpr)
        return self._compare.not_distinct(left, right, self._opaque(node, left, right))

    def _any(self, node: Node, right: Node) -> Formula:
        """`left = ANY (right)`, which is also how IN with a list comes back; NOT IN is `left <> ALL (right)`."""
        left = self._values.of(node.lexpr)
        array = right
        while isinstance(array, ast.TypeCast) and _keeps_texts(array):
            array = array.arg
        if isinstance(array, ast.A_ArrayExpr):
            return Or(tuple(self._item(node, one) for one in array.elements or ()))
        inner = self._values.of(right)
        if left == Known(None):
            # NULL = ANY of an empty array is false, of any other array NULL: never true, either way.
            return And((NULL, self._opaque(node)))
        if isinstance(inner, Column):
            return in_array(left, inner, self._opaque(node, left, inner))
        return self._opaque(node, left, inner)

    def _item(self, node: Node, item: Node) -> Formula:
        return self._spread("=", node.lexpr, item)

    def _null_test(self, node: Node) -> Formula:
        is_null = self._is_null(node.arg)
        return is_null if node.nulltesttype == NullTestType.IS_NULL else Not(is_null)

    def _is_null(self, node: Node) -> Formula:
        node = _unwrapped(node)
        if isinstance(node, ast.BoolExpr | ast.NullTest | ast.BooleanTest) or _compares(node):
            return Is(self.formula(node), value=None, negated=False)
        value = self._values.of(node)
        if isinstance(node, ast.CoalesceExpr) and isinstance(value, Unknown):
            return And(tuple(self._is_null(one) for one in node.args or ()))
        text = f"{tree.text(node)} IS NULL"
        return self._compare.is_null(value, self._opaque(node, value, text=text, nullable=False))

    def _boolean_test(self, node: Node) -> Formula:
        value, negated = {
            BoolTestType.IS_TRUE: (True, False),
            BoolTestType.IS_NOT_TRUE: (True, True),
            BoolTestType.IS_FALSE: (False, False),
            BoolTestType.IS_NOT_FALSE: (False, True),
            BoolTestType.IS_UNKNOWN: (None, False),
            BoolTestType.IS_NOT_UNKNOWN: (None, True),
        }[BoolTestType(node.booltesttype)]
        return Is(self.formula(node.arg), value, negated)

    def _sublink(self, node: Node) -> Formula:
        if node.subLinkType == SubLinkType.EXPR_SUBLINK:
            target = tree.lone_target(node.subselect)
            if target is not None:
                return self.formula(target)
            return NULL if self._never_a_row(node.subselect) else self._opaque(node)
        # `operName` is absent for IN and for `= ANY`; both are false over no row, whatever stands on the left.
        if node.subLinkType in {SubLinkType.EXISTS_SUBLINK, SubLinkType.ANY_SUBLINK}:
            if self._never_a_row(node.subselect):
                return FALSE
            if node.subLinkType == SubLinkType.ANY_SUBLINK and self._values.of(node.testexpr) == Known(None):
                return And((NULL, self._opaque(node)))
        return self._opaque(node)

    def _helper(self, node: Node) -> Formula:
        """A function of the project whose body is one expression or one query, in the place of its call."""
        name = tree.name(node.funcname)
        if self._calls.enter(name):
            try:
                body = applied(self._scope.helpers[name], node.args or ())
                if body is not None:
                    scope = replace(self._scope, caller=False)
                    return _Predicates(scope, self._depth + 1, self._never_true, self._calls).formula(body)
            finally:
                self._calls.leave(name)
        if name not in self._never_true:
            # Of a function that calls itself nothing is known.
            self._never_true[name] = False
            self._never_true[name] = self._is_helper_never_true(name)
        # Where arguments are not followed, only a body that is never true, whatever they are, says anything.
        return And((NULL, self._opaque(node))) if self._never_true[name] else self._opaque(node)

    def _is_helper_never_true(self, name: tuple[str, ...]) -> bool:
        body, database = self._scope.helpers[name].query, self._scope.database
        if database is None or self._calls.is_within:
            # How far one is followed from within another depends on those that call it.
            return self._is_never_true(body)
        known = database.memory.never_true
        key = (self._scope.persona.name, self._scope.role, name)
        if key not in known:
            alone = _Predicates(self._scope, 0, {name: False}, _Calls(looked_into=True))
            known[key] = alone._is_never_true(body)
        return known[key]

    def _is_never_true(self, body: str) -> bool:
        parsed = tree.shared(body)
        if not parsed or len(parsed) != 1:
            return False
        target, inner = tree.lone_target(parsed[0]), self._within(caller=False)
        predicates = _Predicates(inner, self._depth + 1, self._never_true, self._calls)
        if target is not None:
            return at_sight(predicates.formula(target)).at_most is Reach.NONE
        return predicates.never_a_row(parsed[0])

    def never_a_row(self, select: Node) -> bool:
        """Whether a query yields no row for this persona whatever the tables hold: its WHERE is never true."""
        if not isinstance(select, ast.SelectStmt) or select.whereClause is None or not select.fromClause:
            return False
        if select.groupClause or select.havingClause or select.larg or select.valuesLists or _may_aggregate(select):
            return False
        inner = self._within(caller=self._scope.caller)
        predicates = _Predicates(inner, self._depth + 1, self._never_true, self._calls)
        return at_sight(predicates.formula(select.whereClause)).at_most is Reach.NONE

    def _never_a_row(self, select: Node) -> bool:
        return self._depth <= _MOST_DEPTH and self.never_a_row(select)

    def _within(self, *, caller: bool) -> Scope:
        return replace(self._scope, relation="", columns={}, caller=caller)

    def _as_boolean(self, value: Scalar, node: Node) -> Formula:
        match value:
            case Known(bool() | None as known):
                return Constant(known)
            case Column(boolean=True, view="") | Chosen(view="boolean"):
                return self._compare.compare("=", value, Known(value=True), self._opaque(node, value))
            case Chosen():
                return Atom(AtomKind.CHOSEN, tree.text(node))
            case _:
                return self._opaque(node, value)

    def _opaque(self, node: Node, *inputs: Scalar, text: str = "", nullable: bool = True) -> Atom:
        """An atom that may be anything; one that reads only the row is at least known to be content."""
        columns: frozenset[int] = frozenset()
        row_only = bool(inputs)
        for one in inputs:
            match one:
                case Column(number):
                    columns |= {number}
                case Row(more):
                    columns |= more
                case Known() | Literal() | Clock():
                    pass
                case _:
                    row_only = False
        shown = text or tree.text(node)
        if row_only and columns and tree.TOO_DEEP not in shown:
            return Atom(AtomKind.CONTENT, shown, columns, nullable=nullable)
        # The same words may be true at one place and false at another if something in them changes meanwhile.
        stable = is_stable(node, self._scope) and tree.TOO_DEEP not in shown
        occurrence = 0 if stable else next(_occurrences)
        return Atom(AtomKind.OPAQUE, shown, self._read_by(node), nullable=nullable, occurrence=occurrence)

    def _read_by(self, node: Node) -> frozenset[int]:
        """The columns of the row that may be read below `node`: all that are called like a column read there."""
        names = tree.mentioned(node).columns
        return frozenset(one.number for name, one in self._scope.columns.items() if name in names)


def _unwrapped(node: Node) -> Node:
    while isinstance(node, ast.SubLink) and node.subLinkType == SubLinkType.EXPR_SUBLINK:
        target = tree.lone_target(node.subselect)
        if target is None:
            break
        node = target
    return node


def _branches(node: Node) -> bool:
    """Whether the value of `node` is one of several, by conditions."""
    if isinstance(node, ast.A_Expr):
        return bool(node.kind == A_Expr_Kind.AEXPR_NULLIF)
    return isinstance(node, ast.CoalesceExpr | ast.CaseExpr) and len(node.args or ()) <= _MOST_BRANCHES


def _compares(node: Node) -> bool:
    return isinstance(node, ast.A_Expr) and (
        (node.kind == A_Expr_Kind.AEXPR_OP and tree.name(node.name) in {("=",), ("<>",)})
        or node.kind in {A_Expr_Kind.AEXPR_DISTINCT, A_Expr_Kind.AEXPR_NOT_DISTINCT}
    )


def _keeps_texts(cast: Node) -> bool:
    """Whether a cast of an array of texts makes texts of them again."""
    names = tree.name(cast.typeName.names)
    return bool(cast.typeName.arrayBounds) and names in {("text",), ("varchar",)} and not tree.modified(cast)


_NULL = ast.A_Const(isnull=True)


def _may_aggregate(select: Node) -> bool:
    """Whether a query may yield a row without its WHERE being true: any function in its targets might aggregate."""
    outside = (select.targetList, select.sortClause, select.distinctClause, select.windowClause)
    aggregates = (ast.FuncCall, ast.JsonArrayAgg, ast.JsonObjectAgg)
    return any(isinstance(one, aggregates) for part in outside for one in tree.walk(part))
