"""Operators between a value and the elements of an array: `= ANY`, `<> ALL` and their like."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.policy.expr import BOOLEAN, NULL, TRUE, Aggregate, And, AnyRow, Call, Case, Const, Expr, Not, Or, type_of
from rlsaudit.policy.read import constants, operators, types
from rlsaudit.policy.read.here import LostError, moved

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here


def among(name: str, value: Expr, array: Expr, here: Here, *, every: bool) -> Expr:
    """Returns `value name ANY (array)`, with `every` ALL in its place.

    An array that is written down is taken apart, and so is one that a query was made to.

    Raises:
        LostError: it is not known what that means.
    """
    if isinstance(array, Const) and array.value is None:
        return NULL
    if isinstance(array, Case):
        branches = tuple((met, among(name, value, one, here, every=every)) for met, one in array.branches)
        return Case(branches, among(name, value, array.default, here, every=every), BOOLEAN)
    if isinstance(array, Aggregate) and array.function == "array_agg" and array.value is not None:
        return _gathered(name, value, array, here, every=every)
    elements = constants.items(array, here)
    if elements is not None:
        found = tuple(operators.binary(name, value, one, here) for one in elements)
        return found[0] if len(found) == 1 else And(found) if every else Or(found)
    if name not in operators.COMPARISONS | operators.PATTERNS | {"!="} or here.redefines(name):
        raise LostError(f"uses the operator {name} on an array")
    of = types.element(type_of(array), here.scope)
    if types.is_foreign(of) or types.is_foreign(type_of(value)):
        raise LostError(f"uses the operator {name} of an extension's type")
    if types.is_collated(value) or types.is_collated(array):
        raise LostError(f"uses the operator {name} with a collation that is not followed")
    if not types.is_array(type_of(array)):
        raise LostError(f"uses the operator {name} on what may be no array")
    value = constants.as_type(value, of, here)
    return Call(f"{'<>' if name == '!=' else name} {'ALL' if every else 'ANY'}", (value, array), BOOLEAN)


def _gathered(name: str, value: Expr, array: Aggregate, here: Here, *, every: bool) -> Expr:
    """An array that holds a value for each row of a query, and is NULL where there is no row."""
    query, of = array.query, array.value
    if of is None or not query.exact:
        raise LostError("looks into an array that is not followed")
    inside = here.at(here.free + len(query.sources))
    test = operators.binary(name, moved(value, here.free, len(query.sources)), of, inside)
    found = AnyRow(query, Not(test) if every else test)
    empty = Not(AnyRow(replace(query), TRUE))
    return Case(((empty, NULL),), Not(found) if every else found, BOOLEAN)
