"""Everything that a client may try on one relation: statements with values of rows that are there, and its own."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from oracle.tables import Place, Tables, Values
    from oracle.tables import Table as Relation
    from oracle.world import Identity

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_NTH = "set_config('oracle.n', (current_setting('oracle.n', true)::int + 1)::text, true) = '{}'"
"""A condition that picks one row and reads no column, so that no SELECT policy comes in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A statement.

    `copies` is the seeded row whose values it puts in, `written` what it puts in, `settable` the columns that it might
    have set. `whole` is whether it reads all that there is to read.
    """

    statement: str
    copies: Place | None = None
    written: Mapping[str, str | None] = field(default_factory=dict)
    settable: frozenset[str] = frozenset()
    whole: bool = True


_OBJECTS = "storage.objects"
_MARK = "mark"
"""The column whose values tell the rows of all tables apart."""


class Attempts:
    """Statements of one identity on one relation."""

    def __init__(self, tables: Tables, relation: Relation, identity: Identity) -> None:
        self._tables = tables
        self._relation = relation
        self._identity = identity
        self._readable = tables.granted(identity.role, relation, "SELECT")
        self.places = tables.places(relation) or self._shown()
        self._insertable = frozenset(self._below(one) for one in self._writable("INSERT"))
        self._keys = {one for place in self.places for one in tables.all[place[0]].key}

    def select(self) -> Iterator[str]:
        """Read all that may be read; of a view also all but one: statements without a condition.

        A column of a view that nobody picks is not computed, and what it calls need not be allowed. The one that tells
        rows apart is always there.
        """
        all_of_them = tuple(self._readable)
        fewer = [tuple(one for one in all_of_them if one != left_out) for left_out in all_of_them if left_out != _MARK]
        for columns in (all_of_them, *(fewer if self._relation.kind == "v" else ())):
            if columns:
                yield f"select {', '.join(f'{quoted(one)}::text' for one in columns)} from {self._relation.name}"

    def insert(self) -> Iterator[Attempt]:
        """Put in copies of the rows that are there, under new keys and under theirs, with defaults and without."""
        granted = self._writable("INSERT")
        # A column that is left out differs from one that is NULL where something else fills it.
        filled = granted if self._is_filled() else tuple(one for one in granted if one in self._relation.defaults)
        choices = [
            granted,
            tuple(one for one in granted if one not in self._relation.defaults),
            *(tuple(one for one in granted if one != left_out) for left_out in filled),
        ]
        for place in self.places:
            seed = self._tables.seeds[place]
            renewed = {**seed, **self._new_key(seed, granted)}
            for row, columns in [(seed, granted), *((renewed, one) for one in dict.fromkeys(choices))]:
                yield self._insertion(place, {one: row.get(self._below(one)) for one in columns})

    def update(self) -> Iterator[str]:
        """Change one column or all: statements without a condition."""
        granted = self._writable("UPDATE")
        for change in self.changes([one for one in granted if one not in self._relation.key]):
            assigned = ", ".join(f"{quoted(column)} = {value}" for column, value in change.items())
            yield f"update {self._relation.name} set {assigned}"
        for one in granted:
            # A key may say whose a row is: each that there is, and one's own.
            if one in self._relation.key:
                keys = {*map(literal, (*(self._value(place, one) for place in self.places), self._identity.user))}
                yield from (
                    f"update {self._relation.name} set {quoted(one)} = {key}" for key in sorted(keys - {"null"})
                )
            if UUID.fullmatch(next((self._value(place, one) or "" for place in self.places), "")):
                yield f"update {self._relation.name} set {quoted(one)} = gen_random_uuid()"

    def delete(self) -> Iterator[str]:
        """Remove rows: a statement without a condition."""
        yield f"delete from {self._relation.name}"

    def one_by_one(self, statement: str, reached: Container[Place]) -> Iterator[Attempt]:
        """The statement on each row that was not reached yet: one that is named, and one picked by its place."""
        for number, place in enumerate(self.places, 1):
            if place not in reached:
                yield Attempt(f"{statement} where {_NTH.format(number)}", place)
                key = self._tables.all[place[0]].key
                known = [one for one in self._relation.columns if self._below(one) in key]
                named = " and ".join(f"{quoted(one)} = {literal(self._value(place, one))}" for one in known)
                if named:
                    yield Attempt(f"{statement} where {named}", place)

    def changes(self, granted: Sequence[str]) -> Iterator[Mapping[str, str]]:
        """What to set columns to: values that rows have, defaults, and the identity's own id."""
        own = literal(self._identity.user) if self._identity.user else "null"
        for column in granted:
            values = sorted({literal(self._value(place, column)) for place in self.places})
            # Where every row has a value of its own, one is as good as another.
            tried = values if len(values) < len(self.places) else values[:1]
            yield from ({column: value} for value in dict.fromkeys([*tried, "default", own]))
        for place in self.places:
            whole = {one: literal(self._value(place, one)) for one in granted}
            yield whole
            if self._identity.user:
                yield {one: UUID.sub(self._identity.user, value) for one, value in whole.items()}

    def _value(self, place: Place, column: str) -> str | None:
        return self._tables.seeds[place].get(self._below(column))

    def _below(self, column: str) -> str:
        """What a view's column is called in its table."""
        return next((below for below, shown in self._relation.renamed.items() if shown == column), column)

    def _writable(self, privilege: str) -> tuple[str, ...]:
        granted = self._tables.granted(self._identity.role, self._relation, privilege)
        kept = self._relation.generated | self._relation.identity
        return tuple(one for one in granted if one in self._relation.writable and one not in kept)

    def _is_filled(self) -> bool:
        """Whether triggers, or the tables below a view, may fill what is left out."""
        return self._relation.fires or self._relation.kind == "v"

    def _insertion(self, place: Place, row: Mapping[str, str | None]) -> Attempt:
        values = ", ".join(literal(one) for one in row.values())
        put = f"({listed(row)}) values ({values})" if row else "default values"
        return Attempt(f"insert into {self._relation.name} {put}", place, row, self._insertable)

    def _new_key(self, seed: Values, granted: Iterable[str]) -> Values:
        """A key that is not taken and says as before whose it is."""
        fresh: Values = {}
        for one in {self._below(one) for one in granted} & self._keys:
            old = seed.get(one) or ""
            fresh[one] = f"{old[:24]}{secrets.token_hex(6)}" if UUID.fullmatch(old) else old
            if old.isdecimal():
                fresh[one] = str(secrets.randbelow(10**6) + 10**6)
        if self._relation.name == _OBJECTS and "name" in granted:
            # Another file in the same folder, for no two of a bucket have one name.
            folder, slash, _ = (seed.get("name") or "").rpartition("/")
            fresh["name"] = f"{folder}{slash}{secrets.token_hex(6)}"
        return fresh

    def _shown(self) -> tuple[Place, ...]:
        """For a view: the rows of what it rests on, or where that is nothing of those that have most of its columns."""
        seeds = self._tables.seeds
        below = tuple(place for place in seeds if self._relation.reads & self._tables.all[place[0]].family)
        columns = {self._below(one) for one in self._relation.columns}
        shared = {place: len(seeds[place].keys() & columns) for place in below or seeds}
        best = max(shared.values(), default=0)
        return tuple(place for place, number in shared.items() if number and number == best)


def listed(columns: Iterable[str]) -> str:
    return ", ".join(quoted(one) for one in columns)


def quoted(column: str) -> str:
    return sql.Identifier(column).as_string(None)


def literal(value: str | None) -> str:
    return "null" if value is None else sql.Literal(value).as_string(None)
