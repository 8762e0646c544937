"""What a trigger copies of its row into other tables, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.body import statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

_ROWS = frozenset({"new", "old"})
_KEEPS = frozenset({"btrim", "initcap", "lower", "trim", "upper"})
_DOCUMENTS = frozenset({"row_to_json", "to_json", "to_jsonb"})


@dataclass(frozen=True, slots=True)
class Copy:
    """The value of `source`, a column of the trigger's row, goes as it is into `column` of the relation `into`.

    Of a whole row that goes there as a document the source is `*`.
    """

    source: str
    into: tuple[str, ...]
    column: str


@lru_cache(maxsize=4096)
def copies_of(function: Function) -> tuple[Copy, ...]:
    """Returns what a trigger's function copies by INSERT statements that name their columns.

    What is computed of a value is another value: a name taken out of a document says little of the rest of it.
    """
    return tuple(one for node in tree.walk(statements_of(function)) for one in _copies(node))


def _copies(node: Node) -> Iterator[Copy]:
    if not isinstance(node, ast.InsertStmt) or not isinstance(node.selectStmt, ast.SelectStmt) or not node.cols:
        return
    relation: Node = node.relation
    names = [one.name or "" for one in node.cols]
    into = tuple(one for one in (relation.schemaname, relation.relname) if one)
    select = node.selectStmt
    rows = select.valuesLists or (tuple(one.val for one in select.targetList or ()),)
    for row in rows:
        for column, value in zip(names, row, strict=False):
            source = _kept(value)
            if source:
                yield Copy(source, into, column)


def _kept(value: Node) -> str:
    """The column of the row that a value is, whatever its case, `*` for all of it; empty where it is anything else."""
    while True:
        match value:
            case ast.TypeCast(arg=inner) | ast.FuncCall(args=(inner,)) if (
                isinstance(value, ast.TypeCast) or tree.name(value.funcname)[-1] in _KEEPS
            ):
                value = inner
            case ast.CoalesceExpr(args=(inner, *_)):
                value = inner
            case ast.FuncCall(args=(ast.ColumnRef(fields=(ast.String(sval=str() as row), *rest)),)) if tree.name(
                value.funcname
            )[-1] in _DOCUMENTS and all(isinstance(one, ast.A_Star) for one in rest):
                return "*" if row.lower() in _ROWS else ""
            case ast.ColumnRef(fields=(ast.String(sval=str() as row), ast.String(sval=str() as column))):
                return column if row.lower() in _ROWS else ""
            case _:
                return ""
