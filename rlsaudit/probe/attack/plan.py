"""What is tried on a relation: its rows read, changed and deleted, and new rows put in as somebody else's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import ColumnRef
from rlsaudit.catalog.firing import STORAGE_DELETES, comes_before, fires, is_instead, only_sets_a_time
from rlsaudit.catalog.platform import FILES, SUPABASE_SYSTEM_SCHEMAS
from rlsaudit.model import Operation
from rlsaudit.probe.attack.attempt import BY_KEY, Attempt
from rlsaudit.probe.attack.identities import OTHERS, ids_of, known_as
from rlsaudit.probe.attack.restraint import Restraint
from rlsaudit.probe.attack.statements import (
    contents,
    delete,
    how_many,
    in_keys,
    insert,
    nth_row,
    row_as_it_is,
    update,
    upsert,
    written,
)
from rlsaudit.probe.outcome import Outcome, Probe
from rlsaudit.probe.select import count, sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Column, Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.probe.attack.identities import Identity
    from rlsaudit.probe.outcome import Result
    from rlsaudit.probe.rows import Principal, Row, Sown

MOST_NTH = 36
"""So many rows are asked for one by one."""
_FEW_NTH = 6
"""The same where they may be somebody's rows: each is locked for as long as its statement takes."""
_MOST_VALUES = 3
_MOST_SET = 8
_MOST_KEYS = 12
_STRANGERS = frozenset(one.name for one in OTHERS)
_KEYS = frozenset("puxf")
_MAY_NAME = frozenset({"uuid", "text", "character varying", "name", "json", "jsonb", "citext"})
"""Types of columns that may say whose a row is."""
_UUID = 36


class Attacks:
    """The attempts on the relations of one database, into which rows were put; `restraint` says what is left out."""

    def __init__(
        self, access: Access, sown: Sown, people: Iterable[Principal], *, throwaway: bool, beside: Iterable[Row] = ()
    ) -> None:
        self._access = access
        self._catalog = access.catalog
        self._throwaway = throwaway
        self.restraint = Restraint(access, throwaway=throwaway)
        self._rows: defaultdict[int, list[Row]] = defaultdict(list)
        self._sown = sown
        self._people = {one.name: one for one in people}
        for one in (*sown.seeds.rows, *beside):
            self._rows[one.relation].append(one)
            if one.stored != one.relation:
                self._rows[one.stored].append(one)

    def concerns(self, role: int, relation: Relation) -> bool:
        """Whether the role may do anything at all with rows of the relation, by privileges and for want of policies."""
        applies = self._access.rls_applies(role, relation)
        return any(
            self._access.on_any_column(role, relation, one.name)
            and (not applies or any(each.permissive for each in self._access.policies(role, relation, one)))
            for one in Operation
        )

    def covers(self, relation: Relation, operation: Operation, deciding: Iterable[int]) -> bool:
        """Whether rows of several owners were put in, of every content that policies and triggers may tell apart.

        Else what was reached may be all that there is, and not all that there could be. `deciding` are the relations
        (OIDs) that the policies look into: which rows there are, and whether, tells rows apart as well.
        """
        asked = self._catalog.policies[relation.oid]
        if relation.kind not in "rp" or relation.oid in self._sown.seeds.missing or any(deciding):
            # What a view shows may be all that its own condition leaves.
            return False
        if self._catalog.children[relation.oid] or any(self._calls_ours(one) for one in asked):
            return False
        # Each policy depends on its relation as a whole, and a row as a whole goes to functions only.
        refs = {ref for one in asked for ref in one.columns if ref.column}
        if self.rewrites(relation, operation):
            refs |= {ColumnRef(relation.oid, one.number) for one in self._catalog.columns[relation.oid]}
        return all(map(self._varies, refs))

    def _calls_ours(self, policy: Policy) -> bool:
        """Whether a policy calls a function that came with the project."""
        called = (self._catalog.functions[oid] for oid in policy.functions if oid in self._catalog.functions)
        return any(
            one.extension is None and self._catalog.schemas[one.schema].name not in SUPABASE_SYSTEM_SCHEMAS
            for one in called
        )

    def _varies(self, ref: ColumnRef) -> bool:
        """Whether rows of others have everything in a column that is worth having there."""
        name = next((one.name for one in self._catalog.columns[ref.relation] if one.number == ref.column), None)
        others = {one.name for one in OTHERS}
        there = {row.values.get(name) for row in self._rows[ref.relation] if row.owner in others} if name else set()
        return name is not None and self._sown.has_all(ref.relation, name, there)

    def beside(self, principal: Principal, rows: Iterable[Row]) -> Attacks:
        """Returns the same where there are rows of one more principal."""
        people = (*self._people.values(), principal)
        more = Attacks(self._access, self._sown, people, throwaway=self._throwaway, beside=rows)
        more.restraint = self.restraint
        return more

    def made_for(self, owners: Iterable[Principal], relation: int) -> int:
        """Returns how many rows of these principals were made in a relation (OID)."""
        names = {one.name for one in owners}
        return sum(row.owner in names for row in self._rows[relation])

    def totals(self, relations: Iterable[Relation]) -> Iterator[Probe]:
        """Yields what counts all rows there are, as the connection: not where it is kept from some of them itself."""
        me = self._catalog.roles_by_name[self._catalog.snapshot.viewer.name].oid
        for one in relations:
            # The connection runs what a view calls, as nobody's persona.
            own = one.kind in "rpm" and not self._access.rls_applies(me, one)
            if own and self.restraint.may(one, Operation.SELECT):
                yield Probe(None, one.oid, Operation.SELECT, count(self._access, one))

    def on_rows(self, by: Identity, relation: Relation, there: int) -> Iterator[Attempt]:
        """Yields attempts on the rows that are there, as many as `there` says."""
        if self._access.columns(self._role(by), relation, "SELECT") and self.restraint.may(relation, Operation.SELECT):
            read = self._attempt(by, relation, Operation.SELECT, count(self._access, relation))
            # Made-up rows are not in a sample, but nobody should wait for what goes through all of somebody's.
            instead = None if self._throwaway else sample(self._access, relation)
            yield replace(read, probe=replace(read.probe, instead=instead))
        for operation, sql, column in self.writes(by.persona, relation):
            attempt = self._attempt(by, relation, operation, sql, column)
            if self._throwaway:
                yield attempt
            else:
                yield from self._each(attempt, min(there, _FEW_NTH))

    def one_by_one(self, attempt: Attempt, result: Result, rows: int) -> Iterator[Attempt]:
        """Yields the same for each of `rows` rows, where one new row that is refused may stand for others that are not.

        A statement that the role may not send at all is refused for every row.
        """
        asked = attempt.probe
        if asked.operation in {Operation.SELECT, Operation.INSERT} or not rows:
            return
        if result.outcome in {Outcome.ROWS, Outcome.DENIED, Outcome.RECURSION}:
            return
        if not attempt.nth:
            yield from self._each(attempt, min(rows, MOST_NTH))

    @staticmethod
    def _each(attempt: Attempt, rows: int) -> Iterator[Attempt]:
        for nth in range(1, rows + 1):
            yield replace(attempt, probe=replace(attempt.probe, sql=attempt.probe.sql + nth_row(nth)), nth=nth)

    def new_rows(self, by: Identity, relation: Relation) -> Iterator[Attempt]:
        """Yields attempts to put in rows: as those of others that are there, and as one's own."""
        if relation.kind not in "rp" or self._does_otherwise(relation):
            return
        role, name = self._role(by), self._catalog.identity(relation)
        columns = {one.name: one for one in self._access.columns(role, relation, "INSERT") if not one.generated}
        for owner, fresh in self._fresh(by, relation):
            values = {column: value for column, value in fresh.items() if column in columns}
            given = frozenset(columns[column].number for column in values)
            if not values or not self.restraint.may(relation, Operation.INSERT, given):
                continue
            if not self._says_whose(relation, owner, fresh, values):
                continue
            overriding = any(columns[column].identity for column in values)
            ties = {column: value for column, value in values.items() if value is not None and _ties(owner, value)}
            look = written(name, ties or values) if self.rewrites(relation, Operation.INSERT) else None
            if look and not self._throwaway and (reason := self.restraint.reason_to_spare(relation)):
                self.restraint.left[relation.oid, reason].add(Operation.INSERT)
                continue
            sql = insert(name, values, overriding=overriding)
            probe = Probe(by.persona, relation.oid, Operation.INSERT, sql, look)
            yield Attempt(probe, by, puts=owner.name)

    def _says_whose(
        self, relation: Relation, owner: Principal, fresh: Mapping[str, str | None], values: Mapping[str, str | None]
    ) -> bool:
        """Whether the statement says whose the new row is, and no default or trigger does."""
        if any(_ties(owner, value or "") for column, value in fresh.items() if column not in values):
            return False
        naming = [
            one for one in self._catalog.columns[relation.oid] if one.name not in values and one.type in _MAY_NAME
        ]
        tied = any(_ties(owner, one or "") for one in values.values())
        if naming and not tied and self.rewrites(relation, Operation.INSERT):
            return False
        return not any(one.default and one.constant is None and not one.identity for one in naming)

    def _fresh(self, by: Identity, relation: Relation) -> Iterator[tuple[Principal, Mapping[str, str | None]]]:
        """Rows that nobody has put in yet, each like one that is there."""
        return self._like((*OTHERS, *((by.owns,) if by.owns else ())), relation)

    def _like(
        self, owners: Iterable[Principal], relation: Relation
    ) -> Iterator[tuple[Principal, Mapping[str, str | None]]]:
        for owner in owners:
            for row in self._rows[relation.oid]:
                if row.owner != owner.name or row.relation != relation.oid:
                    continue
                varied = {row.varied: self._undated(relation, row)[row.varied]} if row.varied else {}
                fresh = self._sown.fresh(relation.oid, self._people[owner.name], varied)
                if fresh is not None:
                    yield owner, fresh

    def name(self, relation: Relation) -> str:
        """Returns the relation's quoted name."""
        return self._catalog.identity(relation)

    def by_keys(self, persona: Persona, relation: Relation) -> str | None:
        """Returns a condition that only rows meet which were made; None where the persona cannot ask for their keys."""
        rows = [one for one in self._rows[relation.oid] if one.owner in _STRANGERS][:_MOST_KEYS]
        primary = next((one for one in self._catalog.constraints[relation.oid] if one.kind == "p"), None)
        if primary is None or not rows or not self.restraint.may(relation, Operation.SELECT):
            return None
        role = self._catalog.roles_by_name[persona.role].oid
        columns = [one for one in self._catalog.columns[relation.oid] if one.number in primary.columns]
        if not all(self._access.on_column(role, relation, one, "SELECT") for one in columns):
            return None
        return in_keys([one.name for one in columns], [one.values for one in rows])

    def writes(self, persona: Persona, relation: Relation) -> Iterator[tuple[Operation, str, str]]:
        """Yields statements that change and delete all rows, with the column that is set."""
        if relation.kind == "m" or self._does_otherwise(relation):
            return
        role, name = self._catalog.roles_by_name[persona.role].oid, self._catalog.identity(relation)
        changes = list(dict.fromkeys((*self._changes(role, relation), *self._passing(persona, role, relation))))
        if changes and self.restraint.may(relation, Operation.UPDATE):
            yield from ((Operation.UPDATE, update(name, column, value), column) for column, value in changes)
        if self._access.on_table(role, relation, "DELETE") and self.restraint.may(relation, Operation.DELETE):
            yield Operation.DELETE, delete(name), ""

    def in_the_name_of(
        self, newcomer: Principal, persona: Persona, relation: Relation
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields statements that put in a row like one of somebody else's, but with the newcomer's name in it.

        Each comes behind the columns that it sets.
        """
        if relation.kind not in "rp" or self._does_otherwise(relation):
            return
        role, named = self._catalog.roles_by_name[persona.role].oid, known_as(newcomer, persona)
        columns = {one.name: one for one in self._access.columns(role, relation, "INSERT") if not one.generated}
        for row in self._rows[relation.oid]:
            owner = next((one for one in OTHERS[:1] if one.name == row.owner), None)
            if owner is None or row.relation != relation.oid:
                continue
            values = {
                one: value for one, value in self._renamed(relation, row, owner, newcomer, named) if one in columns
            }
            given = frozenset(columns[column].number for column in values)
            if values and self.restraint.may(relation, Operation.INSERT, given):
                overriding = any(columns[column].identity for column in values)
                yield tuple(values), insert(self._catalog.identity(relation), values, overriding=overriding)

    def _renamed(
        self, relation: Relation, row: Row, owner: Principal, newcomer: Principal, named: str
    ) -> Iterator[tuple[str, str | None]]:
        """The row with the newcomer's name in it, which is `named`, and a key of its own."""
        mine = {owner.user: named, str(owner.claims.get("email")): str(newcomer.claims.get("email"))}
        constraints = self._catalog.constraints[relation.oid]
        pointing = {number for one in constraints if one.kind == "f" for number in one.columns}
        keys = {one.columns[0] for one in constraints if one.kind in "pu" and len(one.columns) == 1} - pointing
        for column in self._catalog.columns[relation.oid]:
            value = row.values.get(column.name)
            if value in mine:
                yield column.name, mine[value]
            elif column.number in keys and column.default:
                # The server makes one up.
                continue
            elif column.number in keys and value is not None:
                yield column.name, value.replace(owner.mark, newcomer.mark)
            else:
                yield column.name, self._sown.undated(column, value)

    def settable(self, persona: Persona, relation: Relation) -> Iterator[tuple[str, str | None]]:
        """Yields columns that the persona may set, with values that rows of others have."""
        if relation.kind not in "rp" or not self.restraint.may(relation, Operation.UPDATE):
            return
        role = self._catalog.roles_by_name[persona.role].oid
        keys = {number for one in self._catalog.constraints[relation.oid] if one.kind == "p" for number in one.columns}
        for one in self._access.columns(role, relation, "UPDATE"):
            if not one.generated and not one.identity and one.number not in keys:
                values = (*self._sown.variants(relation.oid, one.name), *self._values(relation, one))
                yield from ((one.name, value) for value in tuple(dict.fromkeys(values))[:_MOST_SET])

    def naming(self, persona: Persona, relation: Relation) -> Iterator[str]:
        """Yields columns that the persona may set, and that say whose a row is."""
        if relation.kind not in "rp" or not self.restraint.may(relation, Operation.UPDATE):
            return
        role = self._catalog.roles_by_name[persona.role].oid
        users = {one.user for one in OTHERS}
        for one in self._access.columns(role, relation, "UPDATE"):
            if any(row.values.get(one.name) in users for row in self._rows[relation.oid]):
                yield one.name

    def rewrites(self, relation: Relation, operation: Operation) -> bool:
        """Whether a trigger may make another row of the one that is written, before it is or afterwards."""
        return any(
            fires(one, operation) and not only_sets_a_time(self._catalog, one)
            for part in self._family(relation)
            for one in self._catalog.triggers[part]
        )

    def _family(self, relation: Relation) -> Iterator[int]:
        """The relation and all that are parts of it, or that it is a part of."""
        for step in (self._catalog.children, self._catalog.parents):
            waiting, seen = [relation.oid], set[int]()
            while waiting:
                oid = waiting.pop()
                if oid not in seen:
                    seen.add(oid)
                    yield oid
                    waiting += step[oid]

    def _attempt(self, by: Identity, relation: Relation, operation: Operation, sql: str, column: str = "") -> Attempt:
        name = self._catalog.identity(relation)
        look = (contents(name, column) if column else how_many(name)) if self.rewrites(relation, operation) else None
        persona = by.persona
        if operation is Operation.DELETE and self._catalog.schema_name(relation) == "storage":
            persona = replace(persona, settings={**persona.settings, STORAGE_DELETES: "true"})
        return Attempt(Probe(persona, relation.oid, operation, sql, look), by)

    def _changes(self, role: int, relation: Relation) -> Iterator[tuple[str, str | None]]:
        """Yields columns to set and values, such as policies do not ask about first."""
        granted = [
            one for one in self._access.columns(role, relation, "UPDATE") if not one.generated and not one.identity
        ]
        asked = {
            ref.column for one in self._catalog.policies[relation.oid] for ref in one.columns
            if ref.relation == relation.oid
        }  # fmt: skip
        keys = {
            number for one in self._catalog.constraints[relation.oid] if one.kind in _KEYS for number in one.columns
        }
        free = [one for one in granted if one.number not in asked | keys]
        for one in free[:1]:
            yield from ((one.name, value) for value in self._values(relation, one)[:1])
        if self.rewrites(relation, Operation.UPDATE):
            # Whether anything was changed is told by what is there afterwards: so by a value that nobody has.
            there = {one.name: {row.values.get(one.name) for row in self._rows[relation.oid]} for one in free}
            made = ((one.name, value) for one in free for value in self._others(relation, one.name))
            yield from [(name, value) for name, value in made if value not in there[name]][:1]
        if not free:
            for one in granted[:_MOST_VALUES]:
                yield from ((one.name, value) for value in self._values(relation, one)[:_MOST_VALUES])

    def _passing(self, persona: Persona, role: int, relation: Relation) -> Iterator[tuple[str, str | None]]:
        """Yields columns to set, and values with which a row may pass a check that it did not have to pass before.

        Where WITH CHECK asks for something else than USING, a row of somebody else's that is let through as it is may
        be kept out again, unless it is made one's own, or whatever else is asked for.
        """
        asked = {
            ref.column
            for one in self._access.policies(role, relation, Operation.UPDATE)
            if one.check is not None and one.check != one.using
            for ref in one.columns
            if ref.relation == relation.oid
        }
        own = ids_of(persona)
        for one in self._access.columns(role, relation, "UPDATE") if asked else ():
            if one.number in asked and not one.generated and not one.identity:
                named = own if one.type in _MAY_NAME else ()
                if (self._catalog.schema_name(relation), relation.name, one.name) == (*FILES, "name"):
                    # A file is moved into a folder of one's own.
                    named = tuple(f"{each}/moved.txt" for each in own)
                values = (*named, *self._sown.variants(relation.oid, one.name))
                yield from ((one.name, value) for value in dict.fromkeys(values[:_MOST_SET]))

    def upserts(self, by: Identity, relation: Relation) -> Iterator[Attempt]:
        """Yields attempts to change rows by an INSERT that meets their keys.

        Such a statement is asked for all that an UPDATE is, and more, so it gets no further; but where a trigger comes
        before the INSERT, that may be who asks, or what policies look up, has become another.
        """
        before = any(comes_before(self._catalog, one, Operation.INSERT) for one in self._catalog.triggers[relation.oid])
        key = next((one for one in self._catalog.constraints[relation.oid] if one.kind == "p"), None)
        if not before or key is None or relation.kind not in "rp" or self._does_otherwise(relation):
            return
        role, name = self._role(by), self._catalog.identity(relation)
        keys = [one.name for one in self._catalog.columns[relation.oid] if one.number in key.columns]
        columns = {one.name: one for one in self._access.columns(role, relation, "INSERT") if not one.generated}
        given = frozenset(one.number for one in columns.values())
        if not set(keys) <= columns.keys() or not self.restraint.may(relation, Operation.INSERT, given):
            return
        set_ = {
            column: self._others(relation, column) for column, _ in self._changes(role, relation) if column not in keys
        }
        rows = [one for one in self._rows[relation.oid] if one.owner in _STRANGERS and one.relation == relation.oid]
        if not set_ or not self.restraint.may(relation, Operation.UPDATE):
            return
        for row in rows[:_FEW_NTH]:
            there = {column: value for column, value in self._undated(relation, row).items() if column in columns}
            for column, values in set_.items():
                # What is there already would not tell that anything was changed.
                value = next((one for one in values if one != row.values.get(column)), None)
                if value is None:
                    continue
                sql = upsert(name, there, keys, column, value, overriding=any(columns[one].identity for one in there))
                look = row_as_it_is(name, {one: row.values[one] for one in keys})
                yield Attempt(Probe(by.persona, relation.oid, Operation.UPDATE, sql, look), by, nth=BY_KEY)

    def _undated(self, relation: Relation, row: Row) -> Mapping[str, str | None]:
        """The values of a row, by which one like it can be put in at another time."""
        columns = [one for one in self._catalog.columns[relation.oid] if one.name in row.values]
        return {one.name: self._sown.undated(one, row.values[one.name]) for one in columns}

    def _values(self, relation: Relation, column: Column) -> list[str | None]:
        """Values that the column has somewhere."""
        name, rows = column.name, self._rows[relation.oid]
        found = [self._sown.undated(column, one.values[name]) for one in rows if name in one.values]
        if not found and not column.not_null:
            return [None]
        return list(dict.fromkeys(found))

    def _others(self, relation: Relation, name: str) -> tuple[str, ...]:
        """Values that a column could have, other than what rows have."""
        column = next(one for one in self._catalog.columns[relation.oid] if one.name == name)
        found = (*self._sown.variants(relation.oid, name), *self._values(relation, column))
        made = ("rlsaudit",) if column.type == "text" else ()
        return (*(one for one in found if one is not None), *made)

    def _does_otherwise(self, relation: Relation) -> bool:
        """Whether triggers do the work of a statement, whatever that is."""
        return any(is_instead(one) for one in self._catalog.triggers[relation.oid])

    def _role(self, by: Identity) -> int:
        return self._catalog.roles_by_name[by.persona.role].oid


def _ties(owner: Principal, value: str) -> bool:
    """Whether a value says that a row is the principal's: its own id or address, or the id of something of its own."""
    named = value in {owner.user, owner.role or owner.user, owner.claims.get("email")}
    return named or (value.startswith(owner.mark) and len(value) == _UUID)
