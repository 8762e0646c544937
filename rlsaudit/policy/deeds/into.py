"""What statements make of rows: which columns they set in those there are, and which keys stand in new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.model import Operation
from rlsaudit.policy.deeds.deed import Change
from rlsaudit.policy.deeds.sound import Sound
from rlsaudit.policy.procedure.names import lookup
from rlsaudit.policy.procedure.path import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.body import Body
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.deeds.deed import Ground
    from rlsaudit.policy.procedure.path import Bindings
    from rlsaudit.policy.read import plpgsql
    from rlsaudit.policy.tree import Node


class Into:
    """Reads the statements of one body that stands at `body`; `named` is what its text names."""

    def __init__(self, function: Function, named: Body, body: plpgsql.Body, database: Database, ground: Ground) -> None:
        self._named = named
        self._catalog = database.catalog
        self._ground = ground
        self._role = body.here.scope.role
        self._sound = Sound(function, body, database, ground)

    def of(self, operation: Operation, statement: Node, bindings: Bindings, relation: int) -> Change:
        """Returns what a statement makes of a relation's rows (an OID), where it does `operation` to them."""
        known = {one.name: one.number for one in self._catalog.columns[relation]}
        if operation is Operation.INSERT:
            return Change(fresh=frozenset(self._fresh(statement, bindings, known)))
        clause = statement.onConflictClause if isinstance(statement, ast.InsertStmt) else statement
        names = {one.name for one in getattr(clause, "targetList", None) or ()}
        return Change(frozenset(known[one] for one in names) if names <= known.keys() else None)

    def _fresh(self, statement: Node, bindings: Bindings, known: dict[str, int]) -> Iterator[tuple[int, int, int]]:
        """The columns of a new row that hold the key of a row which was put in before."""
        lists: Node = statement.selectStmt.valuesLists or () if statement.selectStmt is not None else ()
        names = [one.name for one in statement.cols or ()] or list(known)
        for name, value in zip(names, lists[0], strict=False) if len(lists) == 1 else ():
            bound = lookup(value, bindings) if isinstance(value, ast.ColumnRef) else None
            if name in known and bound is not None and isinstance(bound[0], Unknown) and not bound[1]:
                key = self._new_key(bound[0])
                if key is not None:
                    yield (known[name], *key)

    def _new_key(self, value: Unknown) -> tuple[int, int] | None:
        """The relation, and the column that is a key of it by itself, which a value is of a row that was put in."""
        statement = value.written
        if not isinstance(statement, ast.InsertStmt) or statement.onConflictClause is not None:
            return None
        column, catalog = self._sound.column_returned(value), self._catalog
        if column is None or catalog.relations[column.relation].kind != "r" or catalog.children[column.relation]:
            return None
        keys = (one.columns for one in catalog.constraints[column.relation] if one.kind in "pu" and not one.deferrable)
        if (column.number,) not in keys or not self._only_puts_in(column.relation):
            return None
        return column.relation, column.number

    def _only_puts_in(self, relation: int) -> bool:
        """Whether no row of a relation is changed or deleted on the way, whose key a new one could have then."""
        for operation, name in self._named.writes:
            for oid in self._ground.relations(name):
                if oid == relation and operation != Operation.INSERT.value:
                    return False
                changed = self._ground.changed_by_write(Operation(operation), oid, self._role)
                if oid != relation and (changed is None or relation in changed):
                    return False
        names = (*self._named.calls, *self._named.operators)
        called = (one for name in names for one in self._ground.functions(name))
        changes = [self._ground.changed_by_call(one, self._role) for one in called]
        if any(one is None or relation in one for one in changes):
            return False
        # What a trigger does to other rows of the table is not looked at.
        return self._ground.lets_pass(relation, Operation.INSERT, frozenset())
