"""Conditions that say what must not be: `not banned`, `deleted_at is null`. Alone they let in all but a few."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import BoolExprType, NullTestType

from rlsaudit.policy import tree

if TYPE_CHECKING:
    from rlsaudit.policy.tree import Node


@lru_cache(maxsize=4096)
def is_guard(text: str) -> bool:
    """Returns whether every part of a condition only says what must not be."""
    return _keeps_out(tree.expression(text))


def _keeps_out(node: Node) -> bool:
    match node:
        case ast.BoolExpr(boolop=BoolExprType.NOT_EXPR):
            return True
        case ast.BoolExpr(args=operands):
            return all(map(_keeps_out, operands or ()))
        case ast.NullTest(nulltesttype=kind):
            return kind == NullTestType.IS_NULL
        case ast.A_Expr(name=name, rexpr=right):
            said = tree.name(name)[-1]
            return said in {"<>", "!="} or (said == "=" and _is_false(right))
        case _:
            return False


def _is_false(node: Node) -> bool:
    while isinstance(node, ast.TypeCast):
        node = node.arg
    return isinstance(node, ast.A_Const) and isinstance(node.val, ast.Boolean) and not node.val.boolval
