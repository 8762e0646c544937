"""When what a condition asks about was settled: a variable keeps what a query gave, whatever is written after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.procedure import names
from rlsaudit.policy.procedure.path import Argument, Calls, Computed, Dynamic, Exists, FirstRow, Reads, Sets, Writes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.policy.procedure.path import Bindings, Bound, Condition, Step
    from rlsaudit.policy.tree import Node

_DEEPEST = 8


def settled(condition: Condition) -> tuple[Step, ...]:
    """Returns what had been done when the last of the queries had run that a condition depends on, at most."""
    every = condition.after
    test = condition.test
    asked = list(_of_bound(test, 0)) if isinstance(test, Exists) else list(_of_node(test, condition.bindings, 0))
    last = 0
    for one in asked:
        done = None if one is None else until(one[0], one[1], every)
        if done is None:
            return every
        last = max(last, len(done))
    return every[:last]


def until(query: Node, bindings: Bindings, steps: Sequence[Step]) -> Sequence[Step] | None:
    """Returns what had been done of these steps once a query had run; None where it is none of them for certain.

    What it does itself is among them: a function that it calls sees what another one wrote before, in the same query.
    """
    for place, step in enumerate(steps):
        if isinstance(step, Reads) and step.query is query and step.bindings is bindings and not step.maybe:
            own = {id(one) for one in tree.walk(query)}
            after = range(place + 1, len(steps))
            return steps[: next((one for one in after if id(_run_by(steps[one])) not in own), len(steps))]
    return None


def _run_by(step: Step) -> Node:
    """The part of a query that is the reason for a step."""
    match step:
        case Calls(call=node) | Writes(statement=node) | Sets(statement=node) | Dynamic(text=node):
            return node
        case _:
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
