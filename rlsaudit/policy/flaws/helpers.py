"""Functions that do not look at what a policy gives them: the row's column, or who is calling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.expr import UNKNOWN, Expr, Field, Given, walk
from rlsaudit.policy.flaws.clause import opaque
from rlsaudit.policy.flaws.flaw import Kind
from rlsaudit.policy.read import read_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.flaws.clause import Clause, Sight
    from rlsaudit.policy.flaws.flaw import Flaw
    from rlsaudit.policy.tree import Node


def ignored(clause: Clause) -> Iterator[Flaw]:
    """Yields calls of the project's functions in whose value an argument has no part.

    The body is put in the place of the call: what was given is then nowhere in it.
    """
    sight = clause.usual
    if sight is None:
        return
    for call in _calls(clause.node):
        given = tuple(call.args or ())
        name = tree.name(call.funcname)
        function = clause.reading.database.function(name, sight.scope.path, len(given))
        if function is None or function.extension is not None or not given:
            continue
        value = read_node(call, sight.scope)
        if opaque(value):
            continue
        used = _leaves(value)
        for number, argument in enumerate(given):
            asked = _asked(argument, sight)
            if asked and used.isdisjoint(asked) and not _named(function, number):
                shown = clause.access.catalog.function_identity(function)
                caller = any(isinstance(one, Given) for one in asked)
                yield clause.flaw(
                    Kind.IGNORED_CALLER if caller else Kind.IGNORED_ARGUMENT,
                    f"{shown} does not look at {tree.text(argument)}, which it is given",
                    where=call,
                )


def _calls(node: Node) -> Iterator[Node]:
    """The calls outside of subqueries, in which names mean something else."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend(current)
        elif isinstance(current, ast.SubLink):
            waiting.append(tree.lone_target(current.subselect))
        elif isinstance(current, ast.Node):
            if isinstance(current, ast.FuncCall):
                yield current
            waiting.extend(getattr(current, name) for name in current)


def _asked(argument: Node, sight: Sight) -> frozenset[Expr]:
    """What of the row and the request goes into an argument; nothing where that is not known."""
    if isinstance(argument, ast.NamedArgExpr):
        argument = argument.arg
    value = read_node(argument, sight.scope)
    return frozenset() if opaque(value) else _leaves(value)


def _leaves(value: Expr) -> frozenset[Expr]:
    """The columns of the row, and the values of the request whatever they are cast to."""
    return frozenset(
        Given(one.who, one.key, UNKNOWN, nullable=False) if isinstance(one, Given) else one
        for one in walk(value)
        if isinstance(one, Given) or (isinstance(one, Field) and one.place == 0)
    )


def _named(function: Function, number: int) -> bool:
    """Whether a procedural body may use an argument all the same, for what is no part of its value: to refuse."""
    if function.language == "sql":
        return False
    inputs = [one.name for one in function.parameters if one.mode == "i"]
    name = inputs[number] if number < len(inputs) else ""
    words = [re.escape(one) for one in (name, f"${number + 1}") if one]
    return not name or any(re.search(rf"(?<!\w){one}(?!\w)", function.body, re.IGNORECASE) for one in words)
