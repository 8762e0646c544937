"""What the solver takes built-in calls for: which compare, count or cast as it does, and which tell rows apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import z3

from rlsaudit.policy.expr import Call, Const, Expr, Given, Type, type_of, walk
from rlsaudit.policy.proof.values import Family, Term, family
from rlsaudit.policy.values import PURE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rlsaudit.policy.proof.afresh import Solved

ORDERS: Mapping[str, Callable[[Solved, Solved], Solved]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
SUMS: Mapping[str, Callable[[Solved, Solved], Solved]] = {"+": lambda a, b: a + b, "-": lambda a, b: a - b}
_NUMBERS = frozenset({Family.WHOLE, Family.REAL})
_EXACT: Mapping[str, tuple[str, ...]] = {
    "smallint": ("numeric", "double precision", "real"),
    "integer": ("numeric", "double precision"),
    "bigint": ("numeric",),
}
"""By the type of whole numbers, the types of others that have each of them."""
_STRICT_FUNCTIONS = frozenset(f"{one}()" for one in PURE - {"concat", "concat_ws"})
STRICT = _STRICT_FUNCTIONS | {
    *("=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "~*", "!~", "!~*", "+", "-", "*", "/", "%"),
    *("->", "->>", "#>", "#>>", "@>", "<@", "&&", "[]"),
}
"""Calls that are NULL of a NULL, beside casts. That `x = ANY (array)` is not: over an empty array it is false."""
TELLING: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "= ANY": ((0,), (1,)),
    "~~": ((1,), (0,)),
    "~~*": ((1,), (0,)),
    "@>": ((1,), (0,)),
    "<@": ((0,), (1,)),
    "&&": ((0, 1), (1, 0)),
    "starts_with()": ((1,), (0,)),
}
"""Calls that are true only where one argument, an identity, is held by another, a row's: by their places."""
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_LITERAL = re.compile(r"\^?[A-Za-z0-9_/-]*\$?")
_TO_TEXT = frozenset({"::text", "::character varying"})
IMAGES = frozenset({"lower()", "upper()", "btrim()", "||", "ARRAY"})
"""Functions of an id, beside casts, that keep different ids apart."""
PARTS = frozenset({"[]", "->", "->>", "#>", "#>>", "concat()", "concat_ws()", "format()", "md5()", "reverse()"})
"""Others whose value can tell rows apart, for it may hold a whole id of theirs."""
PICKS = frozenset({"array_agg", "jsonb_agg", "json_agg", "max", "min"})
"""Aggregates of which the same is true."""


def as_one_kind(left: Term, right: Term, kinds: Sequence[Family]) -> tuple[Solved, Solved]:
    """Returns two numbers as the same kind of number, whole or real."""
    if kinds[0] is kinds[1]:
        return left.value, right.value
    a, b = (
        z3.ToReal(one.value) if kind is Family.WHOLE else one.value
        for one, kind in zip((left, right), kinds, strict=True)
    )
    return a, b


def _is_exact(whole: Type, number: Type) -> bool:
    """Whether whole numbers of a type are as many others of another type: a large one has no float of its own."""
    return number.name in _EXACT.get(whole.name, ())


def are_numbers(call: Call, kinds: Sequence[Family]) -> bool:
    """Whether both are numbers and are compared as the numbers that they are."""
    if not set(kinds) <= _NUMBERS:
        return False
    return kinds[0] is kinds[1] or _is_exact(*(type_of(one) for one in sorted(call.args, key=_is_real)))


def divisor(expression: Expr) -> int:
    """Returns the size of the whole number that a constant is; 0 where it is none."""
    value = expression.value if isinstance(expression, Const) else None
    return abs(int(value)) if value is not None and _WHOLE_NUMBER.fullmatch(value) else 0


def _is_real(expression: Expr) -> bool:
    return family(type_of(expression)) is Family.REAL


def ordered(call: Call, kinds: Sequence[Family]) -> bool:
    """Whether the server compares both as the solver does: as numbers that they are, or as moments of one type."""
    if are_numbers(call, kinds):
        return True
    return set(kinds) == {Family.MOMENT} and type_of(call.args[0]) == type_of(call.args[1])


def is_whole_cast(call: Call) -> bool:
    """Whether it is a cast that leaves out nothing: not one to a shorter text, to a date or to a Boolean."""
    kept = {Family.NAME, Family.WHOLE, Family.OTHER}
    return call.name == f"::{call.type.name}" and family(call.type) in kept and call.type.name != '"char"'


def is_plain_pattern(call: Call) -> bool:
    """Whether it is a regular expression that a text matches only if it holds what the pattern is made of."""
    return call.name in {"~", "~*"} and all(
        isinstance(one, Given) or (isinstance(one, Const) and _LITERAL.fullmatch(one.value or "") is not None)
        for one in walk(call.args[1])
        if not (isinstance(one, Call) and (one.name == "||" or one.name in _TO_TEXT))
    )


def keeps(call: Call, kind: Family, inner: Term) -> bool:
    """Whether a cast changes no value, as the solver tells them apart."""
    target = family(call.type)
    if call.name != f"::{call.type.name}":
        # Its modifiers may cut the value short.
        return False
    if inner.identity and target is kind is Family.NAME:
        # An id is a uuid in its own form.
        return True
    if kind is Family.WHOLE:
        return _is_exact(type_of(call.args[0]), call.type) or call.name in {"::bigint", "::integer"}
    if kind is not target:
        return False
    if kind is Family.NAME:
        # To text and its like; the other way a value may not exist, or another text may mean the same.
        return call.type.kind != "e" and call.type.name in {"text", "character varying"}
    return kind is Family.TRUTH or call.type == type_of(call.args[0])
