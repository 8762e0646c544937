"""Synthetic rows for the tables of any schema, each with an owner that is known."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.catalog.facts import ColumnRef
from rlsaudit.catalog.platform import SUPABASE_SYSTEM_SCHEMAS, platform_of
from rlsaudit.model import Operation, Persona
from rlsaudit.names import qualified
from rlsaudit.policy.consulted import read_in
from rlsaudit.policy.effects import reason_not_to_write
from rlsaudit.probe.request import settings
from rlsaudit.probe.rows.choices import Choices
from rlsaudit.probe.rows.content import Content, Whose
from rlsaudit.probe.rows.draft import SHARED, Draft, Drafts, ImpossibleError, Wish
from rlsaudit.probe.rows.metadata import metadata_keys
from rlsaudit.probe.rows.model import Row, Seeds
from rlsaudit.probe.rows.order import order
from rlsaudit.probe.rows.owners import owners_of
from rlsaudit.probe.rows.putting import Attempt, put
from rlsaudit.probe.rows.statements import fill, find, insert, key_of
from rlsaudit.probe.rows.table import Table, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.connect import Session
    from rlsaudit.policy.said import Said
    from rlsaudit.probe.rows.model import Principal
    from rlsaudit.probe.rows.putting import Came

MOST_ROWS = 6
"""So many rows of each principal a table gets; up to twice that, where policies name so many values."""
_ELSEWHERE = 1_009
_MOST_TRIES = 9
_SAVEPOINT = "rlsaudit_beside"
_SHORT = 500
"""How far from the first numbers those begin that are tried where the first are taken."""


_MOMENTS = """
select pg_catalog.json_object_agg(stored, word)
  from pg_catalog.unnest('{now,tomorrow,yesterday}'::pg_catalog.text[]) as word, lateral (values
    (word::pg_catalog.date::pg_catalog.text), (word::pg_catalog.timestamptz::pg_catalog.text),
    (word::pg_catalog.timestamptz(0)::pg_catalog.text), (word::pg_catalog.timestamptz(3)::pg_catalog.text),
    (word::pg_catalog.timestamp::pg_catalog.text), (word::pg_catalog.timestamp(0)::pg_catalog.text),
    (word::pg_catalog.timestamp(3)::pg_catalog.text)) as each (stored)
"""


class Sown:
    """The rows that are there, and what it takes to make more."""

    def __init__(
        self,
        drafts: Drafts,
        choices: Choices,
        seeds: Seeds,
        requests: Mapping[str, Mapping[str, str]],
        moments: Mapping[str, str],
        plainly: Callable[[Principal], AbstractContextManager[tuple[Row, ...]]],
    ) -> None:
        self._drafts = drafts
        self._choices = choices
        self._numbers = itertools.count(2 * _ELSEWHERE)
        self.seeds = seeds
        self.requests = requests
        """The settings of each principal's request, by its name."""
        self._moments = moments
        self.plainly = plainly
        """Puts a plain row of one more principal into each table, for as long as the context lasts: see `Wish`."""

    def shared(self, relations: Iterable[int]) -> bool:
        """Returns whether one of the relations (OIDs) has rows that are nobody's, at which several may point."""
        return any((one, SHARED) in self._drafts.rows for one in relations)

    def undated(self, column: Column, text: str | None) -> str | None:
        """Returns a text that the server gave, or the word for a moment that it is: evidence bears no date."""
        return self._moments.get(text or "", text) if self._choices.is_time(column) else text

    @property
    def lasting(self) -> tuple[Row, ...]:
        """The rows that were made, with words for moments: by these they can be made at another time."""
        named = {oid: {one.name: one for one in table.columns.values()} for oid, table in self._drafts.tables.items()}
        return tuple(
            replace(
                row,
                values={name: self.undated(named[row.relation][name], text) for name, text in row.values.items()},
            )
            for row in self.seeds.rows
        )

    def fresh(
        self, relation: int, principal: Principal, varied: Mapping[str, str | None] | None = None
    ) -> Mapping[str, str | None] | None:
        """Returns texts by column for one more row of a principal; None where there can be none.

        Its keys are not taken, its foreign keys point at rows of the principal, and its default values are left out.
        `varied` are columns that are to be something else.
        """
        table = self._drafts.tables.get(relation)
        if table is None:
            return None
        try:
            made = self._drafts.draft(table, principal, Wish(next(self._numbers)))
        except ImpossibleError:
            return None
        values = {table.columns[number].name: value for number, value in made.values.items()}
        return values | dict(varied or {})

    def variants(self, relation: int, column: str) -> tuple[str | None, ...]:
        """Returns what is worth having in a column, as texts: what policies compare it with, and all that there is."""
        table = self._drafts.tables.get(relation)
        found = next((one for one in table.columns.values() if one.name == column), None) if table else None
        return () if table is None or found is None else self._choices.variants(table, found)

    def has_all(self, relation: int, column: str, there: Iterable[str | None]) -> bool:
        """Returns whether everything that is worth having in a column is `there`."""
        listed = list(there)
        return all(any(_is_alike(one, other) for other in listed) for one in self.variants(relation, column))


def seed(
    session: Session,
    catalog: Catalog,
    relations: Iterable[Relation],
    principals: Sequence[Principal],
    said: Said,
    *,
    throwaway: bool = False,
) -> Sown:
    """Puts rows of every principal into the relations, and into those that foreign keys need, within a transaction.

    The transaction is the caller's, who rolls it back. `said` is what policies say of columns. On a `throwaway` server
    sequences may be drawn from.

    Raises:
        psycopg.Error: the connection was lost, or a batch ran into the time limit.
    """
    return _Sowing(session, catalog, relations, principals, said, throwaway=throwaway).sow()


class _Sowing:
    def __init__(
        self,
        session: Session,
        catalog: Catalog,
        relations: Iterable[Relation],
        principals: Sequence[Principal],
        said: Said,
        *,
        throwaway: bool,
    ) -> None:
        self._session = session
        self._catalog = catalog
        self._principals = principals
        self._throwaway = throwaway
        self._missing: dict[int, str] = {}
        self._lacking = set[int]()
        self._reasons: dict[tuple[int, Operation], str] = {}
        self._tables = {one.oid: table_of(catalog, one) for one in self._needed(relations)}
        self._pointed_at = {key.target for one in self._tables.values() for key in one.keys}
        content = Content(catalog)
        schemas = {oid: catalog.schema_name(one.relation) for oid, one in self._tables.items()}
        said = _carried(said, self._tables)
        owners = owners_of(content, self._tables, said, schemas)
        bodies = {oid: tuple(_bodies(catalog, oid)) for oid in self._tables}
        self._choices = Choices(content, said, Whose(principals[0].mark, 0, 0), bodies, metadata_keys(catalog))
        self._drafts = Drafts(self._tables, schemas, owners, self._choices, said, principals)
        self._said = said
        self._requests = {one.name: self._request(one) for one in principals}
        self._levels: Sequence[Sequence[int]] = ()

    def sow(self) -> Sown:
        arranged = order(self._tables)
        self._levels = arranged.levels
        for oid in arranged.stuck:
            self._missing.setdefault(oid, "foreign keys go in a circle in which no row can be the first")
        for oid, table in self._tables.items():
            self._missing |= {oid: reason} if (reason := self._reason(table)) else {}
        going = {oid: one for oid, one in self._tables.items() if oid not in self._missing}
        self._choices.ask(self._session, going.values())
        deferred = ", ".join(self._deferrable(going.values()))
        if deferred:
            self._session.execute(f"set constraints {deferred} deferred")
        later: list[tuple[Table, Row, Draft]] = []
        for level in arranged.levels:
            here = [self._tables[oid] for oid in level if oid not in self._missing]
            later += self._level(here)
            self._drafts.done |= set(level)
        later += self._again(arranged.levels, going)
        later += self._beside(arranged.levels)
        self._fill(later)
        if deferred:
            self._check_now(deferred)
        rows = tuple(row for (_, owner), some in self._drafts.rows.items() if owner != SHARED for row in some)
        sown = {oid for row in rows for oid in (row.relation, *self._above(row.stored))}
        missing = {oid: reason for oid, reason in self._missing.items() if oid not in sown}
        seeds = Seeds(rows, missing)
        return Sown(self._drafts, self._choices, seeds, self._requests, self._moments(), self._plainly)

    @contextmanager
    def _plainly(self, principal: Principal) -> Iterator[tuple[Row, ...]]:
        drafts = self._drafts
        everybody, there = drafts.principals, {key: [*some] for key, some in drafts.rows.items()}
        self._requests[principal.name] = self._request(principal)
        self._session.execute(f"savepoint {_SAVEPOINT}")
        try:
            drafts.principals = (*everybody, principal)
            for level in self._levels:
                tables = [self._tables[oid] for oid in level if not self._reason(self._tables[oid])]
                self._put((one, principal, Wish(0, plain=True)) for one in tables)
            yield tuple(row for (_, owner), some in drafts.rows.items() if owner == principal.name for row in some)
        finally:
            drafts.principals, drafts.rows = everybody, there
            self._session.execute(f"rollback to savepoint {_SAVEPOINT}; release savepoint {_SAVEPOINT}")

    def _moments(self) -> Mapping[str, str]:
        """The words for moments, by what the server stores for them in this transaction."""
        found = self._session.fetch_value(_MOMENTS)
        return dict(found)

    def _again(self, levels: Iterable[Sequence[int]], going: Mapping[int, Table]) -> list[tuple[Table, Row, Draft]]:
        """Tries once more what failed: a trigger may want rows of tables that no foreign key names."""
        sown = {oid for oid, owner in self._drafts.rows if owner != SHARED}
        going = {oid: one for oid, one in going.items() if oid in self._missing and oid not in sown}
        failed = [oid for oid in going if oid not in self._lacking]
        later = self._level([going[oid] for oid in failed])
        if not any(self._drafts.rows.get((oid, one.name)) for oid in failed for one in self._principals):
            return later
        for level in levels:
            later += self._level([going[oid] for oid in level if oid in going and oid in self._lacking])
        return later

    def _above(self, relation: int) -> Iterator[int]:
        """A partition and what it is a part of."""
        yield relation
        for parent in self._catalog.parents[relation]:
            if self._catalog.relations[relation].partition:
                yield from self._above(parent)

    def _needed(self, relations: Iterable[Relation]) -> Iterator[Relation]:
        """The tables among the relations and those that they need; partitions are reached through their root."""
        waiting, seen = list(relations), set[int]()
        while waiting:
            one = waiting.pop()
            if one.oid in seen:
                continue
            seen.add(one.oid)
            if one.kind == "f":
                self._missing[one.oid] = "a foreign table: its rows are elsewhere"
            elif one.partition:
                self._missing[one.oid] = "no row of its parent came to lie in it"
                waiting += [self._catalog.relations[oid] for oid in self._catalog.parents[one.oid]]
            elif one.kind in "rp":
                targets = {each.foreign_relation for each in self._catalog.constraints[one.oid] if each.kind == "f"}
                waiting += [self._catalog.relations[oid] for oid in targets if oid in self._catalog.relations]
                yield one

    def _reason(self, table: Table, operation: Operation = Operation.INSERT) -> str:
        """Why no row of a table may be written; empty where nothing speaks against it."""
        asked = (table.oid, operation)
        if asked not in self._reasons:
            self._reasons[asked] = reason_not_to_write(
                self._catalog, table.relation, [operation], table.drawn, throwaway=self._throwaway
            )
        return self._reasons[asked]

    def _request(self, principal: Principal) -> Mapping[str, str]:
        role = self._catalog.snapshot.viewer.name
        persona = Persona(principal.name, role, dict(principal.claims), dict(principal.settings))
        made = settings(self._catalog, platform_of(self._catalog), persona)
        return {name: value for name, value in made.items() if name not in {"role", "row_security"}}

    def _level(self, tables: Sequence[Table]) -> list[tuple[Table, Row, Draft]]:
        """Puts rows into tables that do not need one another: the ordinary ones first, then what differs from them."""
        ordinary = [(table, one, Wish(0)) for table in tables for one in self._principals]
        later = self._put(ordinary)
        varied = [
            (table, one, wish)
            for table in tables
            for one in self._principals
            if self._drafts.rows.get((table.oid, one.name))
            for wish in self._wishes(table, one)
        ]
        return later + self._put(varied)

    def _wishes(self, table: Table, principal: Principal) -> Iterator[Wish]:
        ordinary = self._drafts.rows[table.oid, principal.name][0].values
        read = {ref for one in self._catalog.policies[table.oid] for ref in one.columns}
        ranked: list[tuple[tuple[int, int, int], int, str | None]] = []
        for column in table.writable:
            ref = ColumnRef(table.oid, column.number)
            is_said = ref in self._said.constants or ref in self._said.members
            there = ordinary.get(column.name)
            other = [one for one in self._choices.variants(table, column) if not _is_alike(one, there)]
            for place, text in enumerate(other):
                rank = 0 if is_said and place < MOST_ROWS else 1 if ref in read else 2
                ranked.append(((rank, place, column.number), column.number, text))
        ranked.sort(key=lambda one: one[0])
        certain = sum(one[0][0] == 0 for one in ranked)
        most = min(max(MOST_ROWS - 1, certain), 2 * MOST_ROWS)
        wishes = [Wish(n, (number, text)) for n, (_, number, text) in enumerate(ranked[:most], start=1)]
        if table.keys or table.bounds or table.oid in self._pointed_at or principal.crowd:
            wanted = max(MOST_ROWS - 1, min(len(table.bounds), 2 * MOST_ROWS) - 1)
            wishes += [Wish(n, apart=n) for n in range(len(wishes) + 1, wanted + 1)]
        yield from wishes

    def _beside(self, levels: Iterable[Sequence[int]]) -> list[tuple[Table, Row, Draft]]:
        """Points at every row that is there of tables that policies look into: at the published post as well."""
        later: list[tuple[Table, Row, Draft]] = []
        for level in levels:
            wanted = [
                (table, one, Wish(n, apart=n))
                for table in (self._tables[oid] for oid in level)
                for one in self._principals
                if (there := len(self._drafts.rows.get((table.oid, one.name), ())))
                for n in range(1, min(self._rows_looked_into(table, one), 2 * MOST_ROWS - there + 1))
            ]
            later += self._put(wanted)
        return later

    def _rows_looked_into(self, table: Table, principal: Principal) -> int:
        """How many rows there are to point at, where policies ask what the row is like that one's own points at."""
        policies = self._catalog.policies[table.oid]
        asked = {ref.relation for one in policies for ref in one.columns} - {table.oid}
        asked |= {oid for one in policies for oid in read_in(self._catalog, one.functions)}
        tied = {key.target for key in table.keys}
        tied |= {oid for one in table.writable if (oid := self._drafts.owners.links_to(table, one)) is not None}
        return max((len(self._drafts.rows.get((oid, principal.name), ())) for oid in asked & tied), default=0)

    def _put(self, wanted: Iterable[tuple[Table, Principal, Wish]]) -> list[tuple[Table, Row, Draft]]:
        drawn: list[tuple[Table, Principal, Wish, Draft, Attempt]] = []
        for table, principal, wish in wanted:
            draft = self._drawn(table, principal, wish)
            if draft is None:
                continue
            self._drafts.claim(table, draft.values)
            statements = tuple(self._statements(table, principal, wish, draft))
            attempt = Attempt(table.oid, statements, self._requests[principal.name])
            drawn.append((table, principal, wish, draft, attempt))
        before = {name: "" for one in self._requests.values() for name in one}
        later: list[tuple[Table, Row, Draft]] = []
        answers = put(self._session, [one[-1] for one in drawn], before)
        for (table, principal, wish, draft, _), came in zip(drawn, answers, strict=True):
            if came.values is None:
                if wish.n == 0:
                    self._missing.setdefault(table.oid, _why(came))
                continue
            row = self._row(table, principal, wish, came)
            if row.owner == SHARED:
                self._missing.setdefault(table.oid, "rows that were there have all keys that a new one could have")
                if not self._throwaway and self._drafts.schemas[table.oid] not in SUPABASE_SYSTEM_SCHEMAS:
                    # A row that points at one of the project's holds it until all is rolled back: it could not be
                    # deleted. Of the platform's, such as buckets, nobody deletes any in passing.
                    continue
            self._drafts.note(row)
            if draft.later and row.owner != SHARED:
                later.append((table, row, draft))
        return later

    def _drawn(self, table: Table, principal: Principal, wish: Wish) -> Draft | None:
        """A row as it is wished for, or with other keys where those are taken; None where there is none."""
        others = (replace(wish, n=wish.n + times * _ELSEWHERE) for times in range(1, _MOST_TRIES))
        for one in (wish, *others):
            try:
                return self._drafts.draft(table, principal, one)
            except ImpossibleError as impossible:
                if wish.n == 0:
                    self._missing.setdefault(table.oid, str(impossible))
                    self._lacking.add(table.oid)
        return None

    def _row(self, table: Table, principal: Principal, wish: Wish, came: Came) -> Row:
        values = came.values or {}
        varied = "" if wish.varied is None else table.columns[wish.varied[0]].name
        own = came.place != 1 or any(principal.mark in (value or "") for value in _key_values(table, values))
        return Row(table.oid, principal.name if own else SHARED, values, came.stored, varied)

    def _statements(self, table: Table, principal: Principal, wish: Wish, draft: Draft) -> Iterator[str]:
        yield insert(table, draft)
        # A trigger may have put a row there, when its owner's came to be elsewhere; or it was always there.
        adopted = find(table, draft, wish, updating=not self._reason(table, Operation.UPDATE))
        yield adopted or "select null::pg_catalog.text"
        tries = [
            Wish(wish.n + _ELSEWHERE, wish.varied, wish.apart, full=True),
            Wish(wish.n + 2 * _ELSEWHERE, wish.varied, wish.apart, bare=True),
        ]
        if table.keys:
            # A trigger may want another row there, of its owner's all the same: a team that is no single user's.
            tries.append(Wish(wish.n + _MOST_TRIES * _ELSEWHERE, wish.varied, wish.apart + 1))
        if any(_is_listed(table, unique, draft, principal) for unique in table.unique):
            tries += [Wish(wish.n + times * _ELSEWHERE, wish.varied, wish.apart) for times in range(3, _MOST_TRIES)]
        for other in tries:
            try:
                yield insert(table, self._drafts.draft(table, principal, other))
            except ImpossibleError:
                continue

    def _deferrable(self, tables: Iterable[Table]) -> Iterator[str]:
        for table in tables:
            for key in table.keys:
                if key.deferrable and not key.deferred:
                    yield qualified(self._drafts.schemas[table.oid], key.name)

    def _check_now(self, deferred: str) -> None:
        """Lets keys be checked at each statement again, as they are for everybody; where one is broken it cannot be."""
        self._session.execute("savepoint rlsaudit_deferred")
        try:
            self._session.execute(f"set constraints {deferred} immediate")
        except psycopg.DatabaseError:
            self._session.execute("rollback to savepoint rlsaudit_deferred")
        self._session.execute("release savepoint rlsaudit_deferred")

    def _fill(self, later: Sequence[tuple[Table, Row, Draft]]) -> None:
        """Lets keys point at rows that were not there when their own row was put in."""
        attempts: list[Attempt] = []
        meant: list[tuple[Table, Row]] = []
        for table, row, draft in later:
            principal = next(one for one in self._principals if one.name == row.owner)
            there = {number: row.values.get(one.name) for number, one in table.columns.items()}
            keys = (key_of(table, there, unique) for unique in table.unique)
            where = next((one for one in keys if one is not None), None)
            if where is None or self._reason(table, Operation.UPDATE):
                continue
            found: dict[int, str | None] = {}
            for key in draft.later:
                found |= next(iter(self._drafts.pointed_at(table, principal, key, Wish(0))), {})
            if found:
                sql = fill(table, found, where)
                attempts.append(Attempt(table.oid, (sql,), self._requests[principal.name]))
                meant.append((table, row))
        before = {name: "" for one in self._requests.values() for name in one}
        for (table, row), came in zip(meant, put(self._session, attempts, before), strict=True):
            if came.values is not None:
                rows = self._drafts.rows[table.oid, row.owner]
                place = next(place for place, one in enumerate(rows) if one is row)
                rows[place] = Row(row.relation, row.owner, came.values, came.stored, row.varied)


def _bodies(catalog: Catalog, relation: int) -> Iterator[str]:
    """The short functions that run when a row is written: a CHECK may keep its constants there."""
    for oid in catalog.row_calls[relation]:
        function = catalog.functions[oid]
        if function.extension is None and len(function.body) < _SHORT:
            yield function.body


def _carried(said: Said, tables: Mapping[int, Table]) -> Said:
    """What is said of a foreign key is said of what it points at as well: a bucket of that name has to be there."""
    constants = {ref: list(values) for ref, values in said.constants.items()}
    for _ in range(3):
        for table in tables.values():
            for key in table.keys:
                if len(key.columns) == 1:
                    here = constants.get(ColumnRef(table.oid, key.columns[0]), ())
                    there = constants.setdefault(ColumnRef(key.target, key.target_columns[0]), [])
                    there += [one for one in here if one is not None and one not in there]
    kept = {ref: tuple(values) for ref, values in constants.items() if values}
    return type(said)(kept, said.members, said.parts, said.given, said.links)


def _key_values(table: Table, values: Mapping[str, str | None]) -> Iterator[str | None]:
    for unique in table.unique:
        yield from (values.get(table.columns[number].name) for number in unique)


def _is_listed(table: Table, unique: Sequence[int], draft: Draft, principal: Principal) -> bool:
    """Whether a key is one of few: nothing in it is the principal's own, and others may have it by now."""
    texts = [draft.values.get(number) or principal.mark for number in unique]
    return not any(principal.mark in one for one in texts) and not table.drawn.issuperset(unique)


def _is_alike(text: str | None, there: str | None) -> bool:
    """Whether a text is no other than what is there, whatever the moment is that it means."""
    return text == there or (text == "now" and there is not None)


def _why(came: Came) -> str:
    if came.state == "P0002" and came.said == "no row":
        return "a trigger lets no row in"
    return f"{came.said} ({came.state})"
