"""Arrays that are written out, compared element by element: `array[level] <@ array['aal1', 'aal2']` as equalities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import BOOLEAN, NULL, And, Call, Case, Const, Expr, IsTrue, Or, type_of

if TYPE_CHECKING:
    from collections.abc import Callable


def element_by_element(call: Call) -> Expr | None:
    """Returns `@>`, `<@` or `&&` over arrays that are written out as equalities of their elements, None for others.

    An array is contained in another if each of its elements equals one of the other's; they overlap if any does. NULL
    equals nothing there, and no result is NULL for a NULL within an array: see array_contain_compare in
    src/backend/utils/adt/arrayfuncs.c.
    """
    match call:
        case Call("<@" | "&&", (left, right)) | Call("@>", (right, left)):
            return _compared(left, right, overlap=call.name == "&&")
        case _:
            return None


def _compared(left: Expr, right: Expr, *, overlap: bool) -> Expr | None:
    match left, right:
        case Case(), _:
            return _in_each_branch(left, lambda one: _compared(one, right, overlap=overlap))
        case _, Case():
            return _in_each_branch(right, lambda one: _compared(left, one, overlap=overlap))
        case (Const(None), _) | (_, Const(None)):
            return NULL
        case Call("ARRAY", some), Call("ARRAY", others) if _flat(some) and _flat(others):
            each = tuple(Or(tuple(IsTrue(Call("=", (one, other), BOOLEAN)) for other in others)) for one in some)
            return Or(each) if overlap else And(each)
        case _:
            return None


def _in_each_branch(case: Case, compared: Callable[[Expr], Expr | None]) -> Expr | None:
    branches = [(test, compared(result)) for test, result in case.branches]
    default = compared(case.default)
    told = tuple((test, result) for test, result in branches if result is not None)
    return None if default is None or len(told) < len(branches) else Case(told, default, BOOLEAN)


def _flat(elements: tuple[Expr, ...]) -> bool:
    return not any(type_of(one).name.endswith("[]") for one in elements)
