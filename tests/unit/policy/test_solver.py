"""The solver's connectives make the terms that those of its Python interface make."""

from __future__ import annotations

import pytest
import z3

from rlsaudit.policy.proof import solver
from rlsaudit.policy.proof.afresh import afresh


def test_connectives_make_the_same_terms() -> None:
    with afresh():
        a, b, n, true = z3.Bool("a"), z3.Bool("b"), z3.Int("n"), True
        pairs = [
            (solver.And(a, b, n > 1), z3.And(a, b, n > 1)),
            (solver.And([a, b]), z3.And([a, b])),
            (solver.And(a), z3.And(a)),
            (solver.And([]), z3.And([])),
            (solver.Or(), z3.Or()),
            (solver.Or(a, true), z3.Or(a, true)),
            (solver.Or([False, b]), z3.Or([False, b])),
            (solver.Not(a), z3.Not(a)),
            (solver.Implies(a, b), z3.Implies(a, b)),
            (solver.Implies(true, b), z3.Implies(true, b)),
        ]
        assert [one for one, other in pairs if not one.eq(other)] == []


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
