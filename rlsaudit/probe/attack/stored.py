"""What stands in the tables before a call, and what a call has done to it, as the connection sees it.

Rows are told apart by where they are stored: what was written anew lies elsewhere, whatever it says. A row of which
only the place is another was written as it was: an UPDATE may have set a time, and it is always now.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Operation
from rlsaudit.names import ident
from rlsaudit.probe.outcome import Outcome, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.probe.outcome import Result

    Run: TypeAlias = Callable[[Sequence[Probe]], tuple[Result, ...]]
    Stand: TypeAlias = Sequence[str | None]
    """A row as it is stored: its place, a hash of all of it, and the beginning of each value."""

_MOST_ROWS = 500
_LONG = 64
_BESIDE = 2
"""What comes before the values."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to one row of a table: `values` are those that it had, of a new one those that it has.

    `certain` is whether that is sure: not of a row that was written as it was, nor where a foreign key's action may
    have done it, or another row may be the same one.
    """

    relation: int
    operation: Operation
    values: Mapping[str, str | None]
    place: str
    certain: bool = True


class Stored:
    """The tables that are watched while functions are called, with their rows as they are before each call.

    Args:
        access: The facts.
        run: Runs probes and returns their results.
    """

    def __init__(self, access: Access, run: Run) -> None:
        self._catalog = access.catalog
        self._before: dict[int, Mapping[str, Stand]] = {}
        me = access.catalog.roles_by_name[access.catalog.snapshot.viewer.name].oid
        tables = [
            one
            for one in access.catalog.snapshot.relations
            if one.kind == "r"
            and access.on_table(me, one, "SELECT")
            and access.usage(me, access.catalog.schemas[one.schema])
            and not access.rls_applies(me, one)
        ]
        counting = Probe(None, 0, Operation.SELECT, "select pg_catalog.current_setting('track_counts')", tells=True)
        asked = [Probe(None, one.oid, Operation.SELECT, self._query(one), tells=True) for one in tables]
        counted, *answers = run([counting, *asked])
        for one, answer in zip(tables, answers if counted.told == "on" else (), strict=False):
            rows = json.loads(answer.told or "[]") if answer.outcome is Outcome.ROWS else None
            if rows is not None and len(rows) <= _MOST_ROWS:
                self._before[one.oid] = {row[0]: row for row in rows}
        self.watch = tuple((one.oid, self._query(one)) for one in tables if one.oid in self._before)

    @property
    def watched(self) -> frozenset[int]:
        """The relations (OIDs) of which it is told what is done to their rows."""
        stored = self._before.keys()
        wholes = (one.oid for one in self._catalog.snapshot.relations if one.kind == "p")
        return frozenset(stored) | {oid for oid in wholes if all(one in stored for one in self._leaves(oid))}

    def places(self, relation: int, marks: Iterable[str]) -> frozenset[str]:
        """Returns where rows of a table were before in which one of the marks stands."""
        listed = tuple(marks)
        return frozenset(
            place
            for place, row in self._before.get(relation, {}).items()
            if any(one in value for value in row[_BESIDE:] if value for one in listed)
        )

    def rows(self) -> Iterator[tuple[int, Mapping[str, str | None]]]:
        """Yields every row that was there before, behind the table that it is in."""
        for oid, rows in self._before.items():
            yield from ((oid, self._values(oid, row)) for row in rows.values())

    def done(self, after: Mapping[int, Sequence[Stand] | None]) -> list[Done]:
        """Returns what was done to rows, given those that are there after a call in tables that were written to."""
        found: list[Done] = []
        for oid, rows in after.items():
            now = {str(row[0]): row for row in rows or ()}
            was = self._before[oid]
            lost = {place: row for place, row in was.items() if place not in now}
            new = {place: row for place, row in now.items() if place not in was}
            found += self._told(oid, lost, new)
        gone = {one.relation for one in found if one.operation is not Operation.INSERT}
        return [self._unless_by_key(one, gone) for one in found]

    def above(self, relation: int) -> Iterator[int]:
        """Yields a table and what it is a part of."""
        yield relation
        for parent in self._catalog.parents[relation]:
            yield from self.above(parent)

    def _told(self, oid: int, lost: dict[str, Stand], new: dict[str, Stand]) -> Iterator[Done]:
        primary = next((one for one in self._catalog.constraints[oid] if one.kind == "p"), None)
        numbers = [one.number for one in self._catalog.columns[oid]]
        keys = [numbers.index(one) for one in primary.columns] if primary else []
        by_key = {tuple(row[_BESIDE + one] for one in keys): place for place, row in new.items()} if keys else {}
        put = dict(new)
        for place, row in lost.items():
            again = by_key.get(tuple(row[_BESIDE + one] for one in keys))
            if again is not None:
                same = put.pop(again)[1] == row[1]
                yield Done(oid, Operation.UPDATE, self._values(oid, row), place, certain=not same)
                continue
            # With another key, or without any, a row that is gone may be one of those that are new.
            yield Done(oid, Operation.DELETE, self._values(oid, row), place, certain=not new)
            if new:
                yield Done(oid, Operation.UPDATE, self._values(oid, row), place, certain=False)
        sure = all(tuple(row[_BESIDE + one] for one in keys) in by_key for row in lost.values()) if keys else not lost
        for place, row in put.items():
            yield Done(oid, Operation.INSERT, self._values(oid, row), place, certain=sure)

    def _unless_by_key(self, one: Done, gone: Iterable[int]) -> Done:
        """The same, and not certain where the action of a foreign key may have done it, which asks nobody."""
        acting = (
            key.foreign_relation
            for key in self._catalog.constraints[one.relation]
            if key.kind == "f"
            and key.foreign_relation != one.relation
            and (" ON DELETE " in key.definition or " ON UPDATE " in key.definition)
        )
        if one.operation is Operation.INSERT or set(gone).isdisjoint(acting):
            return one
        return replace(one, certain=False)

    def _leaves(self, oid: int) -> Iterator[int]:
        for child in self._catalog.children[oid]:
            yield from self._leaves(child) if self._catalog.relations[child].kind == "p" else (child,)

    def _values(self, oid: int, row: Stand) -> Mapping[str, str | None]:
        columns = self._catalog.columns[oid]
        return {one.name: value for one, value in zip(columns, row[_BESIDE:], strict=True)}

    def _query(self, table: Relation) -> str:
        told = (
            f"pg_catalog.left(x.{ident(one.name)}::pg_catalog.text, {_LONG})"
            for one in self._catalog.columns[table.oid]
        )
        row = ", ".join(("x.ctid::pg_catalog.text", "pg_catalog.md5(x::pg_catalog.text)", *told))
        return (
            f"select pg_catalog.json_agg(y.stand) from (select array[{row}] as stand"
            f" from only {self._catalog.identity(table)} as x limit {_MOST_ROWS + 1}) as y"
        )
