"""A context of the solver's own for each question, so that no answer depends on what was asked before.

What a context has seen decides in which order it looks at things, and so which of many states it finds, and which
questions it gives up. The solver's Python interface takes everything that it is not told otherwise to be of one context
for all; that one is put aside while a question is asked.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import z3

if TYPE_CHECKING:
    from collections.abc import Iterator

Solved: TypeAlias = Any
"""A term of the solver, which has no static types."""


def _constants() -> tuple[Solved, Solved]:
    return z3.BoolVal(val=False), z3.BoolVal(val=True)


_current = [_constants()]


@contextmanager
def afresh() -> Iterator[None]:
    """Asks what is asked within in a context of its own, of which nothing may be kept."""
    before = z3.main_ctx()
    _put(z3.Context())
    _current.append(_constants())
    try:
        yield
    finally:
        _current.pop()
        _put(before)


def never() -> Solved:
    """Returns what is false, in the context of the question."""
    return _current[-1][0]


def always() -> Solved:
    """Returns what is true, in the context of the question."""
    return _current[-1][1]


def _put(context: z3.Context) -> None:
    # There is no other way to set what `z3.main_ctx()` returns.
    z3.z3._main_ctx = context  # noqa: SLF001
