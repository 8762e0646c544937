"""The values in a predicate: where each comes from, as far as one persona is concerned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SQLValueFunctionOp, SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.scalar import (
    Chosen,
    Claims,
    Clock,
    Column,
    CurrentRole,
    Identity,
    Known,
    Literal,
    Row,
    Scalar,
    Unknown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rlsaudit.model import Persona
    from rlsaudit.policy.tree import Node

_PURE = frozenset(
    {
        "abs", "array_length", "btrim", "cardinality", "char_length", "concat", "concat_ws", "left", "length", "lower",
        "ltrim", "md5", "replace", "reverse", "right", "rtrim", "split_part", "starts_with", "string_to_array",
        "strpos", "substr", "substring", "upper",
    }
)  # fmt: skip
"""Built-in functions that compute from their arguments alone."""
_PURE_SUPABASE = frozenset({("storage", "foldername"), ("storage", "filename"), ("storage", "extension")})
_PURE_OPERATORS = frozenset({"||", "->", "->>", "#>", "#>>", "+", "-", "*"})
_CLOCK = frozenset({"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"})
_CLIENT_SETTINGS = ("request.header", "request.cookie", "request.path", "request.method", "request.query")
_CHOSEN_CLAIMS = {"user_metadata": "user_metadata", "email": "the e-mail", "phone": "the phone number", "aal": "aal"}
"""Claims that a user brings about: it writes the first, signs up with the next two, and enrols a second factor."""
_TEXT = frozenset({"text", "varchar", "name"})
_MOST_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean inside an expression.

    `columns` are the row's columns by name, and `relation` the name that may qualify them; within a subquery both are
    empty, and every column is just some column. `trusted` are the helper functions whose meaning is known (`auth.uid`
    and others): left out where their bodies are not what they should be. `helpers` are the bodies of the project's own
    functions that are one query.
    """

    persona: Persona
    relation: str = ""
    columns: Mapping[str, Column] = field(default_factory=dict)
    trusted: frozenset[tuple[str, ...]] = frozenset()
    helpers: Mapping[tuple[str, ...], str] = field(default_factory=dict)


class Values:
    """Reads values in one scope. `never_a_row` tells whether a subquery yields nothing, whatever the tables hold."""

    def __init__(self, scope: Scope, never_a_row: Callable[[Node], bool]) -> None:
        self._scope = scope
        self._signed_in = "sub" in scope.persona.claims
        self._never_a_row = never_a_row
        self._depth = 0

    def of(self, node: Node) -> Scalar:
        """Returns where the value of the expression `node` comes from."""
        self._depth += 1
        try:
            return self._of(node) if self._depth <= _MOST_DEPTH else Unknown()
        finally:
            self._depth -= 1

    def _of(self, node: Node) -> Scalar:
        result: Scalar = Unknown()
        match node:
            case ast.A_Const():
                result = _constant(node)
            case ast.TypeCast():
                result = self._cast(node)
            case ast.ColumnRef():
                result = self._column(node)
            case ast.FuncCall():
                result = self._call(node)
            case ast.SQLValueFunction():
                result = self._value_function(node)
            case ast.CoalesceExpr():
                result = _coalesce([self.of(one) for one in node.args or ()])
            case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP) if node.lexpr is not None:
                result = self._operator(node)
            case ast.A_Expr(kind=A_Expr_Kind.AEXPR_NULLIF):
                result = _nullif(self.of(node.lexpr), self.of(node.rexpr))
            case ast.SubLink(subLinkType=SubLinkType.EXPR_SUBLINK):
                target = tree.lone_target(node.subselect)
                if target is not None:
                    result = self.of(target)
                elif self._never_a_row(node.subselect):
                    result = Known(None)
            case ast.A_Indirection() if all(_constant_index(one) for one in node.indirection or ()):
                result = _computed([self.of(node.arg)])
            case _:
                pass
        return result

    def _cast(self, node: Node) -> Scalar:
        inner, target = self.of(node.arg), tree.type_name(node)
        plain = not node.typeName.typmods
        match inner:
            case Known(None) | Clock() | Unknown() | Chosen():
                return inner
            case Known(str() as value):
                return _known_text(value, target) if plain else Literal()
            case Known(bool()) if target == "bool":
                return inner
            case Known() | Literal():
                return Literal()
            case Identity() | Column() if plain and target in {"text", "uuid"}:
                # One to one for the types that identities have; other types lose the tie, never the columns.
                return inner
            case Claims() if target in {"json", "jsonb"}:
                return inner
            case _:
                return _computed([inner])

    def _column(self, node: Node) -> Scalar:
        if not self._scope.relation:
            return Row(frozenset())
        parts = [one.sval for one in node.fields if isinstance(one, ast.String)]
        if len(parts) != len(node.fields) or (len(parts) > 1 and parts[-2] != self._scope.relation):
            return Unknown()
        return self._scope.columns.get(parts[-1] or "", Unknown())

    def _call(self, node: Node) -> Scalar:
        name, arguments = tree.name(node.funcname), node.args or ()
        result: Scalar = Unknown()
        match name:
            case ("auth", "uid") if name in self._scope.trusted:
                result = self._claim(("sub",))
            case ("auth", "role" | "email" as claim) if name in self._scope.trusted:
                result = self._claim((claim,))
            case ("auth", "jwt") if name in self._scope.trusted:
                result = Claims(())
            case ("current_setting",):
                result = self._setting(arguments)
            case (only,) if only in _CLOCK:
                result = Clock()
            case (only,) if only in _PURE:
                result = _computed([self.of(one) for one in arguments])
            case _ if name in _PURE_SUPABASE and name in self._scope.trusted:
                result = _computed([self.of(one) for one in arguments])
            case _:
                pass
        return result

    def _setting(self, arguments: Sequence[Node]) -> Scalar:
        argument = self.of(arguments[0]) if arguments else Unknown()
        if not isinstance(argument, Known) or not isinstance(argument.value, str):
            return Unknown()
        setting = argument.value.lower()
        if setting == "request.jwt.claims" and self._scope.trusted:
            return Claims(())
        if setting.startswith(_CLIENT_SETTINGS):
            return Chosen(setting)
        given = {key.lower(): value for key, value in self._scope.persona.settings.items()}.get(setting)
        if given is None:
            return Unknown()
        return Identity(personal=False, key=f"setting {setting}") if given.startswith("$") else Known(given)

    def _value_function(self, node: Node) -> Scalar:
        match node.op:
            case (
                SQLValueFunctionOp.SVFOP_CURRENT_USER
                | SQLValueFunctionOp.SVFOP_CURRENT_ROLE
                | SQLValueFunctionOp.SVFOP_USER
            ):
                # With claims, many users share the role; without, the role is who somebody is.
                return CurrentRole(self._scope.persona.role, personal=not self._scope.persona.claims)
            case SQLValueFunctionOp.SVFOP_SESSION_USER:
                return Unknown()
            case SQLValueFunctionOp.SVFOP_CURRENT_CATALOG | SQLValueFunctionOp.SVFOP_CURRENT_SCHEMA:
                return Unknown()
            case _:
                return Clock()

    def _operator(self, node: Node) -> Scalar:
        operator = tree.name(node.name)[-1] if len(tree.name(node.name)) == 1 else ""
        left, right = self.of(node.lexpr), self.of(node.rexpr)
        arrow = operator in {"->", "->>"}
        if arrow and isinstance(left, Claims):
            if not isinstance(right, Known) or not isinstance(right.value, str):
                return Unknown()
            path = (*left.path, right.value)
            return Claims(path) if operator == "->" else self._claim(path)
        if arrow and isinstance(left, Chosen):
            return left
        if operator in {"+", "-"} and isinstance(left, Clock) and isinstance(right, Known | Literal):
            return left
        return _computed([left, right]) if operator in _PURE_OPERATORS else Unknown()

    def _claim(self, path: tuple[str, ...]) -> Scalar:
        """A claim of this persona: in its token, given by the server, or brought about by the client."""
        if not self._scope.persona.claims:
            return Known(None)
        if self._signed_in and path == ("sub",):
            return Identity(personal=True, key="sub")
        if self._signed_in and path[0] in _CHOSEN_CLAIMS:
            return Chosen(_CHOSEN_CLAIMS[path[0]])
        value: Any = self._scope.persona.claims
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return Known("true" if value else "false")
        if isinstance(value, str):
            return Known(value)
        if value is not None:
            return Unknown()
        # A hook or the service may give signed-in users claims that we do not know; those of the anon key are fixed.
        return Identity(personal=False, key=".".join(path)) if self._signed_in else Known(None)


def _constant(node: Node) -> Scalar:
    if node.isnull:
        return Known(None)
    match node.val:
        case ast.String(sval=text):
            return Known(text)
        case ast.Boolean():
            return Known(bool(node.val.boolval))
        case ast.Integer():
            return Known(int(node.val.ival or 0))
        case _:
            return Literal()


def _known_text(value: str, target: str) -> Scalar:
    if target in _TEXT:
        return Known(value)
    if target == "bool":
        lowered = value.strip().lower()
        return Known(lowered == "true") if lowered in {"true", "false"} else Unknown()
    return Literal()


def _constant_index(node: Node) -> bool:
    return isinstance(node, ast.A_Indices) and isinstance(node.uidx, ast.A_Const) and not node.is_slice


def _computed(inputs: Sequence[Scalar]) -> Scalar:
    """What a built-in function makes of `inputs`: of the row where all come from it or are constant."""
    columns: frozenset[int] = frozenset()
    for one in inputs:
        match one:
            case Column(number):
                columns |= {number}
            case Row(more):
                columns |= more
            case Literal() | Known():
                pass
            case _:
                return Unknown()
    return Row(columns) if any(isinstance(one, Column | Row) for one in inputs) else Unknown()


def _coalesce(inputs: Sequence[Scalar]) -> Scalar:
    remaining = [one for one in inputs if one != Known(None)]
    if not remaining:
        return Known(None)
    match remaining[0]:
        case Known() | Literal() | Identity(personal=True) | Column(nullable=False) as first:
            return first
        case first:
            return first if len(remaining) == 1 else Unknown()


def _nullif(value: Scalar, barred: Scalar) -> Scalar:
    match value, barred:
        case (Identity(personal=True), Known() | Literal()):
            return value
        case (Known(a), Known(b)) if a is None or b is None or type(a) is type(b):
            return Known(None) if a == b else value
        case _:
            return Unknown()
