"""Settings that are a key to rows: a policy compares them with a secret of the row's own, which one has to know.

`token = current_setting('app.token')` lets whoever sets it read the row whose token that is, and no others. Who names a
user or a tenant instead gets theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind

from rlsaudit.policy import tree
from rlsaudit.policy.procedure.fragments import constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.policy.tree import Node

_READS = ("current_setting",)


def keys_of(
    condition: str, is_secret: Callable[[str], bool], read_by: Callable[[tuple[str, ...]], frozenset[str]]
) -> frozenset[str]:
    """Returns the settings that a condition reads only to compare them with columns that hold a secret.

    Args:
        condition: The SQL of a policy.
        is_secret: Whether a column holds what nobody knows who was not told, by its name.
        read_by: The settings that the project's functions of a name read, themselves or below.
    """
    node = tree.expression(condition)
    if node is None:
        return frozenset()
    compared = [one for one in tree.walk(node) if _asks_for_secret(one, is_secret)]
    within = _settings(tree.walk(compared), read_by)
    return within - _settings(_outside(node, compared), read_by)


def _asks_for_secret(node: Node, is_secret: Callable[[str], bool]) -> bool:
    if not isinstance(node, ast.A_Expr) or node.kind != A_Expr_Kind.AEXPR_OP or tree.name(node.name)[-1] != "=":
        return False
    for side in (node.lexpr, node.rexpr):
        match tree.uncast(side):
            case ast.ColumnRef(fields=(*_, ast.String(sval=str() as column))) if is_secret(column):
                return True
            case _:
                pass
    return False


def _settings(nodes: Iterator[Node], read_by: Callable[[tuple[str, ...]], frozenset[str]]) -> frozenset[str]:
    found = set[str]()
    for one in nodes:
        if isinstance(one, ast.FuncCall):
            name = tree.name(one.funcname)
            found |= read_by(name)
            setting = constant(tree.uncast(one.args[0])) if name == _READS and one.args else None
            found |= {setting.lower()} if setting else set()
    return frozenset(found)


def _outside(node: Node, compared: list[Node]) -> Iterator[Node]:
    """Every node but those below one of the comparisons."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend(current)
        elif isinstance(current, ast.Node) and not any(current is one for one in compared):
            yield current
            waiting.extend(getattr(current, part) for part in current)
