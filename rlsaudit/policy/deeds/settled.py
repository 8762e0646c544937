"""When what a condition asks about was settled: a variable keeps what a query gave, whatever is written after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.procedure import names
from rlsaudit.policy.procedure.path import Argument, Computed, Exists, FirstRow, Reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.procedure.path import Bindings, Bound, Condition, Step
    from rlsaudit.policy.tree import Node

_DEEPEST = 8


def settled(condition: Condition) -> tuple[Step, ...]:
    """Returns what had been done when the last of the queries was run that a condition depends on, at most."""
    every = condition.after
    test = condition.test
    asked = list(_of_bound(test, 0)) if isinstance(test, Exists) else list(_of_node(test, condition.bindings, 0))
    last = 0
    for one in asked:
        place = None if one is None else _place(one, every)
        if place is None:
            return every
        last = max(last, place)
    return every[:last]


def _place(query: tuple[Node, Bindings], steps: tuple[Step, ...]) -> int | None:
    """Where among these steps a query was run."""
    for place, step in enumerate(steps):
        if isinstance(step, Reads) and step.query is query[0] and step.bindings is query[1] and not step.maybe:
            return place
    return None


def _of_node(node: Node, bindings: Bindings, depth: int) -> Iterator[tuple[Node, Bindings] | None]:
    """The queries whose answers an expression is made of; None among them where it asks anything itself."""
    for one in tree.walk(node) if isinstance(node, ast.Node) else ():
        if isinstance(one, ast.SubLink):
            yield None
        elif isinstance(one, ast.FuncCall) and len(tree.name(one.funcname)) > 1:
            # What a function of the project's gives may be another thing each time.
            yield None
        elif isinstance(one, ast.FuncCall) and tree.name(one.funcname)[0] not in _PURE:
            yield None
        elif isinstance(one, ast.ColumnRef | ast.ParamRef):
            found = names.lookup(one, bindings)
            if found is None or depth > _DEEPEST:
                yield None
            else:
                yield from _of_bound(found[0], depth + 1)
    if not isinstance(node, ast.Node):
        yield None


def _of_bound(bound: Bound, depth: int) -> Iterator[tuple[Node, Bindings] | None]:
    match bound:
        case Argument():
            return
        case Computed(node, bindings):
            yield from _of_node(node, bindings, depth)
        case FirstRow(query, bindings=bindings) | Exists(query, bindings):
            yield query, bindings
        case _:
            yield None


_PURE = frozenset({"abs", "btrim", "char_length", "length", "lower", "now", "trim", "upper"})
"""Functions of pg_catalog, which is searched first, that ask nothing but their arguments."""
