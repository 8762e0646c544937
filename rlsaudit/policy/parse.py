"""Policy SQL to `Formula`, for one persona: pglast parses, and what the persona's identity decides is folded in.

Expressions come deparsed by the server with an empty search_path, so an unqualified function or operator is one of
pg_catalog's. What is not recognised becomes an opaque atom: never guessed, and never dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, BoolTestType, NullTestType, SubLinkType

from rlsaudit.model import Reach
from rlsaudit.policy import tree
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import FALSE, NULL, TRUE, And, Atom, AtomKind, Coalesce, Constant, Formula, Is, Not, Or
from rlsaudit.policy.scalar import Chosen, Claims, Clock, Column, CurrentRole, Identity, Known, Literal, Row, Scalar
from rlsaudit.policy.values import Scope, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.policy.tree import Node

_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "~*", "!~", "!~*"})
_EITHER_WAY = frozenset({"=", "<>"})
"""Comparisons of a column with a constant for which a row can be found that passes and one that does not."""
_MOST_DEPTH = 100


def parse(expression: str, scope: Scope) -> Formula:
    """Returns the predicate `expression` as it is for the scope's persona. Never raises: the unknown is opaque."""
    node = tree.expression(expression)
    if node is None:
        shown = expression if len(expression) <= tree.MOST_CHARACTERS else f"{len(expression)} characters of SQL"
        return Atom(AtomKind.OPAQUE, shown)
    return parse_node(node, scope)


def parse_node(node: Node, scope: Scope, depth: int = 0) -> Formula:
    """The same for an expression that is parsed already."""
    return _Predicates(scope, depth).formula(node)


class _Predicates:
    def __init__(self, scope: Scope, depth: int) -> None:
        self._scope = scope
        self._values = Values(scope, self._never_a_row)
        self._depth = depth

    def formula(self, node: Node) -> Formula:
        self._depth += 1
        try:
            return self._formula(node) if self._depth <= _MOST_DEPTH else Atom(AtomKind.OPAQUE, "nested too deeply")
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
        operator, value = tree.name(node.name), self._values.of
        if len(operator) != 1 or node.lexpr is None:
            return _opaque(node)
        match node.kind:
            case A_Expr_Kind.AEXPR_OP | A_Expr_Kind.AEXPR_LIKE | A_Expr_Kind.AEXPR_ILIKE:
                return self._compare(operator[0], value(node.lexpr), value(node.rexpr), node)
            case A_Expr_Kind.AEXPR_NOT_DISTINCT:
                return self._not_distinct(value(node.lexpr), value(node.rexpr), node)
            case A_Expr_Kind.AEXPR_DISTINCT:
                return Not(self._not_distinct(value(node.lexpr), value(node.rexpr), node))
            case A_Expr_Kind.AEXPR_OP_ANY if operator[0] == "=":
                return self._any(value(node.lexpr), node.rexpr, node)
            case _:
                return _opaque(node)

    def _compare(self, operator: str, left: Scalar, right: Scalar, node: Node) -> Formula:
        if operator not in _COMPARISONS:
            return _opaque(node)
        # Every comparison is strict: NULL on a side makes it NULL.
        if Known(None) in (left, right):
            return NULL
        equal = operator == "="
        result: Formula = _opaque(node, left, right)
        match left, right:
            case (Known(a), Known(b)) if operator in _EITHER_WAY and type(a) is type(b):
                result = Constant((a == b) is equal)
            case (CurrentRole(a), Known(b)) | (Known(b), CurrentRole(a)) if operator in _EITHER_WAY and isinstance(
                b, str
            ):
                result = Constant((a == b) is equal)
            case (CurrentRole(personal=True), Column() as row) | (Column() as row, CurrentRole(personal=True)) if equal:
                result = _tie(row, node)
            case (Identity(personal=True) as mine, other) if equal and mine == other:
                result = TRUE
            case (Identity(), Column() | Row() as row) | (Column() | Row() as row, Identity()) if equal:
                result = _tie(row, node)
            case (Identity(), Known() | Literal()) | (Known() | Literal(), Identity()) if equal:
                # No policy names an ordinary user's id, and what the server gave it is not what it gave the staff.
                # A claim may also be absent: then this is NULL, so what is left is false or NULL.
                result = And((NULL, Atom(AtomKind.OPAQUE, tree.text(node))))
            case (Chosen(), Known() | Literal()) | (Known() | Literal(), Chosen()):
                result = Atom(AtomKind.CHOSEN, tree.text(node), free=True)
            case (Column() as column, other) if column == other:
                result = _same(column, operator, node)
            case (Column() as column, Known() | Literal() | Clock()) | (
                Known() | Literal() | Clock(),
                Column() as column,
            ):
                free = column.free and (operator in _EITHER_WAY or Clock() in (left, right))
                result = _content(column, tree.text(node), free=free, nullable=column.nullable)
            case _:
                pass
        return result

    def _not_distinct(self, left: Scalar, right: Scalar, node: Node) -> Formula:
        result: Formula = _opaque(node, left, right, nullable=False)
        match left, right:
            case (Known(a), Known(b)) if a is None or b is None or type(a) is type(b):
                result = Constant(a == b)
            case (Known(None), Column() as column) | (Column() as column, Known(None)):
                result = _is_null(column, node)
            case (Known(None), Identity(personal=True)) | (Identity(personal=True), Known(None)):
                result = FALSE
            case (Identity(personal=True), Column() as column) | (Column() as column, Identity(personal=True)):
                columns = frozenset({column.number})
                result = Atom(AtomKind.TIE, tree.text(node), columns, nullable=False, free=True)
            case _:
                pass
        return result

    def _any(self, left: Scalar, right: Node, node: Node) -> Formula:
        """`left = ANY (right)`, which is also how IN with a list comes back."""
        while isinstance(right, ast.TypeCast):
            right = right.arg
        if isinstance(right, ast.A_ArrayExpr):
            items = [self._values.of(one) for one in right.elements or ()]
            if isinstance(left, Column) and items and all(isinstance(one, Known | Literal) for one in items):
                # One atom, not one an item: they exclude one another.
                free = Known(None) not in items and _either_way(left, items)
                return _content(left, tree.text(node), free=free, nullable=left.nullable)
            return Or(tuple(self._compare("=", left, one, node) for one in items)) if items else FALSE
        inner = self._values.of(right)
        if left == Known(None):
            # NULL = ANY of an empty array is false, of any other array NULL: never true, either way.
            return And((NULL, _opaque(node)))
        if isinstance(left, Identity) and isinstance(inner, Column):
            return Atom(AtomKind.TIE, tree.text(node), frozenset({inner.number}), free=True)
        return _opaque(node, left, inner)

    def _null_test(self, node: Node) -> Formula:
        value = self._values.of(node.arg)
        is_null: Formula = _opaque(node.arg, value, text=f"{tree.text(node.arg)} IS NULL", nullable=False)
        match value:
            case Known(known):
                is_null = Constant(known is None)
            case Literal() | Clock() | Identity(personal=True):
                is_null = FALSE
            case Claims(()) if self._scope.persona.claims:
                is_null = FALSE
            case Column():
                is_null = _is_null(value, node.arg)
            case _:
                pass
        return is_null if node.nulltesttype == NullTestType.IS_NULL else Not(is_null)

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
            return NULL if self._never_a_row(node.subselect) else _opaque(node)
        # `operName` is absent for IN and for `= ANY`; both are false over no row, whatever stands on the left.
        if node.subLinkType in {SubLinkType.EXISTS_SUBLINK, SubLinkType.ANY_SUBLINK}:
            if self._never_a_row(node.subselect):
                return FALSE
            if node.subLinkType == SubLinkType.ANY_SUBLINK and self._values.of(node.testexpr) == Known(None):
                return And((NULL, _opaque(node)))
        return _opaque(node)

    def _helper(self, node: Node) -> Formula:
        """A function of the project whose body is one expression or one query, in the place of its call."""
        body = self._scope.helpers[tree.name(node.funcname)]
        parsed = tree.statements(body)
        if not parsed or len(parsed) != 1:
            return _opaque(node)
        target, inner = tree.lone_target(parsed[0]), self._within()
        if target is not None:
            answer = decide(parse_node(target, inner, self._depth + 1))
            never = answer.at_most is Reach.NONE
        else:
            never = self._never_a_row(parsed[0])
        # Its arguments are not followed, so only a body that is never true, whatever they are, says anything.
        return And((NULL, _opaque(node))) if never else _opaque(node)

    def _never_a_row(self, select: Node) -> bool:
        """Whether a query yields no row for this persona whatever the tables hold: its WHERE is never true."""
        if not isinstance(select, ast.SelectStmt) or select.whereClause is None or not select.fromClause:
            return False
        if select.groupClause or select.havingClause or select.larg or select.valuesLists or _may_aggregate(select):
            return False
        return decide(parse_node(select.whereClause, self._within(), self._depth + 1)).at_most is Reach.NONE

    def _within(self) -> Scope:
        return Scope(self._scope.persona, trusted=self._scope.trusted, helpers=self._scope.helpers)

    @staticmethod
    def _as_boolean(value: Scalar, node: Node) -> Formula:
        match value:
            case Known(bool() | None as known):
                return Constant(known)
            case Column(boolean=True):
                return _content(value, tree.text(node), free=value.free, nullable=value.nullable)
            case Chosen():
                return Atom(AtomKind.CHOSEN, tree.text(node), free=True)
            case _:
                return _opaque(node, value)


def _tie(row: Column | Row, node: Node) -> Formula:
    if isinstance(row, Column):
        return Atom(AtomKind.TIE, tree.text(node), frozenset({row.number}), free=True)
    # Equal to an identity, yet of no column of this row: not a tie that we understand.
    return Atom(AtomKind.TIE, tree.text(node), row.columns) if row.columns else _opaque(node)


def _content(column: Column, text: str, *, free: bool, nullable: bool) -> Atom:
    return Atom(AtomKind.CONTENT, text, frozenset({column.number}), nullable=nullable, free=free)


def _either_way(column: Column, values: Sequence[Scalar]) -> bool:
    """Whether a row can be found in which the column equals one of the constants, and one in which it does not."""
    if not column.free:
        return False
    if column.allowed is None:
        # A Boolean column has two values, so one constant of the two is either way.
        return not column.boolean or len(set(values)) == 1
    named = {one.value for one in values if isinstance(one, Known) and isinstance(one.value, str)}
    return len(named) == len(set(values)) and bool(named & column.allowed) and not column.allowed <= named


def _same(column: Column, operator: str, node: Node) -> Formula:
    """`id = id`, which the planner turns into IS NOT NULL."""
    if operator not in {"=", "<=", ">="}:
        return _opaque(node, column)
    if not column.nullable:
        return TRUE
    # True or NULL, never false; saying that it may also be false only widens what is tried.
    return _content(column, tree.text(node), free=False, nullable=True)


def _is_null(column: Column, node: Node) -> Formula:
    if not column.nullable:
        return FALSE
    return _content(column, f"{tree.text(node)} IS NULL", free=column.free, nullable=False)


def _opaque(node: Node, *inputs: Scalar, text: str = "", nullable: bool = True) -> Atom:
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
    kind = AtomKind.CONTENT if row_only and columns else AtomKind.OPAQUE
    return Atom(kind, text or tree.text(node), columns, nullable=nullable)


def _may_aggregate(select: Node) -> bool:
    """Whether a query may yield a row without its WHERE being true: any function in its target might aggregate."""
    return any(isinstance(one, ast.FuncCall) for one in tree.walk(select.targetList))
