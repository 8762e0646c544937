"""The solver's connectives make terms that mean what those of its Python interface do."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import z3

from rlsaudit.policy.proof import solver
from rlsaudit.policy.proof.afresh import afresh, always, never

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_connectives_make_the_same_terms() -> None:
    with afresh():
        a, b, n = z3.Bool("a"), z3.Bool("b"), z3.Int("n")
        pairs = [
            (solver.And(a, b, n > 1), z3.And(a, b, n > 1)),
            (solver.And([a, b]), z3.And([a, b])),
            (solver.Or(a, b), z3.Or(a, b)),
            (solver.Not(a), z3.Not(a)),
            (solver.Implies(a, b), z3.Implies(a, b)),
        ]
        assert [one for one, other in pairs if not one.eq(other)] == []


@pytest.mark.parametrize("length", range(4))
@pytest.mark.parametrize("name", ["And", "Or", "Implies", "Not"])
def test_what_is_true_or_false_whatever_the_rest_is_is_no_part_of_a_term(name: str, length: int) -> None:
    with afresh():
        operands = (always(), never(), True, False, z3.Bool("a"), z3.Bool("b"))
        wanted = {"Not": 1, "Implies": 2}.get(name, length)
        for given in itertools.product(operands, repeat=wanted):
            made, theirs = getattr(solver, name)(*given), getattr(z3, name)(*given)
            asked = z3.Solver()
            asked.add(made != theirs)
            assert asked.check() == z3.unsat, given
            known = [one for one in subterms(made) if z3.is_true(one) or z3.is_false(one)]
            assert known == [] or made is always() or made is never(), given


def subterms(term: z3.ExprRef) -> Iterator[z3.ExprRef]:
    yield term
    for one in term.children():
        yield from subterms(one)


def test_a_solver_is_told_the_same() -> None:
    with afresh():
        a, b, true = z3.Bool("a"), z3.Bool("b"), True
        ours, theirs = solver.SimpleSolver(), z3.SimpleSolver()
        for one in (ours, theirs):
            one.add(solver.Or(a, b), solver.Not(a), true)
        assert ours.sexpr() == theirs.sexpr()
        assert ours.check() == z3.sat
        assert z3.is_true(ours.model().eval(b))
        ours.add(solver.Not(b))
        assert ours.check() == z3.unsat


def test_what_is_no_boolean_is_refused() -> None:
    with afresh():
        number = z3.Int("n")
        with pytest.raises(z3.Z3Exception):
            solver.And(number, number)
        with pytest.raises(z3.Z3Exception):
            solver.Not(number)
