"""The solver, as proofs use it: its Python interface, with connectives that take operands for what they are.

Those of the interface ask each operand for its sort several times and make an object of each answer, which takes longer
than solving does. These leave it to the solver to refuse what is no Boolean, and make no term of what is true or false
whatever the rest is: most columns are never NULL, and what is said of those that are would be half of all terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import z3
from z3 import (
    AtMost,
    Bool,
    BoolVal,
    Function,
    If,
    Int,
    IntSort,
    IntVal,
    ModelRef,
    ToReal,
    is_int,
    is_true,
    sat,
    unknown,
    unsat,
)

from rlsaudit.policy.proof.afresh import always, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "And",
    "AtMost",
    "Bool",
    "BoolVal",
    "Function",
    "If",
    "Implies",
    "Int",
    "IntSort",
    "IntVal",
    "ModelRef",
    "Not",
    "Or",
    "SimpleSolver",
    "Solver",
    "ToReal",
    "is_int",
    "is_true",
    "sat",
    "unknown",
    "unsat",
]

Term = Any
"""A term in the context of the question, or a Python Boolean, which stands for one."""


def And(*operands: Term) -> Term:  # noqa: N802 — as the solver's interface calls it
    """Returns that all operands are true; they may be one list."""
    return _joined(z3.Z3_mk_and, operands, always(), never())


def Or(*operands: Term) -> Term:  # noqa: N802
    """Returns that an operand is true; they may be one list."""
    return _joined(z3.Z3_mk_or, operands, never(), always())


def Not(operand: Term) -> Term:  # noqa: N802
    """Returns that the operand is false."""
    one, false, true = _term(operand), never(), always()
    if one is false or one is true:
        return true if one is false else false
    context = z3.main_ctx()
    return z3.BoolRef(z3.Z3_mk_not(context.ref(), one.ast), context)


def Implies(condition: Term, then: Term) -> Term:  # noqa: N802
    """Returns that the second operand is true where the first one is."""
    first, second, false, true = _term(condition), _term(then), never(), always()
    if first is true or second is true:
        return second
    if first is false or second is false:
        return true if first is false else Not(first)
    context = z3.main_ctx()
    return z3.BoolRef(z3.Z3_mk_implies(context.ref(), first.ast, second.ast), context)


def SimpleSolver() -> Solver:  # noqa: N802
    """Returns a solver with nothing said yet."""
    context = z3.main_ctx()
    return Solver(z3.Z3_mk_simple_solver(context.ref()), context)


class Solver(z3.Solver):  # type: ignore[misc]  # the interface has no static types
    """A solver that takes what it is told for Boolean terms."""

    def add(self, *terms: Term) -> None:
        """Says that all of these are true."""
        context, true = self.ctx, always()
        for one in map(_term, terms):
            if one is not true:
                z3.Z3_solver_assert(context.ref(), self.solver, one.ast)


def _joined(make: Callable[..., Any], operands: Sequence[Term], nothing: Term, everything: Term) -> Term:
    """What `make` makes of the operands: `nothing` adds nothing to it, `everything` is the same as all of it."""
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    terms = [one for one in map(_term, given) if one is not nothing]
    if not terms:
        return nothing
    if len(terms) == 1:
        return terms[0]
    if any(one is everything for one in terms):
        return everything
    context = z3.main_ctx()
    listed = (z3.Ast * len(terms))(*[one.ast for one in terms])
    return z3.BoolRef(make(context.ref(), len(terms), listed), context)


def _term(operand: Term) -> Term:
    if operand is True or operand is False:
        return always() if operand else never()
    return operand
