"""What signing up puts into tables: by the triggers on the table of users, and by all that those set off.

A row that is made so is everybody's, and what it holds is what its statement says: a constant is everybody's as well,
and what comes from the user's metadata or address is of the client's choice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from pglast import ast

from rlsaudit.catalog.firing import fires, is_before
from rlsaudit.catalog.platform import USERS
from rlsaudit.model import Operation
from rlsaudit.policy import tree
from rlsaudit.policy.body import attempted, body_of, statements_of, surely_run
from rlsaudit.policy.columns import TEXTS
from rlsaudit.policy.procedure import NotFollowed, paths
from rlsaudit.policy.procedure.path import Returned, Writes
from rlsaudit.policy.proof.put_in import Made, Picked, Reader, Value, is_null, is_unique
from rlsaudit.policy.proof.stored import is_kept_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Constraint, Function, Relation
    from rlsaudit.policy.procedure.path import Bindings
    from rlsaudit.policy.tree import Node


_WRITES = ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt | ast.MergeStmt
_EVENTS = {ast.InsertStmt: Operation.INSERT, ast.DeleteStmt: Operation.DELETE}
_METADATA = frozenset({"raw_user_meta_data", "*"})
_DEFAULT: frozenset[Value] = frozenset({Made.DEFAULT})
_Row: TypeAlias = "dict[str, frozenset[Value]]"


@dataclass(slots=True)
class _Filled:
    """What is done to one table: by statement the rows put in, by column names, and the columns that may be anything.

    A statement has several where that depends on the way to it. `surely` is whether a row is put in whoever signs up,
    `lost` whether not all that is done is known, `removed` whether rows may be taken out again.
    """

    rows: dict[str, list[_Row]] = field(default_factory=dict)
    surely: bool = False
    open: set[str] = field(default_factory=set)
    lost: bool = False
    removed: bool = False


class SignUp:
    """The tables that signing up fills in one database.

    Without `picks` clients say nothing of themselves: there is what stands in for that, or the column's default.
    """

    def __init__(self, catalog: Catalog, *, picks: bool = True) -> None:
        self._catalog = catalog
        self._picks = picks
        self._filled: dict[int, _Filled] = {}
        self._users = catalog.relations_by_name.get(USERS)
        self._kept: list[object] = []
        self._everybody = frozenset[int]()
        self._follow_all()
        if self._users is not None:
            # Who the first is, is told by what nothing takes out again: that is known once all is followed.
            full = {oid for oid, one in self._filled.items() if one.surely and not (one.removed or one.lost)}
            self._everybody = frozenset({self._users.oid, *full})
            self._follow_all()

    def _follow_all(self) -> None:
        """Follows whatever signing up sets off, with what is known of who the first is."""
        self._filled = {}
        self._seen: set[int] = set()
        self._picks_barred = False
        self._picked: dict[str, set[tuple[int, str]]] = {}
        if self._users is None:
            return
        fired = [one for one in self._catalog.triggers[self._users.oid] if fires(one, Operation.INSERT)]
        always = {one.function for one in fired if not one.conditional}
        for function in self._fired(self._users.oid, Operation.INSERT):
            self._picks_barred |= not _METADATA.isdisjoint(body_of(function).assigns)
        for function in self._fired(self._users.oid, Operation.INSERT):
            self._follow(function, direct=function.oid in always)
        # Users may change their address and metadata as they like.
        for function in self._fired(self._users.oid, Operation.UPDATE):
            self._follow(function, direct=False)

    def fills(self, relation: int) -> bool:
        """Whether whoever signs up is given a row there, the same one whoever it is."""
        found = self._filled.get(relation)
        return found is not None and found.surely and not found.removed and len(found.rows) == 1

    def picked(self, relation: int, column: str) -> bool:
        """Whether whoever signs up may say itself what a column of its row there holds."""
        return any(isinstance(one, Picked) for one in self._values(relation, column))

    def values(self, relation: int, column: str) -> frozenset[Value]:
        """Returns what rows that are put in there may get in a column: nothing else than its default, if none are."""
        found = self._values(relation, column)
        if self._picks:
            return found
        return frozenset(one for one in found if not isinstance(one, Picked)) or _DEFAULT

    def _values(self, relation: int, column: str) -> frozenset[Value]:
        assigned = self._assigned(relation)
        found = self._filled.get(relation)
        if column in assigned or "*" in assigned or (found is not None and (found.lost or column in found.open)):
            return frozenset({Made.ANYTHING})
        rows = [row for rows in found.rows.values() for row in rows] if found is not None else []
        values = frozenset[Value]().union(*(one.get(column, _DEFAULT) for one in rows)) or _DEFAULT
        if found is not None and any(
            len({one.get(column, _DEFAULT) for one in ways}) > 1 for ways in found.rows.values()
        ):
            values |= {Made.PERHAPS}
        picked = [one for one in values if isinstance(one, Picked)]
        if any(Made.PERHAPS in values or not self._may_pick(relation, column, one) for one in picked):
            return frozenset({Made.ANYTHING})
        return values

    def _may_pick(self, relation: int, column: str, value: Picked) -> bool:
        """Whether the client's word is all that decides on a value, and on no other: nothing looks at it before."""
        if len(self._picked.get(value.key, ())) != 1 or self._picks_barred:
            return False
        fact = next((one for one in self._catalog.columns[relation] if one.name == column), None)
        if fact is None or not all(is_kept_as(one, fact.type) for one in value.through):
            return False
        bodies = [body_of(one) for one in self._fired(relation, Operation.INSERT)]
        return not any(one.raises or one.returns_null or one.dynamic or not one.understood for one in bodies)

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
        for operation, name in body.writes:
            if operation == Operation.DELETE.value:
                for relation in self._catalog.relations.values():
                    if (self._catalog.schema_name(relation), relation.name)[-len(name) :] == name:
                        self._take_out(relation, set())
        everybody = partial(self._shows_everybody, function)
        reader = Reader(direct and self._signs_up(function), self._is_alone, everybody)
        for node, bindings in self._writes(function, reader):
            self._write(node, bindings, reader)
        for filled in self._surely_filled(function) if direct else ():
            self._at(filled).surely = True
        for name in body.calls:
            for one in self._called(name):
                self._follow(one, direct=False)

    def _surely_filled(self, function: Function) -> Iterator[Relation]:
        """The tables that get a row whenever the function runs: also where a handler would catch what cannot fail."""
        tried = [one for one in attempted(function) if isinstance(one, _WRITES)]
        certain = tried if all(map(self._cannot_fail, tried)) else []
        found = map(self._surely_into, (*surely_run(function), *certain))
        yield from (one for one in found if one is not None)

    def _signs_up(self, function: Function) -> bool:
        """Whether NEW in a trigger's function is the user who signs up, and of no other table."""
        fired = [one for one in self._catalog.snapshot.triggers if one.function == function.oid]
        users = self._catalog.relations_by_name.get(USERS)
        return users is not None and all(one.relation == users.oid for one in fired)

    def _may_look_around(self, function: Function) -> bool:
        """Whether a trigger's function may refuse for what stands elsewhere than in its own row."""
        body = body_of(function)
        looks = body.reads or body.dynamic or any(self._called(one) for one in body.calls)
        return not body.understood or (body.raises and bool(looks))

    def _writes(self, function: Function, reader: Reader) -> Iterator[tuple[Node, Bindings]]:
        """What a body writes, with what its variables are there: on all of its ways but the first user's."""
        found = paths(function)
        # Whatever is looked at on the way may keep the client from saying what it likes.
        if isinstance(found, NotFollowed):
            self._picks_barred |= body_of(function).raises if reader.signing else self._may_look_around(function)
            for statement in statements_of(function):
                for node in tree.walk(statement):
                    if isinstance(node, _WRITES):
                        yield node, {}
            return
        failing = any(not isinstance(one.end, Returned) for one in found)
        self._picks_barred |= failing if reader.signing else self._may_look_around(function)
        seen: set[tuple[int, int]] = set()
        for path in found:
            if not isinstance(path.end, Returned) or any(map(reader.never, path.conditions)):
                continue
            for step in path.steps:
                if not isinstance(step, Writes) or not isinstance(step.statement, _WRITES):
                    continue
                if (id(step.statement), id(step.bindings)) not in seen:
                    seen.add((id(step.statement), id(step.bindings)))
                    yield step.statement, step.bindings
        self._kept.append(found)

    def _is_alone(self, statement: Node, column: int) -> bool:
        """Whether a column that an INSERT returns of its row holds what no other row has: a key that is made for it."""
        returned = _returned(statement)
        value = returned[column].val if column < len(returned) else None
        if not isinstance(statement, ast.InsertStmt) or not isinstance(value, ast.ColumnRef):
            return False
        name = getattr((value.fields or (None,))[-1], "sval", None)
        relations = list(self._named(statement.relation))
        return (
            bool(relations) and statement.onConflictClause is None and all(self._is_key(one, name) for one in relations)
        )

    def _is_key(self, relation: Relation, name: str | None) -> bool:
        """Whether no two rows of a relation have the same there."""
        numbers = [one.number for one in self._catalog.columns[relation.oid] if one.name == name]
        keys = [tuple(one.columns) for one in self._catalog.constraints[relation.oid] if one.kind in "pu"]
        return tuple(numbers) in keys

    def _surely_into(self, statement: Node) -> Relation | None:
        """The table that gets a row by a statement, whatever there is; None where that is not certain."""
        named = list(self._named(statement.relation)) if isinstance(statement, ast.InsertStmt) else []
        if len(named) != 1 or not _puts_one(statement) or self._may_conflict(statement, named[0]):
            return None
        before = (body_of(one) for one in self._fired(named[0].oid, Operation.INSERT))
        swallowed = any(one.returns_null or not one.understood for one in before)
        return None if swallowed or self._catalog.rewrites[named[0].oid] else named[0]

    def _cannot_fail(self, statement: Node) -> bool:
        """Whether an INSERT puts in a row that every constraint lets pass."""
        relation = self._surely_into(statement)
        rows = self._at(relation).rows.get(tree.text(statement), []) if relation is not None else []
        if relation is None or not rows or any(self._fired(relation.oid, Operation.INSERT)):
            return False
        columns = self._catalog.columns[relation.oid]
        names = {one.number: one.name for one in columns}
        keys = [one.columns for one in self._catalog.unique_indexes[relation.oid]]
        for row in rows:
            alone = {one.name for one in columns if row.get(one.name, _DEFAULT) == {Made.ALONE} or _makes_its_own(one)}
            for one in self._catalog.constraints[relation.oid]:
                given = {names[number] for number in one.columns if number in names} & row.keys()
                if one.kind in "pu":
                    keys.append(one.columns)
                elif given and not (one.kind == "f" and given <= alone and self._is_of_users(one)):
                    return False
            if any(alone.isdisjoint(names.get(number, "") for number in key) for key in keys):
                return False
            if not all(_holds(one, row.get(one.name, _DEFAULT)) for one in columns):
                return False
        return True

    def _is_of_users(self, constraint: Constraint) -> bool:
        return self._users is not None and constraint.foreign_relation == self._users.oid

    def _may_conflict(self, insert: Node, relation: Relation) -> bool:
        """Whether ON CONFLICT may keep a row out for what somebody else's row holds: by a key not the user's."""
        clause = insert.onConflictClause
        if clause is None:
            return False
        named = clause.infer
        keys = [{one.name for one in named.indexElems}] if named is not None and named.indexElems else None
        if keys is None:
            keys = self._keys(relation, named.conname if named is not None else None)
        columns = self._catalog.columns[relation.oid]
        values = _assigned_by(insert, [one.name for one in columns])
        alone = {name for name, value in values.items() if _is_new_id(value)}
        alone |= {one.name for one in columns if one.name not in values and _makes_its_own(one)}
        return keys is None or any(key.isdisjoint(alone) for key in keys)

    def _keys(self, relation: Relation, constraint: str | None) -> list[set[str]] | None:
        """The columns of each key that ON CONFLICT looks at, of one constraint or of all; None where not all are known.

        Without a target it looks at every unique index, and at exclusion constraints, whose operators may let two rows
        meet that are not equal: infer_arbiter_indexes and ExecInsertIndexTuples of the server's source.
        """
        found = [one for one in self._catalog.constraints[relation.oid] if constraint in {None, one.name}]
        if self._catalog.snapshot.unique_indexes is None or any(one.kind == "x" for one in found):
            return None
        keys = [one.columns for one in found if one.kind in "pu"]
        if constraint is None:
            keys += [one.columns for one in self._catalog.unique_indexes[relation.oid]]
        names = {one.number: one.name for one in self._catalog.columns[relation.oid]}
        return [{names[number] for number in key if number in names} for key in keys]

    def _shows_everybody(self, function: Function, of: Node) -> bool:
        """Whether whoever signs up has a row in what a name may mean, and a function sees it there."""
        named = list(self._named(of))
        return bool(named) and all(one.oid in self._everybody and self._sees_all(function, one) for one in named)

    def _sees_all(self, function: Function, relation: Relation) -> bool:
        """Whether no policy keeps rows from a function; as whom one runs that is not its owner's is not known."""
        if not relation.rls:
            return True
        owner = self._catalog.roles.get(function.owner)
        owns = function.owner == relation.owner and not relation.forced
        passes = owner is not None and (owner.superuser or owner.bypass_rls or owns)
        return function.security_definer and passes

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

    def _write(self, node: Node, bindings: Bindings, reader: Reader) -> None:
        for relation in self._named(node.relation):
            there = self._at(relation)
            match node:
                case ast.InsertStmt():
                    row = self._row(node, relation, bindings, reader)
                    if row is not None:
                        there.rows.setdefault(tree.text(node), []).append(row)
                        self._note_picks(relation, row)
                    there.lost |= row is None
                    changed = node.onConflictClause.targetList if node.onConflictClause is not None else ()
                    there.open |= {one.name for one in changed or ()}
                case ast.UpdateStmt():
                    there.open |= {one.name for one in node.targetList or ()}
                case ast.DeleteStmt():
                    pass
                case _:
                    there.lost = True
            event = _EVENTS.get(type(node), Operation.UPDATE)
            for function in self._fired(relation.oid, event):
                self._follow(function, direct=False)

    def _take_out(self, relation: Relation, seen: set[int]) -> None:
        """Notes that rows may be taken out of a table, and with them those that point at them."""
        if relation.oid in seen:
            return
        seen.add(relation.oid)
        self._at(relation).removed = True
        for one in self._catalog.snapshot.constraints:
            below = self._catalog.relations.get(one.relation)
            if one.kind == "f" and one.foreign_relation == relation.oid and below is not None:
                if "ON DELETE CASCADE" in one.definition:
                    self._take_out(below, seen)
                elif "ON DELETE SET" in one.definition:
                    self._at(below).lost = True

    def _note_picks(self, relation: Relation, row: _Row) -> None:
        for name, values in row.items():
            for one in values:
                if isinstance(one, Picked):
                    self._picked.setdefault(one.key, set()).add((relation.oid, name))

    def _row(self, insert: Node, relation: Relation, bindings: Bindings, reader: Reader) -> _Row | None:
        """What the one row of an INSERT gets, None where that is not followed."""
        select = insert.selectStmt
        if select is None:
            return {}
        if len(select.valuesLists or ()) > 1 or select.larg is not None or select.withClause is not None:
            return None
        names = [one.name for one in self._catalog.columns[relation.oid]]
        if len(_listed(select)) > len(insert.cols or names):
            return None
        alone = _is_one_row(select)
        made = {name: reader.values(one, bindings) for name, one in _assigned_by(insert, names).items()}
        return made if alone else dict.fromkeys(made, frozenset({Made.ANYTHING}))


def _assigned_by(insert: Node, names: Sequence[str]) -> dict[str, Node]:
    """What an INSERT of one row puts into which column, where `names` are all that there are."""
    called = [one.name for one in insert.cols or ()] or names
    return dict(zip(called, _listed(insert.selectStmt), strict=False)) if insert.selectStmt is not None else {}


def _listed(select: Node) -> tuple[Node, ...]:
    lists: Sequence[tuple[Node, ...]] = select.valuesLists or ()
    return tuple(lists[0]) if lists else tuple(one.val for one in select.targetList or ())


def _holds(column: Column, values: frozenset[Value]) -> bool:
    """Whether a column takes each of these values: of no type does more than a text take what somebody says."""
    kept = not column.not_null
    for one in values - {Made.PERHAPS}:
        match one:
            case Made.DEFAULT:
                fits = kept or column.default
            case Made.ALONE:
                fits = column.type in {"uuid", *TEXTS}
            case Picked(otherwise=otherwise):
                fits = column.type in TEXTS and (kept or otherwise)
            case Made():
                fits = column.type in TEXTS and kept
            case _:
                fits = kept or not is_null(one)
        if not fits:
            return False
    return True


def _is_new_id(value: Node) -> bool:
    """Whether a value is the id of the user who signs up, by the name that every trigger has for it."""
    written = tree.uncast(value)
    return isinstance(written, ast.ColumnRef) and tuple(
        getattr(one, "sval", "").lower() for one in written.fields or ()
    ) == ("new", "id")


def _makes_its_own(column: Column) -> bool:
    """Whether a column gets what no other row has, where nothing else is put in."""
    return column.identity or (column.computed is not None and is_unique(tree.expression(column.computed)))


def _puts_one(insert: Node) -> bool:
    """Whether an INSERT puts a row in whatever there is."""
    return insert.selectStmt is None or _is_one_row(insert.selectStmt)


def _is_one_row(select: Node) -> bool:
    """Whether it is VALUES, or a SELECT of one row that asks nothing."""
    asked = (select.fromClause, select.whereClause, select.havingClause, select.limitCount, select.limitOffset)
    return not any(asked) and select.larg is None


def _returned(statement: Node) -> tuple[Node, ...]:
    clause = getattr(statement, "returningClause", None)
    listed = clause.exprs if clause is not None else getattr(statement, "returningList", None)
    return tuple(listed or ())
