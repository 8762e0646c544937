"""The values in a predicate: where each comes from, as far as one persona is concerned."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SQLValueFunctionOp, SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.client import NO_ADDRESS, joined
from rlsaudit.policy.columns import INTEGERS, TEXTS
from rlsaudit.policy.scalar import (
    SETTING,
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
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.helpers import Helper
    from rlsaudit.policy.tree import Node

PURE = frozenset(
    {
        "abs", "array_length", "btrim", "cardinality", "char_length", "concat", "concat_ws", "left", "length", "lower",
        "ltrim", "md5", "replace", "reverse", "right", "rtrim", "split_part", "starts_with", "string_to_array",
        "strpos", "substr", "substring", "upper",
    }
)  # fmt: skip
"""Built-in functions that compute from their arguments alone."""
PURE_SUPABASE = frozenset({("storage", "foldername"), ("storage", "filename"), ("storage", "extension")})
_PURE_OPERATORS = frozenset({"||", "->", "->>", "#>", "#>>", "+", "-", "*"})
_NEVER_EMPTY = frozenset({"uuid", "integer", "bigint", "smallint", "numeric", "boolean", "date", "json", "jsonb"})
"""Types of which no value is written as an empty text."""
_CLOCK = frozenset({"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"})
UNDERSTOOD = PURE | _CLOCK | {"current_setting"}
"""The functions of pg_catalog whose meaning is known here; to any other name none is given."""
_CLIENT_SETTINGS = ("request.header", "request.cookie", "request.path", "request.method", "request.query")
CHOSEN_CLAIMS = {
    ("user_metadata",): "user_metadata",
    ("email",): "the e-mail",
    ("phone",): "the phone number",
    ("aal",): "aal",
    ("app_metadata", "provider"): "the provider",
    ("app_metadata", "providers"): "the providers",
}
"""Claims that a user brings about: it writes the first, signs up with the next two, enrols a second factor, and picks
how it signs in."""
_OF_AN_ACCOUNT = frozenset({("email",), ("phone",), ("app_metadata", "provider"), ("app_metadata", "providers")})
"""Those of them that an anonymous sign-in has not got, for it has no account."""
_ADDRESSES = frozenset({("email",), ("phone",)})
_HIGHEST = {("aal",): "aal2"}
"""What one of them is in a session that is all that somebody can bring about."""
SESSION_CLAIMS = frozenset({"amr", "aud", "client_id", "exp", "iat", "is_anonymous", "iss", "jti", "nbf"})
"""Claims that say nothing about who somebody is: of those that the persona does not have nothing is known.

`session_id` is none of them: the server gives it, and no two users the same."""
_TEXT = frozenset({"text", "varchar", "name"})
_INTEGER = re.compile(r"\s*[+-]?\d+\s*")
_KEEPING: Mapping[type[Scalar], frozenset[str]] = {
    Claims: frozenset({"json", "jsonb"}),
    CurrentRole: TEXTS | {"name"},
    Identity: TEXTS | {"uuid"},
    Row: TEXTS,
}
"""Casts that keep apart what was apart, of values that have one of these types already."""
_VIEWS = {"boolean": "boolean", "integer": "integer", "uuid": "uuid"}
_MOST_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean inside an expression.

    `columns` are the row's columns by name, and `relation` the name that may qualify them; within a subquery both are
    empty, and every column is just some column. `trusted` are the helper functions whose meaning is known (`auth.uid`
    and others): left out where their bodies are not what they should be. `helpers` are the project's own functions
    whose body is one query. `caller` is false within one of those: it may run with the rights of its owner, so
    that `current_user` is not the persona's role.

    `role` is whose rights count on the tables that the expression reads (an OID), `database` what is known of those,
    and `path` where names without a schema are looked for: in what the server deparses there are none. `table` is the
    relation that `columns` are numbered in (an OID).
    """

    persona: Persona
    relation: str = ""
    columns: Mapping[str, Column] = field(default_factory=dict)
    trusted: frozenset[tuple[str, ...]] = frozenset()
    helpers: Mapping[tuple[str, ...], Helper] = field(default_factory=dict)
    caller: bool = True
    role: int = 0
    database: Database | None = None
    path: tuple[str, ...] = ()
    table: int = 0


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
                result = self._first_folder(node) or _computed([self.of(node.arg)])
            case _:
                pass
        return result

    def _cast(self, node: Node) -> Scalar:
        inner, target = self.of(node.arg), tree.target(node)
        plain = not tree.modified(node)
        result = _computed([inner])
        match inner:
            case Known(None):
                # Of NULL even a user's own cast could make something, and a domain may refuse it.
                kept = ("." not in target or isinstance(node.arg, ast.A_Const)) and not self._is_domain(target)
                result = inner if kept else Unknown()
            case Known("") if plain and target in _NEVER_EMPTY:
                # A setting that is empty, as it is once it was made: the server refuses, which lets nothing through.
                result = Known(None)
            case Known() | Literal():
                result = _constant_as(inner, target, plain=plain, written=isinstance(node.arg, ast.A_Const))
            case Chosen():
                result = _chosen_as(inner, target if plain else "?")
            case Column() if plain:
                result = _column_as(inner, target)
            case Clock():
                result = inner
            case _ if plain and target in _KEEPING.get(type(inner), frozenset()):
                result = inner
            case _:
                pass
        return result

    def _is_domain(self, target: str) -> bool:
        """Whether a type may be a domain of the project's."""
        database = self._scope.database
        last = target.rpartition(".")[2].strip('"')
        return database is not None and any(
            one.kind == "d" and one.name == last for one in database.catalog.snapshot.types
        )

    def _column(self, node: Node) -> Scalar:
        if not self._scope.relation:
            return Row(frozenset()) if isinstance((node.fields or (None,))[-1], ast.String) else Unknown()
        parts = [one.sval for one in node.fields if isinstance(one, ast.String)]
        if len(parts) != len(node.fields) or (len(parts) > 1 and parts[-2] != self._scope.relation):
            return Unknown()
        return self._scope.columns.get(parts[-1] or "", Unknown())

    def _call(self, node: Node) -> Scalar:
        name, arguments = tree.name(node.funcname), node.args or ()
        result: Scalar = Unknown()
        match name:
            case ("auth", "uid") if name in self._scope.trusted:
                result = self.claim(("sub",))
            case ("auth", "role" | "email" as claim) if name in self._scope.trusted:
                result = self.claim((claim,))
            case ("auth", "jwt") if name in self._scope.trusted:
                result = Claims(())
            case ("current_setting",):
                result = self._setting(arguments)
            case (only,) if only in _CLOCK:
                result = Clock()
            case ("split_part",):
                result = self._split_part(node) or _computed([self.of(one) for one in arguments])
            case (only,) if only in PURE:
                result = _computed([self.of(one) for one in arguments])
            case _ if name in PURE_SUPABASE and name in self._scope.trusted:
                result = _computed([self.of(one) for one in arguments])
            case _:
                pass
        return result

    def _first_folder(self, node: Node) -> Row | None:
        """`(storage.foldername(path))[1]` and `(string_to_array(path, '/'))[1]`."""
        call = node.arg
        if not isinstance(call, ast.FuncCall) or len(node.indirection) != 1:
            return None
        name, first = tree.name(call.funcname), node.indirection[0].uidx
        match name, tuple(call.args or ()):
            case (("storage", "foldername"), (path,)) if name in self._scope.trusted:
                return self._part(node, path, slash=None, first=first, always=False)
            case (("string_to_array",), (path, slash)):
                return self._part(node, path, slash=slash, first=first, always=False)
            case _:
                return None

    def _split_part(self, node: Node) -> Row | None:
        match tuple(node.args or ()):
            case (path, slash, first):
                return self._part(node, path, slash=slash, first=first, always=True)
            case _:
                return None

    def _part(self, node: Node, path: Node, *, slash: Node | None, first: Node, always: bool) -> Row | None:
        """The first part of a column that may hold any path; `always` is whether every path has one."""
        column = self.of(path)
        if self.of(first) != Known(1) or (slash is not None and self.of(slash) != Known("/")):
            return None
        if not isinstance(column, Column) or column.type not in TEXTS or column.view or not column.free:
            return None
        if column.longest is not None or column.allowed is not None:
            return None
        nullable = column.nullable or not always
        return Row(frozenset({column.number}), f"{tree.text(node)} of column {column.number}", nullable)

    def _setting(self, arguments: Sequence[Node]) -> Scalar:
        argument = self.of(arguments[0]) if arguments else Unknown()
        if not isinstance(argument, Known) or not isinstance(argument.value, str):
            return Unknown()
        setting = argument.value.lower()
        # Elsewhere than on Supabase a request has claims where the intent says so.
        if setting == "request.jwt.claims" and (self._scope.trusted or self._scope.persona.claims):
            return Claims(())
        if setting.startswith(_CLIENT_SETTINGS):
            return Chosen(setting)
        if setting == "role" or setting.startswith("request."):
            return Unknown()
        if setting in self._scope.persona.unset:
            return Known(None)
        given = {key.lower(): value for key, value in self._scope.persona.settings.items()}.get(setting)
        if given is None:
            return Unknown()
        return Identity(personal=False, key=f"{SETTING}{setting}") if given.startswith("$") else Known(given)

    def _value_function(self, node: Node) -> Scalar:
        match node.op:
            case (
                SQLValueFunctionOp.SVFOP_CURRENT_USER
                | SQLValueFunctionOp.SVFOP_CURRENT_ROLE
                | SQLValueFunctionOp.SVFOP_USER
            ):
                if not self._scope.caller:
                    return Unknown()
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
            return Claims(path) if operator == "->" else self.claim(path)
        if arrow and isinstance(left, Chosen) and left.view in {"", "?"}:
            if not isinstance(right, Known) or not isinstance(right.value, str):
                return replace(left, view="?")
            # A part of it that is JSON is written otherwise than as a text.
            return replace(left, path=(*left.path, right.value), view="" if operator == "->>" else "?")
        if operator in {"+", "-"} and isinstance(left, Clock) and isinstance(right, Known | Literal):
            return left
        return _computed([left, right]) if operator in _PURE_OPERATORS else Unknown()

    def claim(self, path: tuple[str, ...]) -> Scalar:
        """Returns a claim of this persona as a text: in its token, or given by the server, or picked by the client."""
        if not self._scope.persona.claims:
            return Known(None)
        if self._signed_in and path == ("sub",):
            return Identity(personal=True, key="sub")
        if self._signed_in and (chosen := chosen_claim(self._scope.persona, path)) is not None:
            return Chosen(*chosen)
        value: Any = self._scope.persona.claims
        for step in path:
            if value is not None and not isinstance(value, dict):
                return Unknown()
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return Known("true" if value else "false")
        if isinstance(value, str):
            # As in the settings: `$tenant` stands for what the server gives, and differs from user to user.
            return Identity(personal=False, key=joined(path)) if value.startswith("$") else Known(value)
        if value is not None:
            return Unknown()
        if self._signed_in and path[0] in SESSION_CLAIMS:
            return Unknown()
        # A hook or the service may give signed-in users claims that we do not know; those of the anon key are fixed.
        known = not self._signed_in or is_settled(self._scope.persona, path)
        return Known(None) if known else Identity(personal=False, key=joined(path))


def chosen_claim(persona: Persona, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Returns what a signed-in persona brings about itself and the path into that; None for any other claim.

    That it has no address is among it: whether rows are there that have none either is not for a policy to say.
    """
    for length in (1, 2):
        source = CHOSEN_CLAIMS.get(path[:length])
        if source is not None and not is_settled(persona, path):
            return source, path[length:]
    return (NO_ADDRESS, ()) if path in _ADDRESSES and is_settled(persona, path) else None


def is_settled(persona: Persona, path: tuple[str, ...]) -> bool:
    """Whether a claim that a user could bring about is what the persona's token says, for good."""
    if persona.claims.get("is_anonymous") is True and not _OF_AN_ACCOUNT.isdisjoint((path[:1], path[:2])):
        return True
    return path in _HIGHEST and persona.claims.get(path[0]) == _HIGHEST[path]


def is_stable(node: Node, scope: Scope) -> bool:
    """Whether an expression surely has the same value wherever it stands in one statement."""
    return all(
        (name in scope.trusted or (len(name) == 1 and name[0] in UNDERSTOOD)) and name != ("clock_timestamp",)
        for name in tree.mentioned(node).calls
    )


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
        case ast.Float(fval=text):
            return Literal(text or "", "numeric")
        case _:
            return Literal()


def _constant_as(constant: Known | Literal, target: str, *, plain: bool, written: bool) -> Scalar:
    """A cast of a constant that is not NULL. `written` says that it stands there as such, and is read as the type."""
    text = constant.value if isinstance(constant, Known) else constant.text
    if isinstance(text, bool):
        return constant if target == "boolean" else Unknown()
    result: Scalar = Unknown()
    if isinstance(text, str) and isinstance(constant, Known):
        if target in _TEXT | {"character varying"} and plain:
            return constant
        lowered = text.strip().lower()
        if target == "boolean" and lowered in {"true", "false"}:
            return Known(lowered == "true")
        if target in INTEGERS and _INTEGER.fullmatch(text):
            return Known(int(text))
    if isinstance(text, int) and target in INTEGERS and plain:
        return constant
    if written:
        result = Literal(str(text) if plain else "", target)
    elif isinstance(constant, Literal) and constant.type not in {"json", "jsonb"} and "." not in constant.type + target:
        # Since Postgres 18 the JSON null becomes NULL; of a user's cast nothing is known.
        result = Literal("", target)
    return result


def _chosen_as(chosen: Chosen, target: str) -> Chosen:
    if target in TEXTS or target == chosen.view:
        # Of `true`, `t` and `yes` only one is left as a text.
        return chosen if target == chosen.view or not chosen.view else replace(chosen, view="?")
    if target in {"json", "jsonb"} and not chosen.view:
        return replace(chosen, view="?")
    return replace(chosen, view=_VIEWS.get(target, "?") if not chosen.view else "?")


def _column_as(column: Column, target: str) -> Scalar:
    """A cast of a column, as the column where it keeps different values apart."""
    kind, view = column.type, column.view
    keeps = (
        (kind in TEXTS and target in TEXTS and not view)
        or (kind == target and not view)
        or (kind == "" and target in TEXTS | {"uuid"})
    )
    if keeps or (view and view == target):
        return column
    if target in TEXTS and kind in {"uuid", "enum"} and not view:
        return replace(column, view="text")
    if target == "uuid" and kind in TEXTS and not view:
        return replace(column, view="uuid")
    if kind == "domain" and not view:
        return replace(column, view="text" if target in TEXTS else target)
    return Row(frozenset({column.number}))


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
        case Known() | Literal() | Identity(given=True) | Column(nullable=False) as first:
            return first
        case first:
            return first if len(remaining) == 1 else Unknown()


def _nullif(value: Scalar, barred: Scalar) -> Scalar:
    match value, barred:
        case (Identity(given=True), Known(None)):
            return value
        case (Identity(given=True), Known(str() as text)) if not text:
            return value
        case (Claims(()), Known(str() as text)) if not text:
            # As a text they are never empty; where there are none it is NULL instead, and so is all that is read of it.
            return value
        case (Known(a), Known(b)) if a is None or b is None or type(a) is type(b):
            return Known(None) if a == b else value
        case _:
            return Unknown()
