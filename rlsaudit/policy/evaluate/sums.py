"""Aggregates of values."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from rlsaudit.policy.columns import INTEGERS
from rlsaudit.policy.evaluate import text
from rlsaudit.policy.evaluate.compare import compare
from rlsaudit.policy.evaluate.values import Unknown
from rlsaudit.policy.expr import Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.policy.evaluate.values import Result, State, Value

_DIGITS = 2_000


def summed(function: str, values: Sequence[Value], kind: Type, state: State) -> Result:
    """Returns an aggregate over values of the type `kind`; what depends on their order is not known."""
    some = [one for one in values if one is not None]
    found: Result = Unknown.VALUE
    match function:
        case "count":
            found = len(some)
        case "bool_and" | "every":
            found = all(some) if some else None
        case "bool_or":
            found = any(some) if some else None
        case "max" | "min":
            found = _extreme(function, some, kind, state)
        case "sum":
            found = _sum(some, kind)
        case "avg" if not some:
            found = None
        case "array_agg" if not values[1:]:
            found = list(values) or None
        case "avg" | "array_agg":
            found = Unknown.VALUE
        case _:
            found = Unknown.ANYTHING
    return found


def _extreme(function: str, values: Sequence[Value], kind: Type, state: State) -> Result:
    best: Value = None
    for value in values:
        better: Result = True
        if best is not None:
            better = compare(">" if function == "max" else "<", value, best, (kind, kind), state)
        if isinstance(better, Unknown):
            return better
        best = value if better else best
    return best


def _sum(values: Sequence[Value], kind: Type) -> Result:
    if not values:
        return None
    if kind.name not in INTEGERS.keys() | {"numeric"}:
        return Unknown.ANYTHING
    with localcontext() as context:
        context.prec = _DIGITS
        total = sum((Decimal(one) for one in values if isinstance(one, int | Decimal)), Decimal(0))
    return text.in_range(int(total), Type("bigint")) if kind.name in {"smallint", "integer"} else total
