"""What a request brings along: claims, settings, the role and the time, as `values` tells them apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SQLValueFunctionOp, SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.client import joined, key_of
from rlsaudit.policy.columns import TEXTS
from rlsaudit.policy.expr import (
    TEXT,
    UNKNOWN,
    UUID,
    Call,
    Case,
    Const,
    Expr,
    Given,
    IsNull,
    Not,
    Opaque,
    Type,
    Who,
    type_of,
)
from rlsaudit.policy.read import constants, types
from rlsaudit.policy.read.here import LostError
from rlsaudit.policy.read.opaque import opaque
from rlsaudit.policy.scalar import Chosen, Claims, CurrentRole, Identity, Known
from rlsaudit.policy.values import SESSION_CLAIMS, Values, chosen_claim, is_settled

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here
    from rlsaudit.policy.scalar import Scalar
    from rlsaudit.policy.tree import Node

_AUTH: dict[tuple[str, ...], Type] = {
    ("auth", "uid"): UUID,
    ("auth", "role"): TEXT,
    ("auth", "email"): TEXT,
    ("auth", "jwt"): Type("jsonb"),
}
_SETTING = ("current_setting",)
_NOW = {"now": "now", "transaction_timestamp": "now", "statement_timestamp": "statement"}
"""The clocks of one statement; `clock_timestamp` goes on while it runs."""
_CURRENT = {
    SQLValueFunctionOp.SVFOP_CURRENT_TIMESTAMP: types.CLOCK,
    SQLValueFunctionOp.SVFOP_CURRENT_DATE: Type("date"),
    SQLValueFunctionOp.SVFOP_CURRENT_TIME: Type("time with time zone"),
    SQLValueFunctionOp.SVFOP_LOCALTIMESTAMP: Type("timestamp without time zone"),
    SQLValueFunctionOp.SVFOP_LOCALTIME: Type("time without time zone"),
}
_ROLE = frozenset(
    {SQLValueFunctionOp.SVFOP_CURRENT_USER, SQLValueFunctionOp.SVFOP_CURRENT_ROLE, SQLValueFunctionOp.SVFOP_USER}
)
_MOST_STEPS = 50
_MARK = "claims "
"""What the key of a part of the claims begins with, before the path to it as JSON."""
_WORDS = TEXTS | {"unknown"}
_PATH = Type("text[]")


def given(node: Node, here: Here) -> Expr | None:
    """Returns `node` where it is a value of the request as a whole, None where it has to be taken apart."""
    if isinstance(node, ast.SQLValueFunction):
        return _value_function(node, here)
    kind = _kind(node, here)
    if kind is None:
        return None
    whole = not isinstance(node, ast.TypeCast)
    match Values(here.scope, lambda _: False).of(node):
        case Claims(()) if isinstance(node, ast.FuncCall):
            return _lost((), "reads the claims as a whole", kind, nullable=not here.scope.persona.claims)
        case Claims((_, *_) as path) if kind.name in types.JSON and whole:
            return _part(tuple(path), kind, here)
        case Chosen(view="") as value if not whole:
            return None
        case value:
            return _as_text(value, kind, here)


def of_claims(value: Expr, step: Expr, name: str, here: Here) -> Expr | None:
    """Returns `value -> step` or `value ->> step` where `value` is the claims or a part of them; None where it is not.

    However the claims got there: through a function of the project, or with a word for there being none.
    """
    if name in {"#>", "#>>"}:
        return _along(value, step, name, here)
    if name not in {"->", "->>"} or not isinstance(step, Const) or step.value is None or step.type.name not in _WORDS:
        return None
    kind = TEXT if name == "->>" else type_of(value)
    match _claims(value):
        case Opaque(key) if key.startswith(_MARK):
            path = (*json.loads(key.removeprefix(_MARK)), step.value)
            if name == "->":
                return _part(path, kind, here)
            return _as_text(Values(here.scope, lambda _: False).claim(path), TEXT, here)
        case Given(Who.SERVER | Who.CLIENT as who, key, of) if of.name in types.JSON and key:
            return Given(who, f"{key}.{joined((step.value,))}", kind, nullable=True)
        case _:
            return None


def _along(value: Expr, path: Expr, name: str, here: Here) -> Expr | None:
    """`value #> path`, which is one step after the other; the last one says whether a text comes of it."""
    steps = constants.items(constants.as_type(path, _PATH, here), here)
    if not steps or any(not isinstance(one, Const) or one.value is None for one in steps):
        return None
    found: Expr | None = value
    for number, one in enumerate(steps, start=1):
        arrow = "->>" if number == len(steps) and name == "#>>" else "->"
        found = None if found is None else of_claims(found, one, arrow, here)
    return found


def _claims(value: Expr) -> Expr:
    """What JSON is made of, where what is made of it has the same keys."""
    match value:
        case Call("::json" | "::jsonb", (inner,)):
            return _claims(_as_json(inner))
        case Case(((Call("=", (inner, Const(""))), Const(None)),), same) if inner == same:
            return _claims(inner)
        case Case(((Not(IsNull(inner)), same),), Const("{}" | None)) if inner == same:
            return _claims(inner)
        case _:
            return value


def _as_json(value: Expr) -> Expr:
    """A claim that was read as a text and is JSON again: the same, of those that are surely objects."""
    match value:
        case Call("->>", (whole, Const("app_metadata" | "user_metadata" as claim))):
            claims = _claims(whole)
            if isinstance(claims, Opaque) and claims.key == f"{_MARK}{json.dumps(())}":
                return _lost((claim,), f"reads {claim} as a whole", claims.type, nullable=False)
        case _:
            pass
    return value


def _as_text(value: Scalar, kind: Type, here: Here) -> Expr | None:
    match value:
        case Known(known):
            text = ("true" if known else "false") if isinstance(known, bool) else known
            return constants.cast(Const(None if text is None else str(text), TEXT), kind, here)
        case Identity(personal=True, key="sub"):
            return Given(Who.IDENTITY, "sub", UUID if kind == UUID else TEXT, nullable=False)
        case Identity(personal=False, key=key, given=there):
            return constants.cast(Given(Who.SERVER, key, TEXT, nullable=not there), kind, here)
        case Chosen(source, path, view=""):
            return Given(Who.CLIENT, key_of(source, tuple(path)), TEXT, nullable=True)
        case _:
            return None


def clock(name: str) -> Given | None:
    """Returns the time that a function tells, None for any other function."""
    return Given(Who.CLOCK, _NOW[name], types.CLOCK, nullable=False) if name in _NOW else None


def _value_function(node: Node, here: Here) -> Expr:
    if node.op in _CURRENT:
        now = Given(Who.CLOCK, "now", types.CLOCK, nullable=False)
        return constants.cast(now, _CURRENT[node.op], here)
    if node.op in _ROLE:
        return _current_role(node, here)
    return opaque(node, here, f"asks for {tree.text(node).lower()}", types.NAME, nullable=False)


def _current_role(node: Node, here: Here) -> Expr:
    if here.user and here.scope.database is not None:
        return Const(here.scope.database.catalog.roles[here.user].name, types.NAME)
    match Values(here.scope, lambda _: False).of(node):
        case CurrentRole(name, personal=False):
            return Const(name, types.NAME)
        case CurrentRole():
            return Given(Who.IDENTITY, "role", types.NAME, nullable=False)
        case _:
            return opaque(node, here, "asks for the current role", types.NAME, nullable=False)


def _part(path: tuple[str, ...], kind: Type, here: Here) -> Expr:
    """A part of the claims, as JSON."""
    claims = here.scope.persona.claims
    value: Any = claims
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if "sub" not in claims:
        return Const(None if value is None else json.dumps(value), kind)
    if path == ("sub",) or (path[0] in SESSION_CLAIMS and value is None):
        return _lost(path, "reads a claim of the session as JSON", kind)
    if path == ("app_metadata",):
        # Some of it is given by the server and some is not.
        return _lost(path, "reads app_metadata as a whole", kind, nullable=False)
    chosen = chosen_claim(here.scope.persona, path)
    if chosen is not None:
        return Given(Who.CLIENT, key_of(*chosen), kind, nullable=True)
    if isinstance(value, dict | list):
        return _lost(path, "reads several claims as a whole", kind)
    if value is None and is_settled(here.scope.persona, path):
        return Const(None, kind)
    if value is not None and not (isinstance(value, str) and value.startswith("$")):
        # What the persona has is known; `$tenant` stands for what the server gives.
        return Const(json.dumps(value), kind)
    return Given(Who.SERVER, joined(path), kind, nullable=True)


def _lost(path: tuple[str, ...], reason: str, kind: Type, *, nullable: bool = True) -> Opaque:
    return Opaque(f"{_MARK}{json.dumps(path)}", reason, kind, nullable=nullable)


def _kind(node: Node, here: Here) -> Type | None:
    """The type of a value of the request; None where it is not made of such a value."""
    casts: list[Node] = []
    for _ in range(_MOST_STEPS):
        match node:
            case ast.TypeCast():
                casts.append(node)
                node = node.arg
            case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP) if tree.name(node.name) in {("->",), ("->>",)}:
                casts.append(node)
                node = node.lexpr
            case ast.A_Expr(kind=A_Expr_Kind.AEXPR_NULLIF):
                node = node.lexpr
            case ast.CoalesceExpr():
                node = (node.args or (None,))[0]
            case ast.SubLink(subLinkType=SubLinkType.EXPR_SUBLINK):
                node = tree.lone_target(node.subselect)
            case ast.FuncCall():
                return _through(casts, _of_call(tree.name(node.funcname), here), here)
            case _:
                return None
    return None


def _of_call(name: tuple[str, ...], here: Here) -> Type | None:
    if name in here.scope.trusted:
        return _AUTH.get(name)
    if name != _SETTING:
        return None
    if here.redefines("current_setting"):
        raise LostError("calls current_setting, which may be a function of the project")
    return TEXT


def _through(steps: list[Node], kind: Type | None, here: Here) -> Type | None:
    for step in reversed(steps):
        if kind is None:
            break
        if isinstance(step, ast.A_Expr):
            kind = TEXT if tree.name(step.name) == ("->>",) else kind
        else:
            found = types.of_cast(step, here.scope)
            if found is None or found[0] == UNKNOWN:
                return None
            kind = found[0]
    return kind
