"""Reach, measured: every identity tries every statement, and a superuser looks at what became of the rows.

As `reference/cells.md` has it: foreign keys are dropped first, each statement is rolled back, and an error of a
constraint after the check of row-level security counts as passed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oracle.attempts import Attempt, Attempts
from oracle.statements import Answer, run
from oracle.tables import Place, Table, Tables
from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from oracle.world import Identity, World

_FOREIGN_KEYS = """
select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
where contype = 'f' and conparentid = 0 and (connamespace::regnamespace::text !~ '^(auth|realtime|vault)$')
"""


SERVED = ("public.", "storage.")
"""What the API serves: nothing else can be addressed."""


@dataclass(slots=True)
class Got:
    """What one identity got by one operation: rows by their place, and new ones by whose they are.

    `same` are seeded rows of which a copy could be put in, `alike` those of which one could as far as the statement
    went. `unmarked` is whether something was shown of which nobody can tell whose it is, `example` a statement for each
    row.
    """

    rows: set[Place] = field(default_factory=set)
    new: set[frozenset[str]] = field(default_factory=set)
    same: set[Place] = field(default_factory=set)
    alike: set[Place] = field(default_factory=set)
    unmarked: bool = False
    example: dict[object, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """The reach of a cell, and a statement that shows it."""

    reach: Reach
    example: str


@dataclass(frozen=True, slots=True)
class _Try:
    """An attempt on the relation `via`, or a call where that is empty."""

    via: str
    operation: Operation
    attempt: Attempt


class Force:
    """All that a persona reaches in one database."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        world: World,
        asking: Sequence[Identity],
        served: tuple[str, ...] = SERVED,
        attempts: type[Attempts] = Attempts,
    ) -> None:
        self._served = served
        self._attempts = attempts
        self._connection = connection
        for (drop,) in connection.execute(_FOREIGN_KEYS).fetchall():
            connection.execute(drop)
        self.tables = Tables(connection, world)
        self._marks = self.tables.marks()
        self._world = world
        self._identities = asking
        # By identity (they may share a name), by the relation that was addressed (none: a call), table and operation.
        self._got: dict[tuple[int, str, str, Operation], Got] = {}
        for number, identity in enumerate(self._identities):
            self._try_all(number, identity)

    def reach(self, relation: str, operation: Operation, *, lenient: bool = False) -> Measured:
        """Returns the widest that any identity got: into a table by any statement, of a view by statements on it.

        A new row is as a seeded one if all of it is; `lenient`, if it is the same person's and says the same in the
        columns that the statement could set. Whose rows may be put in does not tell which of the two is meant.
        """
        table = self.tables.all[relation]
        found = [self._level(number, table, operation, lenient=lenient) for number in range(len(self._identities))]
        return max(found, key=lambda one: one.reach.rank)

    def further(self, other: Force) -> list[str]:
        """Returns a statement for each row that some identity gets at by an operation, and not in `other`."""
        found = []
        for (number, via, leaf, operation), got in self._got.items():
            same = [
                one
                for (who, by, table, what), one in other._got.items()
                if (who, by, table, what) == (number, via, leaf, operation)
            ]
            known: set[object] = {row for one in same for row in (*one.rows, *one.new)}
            found += [
                f"{self._identities[number].name} {operation.value} {leaf}: {got.example.get(row, '')}"
                for row in (*got.rows, *got.new)
                if row not in known
            ]
        return found

    def _level(self, number: int, table: Table, operation: Operation, *, lenient: bool) -> Measured:
        me = self._identities[number].name
        if table.kind in "vm":
            got = [
                one
                for (who, via, leaf, what), one in self._got.items()
                if (who, via, what) == (number, table.name, operation)
                and (what is Operation.SELECT or self._is_written(table, leaf))
            ]
        else:
            got = [
                one for (who, _, leaf, what), one in self._got.items()
                if who == number and what is operation and leaf and table.name in self.tables.all[leaf].family
            ]  # fmt: skip
        if operation is Operation.INSERT:
            rows = set[Place]().union(*(one.alike if lenient else one.same for one in got))
        else:
            rows = set[Place]().union(*(one.rows for one in got))
        example = {row: statement for one in got for row, statement in one.example.items()}
        strange = {place for place in rows if me not in self.tables.owners[place]}
        new = {owners for one in got for owners in one.new}
        if strange or any(me not in owners for owners in new) or any(one.unmarked for one in got):
            every = self._strangers_rows(me, table, operation) if me in self._world.seeing_all else set()
            reach = Reach.ALL if every and every <= strange else Reach.SOME
            return Measured(reach, f"{me}: {next((example[one] for one in (*strange, *new) if one in example), '')}")
        if rows or new:
            return Measured(Reach.OWN, f"{me}: {next(iter(example.values()), '')}")
        return Measured(Reach.NONE, "")

    def _is_written(self, view: Table, leaf: str) -> bool:
        """Whether what was changed may be the view's: what its functions do to other tables is reach into those."""
        return not view.reads or bool(view.reads & self.tables.all[leaf].family)

    def _strangers_rows(self, me: str, table: Table, operation: Operation) -> set[Place]:
        every = {place for place in self.tables.places(table) if me not in self.tables.owners[place]}
        if operation is Operation.INSERT and table.holds_rows:
            # Rows are put into the table itself, unless it is one of partitions.
            return {place for place in every if place[0] == table.name}
        return every

    def _try_all(self, number: int, identity: Identity) -> None:
        served = [one for one in self.tables.all.values() if one.name.startswith(self._served)]
        attempts = {one.name: self._attempts(self.tables, one, identity) for one in served}
        first = [_Try("", Operation.SELECT, Attempt(one)) for one in self._world.calls]
        for via, one in attempts.items():
            first += [_Try(via, Operation.INSERT, attempt) for attempt in one.insert()]
            for operation, found in (
                (Operation.SELECT, one.select()),
                (Operation.UPDATE, one.update()),
                (Operation.DELETE, one.delete()),
            ):
                first += [
                    _Try(via, operation, Attempt(statement, whole=not place or operation is not Operation.SELECT))
                    for place, statement in enumerate(dict.fromkeys(found))
                ]
        answers = self._run(number, first)
        reached: defaultdict[tuple[str, Operation], set[Place]] = defaultdict(set)
        for (who, via, _, operation), got in self._got.items():
            if who == number:
                reached[via, operation] |= got.rows
        # What found no row without a condition finds none with one; what failed may have failed for others.
        then = [
            _Try(one.via, one.operation, more)
            for one, answer in zip(first, answers, strict=True)
            if one.via and one.operation is not Operation.INSERT and answer.selective
            for more in attempts[one.via].one_by_one(one.attempt.statement, reached[one.via, one.operation])
        ]
        self._run(number, then)

    def _at(self, number: int, via: str, table: str, operation: Operation) -> Got:
        return self._got.setdefault((number, via, table, operation), Got())

    def _run(self, number: int, tries: Sequence[_Try]) -> list[Answer]:
        """Runs the statements in one go: what is looked at after each has to be planned once."""
        statements = [one.attempt.statement for one in tries]
        answers = run(self._connection, self._identities[number], statements) if tries else []
        for one, answer in zip(tries, answers, strict=True):
            via, attempt = one.via, one.attempt
            if answer.done:
                self._note_shown(number, via, answer, attempt)
                self._note_changed(number, via, one.operation, answer, attempt)
            elif answer.constraint and attempt.copies is not None and self._is_whole(via, attempt, attempt.copies[0]):
                self._note_new(number, via, attempt.copies[0], attempt.written, attempt)
        return answers

    def _is_whole(self, via: str, attempt: Attempt, leaf: str) -> bool:
        """Whether an insert that a constraint stopped says all of the row that it would have made, and where.

        Not through a view, whose check option is asked for after constraints.
        """
        table = self.tables.all[leaf]
        if via != leaf and self.tables.all[via].kind != "p":
            return False
        made = table.defaults - table.generated - table.identity - set(table.key)
        return bool(attempt.written) and not table.fires and made <= attempt.written.keys()

    def _note_shown(self, number: int, via: str, answer: Answer, attempt: Attempt) -> None:
        for row in answer.shown:
            places = self._recognised(via, row)
            for place in places:
                self._note_row(number, via, Operation.SELECT, place, attempt)
            if via and not places and attempt.whole:
                self._at(number, via, "", Operation.SELECT).unmarked = True

    def _recognised(self, via: str, row: dict[str, Any]) -> set[Place]:
        table = self.tables.all.get(via)
        if table is not None and table.kind in "rp":
            # Read by its own name, a row is told by all that was shown of it.
            return {place for place in self.tables.places(table) if row.items() <= self.tables.seeds[place].items()}
        text = "\n".join(str(one) for one in row.values())
        return {place for mark, place in self._marks.items() if re.search(rf"{re.escape(mark)}(?!\w)", text)}

    def _note_changed(self, number: int, via: str, operation: Operation, answer: Answer, attempt: Attempt) -> None:
        before = self.tables.seeds
        # An update may move a row to another partition or give it another key: gone here, new there.
        new = {self.tables.root(leaf) for leaf, key, _, more in answer.changed if more or (leaf, key) not in before}
        moved = new if operation is Operation.UPDATE else set()
        for leaf, key, values, more in answer.changed:
            if values is None:
                done = Operation.UPDATE if self.tables.root(leaf) in moved else Operation.DELETE
                self._note_row(number, via, done, (leaf, key), attempt)
            elif (leaf, key) in before and not more:
                self._note_row(number, via, Operation.UPDATE, (leaf, key), attempt)
            elif self.tables.root(leaf) not in moved:
                self._note_new(number, via, leaf, values, attempt)

    def _note_row(self, number: int, via: str, operation: Operation, place: Place, attempt: Attempt) -> None:
        got = self._at(number, via, place[0], operation)
        got.rows.add(place)
        got.example.setdefault(place, attempt.statement)

    def _note_new(self, number: int, via: str, table: str, values: Mapping[str, str | None], attempt: Attempt) -> None:
        got = self._at(number, via, table, Operation.INSERT)
        owners = self._world.owners(values)
        got.new.add(owners)
        got.example.setdefault(owners, attempt.statement)
        if attempt.copies is None or attempt.copies[0] != table:
            return
        if self.tables.same(attempt.copies, values, self.tables.seeds[attempt.copies]):
            got.same.add(attempt.copies)
        if owners == self.tables.owners[attempt.copies] and self.tables.same(attempt.copies, values, attempt.settable):
            got.alike.add(attempt.copies)
