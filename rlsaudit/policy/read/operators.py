"""Operators between two values: what type comes out, and which type a constant takes from the other side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import BOOLEAN, INTEGER, TEXT, UNKNOWN, Call, Const, Expr, Type, type_of
from rlsaudit.policy.read import constants, types
from rlsaudit.policy.read.here import LostError

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here

COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
PATTERNS = frozenset({"~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "^@"})
_CONTAINMENT = frozenset({"@>", "<@", "&&"})
_KEYS = frozenset({"?", "?|", "?&"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_JSON = frozenset({"->", "->>", "#>", "#>>"})
KNOWN = COMPARISONS | PATTERNS | _CONTAINMENT | _KEYS | _ARITHMETIC | _JSON | {"||"}
_SPELT = {"!=": "<>"}
_TEXTS = Type("text[]")


def binary(name: str, left: Expr, right: Expr, here: Here) -> Expr:
    """Returns `left name right`.

    Raises:
        LostError: it is not known what that means.
    """
    name = _SPELT.get(name, name)
    if name not in KNOWN or here.redefines(name):
        raise LostError(f"uses the operator {name}")
    if types.is_collated(left) or types.is_collated(right):
        raise LostError(f"uses the operator {name} with a collation that is not followed")
    left, right = _settled(name, left, right, here)
    a, b = (types.base(type_of(one), here.scope) for one in (left, right))
    if types.is_foreign(a) or types.is_foreign(b):
        raise LostError(f"uses the operator {name} of an extension's type")
    if "c" in {a.kind, b.kind}:
        raise LostError("compares whole rows")
    return Call(name, (left, right), _result(name, a, b))


def negative(value: Expr, here: Here) -> Expr:
    """Returns `- value`."""
    if here.redefines("-"):
        raise LostError("uses the operator -")
    if isinstance(value, Const) and value.value is not None and types.is_number(value.type):
        text = value.value
        return Const(text[1:] if text.startswith("-") else text if text == "0" else f"-{text}", value.type)
    return Call("-", (value,), type_of(value))


def _settled(name: str, left: Expr, right: Expr, here: Here) -> tuple[Expr, Expr]:
    """Both sides with types: what a constant of no type is depends on the other side."""
    a, b = type_of(left), type_of(right)
    if name in PATTERNS:
        return constants.as_type(left, TEXT, here), constants.as_type(right, TEXT, here)
    if name in {"->", "->>"}:
        return left, constants.as_type(right, TEXT, here)
    if name in {"#>", "#>>", "?|", "?&"}:
        return left, constants.as_type(right, _TEXTS, here)
    if name == "?":
        return left, constants.as_type(right, TEXT, here)
    if name == "||" and not any(types.is_array(one) or one.name in types.JSON for one in (a, b)):
        return constants.as_type(left, TEXT, here), constants.as_type(right, TEXT, here)
    both = a == UNKNOWN and b == UNKNOWN
    left = constants.as_type(left, TEXT if both else _beside(name, b), here)
    return left, constants.as_type(right, TEXT if both else _beside(name, a), here)


def _beside(name: str, other: Type) -> Type:
    """The type of a constant beside a value of type `other`."""
    if name in _ARITHMETIC and (types.is_moment(other) or other == types.INTERVAL):
        # `now() - '1 day'` is read as a difference of moments, which fails; as an interval it works beside a date.
        return types.INTERVAL if other == types.INTERVAL else other
    if name == "-" and other.name == "jsonb":
        return TEXT
    return TEXT if other.name == "character varying" else other


def _result(name: str, a: Type, b: Type) -> Type:
    result = BOOLEAN
    if name in {"->>", "#>>"}:
        result = TEXT
    elif name in {"->", "#>"}:
        result = a
    elif name == "||":
        result = next((one for one in (a, b) if types.is_array(one) or one.name == "jsonb"), TEXT)
    elif name in _ARITHMETIC:
        result = _arithmetic(name, a, b)
    return result


def _arithmetic(name: str, a: Type, b: Type) -> Type:
    if types.is_number(a) and types.is_number(b):
        return types.common((a, b))
    moments = [one for one in (a, b) if types.is_moment(one)]
    if len(moments) > 1 and name == "-":
        return INTEGER if a.name == b.name == "date" else types.INTERVAL
    if len(moments) == 1:
        other = b if moments[0] is a else a
        if moments[0].name == "date":
            return moments[0] if types.is_whole(other) else Type("timestamp without time zone")
        return moments[0]
    if types.INTERVAL in (a, b):
        return types.INTERVAL
    return a if a.name == "jsonb" else UNKNOWN
