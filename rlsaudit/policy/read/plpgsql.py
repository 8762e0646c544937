"""Bodies in plpgsql that are more than one RETURN: not followed yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.read.here import Here


def procedure(function: Function, here: Here) -> Expr | None:
    """Returns what a call of `function` returns, None where its body is not followed.

    `here` is where the body stands: its arguments are `here.parameters` by name and `here.numbered` in order.
    """
    del function, here
    return None
