"""Statements that write and surely go through: nothing refuses what they write, whatever rows there are.

A foreign key is put aside, and so is a key that another row has: whether it is met is the other rows' affair.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.model import Operation, Reach
from rlsaudit.policy import tree
from rlsaudit.policy.columns import check_of
from rlsaudit.policy.deeds import rows
from rlsaudit.policy.expr import TRUE, And, Const, Expr, Field, IsNull, IsTrue, Not, rebuilt
from rlsaudit.policy.procedure import names
from rlsaudit.policy.procedure.path import Computed, Unknown
from rlsaudit.policy.procedure.walk import FOUND
from rlsaudit.policy.read import read_node, types
from rlsaudit.policy.read.here import LostError
from rlsaudit.policy.read.junctions import conjunction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.deeds.deed import Ground
    from rlsaudit.policy.deeds.sound import Sound
    from rlsaudit.policy.procedure.path import Bindings, Writes
    from rlsaudit.policy.read import plpgsql
    from rlsaudit.policy.read.here import Here
    from rlsaudit.policy.tree import Node

_NAMES_NOBODY = re.compile(r"boolean|date|time\b.*|timestamp\b.*|interval|real|double precision|numeric\b.*|jsonb?")
"""Types whose values tell nobody's identity."""
_NEVER_NULL = frozenset(
    {"clock_timestamp", "count", "gen_random_uuid", "jsonb_build_array", "jsonb_build_object", "now"}
)
OPERATIONS = {ast.InsertStmt: Operation.INSERT, ast.UpdateStmt: Operation.UPDATE, ast.DeleteStmt: Operation.DELETE}


@dataclass(frozen=True, slots=True)
class Written:
    """A statement goes through where `gate` is true; then it does `operation` to the rows for which `rows` is true.

    `columns` are those that it gives a value, by number; `sets` are these values, of the row before an UPDATE. `most`
    is how far that is claimed: not every row, where the rows say nothing of a column that tells nobody's identity.
    """

    operation: Operation
    relation: int
    rows: Expr
    gate: Expr
    columns: frozenset[int]
    statement: Node = field(default=None, repr=False)
    most: Reach = Reach.ALL
    sets: tuple[tuple[Field, Expr], ...] = ()


@dataclass(slots=True)
class _Taken:
    """The columns that a statement gives values; `there` are those whose value is surely not NULL."""

    columns: list[Column] = field(default_factory=list)
    new: dict[int, Expr] = field(default_factory=dict)
    there: set[int] = field(default_factory=set)


class Writing:
    """Reads the statements of one body."""

    def __init__(self, body: plpgsql.Body, database: Database, ground: Ground, sound: Sound) -> None:
        self._body = body
        self._database = database
        self._ground = ground
        self._sound = sound
        self._role = body.here.scope.role

    def of(self, step: Writes) -> tuple[Written, ...]:
        """Returns what a statement surely does; nothing where it may fail, or is not followed."""
        statement, bindings = step.statement, step.bindings
        operation = OPERATIONS.get(type(statement))
        found = list(self._ground.relations(_name(statement.relation))) if operation is not None else []
        if operation is None or len(found) != 1 or step.maybe or statement.withClause is not None:
            return ()
        catalog = self._database.catalog
        relation = catalog.relations[found[0]]
        if relation.kind != "r" or relation.partition or catalog.children[relation.oid]:
            return ()
        if not all(self._ground.opens(self._role, relation.oid, one) for one in (operation, Operation.SELECT)):
            return ()
        if not self._sound.never_fails(tree.returning(statement), bindings):
            return ()
        try:
            here = self._body.moment(bindings)
            if operation is Operation.INSERT:
                return tuple(self._inserted(statement, relation, here, bindings))
            changed = self._changed(statement, relation, here, bindings)
        except LostError:
            return ()
        return () if changed is None else (changed,)

    def _changed(self, statement: Node, relation: Relation, here: Here, bindings: Bindings) -> Written | None:
        """An UPDATE or DELETE."""
        updates = isinstance(statement, ast.UpdateStmt)
        others = statement.fromClause if updates else statement.usingClause
        if not self._sound.never_fails((statement.whereClause, others), bindings):
            return None
        asked = rows.changed(statement, relation, here)
        operation = OPERATIONS[type(statement)]
        if not updates:
            passes = self._ground.lets_pass(relation.oid, operation, frozenset())
            return Written(operation, relation.oid, asked, TRUE, frozenset(), statement) if passes else None
        around = rows.beside(statement.relation, relation, here)
        values = {one.name or "": one.val for one in statement.targetList or ()}
        if others or any(one.indirection for one in statement.targetList or ()):
            return None
        taken = self._taken(relation, values, around, bindings)
        if taken is None or not self._ground.lets_pass(relation.oid, operation, frozenset(values)):
            return None
        met = self._met(relation, taken)
        if met is None:
            return None
        found = conjunction((asked, met))
        sets = tuple((self._field(one, relation), taken.new[one.number]) for one in taken.columns)
        return Written(operation, relation.oid, found, TRUE, frozenset(taken.new), statement, sets=sets)

    def _inserted(self, statement: Node, relation: Relation, here: Here, bindings: Bindings) -> Iterator[Written]:
        """An INSERT of one row of values; where it is there already, nothing is done, or it is changed."""
        select: Node = statement.selectStmt
        given = [one.name or "" for one in statement.cols or ()]
        if select is None or len(select.valuesLists or ()) != 1 or not given:
            return
        if len(given) != len(select.valuesLists[0]) or any(one.indirection for one in statement.cols):
            return
        values = dict(zip(given, select.valuesLists[0], strict=True))
        taken = self._taken(relation, values, here, bindings)
        if taken is None or not self._ground.lets_pass(relation.oid, Operation.INSERT, frozenset(values)):
            return
        left = [one for one in self._database.catalog.columns[relation.oid] if one.name not in values]
        if any(one.not_null and not one.default for one in left):
            return
        for one in left:
            # A row that is put in has the rest as the defaults are.
            taken.columns.append(one)
            taken.new[one.number] = self._default(one, relation)
            taken.there.add(one.number)
        # Of these the rows say what they are.
        told = frozenset(one.number for one in taken.columns if not one.default or one.constant or one.name in values)
        met = self._met(relation, taken)
        made = list(rows.inserted(statement, relation, here))
        if met is None or len(made) != 1:
            return
        untold = [one for one in taken.columns if one.name in values.keys() - made[0][1].keys()]
        if any(_NAMES_NOBODY.fullmatch(one.type) is None for one in untold):
            return
        times = all(one.type.startswith(("date", "time")) for one in untold)
        conflict = statement.onConflictClause
        if conflict is not None and FOUND in bindings and not _inferred(conflict).isdisjoint(bindings):
            # In plpgsql such a name is a variable's as well.
            return
        if conflict is not None and conflict.targetList:
            changes = self._conflicting(statement, relation, here, bindings)
            if changes is None:
                return
            yield replace(changes, gate=met)
        most = Reach.ALL if times else Reach.SOME
        yield Written(Operation.INSERT, relation.oid, made[0][0], met, told, statement, most)

    def _conflicting(self, statement: Node, relation: Relation, here: Here, bindings: Bindings) -> Written | None:
        """What ON CONFLICT DO UPDATE changes, with what was to be put in or with what is taken by any column."""
        clause = statement.onConflictClause
        around = rows.beside(statement.relation, relation, here)
        if clause.whereClause is not None:
            return None
        checked = {
            number
            for one in self._database.catalog.constraints[relation.oid]
            if one.kind in "cpux"
            for number in one.columns
        }
        names_of = {one.name: one for one in self._database.catalog.columns[relation.oid]}
        for one in clause.targetList:
            column, node = names_of.get(one.name), one.val
            if column is None or one.indirection or not self._sound.never_fails(node, bindings):
                return None
            if isinstance(node, ast.ColumnRef) and names.parts(node) == ("excluded", column.name):
                continue
            if column.number in checked or not self._takes(column, node, around, bindings):
                return None
            if column.not_null and not self._is_there(column, node, around.read(node), bindings):
                return None
        keys = _inferred(clause)
        names_set = frozenset(one.name for one in clause.targetList)
        if not self._ground.lets_pass(relation.oid, Operation.UPDATE, names_set):
            return None
        asked = rows.conflicting(statement, relation, here)
        count = len(asked.operands) if isinstance(asked, And) else 1
        if not keys or count != len(keys):
            return None
        return Written(Operation.UPDATE, relation.oid, asked, TRUE, frozenset(), statement)

    def _default(self, column: Column, relation: Relation) -> Expr:
        if not column.default:
            return Const(None, types.of_column(self._database.columns(relation)[column.name]))
        node = tree.expression(column.constant) if column.constant is not None else None
        return read_node(node, self._database.scope(self._body.here.scope.persona, relation))

    def _field(self, column: Column, relation: Relation) -> Field:
        kind = types.of_column(self._database.columns(relation)[column.name])
        return Field(0, relation.oid, column.number, column.name, kind, nullable=not column.not_null)

    def _taken(self, relation: Relation, values: Mapping[str, Node], here: Here, bindings: Bindings) -> _Taken | None:
        """The columns that are given values, and these; None where one may not be taken."""
        known = {one.name: one for one in self._database.catalog.columns[relation.oid]}
        unique = {
            number
            for one in self._database.catalog.constraints[relation.oid]
            if one.kind in "pux"
            for number in one.columns
        }
        taken = _Taken()
        for name, node in values.items():
            column = known.get(name)
            if column is None or column.generated or column.identity or isinstance(node, ast.SetToDefault):
                return None
            if not self._sound.never_fails(node, bindings) or not self._takes(column, node, here, bindings):
                return None
            value = here.read(node)
            if isinstance(value, Const):
                # What is written as a constant is read as what the column holds.
                value = Const(value.value, types.of_column(self._database.columns(relation)[name]))
            constant = isinstance(value, Const) and value.value is not None
            if constant and column.number in unique and len(values) == 1:
                return None
            taken.columns.append(column)
            taken.new[column.number] = value
            if self._is_there(column, node, value, bindings):
                taken.there.add(column.number)
        return taken

    def _takes(self, column: Column, node: Node, here: Here, bindings: Bindings) -> bool:
        """Whether the type of a column surely takes what is written: what it has itself, or comes from elsewhere."""
        own = _column_named(node, here)
        if own is not None and own.number == column.number:
            return True
        if isinstance(node, ast.A_Expr) and _column_named(node.lexpr, here) is not None and "(" not in column.type:
            # `count + 1`: a number that grows beyond its type is put aside.
            counted = _column_named(node.lexpr, here)
            adds = tree.name(node.name) in {("+",), ("-",), ("||",)}
            whole = column.type in {"smallint", "integer", "bigint", "numeric", "text"}
            return adds and whole and counted is not None and counted.number == column.number
        return self._sound.takes(column, Computed(node, bindings))

    def _met(self, relation: Relation, taken: _Taken) -> Expr | None:
        """That the row is taken with these values: by NOT NULL and by every CHECK that asks about one of them."""
        missing = (one for one in taken.columns if one.not_null and one.number not in taken.there)
        asked: list[Expr] = [Not(IsNull(taken.new[one.number])) for one in missing]
        scope = self._database.scope(self._body.here.scope.persona, relation)
        for constraint in self._database.catalog.constraints[relation.oid]:
            if constraint.kind == "x":
                return None
            if constraint.kind != "c" or taken.new.keys().isdisjoint(constraint.columns):
                continue
            node = check_of(constraint.definition)
            if node is None:
                return None
            changed = rebuilt(read_node(node, scope), lambda part: _as_written(part, taken.new))
            asked.append(Not(IsTrue(Not(changed))))
        return conjunction(asked)

    def _is_there(self, column: Column, node: Node, value: Expr, bindings: Bindings) -> bool:
        """Whether a value is surely none that NOT NULL refuses."""
        if isinstance(value, Field):
            return not value.nullable
        if isinstance(value, Const):
            return value.value is not None
        match node:
            case ast.FuncCall():
                return tree.name(node.funcname)[-1] in _NEVER_NULL
            case ast.CoalesceExpr():
                return any(isinstance(one, ast.A_Const) and not one.isnull for one in node.args or ())
            case ast.A_Expr(lexpr=ast.ColumnRef() as left, rexpr=right):
                # The column's own value, and some more.
                return names.parts(left)[-1:] == (column.name,) and _is_number(right)
            case ast.ColumnRef() | ast.ParamRef():
                found = names.lookup(node, bindings)
                written = found[0] if found is not None else None
                returned = self._sound.column_returned(written) if isinstance(written, Unknown) else None
                return returned is not None and returned.not_null
            case _:
                return False


def _inferred(conflict: Node) -> set[str | None]:
    """The columns by which ON CONFLICT looks for a row."""
    return {one.name for one in (conflict.infer.indexElems if conflict.infer is not None else ()) or ()}


def _is_number(node: Node) -> bool:
    """Whether a node is a number, if it is a number at all, and not NULL."""
    if isinstance(node, ast.CaseExpr):
        return node.defresult is not None and all(
            _is_number(one) for one in (*(each.result for each in node.args or ()), node.defresult)
        )
    return isinstance(node, ast.A_Const) and not node.isnull


def _as_written(part: Expr, new: Mapping[int, Expr]) -> Expr:
    return new[part.number] if isinstance(part, Field) and part.place == 0 and part.number in new else part


def _column_named(node: Node, here: Here) -> Field | None:
    """The column of the row that is written which a node names; None where it is none."""
    if not isinstance(node, ast.ColumnRef):
        return None
    try:
        found = here.read(node)
    except LostError:
        return None
    return found if isinstance(found, Field) and found.place == 0 else None


def _name(relation: Node) -> tuple[str, ...]:
    return (relation.schemaname, relation.relname) if relation.schemaname else (relation.relname,)
