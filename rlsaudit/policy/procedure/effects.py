"""What running a query, a statement or an expression does beside giving a value, as the steps of a path."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.body import RUNS_SQL
from rlsaudit.policy.procedure import working
from rlsaudit.policy.procedure.fragments import NotFollowedError, constant
from rlsaudit.policy.procedure.path import Calls, Dynamic, Makes, Other, Reads, Sets, Writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.procedure.path import Bindings, Step
    from rlsaudit.policy.tree import Node

WRITES = ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt | ast.TruncateStmt
_HARMLESS = ast.LockStmt | ast.NotifyStmt | ast.ListenStmt | ast.UnlistenStmt


def of_expression(node: Node, bindings: Bindings) -> Iterator[Step]:
    """Yields what evaluating an expression may do: calls, in no order."""
    for one in tree.walk(node):
        if isinstance(one, WRITES):
            yield Writes(one, bindings)
        elif isinstance(one, ast.FuncCall):
            name = tree.name(one.funcname)
            if name == ("set_config",):
                yield Sets(constant(one.args[0]) if one.args else None, one, bindings)
            elif name[-1] in RUNS_SQL and one.args:
                yield Dynamic(one.args[0], tuple(one.args[1:]), bindings)
            else:
                yield Calls(one, bindings)


def of_query(node: Node, bindings: Bindings) -> Iterator[Step]:
    """Yields what a query does.

    Raises:
        NotFollowedError: where it makes a table.
    """
    if isinstance(node, ast.SelectStmt) and node.intoClause is not None:
        raise NotFollowedError("a query that makes a table")
    yield Reads(node, bindings)
    yield from of_expression(node, bindings)


def writes(node: Node) -> bool:
    """Whether running a query writes rows as well: run again, it would give others."""
    return any(isinstance(one, WRITES) for one in tree.walk(node))


def of_statement(node: Node, bindings: Bindings) -> Iterator[Step]:
    """Yields what a statement does.

    Raises:
        NotFollowedError: of a kind that is not followed: DDL, COPY, a block of another language …
    """
    match node:
        case ast.SelectStmt():
            yield from of_query(node, bindings)
        case ast.InsertStmt() | ast.UpdateStmt() | ast.DeleteStmt() | ast.MergeStmt() | ast.TruncateStmt():
            yield from of_expression(node, bindings)
        case ast.VariableSetStmt():
            yield Sets(node.name or None, node, bindings)
        case ast.CallStmt():
            yield from of_expression(node, bindings)
        case _ if isinstance(node, _HARMLESS):
            yield Other(node, bindings)
        case _ if isinstance(node, working.STATEMENTS):
            yield Makes(working.tables(node), bindings)
            if isinstance(node, ast.CreateTableAsStmt):
                yield from of_query(node.query, bindings)
            else:
                # Defaults and the like are computed whenever rows are put in.
                yield from (replace(one, maybe=True) for one in of_expression(node, bindings))
        case _:
            raise NotFollowedError(f"a statement that is not followed: {type(node).__name__}")
