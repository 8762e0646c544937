"""What is not followed: a value that may be anything, with all that it may depend on."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.expr import UNKNOWN, Expr, Field, Opaque, Type, walk
from rlsaudit.policy.helpers import own_names
from rlsaudit.policy.read.here import LostError
from rlsaudit.policy.values import is_stable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.read.here import Here, Value
    from rlsaudit.policy.tree import Node

NESTED = "nested too deeply"
_LIKE_NO_OTHER = " #"
_occurrences = itertools.count(1)
_MOST_SHOWN = 2_000


def unlike() -> str:
    """Returns what makes the key of a value that of no other."""
    return f"{_LIKE_NO_OTHER}{next(_occurrences)}"


def opaque(node: Node, here: Here, reason: str, kind: Type = UNKNOWN, *, nullable: bool = True) -> Opaque:
    """Returns `node` as a value that is not followed. The same words at two places are one value if they surely are."""
    text = "nothing" if node is None else tree.text(node)
    reads = tuple(dict.fromkeys(_reads(node, here)))
    where = f"{text} {here.key} {here.scope.role} {[(one.place, one.relation, one.number) for one in reads]}"
    if tree.TOO_DEEP in text or len(text) > _MOST_SHOWN or not _is_stable(node, here):
        where = f"{where[:_MOST_SHOWN]}{unlike()}"
    return Opaque(where, reason, kind, reads, nullable)


def lone(words: str, reason: str, kind: Type, reads: tuple[Expr, ...] = ()) -> Opaque:
    """Returns a value that is like no other."""
    return Opaque(f"{words}{unlike()}", reason, kind, reads)


def is_lone(value: Opaque) -> bool:
    """Whether a value may be like no other: another at the next call, or not followed because of where it stood."""
    return _LIKE_NO_OTHER in value.key or value.reason == NESTED


def _is_stable(node: Node, here: Here) -> bool:
    if not is_stable(node, here.scope):
        return False
    if not here.written or here.scope.database is None:
        return True
    own = own_names(here.scope.database.catalog)
    return all(tree.name(one.funcname)[-1] not in own for one in tree.walk(node) if isinstance(one, ast.FuncCall))


def _reads(node: Node, here: Here) -> Iterator[Field]:
    """The fields that may be read below `node`: whatever is called so, at any level and among the arguments."""
    for one in tree.walk(node):
        if isinstance(one, ast.ParamRef):
            number = one.number or 0
            yield from _of_value(here.numbered[number - 1] if 0 < number <= len(here.numbered) else None, here.free)
        if not isinstance(one, ast.ColumnRef):
            continue
        names = [part.sval or "" for part in one.fields or () if isinstance(part, ast.String)]
        whole = len(names) < len(one.fields or ())
        for table in (each for level in here.levels for each in level):
            # A row as a whole, unless the next name is a column's.
            named = [] if whole else [each for each in names if each in table.columns]
            if whole or (table.alias in names and set(named) <= {table.alias}):
                named = list(table.columns)
            table.used.update(named)
            for each in named:
                yield from _of_value(table.columns[each], here.free)
        for name in (*names, ".".join(names[:2])):
            yield from _of_value(here.parameters.get(name), here.free)


def _of_value(value: Value | None, free: int) -> Iterator[Field]:
    if value is None:
        return
    try:
        found = value(free)
    except LostError:
        # What is not known by that name is no field either.
        return
    yield from (one for one in walk(found) if isinstance(one, Field))
