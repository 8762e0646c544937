"""Policies that read what the role may not: the server refuses every statement that asks them (42501).

Postgres asks for the privilege when a statement starts, for whatever its plan reads, whether or not a row comes to it.
What constants decide is folded away before there is a plan, and with it what stands beside them: of such a part nothing
is claimed. Where a policy is one of several permissive ones, another that is folded to true does away with it as well.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType

from rlsaudit.model import Operation
from rlsaudit.policy import tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.policy.tree import Node

_KEPT_CALLS = frozenset({("auth", "uid"), ("auth", "jwt"), ("auth", "role"), ("auth", "email"), ("now",)})
"""Functions that no planner computes: they are stable, and ask who calls, or when."""


def unreadable(access: Access, role: int, relation: Relation, operation: Operation) -> str:
    """Returns why every such statement is refused by what policies read, empty where that is not certain."""
    catalog = access.catalog
    policies = access.policies(role, relation, operation)
    if any(one.generated for one in catalog.columns[relation.oid]) or not _are_stable(catalog, policies):
        return ""
    using = [(one.permissive, one.using) for one in policies if one.using and operation is not Operation.INSERT]
    checks = [(one.permissive, one.check or one.using or "") for one in policies if one.check or one.using]
    writes = operation in {Operation.INSERT, Operation.UPDATE}
    for asked in (using, checks if writes else []):
        for name in _kept(asked):
            other = catalog.relations_by_name.get((name[0], name[-1])) if len(name) > 1 else None
            if other is not None and not access.on_any_column(role, other, "SELECT"):
                return f"policies read {catalog.identity(other)}, which this role may not"
    return ""


def _are_stable(catalog: Catalog, policies: Iterable[Policy]) -> bool:
    """Whether the functions that ask who calls are what they are called: the planner computes none of them."""
    called = [catalog.functions[oid] for one in policies for oid in one.functions if oid in catalog.functions]
    named = [one for one in called if (catalog.schemas[one.schema].name, one.name) in _KEPT_CALLS]
    return all("current_setting" in one.body for one in named)


def _kept(asked: list[tuple[bool, str]]) -> Iterator[tuple[str, ...]]:
    """The relations that policies surely read: permissive ones behind OR, each restrictive one by itself."""
    permissive = [text for is_permissive, text in asked if is_permissive]
    for is_permissive, text in asked if permissive else ():
        others = [one for one in permissive if one != text] if is_permissive else []
        if not any(map(_may_go, others)):
            yield from _read(text)


@lru_cache(maxsize=4096)
def _may_go(text: str) -> bool:
    try:
        return _folds(tree.expression(text))
    except RecursionError:
        return True


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[tuple[str, ...], ...]:
    try:
        return tuple(dict.fromkeys(_surely(tree.expression(text))))
    except RecursionError:
        # Of what is nested too deep nothing is claimed.
        return ()


def _surely(node: Node) -> Iterator[tuple[str, ...]]:
    """The relations of the subqueries that are in the plan, whatever else is folded."""
    match node:
        case ast.SubLink(subselect=ast.SelectStmt() as select):
            yield from _within(select)
        case ast.BoolExpr(args=operands):
            for one in operands or ():
                if not any(_folds(other) for other in operands or () if other is not one):
                    yield from _surely(one)
        case ast.TypeCast(arg=inner) | ast.NullTest(arg=inner) | ast.BooleanTest(arg=inner):
            yield from _surely(inner)
        case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, lexpr=left, rexpr=right):
            # An operator with a NULL is NULL, and its other side is gone.
            for one, other in ((left, right), (right, left)):
                if other is None or not _folds(other) or _is_value(other):
                    yield from _surely(one)
        case _:
            return


def _within(select: Node) -> Iterator[tuple[str, ...]]:
    """What a query reads itself."""
    if select.larg is not None or select.withClause is not None:
        return
    waiting = list(select.fromClause or ())
    while waiting:
        source = waiting.pop()
        if isinstance(source, ast.JoinExpr):
            waiting += [source.larg, source.rarg]
        elif isinstance(source, ast.RangeVar):
            yield tuple(one for one in (source.schemaname, source.relname) if one)


def _folds(node: Node) -> bool:
    """Whether an expression may be a constant by the time that there is a plan."""
    match node:
        case ast.SubLink() | ast.ColumnRef() | ast.SQLValueFunction():
            return False
        case ast.FuncCall():
            return tree.name(node.funcname) not in _KEPT_CALLS
        case ast.TypeCast(arg=inner):
            return _folds(inner)
        case ast.BoolExpr(boolop=BoolExprType.NOT_EXPR, args=(inner,)):
            return _folds(inner)
        case ast.BoolExpr(args=operands):
            return any(map(_folds, operands or ()))
        case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, lexpr=left, rexpr=right) if left is not None and right is not None:
            sides = (left, right)
            return all(map(_folds, sides)) or any(_folds(one) and not _is_value(one) for one in sides)
        case _:
            return True


def _is_value(node: Node) -> bool:
    """Whether it is a constant that is not NULL."""
    inner = tree.uncast(node)
    return isinstance(inner, ast.A_Const) and not inner.isnull
