"""What a statement has changed, as the catalog tells: through DO blocks, functions and dynamic SQL as well.

The server counts what a transaction writes to each table, its catalogs included. So one cheap question after a
statement tells which catalogs it has written to, and only their new rows are read. All of it is within the migrations'
own session and transaction, where changes can be seen before they are committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlsaudit.migrations.changes import changes
from rlsaudit.migrations.watched import BUCKETS, CATALOGS

if TYPE_CHECKING:
    import psycopg

    from rlsaudit.migrations.watched import Watched
    from rlsaudit.model import Location

_PUBLICATION_NAMESPACE = 15_00_00
_XID = 0xFFFFFFFF
_COUNT = "pg_catalog.pg_stat_get_xact_tuples_{}(o)"
_QUESTION = (
    "select pg_catalog.concat(current_user operator(pg_catalog.=) 'postgres', ' ', pg_catalog.string_agg("
    f"pg_catalog.concat({_COUNT.format('inserted')} operator(pg_catalog.+) {_COUNT.format('updated')}, ' ',"
    f" {_COUNT.format('deleted')}), ' ')) from pg_catalog.unnest(array[%s]::pg_catalog.oid[]) as o"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a watched catalog."""

    parent: str
    values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `kind` is what the row is (`policy`), `change` what became of it (`altered`).

    `key` is the row's identity, `parent` that of the object it is part of: OIDs, which names come and go with.
    """

    kind: str
    change: str
    key: str
    parent: str
    name: str
    location: Location


class Observer:
    """Looks at the catalog after each statement. `connection` is the migrations' own session.

    Attributes:
        events: What happened, in order.
        question: What is to be asked behind a statement, in its transaction; `look` takes the answer.
    """

    def __init__(self, connection: psycopg.Connection[Any], *, supabase: bool) -> None:
        self.events: list[Event] = []
        self._connection = connection
        old = connection.info.server_version < _PUBLICATION_NAMESPACE
        listed = [one for one in CATALOGS if not (old and one.name == "pg_publication_namespace")]
        oids = "::pg_catalog.regclass::pg_catalog.oid, ".join(f"'pg_catalog.{one.name}'" for one in listed)
        self._buckets = supabase
        if supabase:
            listed.append(BUCKETS)
            oids += "::pg_catalog.regclass::pg_catalog.oid, 'storage.buckets'"
        self._watched: tuple[Watched, ...] = tuple(listed)
        query = f"select {oids}::pg_catalog.regclass::pg_catalog.oid"
        oids = ",".join(str(oid) for oid in connection.execute(query).fetchone() or ())
        self.question = _QUESTION % oids
        self._known: list[dict[str, Row]] = [{} for _ in self._watched]
        self._counts: list[tuple[int, int]] = []
        self._after = 0
        self._pending = False
        self.reload()

    def attach(self, connection: psycopg.Connection[Any]) -> None:
        """Goes on in another session of the same role."""
        self._connection = connection

    def begin(self) -> None:
        """A transaction has begun: the server may have started to count afresh."""
        row = self._connection.execute(self.question.encode()).fetchone()
        self._counts = self._counted(row[0] if row else "")

    def look(self, location: Location, answer: bytes) -> None:
        """Writes down what the statement at `location` has changed; `answer` is what the server said to `question`."""
        counts = self._counted(answer.decode())
        changed = [
            number
            for number, (now, before) in enumerate(zip(counts, self._counts, strict=True))
            if now != before or (self._pending and self._watched[number] is BUCKETS)
        ]
        deleted = [number for number in changed if counts[number][1] != self._counts[number][1]]
        self._counts = counts
        if changed:
            self._read(changed, deleted, location)

    def look_everywhere(self, location: Location | None) -> None:
        """The same where there was no transaction to count in. Without a location nobody made what has changed."""
        every = range(len(self._watched))
        self._read(list(every), list(every), location)

    def forget(self, number: int) -> None:
        """The transaction was rolled back, with what was changed since there were `number` events."""
        del self.events[number:]
        self.reload()

    def reload(self) -> None:
        """Takes the catalog as it is for what is known, with nothing to blame anybody for."""
        with self._connection.transaction():
            row = self._connection.execute("select pg_catalog.txid_current()").fetchone()
            self._known = [{} for _ in self._watched]
            self._read(list(range(len(self._watched))), [], None, whole=True)
            self._after = max(self._after, int(row[0]) & _XID if row else 0)

    def _counted(self, answer: str) -> list[tuple[int, int]]:
        """What has been written to each catalog: rows, and rows deleted."""
        user, _, numbers = answer.partition(" ")
        self._buckets = user == "t"
        counts = [int(one) for one in numbers.split()]
        return list(zip(counts[::2], counts[1::2], strict=True))

    def _read(self, changed: list[int], deleted: list[int], location: Location | None, *, whole: bool = False) -> None:
        queries = []
        for number in changed:
            one = self._watched[number]
            if one is BUCKETS:
                # Under another role the table may be out of sight; then it is read once that role is gone.
                self._pending = not self._buckets
                if self._pending:
                    continue
            queries.append(one.query(number, None if whole else self._after))
            if number in deleted and not one.whole:
                queries.append(one.keys(number))
        if not queries:
            return
        new: dict[int, dict[str, Row]] = {}
        keys: dict[int, set[str]] = {}
        for number, key, parent, written, values in self._connection.execute(" union all ".join(queries)):
            keys.setdefault(number, set()).add(key)
            if values is not None:
                new.setdefault(number, {})[key] = Row(parent, tuple(values))
                self._after = max(self._after, written)
        for number in changed:
            one = self._watched[number]
            if one is BUCKETS and self._pending:
                continue
            gone = set[str]()
            if not whole and (one.whole or number in deleted):
                gone = self._known[number].keys() - keys.get(number, set())
            self._compare(number, new.get(number, {}), gone, location)

    def _compare(self, number: int, new: dict[str, Row], gone: set[str], location: Location | None) -> None:
        one, known = self._watched[number], self._known[number]
        fields = tuple(one.fields)
        for key, row in new.items():
            before = known.get(key)
            if location is not None and before != row:
                kind = _kind(one.kind, fields, row)
                for change in changes(one.kind, fields, before.values if before else None, row.values):
                    self.events.append(Event(kind, change, key, row.parent, _name(fields, row), location))
            known[key] = row
        for key in gone:
            row = known.pop(key)
            if location is not None:
                kind = _kind(one.kind, fields, row)
                self.events.append(Event(kind, "dropped", key, row.parent, _name(fields, row), location))

    def relocated(self, location: Location, kind: str, change: str, name: str) -> None:
        """Writes down what was done for a statement elsewhere."""
        self.events.append(Event(kind, change, name, name, name, location))


def _kind(kind: str, fields: tuple[str, ...], row: Row) -> str:
    """A restrictive policy is a `restriction`: to drop it opens what others let through, to create it closes."""
    restrictive = kind == "policy" and row.values[fields.index("permissive")] == "false"
    return "restriction" if restrictive else kind


def _name(fields: tuple[str, ...], row: Row) -> str:
    return row.values[fields.index("name")] or "" if "name" in fields else ""
