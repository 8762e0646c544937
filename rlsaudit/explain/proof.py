"""The proof behind a way, in words: what the server asks of a row, what opens that, and rows that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.decide import decide
from rlsaudit.policy.evaluate import Endless, Json, Value
from rlsaudit.policy.formula import And, Constant, Formula, Or
from rlsaudit.policy.read import read
from rlsaudit.policy.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.policy.proof import Witness
    from rlsaudit.reach import Way

_NO_IDENTITY = frozenset({"role"})


def proof(way: Way) -> tuple[str, ...]:
    """Returns the proof of how far a way goes, a sentence a line; nothing where no predicate decides."""
    return tuple(_lines(way))


def _lines(way: Way) -> Iterator[str]:
    if way.rows is None or isinstance(way.rows, Constant):
        return
    yield f"asked of each row: {shown(read(way.rows))}"
    bounds = decide(way.rows)
    opening = [one for one in _disjuncts(way.rows) if decide(one).at_least is bounds.at_least]
    if bounds.at_least is not Reach.NONE and len(opening) < len(tuple(_disjuncts(way.rows))):
        yield from (f"opened by: {shown(read(one))}" for one in opening)
    if bounds.passes is not None:
        yield f"reached, for one: {_state(bounds.passes)}"
    if bounds.barred is not None:
        yield f"not reached, for one: {_state(bounds.barred)}"


def _disjuncts(formula: Formula) -> Iterator[Formula]:
    """The predicate with each of the permissive policies alone."""
    match formula:
        case Or(operands) if len(operands) > 1:
            yield from (Or((one,)) for one in operands)
        case And((Or(operands), *rest)) if len(operands) > 1:
            yield from (And((Or((one,)), *rest)) for one in operands)
        case _:
            yield formula


def _state(witness: Witness) -> str:
    others = [f"with a row of {table} ({_row(values)})" for table, values in witness.others]
    request = {key: value for key, value in witness.request.items() if key not in _NO_IDENTITY}
    asked = [f"asked by {_row(request)}"] if request else []
    return ", ".join([f"a row ({_row(witness.row)})" if witness.row else "any row", *others, *asked])


def _row(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in values.items())


def _value(value: Value) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case Endless():
            return value.value
        case Json(inner):
            return repr(inner)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case str():
            return f"'{value}'"
        case _:
            return str(value)
