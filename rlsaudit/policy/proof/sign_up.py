"""What signing up puts into tables: by the triggers on the table of users, and by all that those set off.

A row that is made so is everybody's, and what it holds is what its statement says: a constant is everybody's as well,
and what comes from the user's metadata or address is of the client's choice.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pglast import ast

from rlsaudit.catalog.firing import fires, is_before
from rlsaudit.model import Operation
from rlsaudit.policy import tree
from rlsaudit.policy.body import body_of, statements_of, surely_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.policy.tree import Node

USERS = ("auth", "users")
_UNIQUE = frozenset({"gen_random_uuid", "uuid_generate_v4", "nextval"})


class Made(enum.Enum):
    """What a column gets where that is no constant."""

    DEFAULT = "default"
    ALONE = "alone"
    """A value that no other row has: the user's id, one made at random."""
    ANYTHING = "anything"


Value: TypeAlias = "Made | str"
"""What a column gets: a constant as SQL, or one of `Made`."""


@dataclass(slots=True)
class _Filled:
    """What is done to one table: the rows put in, by column names, and the columns that may be anything.

    `surely` is whether a row is put in whoever signs up, `lost` whether not all that is done is known.
    """

    rows: list[dict[str, Value]] = field(default_factory=list)
    surely: bool = False
    open: set[str] = field(default_factory=set)
    lost: bool = False


class SignUp:
    """The tables that signing up fills in one database."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._filled: dict[int, _Filled] = {}
        users = catalog.relations_by_name.get(USERS)
        first = self._fired(users.oid, Operation.INSERT) if users is not None else ()
        # Users may change their address and metadata as they like.
        later = self._fired(users.oid, Operation.UPDATE) if users is not None else ()
        self._seen: set[int] = set()
        for one in first:
            self._follow(one, direct=True)
        for one in later:
            self._follow(one, direct=False)

    def fills(self, relation: int) -> bool:
        """Whether whoever signs up is given a row there, the same one whoever it is."""
        found = self._filled.get(relation)
        return found is not None and found.surely and len(found.rows) == 1

    def values(self, relation: int, column: str) -> frozenset[Value]:
        """Returns what rows that are put in there may get in a column: nothing else than its default, if none are."""
        assigned = self._assigned(relation)
        found = self._filled.get(relation)
        if column in assigned or "*" in assigned or (found is not None and (found.lost or column in found.open)):
            return frozenset({Made.ANYTHING})
        rows = found.rows if found is not None else []
        return frozenset(one.get(column, Made.DEFAULT) for one in rows) or frozenset({Made.DEFAULT})

    def _fired(self, relation: int, operation: Operation) -> Iterator[Function]:
        for one in self._catalog.triggers[relation]:
            function = self._catalog.functions.get(one.function)
            if fires(one, operation) and function is not None:
                yield function

    def _assigned(self, relation: int) -> frozenset[str]:
        """The columns that triggers set before a row is put in."""
        found = (
            self._catalog.functions.get(one.function)
            for one in self._catalog.triggers[relation]
            if fires(one, Operation.INSERT) and is_before(one)
        )
        return frozenset().union(*(body_of(one).assigns for one in found if one is not None))

    def _follow(self, function: Function, *, direct: bool) -> None:
        if function.oid in self._seen or function.extension is not None:
            return
        self._seen.add(function.oid)
        body = body_of(function)
        if body.dynamic or not body.understood:
            for relation in self._catalog.relations.values():
                if re.search(rf"\b{re.escape(relation.name)}\b", function.body, re.IGNORECASE):
                    self._at(relation).lost = True
        for statement in statements_of(function):
            for node in tree.walk(statement):
                if isinstance(node, ast.InsertStmt | ast.UpdateStmt | ast.MergeStmt):
                    self._write(node)
        for statement in surely_run(function) if direct else ():
            if isinstance(statement, ast.InsertStmt):
                for relation in self._named(statement.relation):
                    self._at(relation).surely = True
        for name in body.calls:
            for one in self._called(name):
                self._follow(one, direct=False)

    def _called(self, name: tuple[str, ...]) -> list[Function]:
        if len(name) > 1:
            return list(self._catalog.functions_by_name[name[-2], name[-1]])
        # Without a schema it depends on the search_path which one it is.
        return [one for one in self._catalog.snapshot.functions if one.name == name[0]]

    def _at(self, relation: Relation) -> _Filled:
        return self._filled.setdefault(relation.oid, _Filled())

    def _named(self, of: Node) -> Iterator[Relation]:
        for relation in self._catalog.relations.values():
            if relation.name == of.relname and of.schemaname in (None, self._catalog.schema_name(relation)):
                yield relation

    def _write(self, node: Node) -> None:
        for relation in self._named(node.relation):
            there = self._at(relation)
            match node:
                case ast.InsertStmt():
                    row = self._row(node, relation)
                    there.rows += [row] if row is not None else []
                    there.lost |= row is None
                    changed = node.onConflictClause.targetList if node.onConflictClause is not None else ()
                    there.open |= {one.name for one in changed or ()}
                case ast.UpdateStmt():
                    there.open |= {one.name for one in node.targetList or ()}
                case _:
                    there.lost = True
            event = Operation.INSERT if isinstance(node, ast.InsertStmt) else Operation.UPDATE
            for one in self._fired(relation.oid, event):
                self._follow(one, direct=False)

    def _row(self, insert: Node, relation: Relation) -> dict[str, Value] | None:
        """What the one row of an INSERT gets, None where that is not followed."""
        select = insert.selectStmt
        if select is None:
            return {}
        lists = select.valuesLists or ()
        if len(lists) > 1 or select.larg is not None or select.withClause is not None:
            return None
        values = lists[0] if lists else tuple(one.val for one in select.targetList or ())
        names = [one.name for one in insert.cols or ()]
        if not names:
            names = [one.name for one in self._catalog.columns[relation.oid]]
        if len(values) > len(names):
            return None
        alone = not select.fromClause and not select.whereClause
        made = {name: _value(one) for name, one in zip(names, values, strict=False)}
        return made if alone else dict.fromkeys(made, Made.ANYTHING)


def _value(node: Node) -> Value:
    inner = node
    while isinstance(inner, ast.TypeCast):
        inner = inner.arg
    match inner:
        case ast.A_Const():
            return tree.text(node)
        case ast.SetToDefault():
            return Made.DEFAULT
        case ast.ColumnRef() if tuple(getattr(one, "sval", "") for one in inner.fields or ()) == ("new", "id"):
            return Made.ALONE
        case ast.FuncCall() if tree.name(inner.funcname)[-1] in _UNIQUE:
            return Made.ALONE
        case _:
            return Made.ANYTHING
