"""A condition where a function has given its answer: for whether it is the function that lets somebody pass."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast
from pglast.visitors import Visitor

from rlsaudit.policy import tree

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node


def answered(text: str, schema: str, function: Function, *, yes: bool = False) -> str | None:
    """Returns a policy's expression with NULL in the place of calls of the function of that schema; `yes`: with true.

    None where it does not call it, or is no SQL to us.
    """
    return _answered(text, (schema, function.name), yes=yes)


@lru_cache(maxsize=1024)
def _answered(text: str, function: tuple[str, str], *, yes: bool) -> str | None:
    parsed = tree.statements(f"select {text}")
    if parsed is None or len(parsed) != 1:
        return None
    answer = _Answer(function, yes=yes)
    answer(parsed[0])
    return tree.text(tree.lone_target(parsed[0])) if answer.calls else None


def is_given_rows(text: str, schema: str, function: Function) -> bool:
    """Whether an expression hands a column to the function: it is to look at the row, then."""
    parsed = tree.expression(text)
    return any(
        isinstance(one, ast.FuncCall)
        and _means(one, (schema, function.name))
        and bool(tree.mentioned(one.args or ()).columns)
        for one in tree.walk(parsed)
    )


class _Answer(Visitor):
    """Puts true or NULL in the place of calls, and counts them."""

    def __init__(self, function: tuple[str, str], *, yes: bool) -> None:
        super().__init__()
        self.calls = 0
        self._function = function
        self._yes = yes

    def visit_FuncCall(self, _ancestors: object, node: Node) -> Node:  # noqa: N802  named after the node
        if not _means(node, self._function):
            return None
        self.calls += 1
        return ast.A_Const(val=ast.Boolean(boolval=True)) if self._yes else ast.A_Const(isnull=True)


def _means(call: Node, function: tuple[str, str]) -> bool:
    """Whether a call is of the function: what the server deparses has the schema unless that is in the search_path."""
    names = tree.name(call.funcname)
    return names in {function, function[1:]}
