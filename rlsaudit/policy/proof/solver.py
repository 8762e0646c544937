"""The solver, as proofs use it: its Python interface, with connectives that take operands for what they are.

Those of the interface ask each operand for its sort several times and make an object of each answer, which takes longer
than solving does. These make the same terms in the same order, and leave it to the solver to refuse what is no Boolean.
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
    return _joined(z3.Z3_mk_and, operands)


def Or(*operands: Term) -> Term:  # noqa: N802
    """Returns that an operand is true; they may be one list."""
    return _joined(z3.Z3_mk_or, operands)


def Not(operand: Term) -> Term:  # noqa: N802
    """Returns that the operand is false."""
    context = z3.main_ctx()
    return z3.BoolRef(z3.Z3_mk_not(context.ref(), _term(operand, context).ast), context)


def Implies(condition: Term, then: Term) -> Term:  # noqa: N802
    """Returns that the second operand is true where the first one is."""
    context = z3.main_ctx()
    made = z3.Z3_mk_implies(context.ref(), _term(condition, context).ast, _term(then, context).ast)
    return z3.BoolRef(made, context)


def SimpleSolver() -> Solver:  # noqa: N802
    """Returns a solver with nothing said yet."""
    context = z3.main_ctx()
    return Solver(z3.Z3_mk_simple_solver(context.ref()), context)


class Solver(z3.Solver):  # type: ignore[misc]  # the interface has no static types
    """A solver that takes what it is told for Boolean terms."""

    def add(self, *terms: Term) -> None:
        """Says that all of these are true."""
        context = self.ctx
        for one in terms:
            z3.Z3_solver_assert(context.ref(), self.solver, _term(one, context).ast)


def _joined(make: Callable[..., Any], operands: Sequence[Term]) -> Term:
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    context = z3.main_ctx()
    try:
        terms = [one.ast for one in given]
    except AttributeError:
        # Of true and false the context keeps the terms itself.
        terms = [_term(one, context).ast for one in given]
    return z3.BoolRef(make(context.ref(), len(terms), (z3.Ast * len(terms))(*terms)), context)


def _term(operand: Term, context: z3.Context) -> Term:
    return z3.BoolVal(operand, context) if isinstance(operand, bool) else operand
