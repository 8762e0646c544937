"""Conditions that are asked together, without doubles and without what is always true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import TRUE, And, Expr

if TYPE_CHECKING:
    from collections.abc import Iterable


def conjunction(conditions: Iterable[Expr]) -> Expr:
    """Returns the AND of conditions, those within an AND taken singly."""
    flat = (each for one in conditions for each in (one.operands if isinstance(one, And) else (one,)))
    kept = tuple(dict.fromkeys(one for one in flat if one != TRUE))
    if not kept:
        return TRUE
    return kept[0] if len(kept) == 1 else And(kept)
