"""Policies as typed expressions: names resolved, bodies put in, subqueries with what row-level security asks there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Persona
from rlsaudit.policy import formula as f
from rlsaudit.policy.expr import BOOLEAN, UNKNOWN, Expr, Type
from rlsaudit.policy.read.calls import returned
from rlsaudit.policy.read.expression import expression, truth
from rlsaudit.policy.read.formulas import of_formula, policies, there
from rlsaudit.policy.read.here import Here, LostError, Readers, TooLargeError, Work
from rlsaudit.policy.read.opaque import NESTED, lone
from rlsaudit.policy.read.plpgsql import procedure
from rlsaudit.policy.read.queries import rows
from rlsaudit.policy.read.shown_rows import ShownRows, ShownView, shown_view
from rlsaudit.policy.read.sources import fields
from rlsaudit.policy.values import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.tree import Node

__all__ = ["READERS", "ShownRows", "ShownView", "read", "read_node", "read_view"]

READERS = Readers(expression, truth, policies, rows, returned, procedure)
"""What reads each sort of thing, for whoever reads more than one expression."""


def read(formula: Formula, place: int = 0) -> Expr:
    """Returns a formula about the row at `place` as an expression. Never raises: what is not followed is `Opaque`."""
    scopes = tuple(_scopes(formula))
    scope = scopes[0] if scopes else None
    return _guarded(lambda here: of_formula(formula, place, here), scope, scopes, place, BOOLEAN)


def read_node(node: Node, scope: Scope, place: int = 0) -> Expr:
    """The same for an expression in its scope, of any type."""
    return _guarded(lambda here: there(scope, place, here).read(node), scope, (scope,), place, UNKNOWN)


def read_view(view: Relation, names: tuple[str, ...], scope: Scope) -> ShownView | None:
    """Returns the rows that a view shows of the tables below it; None where it is not followed.

    `names` are those of its columns, and `scope` has the role whose rights count.
    """
    try:
        return shown_view(view, names, scope, Work(READERS))
    except (LostError, TooLargeError, RecursionError):
        return None


def _guarded(
    of: Callable[[Here], Expr], scope: Scope | None, scopes: tuple[Scope, ...], place: int, kind: Type
) -> Expr:
    """Reads within the limits: beyond them all of it is one value that may depend on every column."""
    try:
        return of(Here(Work(READERS), scope or _NOWHERE, place + 1))
    except LostError as lost:
        reason = lost.reason
    except TooLargeError:
        reason = "too large"
    except RecursionError:
        reason = NESTED
    every = (value(0) for one in scopes for value in fields(one.columns, one.table, place).values())
    return lone("an expression", reason, kind, tuple(dict.fromkeys(every)))


def _scopes(formula: Formula) -> Iterator[Scope]:
    waiting = [formula]
    while waiting:
        match waiting.pop():
            case f.Written(scope=scope):
                yield scope
            case f.And(operands) | f.Or(operands) | f.Coalesce(operands):
                waiting.extend(reversed(operands))
            case f.Not(operand) | f.Is(operand):
                waiting.append(operand)
            case _:
                pass


_NOWHERE = Scope(Persona("nobody", "nobody"))
"""For formulas in which nothing is written."""
