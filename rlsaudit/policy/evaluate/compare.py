"""Equality and order of two values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from rlsaudit.policy.columns import INTEGERS, TEXTS
from rlsaudit.policy.evaluate import documents, moments
from rlsaudit.policy.evaluate.values import Endless, Interval, Json, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.policy.evaluate.values import Result, State, Value
    from rlsaudit.policy.expr import Type

_EQUALITY, _ORDER = frozenset({"=", "<>"}), frozenset({"<", "<=", ">", ">="})
OPERATORS = _EQUALITY | _ORDER
_NUMBERS = INTEGERS.keys() | {"numeric"}
_STRINGS = TEXTS | {"name"}


def compare(name: str, left: Value, right: Value, kinds: Sequence[Type], state: State) -> Result:
    """Returns `left name right` of values that are not NULL. The order of texts is the collation's, and not known."""
    a, b = kinds
    order: int | Unknown = Unknown.ANYTHING
    if a.kind == "e" and b.kind == "e" and a.name == b.name:
        order = _labels(left, right, state.labels.get(a.name, ()))
    elif {a.name, b.name} <= _STRINGS:
        order = 0 if left == right else Unknown.VALUE
        if isinstance(order, Unknown) and name in _EQUALITY:
            order = 1
    elif a.name == b.name == "uuid" or a.name == b.name == "boolean" or {a.name, b.name} <= _NUMBERS:
        order = _plain(left, right)
    elif a.name in moments.TYPES and b.name in moments.TYPES:
        order = _moments(left, right, a.name, b.name, utc=state.utc)
    elif isinstance(left, Interval) and isinstance(right, Interval):
        order = _plain(left.length, right.length)
    elif a.name == b.name == "jsonb" and name in _EQUALITY and isinstance(left, Json) and isinstance(right, Json):
        order = 0 if documents.equal(left.value, right.value) else 1
    elif name in _EQUALITY and a.name == b.name and isinstance(left, list) and isinstance(right, list):
        return _arrays(name, left, right, state.element(a), state)
    return order if isinstance(order, Unknown) else _holds(name, order)


def same(left: Value, right: Value, kind: Type, state: State) -> Result:
    """Returns whether two values of one type are equal, or both NULL."""
    if left is None or right is None:
        return left is right
    return compare("=", left, right, (kind, kind), state)


def _holds(name: str, order: int) -> bool:
    return {
        "=": order == 0,
        "<>": order != 0,
        "<": order < 0,
        "<=": order <= 0,
        ">": order > 0,
        ">=": order >= 0,
    }[name]


def _plain(left: Value, right: Value) -> int | Unknown:
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return (left > right) - (left < right)
    return Unknown.ANYTHING


def _labels(left: Value, right: Value, labels: tuple[str, ...]) -> int | Unknown:
    if left == right:
        return 0
    if left not in labels or right not in labels:
        return Unknown.VALUE
    return labels.index(str(left)) - labels.index(str(right))


def _moments(left: Value, right: Value, a: str, b: str, *, utc: bool) -> int | Unknown:
    if isinstance(left, Endless) or isinstance(right, Endless):
        first, second = (
            {Endless.PAST: -1, Endless.FUTURE: 1}.get(one, 0) if isinstance(one, Endless) else 0
            for one in (left, right)
        )
        return first - second
    if a != b:
        wider = moments.ZONED if moments.ZONED in (a, b) else moments.PLAIN
        cast = [moments.cast(one, kind, wider, utc=utc) for one, kind in ((left, a), (right, b))]
        if any(isinstance(one, Unknown) for one in cast):
            return Unknown.VALUE
        left, right = (one for one in cast if not isinstance(one, Unknown))
    if isinstance(left, datetime) and isinstance(right, datetime):
        return (left > right) - (left < right)
    if isinstance(left, date) and isinstance(right, date) and not isinstance(left, datetime):
        return (left > right) - (left < right)
    return Unknown.ANYTHING


def _arrays(name: str, left: list[Value], right: list[Value], element: Type, state: State) -> Result:
    """Arrays of one length with equal elements, NULL being equal to NULL here."""
    if len(left) != len(right):
        return name == "<>"
    found = [same(a, b, element, state) for a, b in zip(left, right, strict=True)]
    unknown = next((one for one in found if isinstance(one, Unknown)), None)
    if unknown is Unknown.ANYTHING:
        return unknown
    if False in found:
        return name == "<>"
    return unknown or (name == "=")
