"""Operator precedence: `a and b or c` is `(a and b) or c`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType

from rlsaudit.policy import tree
from rlsaudit.policy.flaws.flaw import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.flaws.clause import Clause
    from rlsaudit.policy.flaws.flaw import Flaw
    from rlsaudit.policy.tree import Node


def precedence(clause: Clause) -> Iterator[Flaw]:
    """Yields conditions of a subquery that stand alone beside an AND which asks about the same column.

    `m.user_id = auth.uid() and m.role = 'admin' or m.role = 'owner'` lets any owner's row count for everybody. Of the
    policy itself this is not claimed: `owner = auth.uid() and draft or published` is what many mean.
    """
    for select in (one for one in tree.walk(clause.node) if isinstance(one, ast.SelectStmt)):
        inner = {_alias(one) for one in tree.relations(select.fromClause)}
        for junction in _ors(select.whereClause):
            sides = tuple(junction.args or ())
            limited = [one for one in sides if _is(one, BoolExprType.AND_EXPR)]
            for lone in sides:
                column = _compared(lone)
                if column is None or column[0] not in inner:
                    continue
                for group in limited:
                    others = [one for one in group.args if _compared(one) != column]
                    if len(others) < len(group.args) and any(_ties(one, inner) for one in others):
                        yield clause.flaw(
                            Kind.PRECEDENCE,
                            f"{tree.text(lone)} stands alone: what is ANDed beside it does not limit it",
                            where=junction,
                        )
                        break


def _ors(where: Node) -> Iterator[Node]:
    """The OR that a WHERE is. One below an AND stands in parentheses that somebody wrote."""
    if _is(where, BoolExprType.OR_EXPR):
        yield where


def _is(node: Node, kind: BoolExprType) -> bool:
    return isinstance(node, ast.BoolExpr) and node.boolop == kind


def _compared(node: Node) -> tuple[str, ...] | None:
    """The column that is compared with constants and with nothing else."""
    kinds = {A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_IN, A_Expr_Kind.AEXPR_OP_ANY}
    if not isinstance(node, ast.A_Expr) or node.kind not in kinds or tree.name(node.name) != ("=",):
        return None
    columns = [one for one in tree.walk(node) if isinstance(one, ast.ColumnRef)]
    if len(columns) != 1 or any(isinstance(one, ast.FuncCall | ast.SubLink) for one in tree.walk(node)):
        return None
    return tuple(one.sval or "" for one in columns[0].fields or () if isinstance(one, ast.String))


def _ties(node: Node, inner: set[str]) -> bool:
    """Whether a condition says who is calling, or which row around is meant."""
    for one in tree.walk(node):
        if isinstance(one, ast.FuncCall) and tree.name(one.funcname) == ("auth", "uid"):
            return True
        if isinstance(one, ast.ColumnRef):
            parts = [each.sval for each in one.fields or () if isinstance(each, ast.String)]
            if len(parts) > 1 and parts[-2] not in inner:
                return True
    return False


def _alias(relation: Node) -> str:
    return str(relation.alias.aliasname if relation.alias else relation.relname)
