"""SQL's three-valued logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlsaudit.policy.formula import (
    FALSE,
    NULL,
    TRUE,
    And,
    Atom,
    AtomKind,
    Coalesce,
    Constant,
    Formula,
    Is,
    Not,
    Or,
    Truth,
    atoms,
    evaluate,
    is_monotone,
    simplify,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER_NULL = Atom(AtomKind.CONTENT, "d", frozenset({4}), nullable=False)
ATOMS = (
    Atom(AtomKind.TIE, "a", frozenset({1})),
    Atom(AtomKind.CONTENT, "b", frozenset({2})),
    Atom(AtomKind.OPAQUE, "c"),
    NEVER_NULL,
)
truths = st.sampled_from((True, False, None))
constants = st.sampled_from((TRUE, FALSE, NULL))
assignments = st.fixed_dictionaries({one.key: truths if one.nullable else st.booleans() for one in ATOMS})


def _several(
    kind: Callable[[tuple[Formula, ...]], Formula], inner: st.SearchStrategy[Formula]
) -> st.SearchStrategy[Formula]:
    return st.lists(inner, min_size=1, max_size=3).map(lambda found: kind(tuple(found)))


def _above(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    return st.one_of(
        _several(And, inner),
        _several(Or, inner),
        _several(Coalesce, inner),
        inner.map(Not),
        st.builds(Is, inner, truths, st.booleans()),
    )


formulas = st.recursive(st.one_of(st.sampled_from(ATOMS), constants), _above, max_leaves=12)


@given(formula=formulas, values=assignments)
def test_a_simplified_formula_has_the_same_value(formula: Formula, values: dict[str, Truth]) -> None:
    assert evaluate(simplify(formula), values) is evaluate(formula, values)


@given(formula=formulas)
def test_no_constant_is_left_where_it_decides_nothing(formula: Formula) -> None:
    simple = simplify(formula)
    if not list(atoms(simple)):
        assert isinstance(simple, Constant)


@given(formula=formulas, values=assignments)
def test_without_not_null_is_as_good_as_false(formula: Formula, values: dict[str, Truth]) -> None:
    if is_monotone(formula):
        known = {key: value is True for key, value in values.items()}
        assert (evaluate(formula, known) is True) is (evaluate(formula, values) is True)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (And((TRUE, NULL)), None),
        (And((FALSE, NULL)), False),
        (And(()), True),
        (Or((FALSE, NULL)), None),
        (Or((TRUE, NULL)), True),
        (Or(()), False),
        (Not(NULL), None),
        (Not(TRUE), False),
        (Is(NULL, value=None, negated=False), True),
        (Is(NULL, value=True, negated=False), False),
        (Is(NULL, value=True, negated=True), True),
        (Is(FALSE, value=None, negated=True), True),
        (Coalesce((NULL, FALSE, TRUE)), False),
        (Coalesce((NULL, NULL)), None),
    ],
)
def test_truth_tables_are_those_of_sql(formula: Formula, value: Truth) -> None:
    assert evaluate(formula, {}) is value
    assert simplify(formula) == Constant(value)


def test_what_is_never_null_ends_a_coalesce() -> None:
    assert simplify(Coalesce((NEVER_NULL, TRUE))) == NEVER_NULL
    assert simplify(Coalesce((ATOMS[0], TRUE))) == Coalesce((ATOMS[0], TRUE))


def test_atoms_of_one_text_over_different_columns_are_different_atoms() -> None:
    # A view may call another column `status` than its table does.
    first, second = (Atom(AtomKind.CONTENT, "status = 'a'", frozenset({one})) for one in (1, 2))
    assert first.key != second.key
