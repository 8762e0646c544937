"""Chains of statements, by force: a stranger tries everything, one statement after another, and what opens is measured.

A file in `chains/` is a schema, `-- @seed` rows, and `-- @expected`: a persona, a relation with a column `mark`, and
what is expected of `escalated` for SELECT, INSERT, UPDATE and DELETE, a line. `-- @values` are texts to try, a line.
All seeded rows with a mark are strangers'.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from rlsaudit.model import STRANGER, Operation, Reach
from rlsaudit.personas import built_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHAINS = Path(__file__).parent / "chains"
_PARTS = ("-- @seed", "-- @values", "-- @expected")
_MOST_STATEMENTS = 300
_LONGEST = 2
_COLUMNS = """
select format('%I.%I', n.nspname, c.relname), a.attname::text, format_type(a.atttypid, a.atttypmod),
       a.atthasdef or not a.attnotnull
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
where n.nspname = 'public' and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by 1, a.attnum
"""
_CALLABLE = """
select p.oid::regproc::text, array(select format_type(t, null) from unnest(p.proargtypes) t)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'public' and p.provolatile = 'v' and p.prorettype <> 'trigger'::regtype
order by 1
"""


@dataclass(frozen=True, slots=True)
class Chained:
    """A world in which chains are tried."""

    name: str
    schema: str
    seed: str
    values: tuple[str, ...]
    expected: tuple[tuple[str, str, Mapping[Operation, Reach]], ...]


def read_chained(name: str) -> Chained:
    """Reads `chains/<name>.sql`."""
    found, part = {"": "", **dict.fromkeys(_PARTS, "")}, ""
    for line in (CHAINS / f"{name}.sql").read_text("utf-8").splitlines():
        if line.strip() in _PARTS:
            part = line.strip()
        else:
            found[part] += f"{line}\n"
    expected = []
    for line in found["-- @expected"].splitlines():
        persona, relation, *reaches = line.split()
        expected.append((persona, relation, dict(zip(Operation, map(Reach, reaches), strict=True))))
    values = tuple(one for one in found["-- @values"].splitlines() if one.strip())
    return Chained(name, found[""], found["-- @seed"], values, tuple(expected))


class Chains:
    """Everything that one persona tries in one world; the connection is a superuser's."""

    def __init__(
        self, connection: psycopg.Connection[Any], world: Chained, persona: str, longest: int = _LONGEST
    ) -> None:
        self._connection = connection
        self._persona = persona
        found = built_in(persona)
        assert found is not None
        self._claims = json.dumps(found.claims)
        self._columns: dict[str, list[tuple[str, str, bool]]] = {}
        for table, name, kind, optional in connection.execute(_COLUMNS).fetchall():
            self._columns.setdefault(table, []).append((name, kind, optional))
        self.marked = [one for one, columns in self._columns.items() if "mark" in {name for name, _, _ in columns}]
        self._marks = {one: self._all_marks(one) for one in self.marked}
        texts = {literal for one in self._columns for literal in self._uuids(one)}
        self._ids = sorted({*texts, *([STRANGER] if persona != "anon" else [])})
        self._texts = world.values
        self._reached: dict[tuple[str, Operation], set[str]] = {
            (one, operation): set() for one in self.marked for operation in Operation
        }
        self._statements = list(itertools.islice(self._all_statements(), _MOST_STATEMENTS))
        with connection.transaction(force_rollback=True):
            self._measure()
            self._go_on(longest)

    def reach(self, relation: str, operation: Operation) -> Reach:
        """Returns how far some chain got over the rows of strangers; `own` stands for no farther than that."""
        reached, every = self._reached[relation, operation], self._marks[relation]
        assert every
        return Reach.OWN if not reached else Reach.ALL if reached >= every else Reach.SOME

    def _go_on(self, left: int) -> None:
        for statement in self._statements:
            with self._connection.transaction(force_rollback=True):
                if self._try(statement) and left:
                    self._measure()
                    if left > 1:
                        self._go_on(left - 1)

    def _try(self, statement: str) -> bool:
        """Whether the statement changed anything."""
        try:
            with self._connection.transaction():
                self._become()
                cursor = self._connection.execute(statement.encode())
                count = cursor.rowcount
                self._connection.execute("reset role")
        except psycopg.Error:
            return False
        return count > 0

    def _become(self) -> None:
        self._connection.execute("select set_config('request.jwt.claims', %s, true)", [self._claims])
        self._connection.execute(sql.SQL("set local role {}").format(sql.Identifier(self._persona)))

    def _measure(self) -> None:
        for relation in self.marked:
            self._reached[relation, Operation.SELECT] |= self._shown(relation)
            self._reached[relation, Operation.UPDATE] |= self._gone(
                relation, f"update {relation} set mark = '[changed]'"
            )
            self._reached[relation, Operation.DELETE] |= self._gone(relation, f"delete from {relation}")
            for mark in self._marks[relation] - self._reached[relation, Operation.INSERT]:
                if self._copied(relation, mark):
                    self._reached[relation, Operation.INSERT].add(mark)

    def _shown(self, relation: str) -> set[str]:
        try:
            with self._connection.transaction(force_rollback=True):
                self._become()
                rows = self._connection.execute(f"select mark from {relation}".encode()).fetchall()
        except psycopg.Error:
            return set()
        return {mark for (mark,) in rows} & self._marks[relation]

    def _gone(self, relation: str, statement: str) -> set[str]:
        with self._connection.transaction(force_rollback=True):
            before = self._all_marks(relation)
            if not self._try(statement):
                return set()
            return (before - self._all_marks(relation)) & self._marks[relation]

    def _copied(self, relation: str, mark: str) -> bool:
        """Whether a row like the one of the mark can be put in, under another key."""
        copied = ", ".join(name for name, _, _ in self._columns[relation] if name != "id")
        values = self._connection.execute(
            f"select {copied} from {relation} where mark = %s".encode(), [mark]
        ).fetchone()
        if values is None:
            return False
        given = ", ".join("null" if one is None else sql.Literal(str(one)).as_string() for one in values)
        with self._connection.transaction(force_rollback=True):
            return self._try(f"insert into {relation} (id, {copied}) values (gen_random_uuid(), {given})")

    def _all_marks(self, relation: str) -> set[str]:
        return {mark for (mark,) in self._connection.execute(f"select mark from {relation}".encode()) if mark}

    def _uuids(self, relation: str) -> set[str]:
        names = [name for name, kind, _ in self._columns[relation] if kind == "uuid"]
        rows = self._connection.execute(f"select {', '.join(names)} from {relation}".encode()) if names else ()
        # A row of its own is asked for by its own id; those of the marked tables lead nowhere.
        return {str(one) for row in rows for one in row if one} if relation not in self.marked else set()

    def _all_statements(self) -> Iterator[str]:
        for table, columns in self._columns.items():
            if table not in self.marked:
                yield from self._changes(table, columns)
        for name, kinds in self._connection.execute(_CALLABLE).fetchall():
            for sent in itertools.product(*map(self._candidates, kinds)):
                yield f"select public.{name.removeprefix('public.')}({', '.join(sent)})"
        for table, columns in self._columns.items():
            if table not in self.marked:
                yield from self._insertions(table, columns)

    def _changes(self, table: str, columns: Sequence[tuple[str, str, bool]]) -> Iterator[str]:
        for name, kind, _ in columns:
            for value in self._candidates(kind):
                yield f"update {table} set {name} = {value}"
        yield f"delete from {table}"

    def _insertions(self, table: str, columns: Sequence[tuple[str, str, bool]]) -> Iterator[str]:
        choices = [
            [(name, one) for one in self._candidates(kind)] + ([(name, "default")] if optional else [])
            for name, kind, optional in columns
        ]
        for combination in itertools.product(*choices):
            given = [(name, value) for name, value in combination if value != "default"]
            if given:
                names, values = ", ".join(name for name, _ in given), ", ".join(value for _, value in given)
                yield f"insert into {table} ({names}) values ({values})"

    def _candidates(self, kind: str) -> list[str]:
        if kind == "uuid":
            return [f"'{one}'" for one in self._ids]
        if kind == "boolean":
            return ["true", "false"]
        return [sql.Literal(one).as_string() for one in self._texts] if kind == "text" else []
