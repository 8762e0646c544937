"""Which values an expression compares as they are, so that what it looks for holds them whole.

`owner = current_user` looks for the name, and so does `owner = 'of_' || current_user`, whose value has the name within.
`owner = replace(current_user, 'app_', '')` and `'app_' || tenant = current_user` look for a part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind

from rlsaudit.policy import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.policy.tree import Node

_COMPARING = frozenset(
    {
        A_Expr_Kind.AEXPR_OP,
        A_Expr_Kind.AEXPR_OP_ANY,
        A_Expr_Kind.AEXPR_OP_ALL,
        A_Expr_Kind.AEXPR_IN,
        A_Expr_Kind.AEXPR_DISTINCT,
        A_Expr_Kind.AEXPR_NOT_DISTINCT,
    }
)
_EQUAL = frozenset({("=",), ("<>",), ("pg_catalog", "="), ("pg_catalog", "<>")})
_JOINED = frozenset({("||",), ("pg_catalog", "||")})
_SAME_BUT_FOR_CASE = frozenset({"lower", "quote_ident", "upper"})


def compared_whole(node: Node, is_meant: Callable[[Node], bool], compares: Callable[[str], bool]) -> Iterator[Node]:
    """Yields those of the values that are meant, below and including `node`, that are compared as they are.

    With a column, a constant or a parameter; also within a longer text, and whatever their case. `compares` says
    whether a function of some name compares its arguments, as `pg_has_role` does; then a call of it counts as well.
    """
    for one in tree.walk(node):
        match one:
            case ast.A_Expr(kind=kind, name=written, lexpr=left, rexpr=right) if (
                kind in _COMPARING and tree.name(written) in _EQUAL
            ):
                yield from _against(left, right, is_meant)
                yield from _against(right, left, is_meant)
            case ast.SubLink(subLinkType=tree.ANY_SUBLINK, testexpr=tested, subselect=ast.SelectStmt() as query):
                listed = query.targetList or ()
                if len(listed) == 1 and not query.larg and tree.name(one.operName or ()) in {(), *_EQUAL}:
                    yield from _against(tested, listed[0].val, is_meant)
            case ast.FuncCall(funcname=written, args=arguments) if compares(tree.name(written)[-1]):
                given = arguments or ()
                whole = [each for argument in given for each in _within(argument, is_meant)]
                yield from whole
                if all(_is_stored(argument) or _bare(argument) in whole for argument in given):
                    yield one
            case _:
                pass


def _against(side: Node, other: Node, is_meant: Callable[[Node], bool]) -> Iterator[Node]:
    if _is_stored(other):
        yield from _within(side, is_meant)


def _within(node: Node, is_meant: Callable[[Node], bool]) -> Iterator[Node]:
    """What a value holds whole."""
    inner = _bare(node)
    if inner is None:
        return
    if is_meant(inner):
        yield inner
    match inner:
        case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, name=written, lexpr=left, rexpr=right) if (
            tree.name(written) in _JOINED
        ):
            yield from _within(left, is_meant)
            yield from _within(right, is_meant)
        case _:
            pass


def _is_stored(node: Node) -> bool:
    """Whether a value is as it stands in a row, or as it is written."""
    if isinstance(node, tuple):
        return all(map(_is_stored, node))
    match _bare(node):
        case ast.ColumnRef() | ast.A_Const() | ast.ParamRef():
            return True
        case ast.A_ArrayExpr(elements=elements):
            return all(map(_is_stored, elements or ()))
        case ast.SubLink(subLinkType=kind, subselect=ast.SelectStmt(targetList=(target,), larg=None)) if (
            kind != tree.ANY_SUBLINK
        ):
            return _is_stored(target.val)
        case _:
            return False


def _bare(node: Node) -> Node | None:
    """What is cast, wrapped in a query of its own, or written in another case; None where a cast may cut it short."""
    while node is not None:
        match node:
            case ast.TypeCast():
                node = tree.uncast(node)
            case ast.SubLink(subselect=select) if tree.is_scalar(node) and tree.lone_target(select) is not None:
                node = tree.lone_target(select)
            case ast.FuncCall(funcname=written, args=(only,)) if tree.name(written)[-1] in _SAME_BUT_FOR_CASE:
                node = only
            case _:
                return node
    return None
