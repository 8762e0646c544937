"""Which queries of a body its caller sees something of: what it returns, and what that was made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SetOperation, SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.procedure.path import (
    Argument,
    Assigns,
    Changed,
    Computed,
    Event,
    Exists,
    FirstRow,
    Gives,
    Returned,
    SomeRow,
    Tells,
    Unknown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.procedure.path import Bindings, Bound, Path
    from rlsaudit.policy.tree import Node

_CONDITIONS = frozenset({"whereClause", "havingClause", "quals", "sortClause", "lockingClause"})
"""What decides on rows and shows nothing of them, but that they are there."""
_VALUES = frozenset({SubLinkType.EXPR_SUBLINK, SubLinkType.ARRAY_SUBLINK})
COUNTS = frozenset({("count",)})
"""Aggregates that show nothing of a row but that it is there."""
_TELLING_NOTHING = ("diagnostics", "what the error says", "which error it is")
"""Unknown values that are no row's: messages are followed by what they are made of."""


def values(node: Node, *, nested: bool = True) -> Iterator[Node]:
    """Yields every node below and including `node` that its value is made of, queries for values among them.

    Without `nested` those queries are yielded and not looked into.
    """
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend(current)
        elif (
            _is_count(current)
            or (isinstance(current, ast.SubLink) and current.subLinkType not in _VALUES)
            or (isinstance(current, ast.FuncCall) and tree.name(current.funcname) in COUNTS and current.over is None)
        ):
            continue
        elif isinstance(current, ast.Node):
            yield current
            if nested or not isinstance(current, ast.SubLink):
                waiting.extend(getattr(current, name) for name in current if name not in _CONDITIONS)


def _is_count(node: Node) -> bool:
    """Whether a query within another one only counts."""
    within = node.subselect if isinstance(node, ast.SubLink) else None
    return isinstance(within, ast.SelectStmt) and only_counts(within)


def only_counts(select: Node) -> bool:
    """Returns whether a query shows only that there are rows, or how many."""
    if select.op != SetOperation.SETOP_NONE or select.groupClause or select.valuesLists or select.distinctClause:
        return False
    return not any(isinstance(one, ast.ColumnRef | ast.SubLink) for one in values(select.targetList))


@dataclass(slots=True)
class Shown:
    """What one path shows: queries with their bindings, and those for values within them.

    `everything`: it may be any query that the body ran.
    """

    queries: list[tuple[Node, Bindings]] = field(default_factory=list)
    nested: list[tuple[Node, Bindings]] = field(default_factory=list)
    everything: bool = False
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def of(self, function: Function, path: Path) -> None:
        """Takes what a path gives back, and what messages tell on it."""
        outputs = {one.name for one in function.parameters if one.mode in "bot" and one.name}
        for step in path.steps:
            match step:
                case Tells(node, bindings):
                    self._node(node, bindings)
                case Gives(None, bindings=bindings):
                    self._named(outputs, bindings)
                case Gives(value, bindings=bindings) if isinstance(value, ast.Node):
                    self._node(value, bindings)
                case Gives():
                    # A text: what it may be stands among the steps, but not that it is given back.
                    self.everything = True
                case _:
                    pass
        if isinstance(path.end, Returned):
            if path.end.node is None:
                self._named(outputs, path.bindings)
            else:
                self._node(path.end.node, path.bindings)
                self._named(outputs, path.bindings)
        if self.everything:
            for step in path.steps:
                if isinstance(step, Assigns):
                    self._bound(step.value)

    def only_messages(self, path: Path) -> None:
        """Takes what messages tell on a path that fails."""
        for step in path.steps:
            if isinstance(step, Tells):
                self._node(step.node, step.bindings)

    def _named(self, names: set[str], bindings: Bindings) -> None:
        for one in names:
            if one in bindings:
                self._bound(bindings[one])

    def _node(self, node: Node, bindings: Bindings) -> None:
        key = (id(node), id(bindings))
        if key in self._seen:
            return
        self._seen.add(key)
        queries: list[Node] = []
        if isinstance(node, ast.SelectStmt | ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt):
            queries.append(node)
        else:
            queries += [one.subselect for one in values(node, nested=False) if isinstance(one, ast.SubLink)]
        self.queries += [(one, bindings) for one in queries]
        within = [one.subselect for each in queries for one in values(each) if isinstance(one, ast.SubLink)]
        self.nested += [(one, bindings) for one in within]
        for one in values(node):
            if isinstance(one, ast.ParamRef):
                self._named({f"${one.number}"}, bindings)
            elif isinstance(one, ast.ColumnRef):
                # A column may be called as a variable is: then both are taken.
                parts = [part.sval or "" for part in one.fields or () if isinstance(part, ast.String)]
                self._named({".".join(parts[:length]) for length in range(1, len(parts) + 1)}, bindings)
                if not parts:
                    self._named(set(bindings), bindings)

    def _bound(self, bound: Bound) -> None:
        match bound:
            case Computed(node, bindings):
                self._node(node, bindings)
            case FirstRow(query, bindings=bindings) | SomeRow(query, bindings=bindings):
                self._node(query, bindings)
            case Changed(whole, _, value):
                self._bound(whole)
                self._bound(value)
            case Unknown(reason):
                if not reason.startswith(_TELLING_NOTHING):
                    self.everything = True
            case Exists() | Argument() | Event():
                pass
