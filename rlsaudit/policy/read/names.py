"""Column names: the innermost relation that has one, as in SQL, then the arguments of the function around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy.read.here import LostError, Table

if TYPE_CHECKING:
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.read.here import Here
    from rlsaudit.policy.tree import Node


def column(node: Node, here: Here) -> Expr:
    """Returns what a name stands for.

    Raises:
        LostError: nothing has that name, or more than one has.
    """
    parts = [one.sval or "" for one in node.fields or () if isinstance(one, ast.String)]
    if len(parts) != len(node.fields or ()):
        raise LostError("names a whole row")
    match parts:
        case [name]:
            return _bare(name, here)
        case [qualifier, name]:
            return _qualified(qualifier, name, "", here)
        case [schema, qualifier, name]:
            return _qualified(qualifier, name, schema, here)
        case _:
            raise LostError("names a part of a value")


def _bare(name: str, here: Here) -> Expr:
    for level in here.levels:
        found = [one for one in level if name in one.columns]
        if len(found) > 1 and all(name in one.merged for one in found[1:]):
            found = found[:1]
        if len(found) > 1:
            raise LostError(f"names {name}, which more than one relation has")
        if found:
            if here.clash and name in here.parameters:
                raise LostError(f"names {name}, which is a column and a variable")
            return found[0].value(name, here.free)
    if name in here.parameters:
        return here.parameters[name](here.free)
    if any(one.alias == name for level in here.levels for one in level):
        raise LostError("names a whole row")
    raise LostError(f"names {name}, which nothing has")


def _qualified(qualifier: str, name: str, schema: str, here: Here) -> Expr:
    for level in here.levels:
        found = [one for one in level if _is_called(one, qualifier, schema)]
        if len(found) > 1:
            raise LostError(f"names {qualifier}, which more than one relation is called")
        if found:
            if name not in found[0].columns:
                raise LostError(f"names {qualifier}.{name}, which is no column")
            return found[0].value(name, here.free)
    if not schema and f"{qualifier}.{name}" in here.parameters:
        return here.parameters[f"{qualifier}.{name}"](here.free)
    if not schema and qualifier == here.called and name in here.parameters:
        return here.parameters[name](here.free)
    raise LostError(f"names {qualifier}.{name}, which nothing has")


def _is_called(table: Table, qualifier: str, schema: str) -> bool:
    return table.alias == qualifier and schema in ("", table.schema)
