"""The state that a proof shows, made on a server that is nobody's: tables are emptied, and hold the rows that it takes.

Rows are put in as they are said to be. What foreign keys and triggers would ask of them, and columns of which nothing
is said, is no part of what the proof says. What their own conditions and keys refuse is in no state, and not asked
about. All of it is undone with the probe.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.names import ident, literal
from rlsaudit.policy.effects import reason_not_to_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import JsonObject
    from rlsaudit.policy.supposed import Supposed

_MADE_UP = {
    "uuid": "pg_catalog.gen_random_uuid()",
    "text": "pg_catalog.gen_random_uuid()::pg_catalog.text",
    "character varying": "pg_catalog.gen_random_uuid()::pg_catalog.text",
    "integer": "pg_catalog.floor(pg_catalog.random() operator(pg_catalog.*) 1000000)",
    "bigint": "pg_catalog.floor(pg_catalog.random() operator(pg_catalog.*) 1000000)",
}
"""What stands in a key of which a proof says nothing."""


class Staging:
    """What makes the states that are supposed, on the connection's own rights, for one database."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._catalog = access.catalog
        self._me = access.catalog.roles_by_name[access.catalog.snapshot.viewer.name].oid

    def can(self, supposed: Supposed) -> bool:
        """Returns whether all tables that are consulted are the connection's own, and nothing is done beside."""
        return all(
            oid in self._catalog.relations and self._is_plain(self._catalog.relations[oid])
            for oid in supposed.consulted
        )

    def statements(self, supposed: Supposed) -> Iterator[str]:
        """Yields what makes the state; nothing where no table is consulted."""
        tables = [self._catalog.relations[oid] for oid in sorted(supposed.consulted)]
        for one in tables:
            name = self._catalog.identity(one)
            yield f"alter table {name} disable trigger user"
            for key in self._catalog.constraints[one.oid]:
                if key.kind == "f":
                    yield f"alter table {name} drop constraint {ident(key.name)}"
        if tables:
            yield f"truncate {', '.join(map(self._catalog.identity, tables))} cascade"
        for one in tables:
            rows = [row for oid, row in supposed.beside if oid == one.oid]
            keys = {each for key in self._catalog.constraints[one.oid] if key.kind == "p" for each in key.columns}
            for column in self._unsaid(one, rows):
                if column.not_null and column.number not in keys:
                    yield f"alter table {self._catalog.identity(one)} alter column {ident(column.name)} drop not null"
            yield from (self._insert(one, row, keys) for row in rows)

    def _is_plain(self, table: Relation) -> bool:
        catalog, own = self._catalog, self._access.roles.acts_as(self._me, table.owner)
        if table.kind != "r" or not own or table.extension or catalog.parents[table.oid] or catalog.children[table.oid]:
            return False
        if self._access.rls_applies(self._me, table) or catalog.rewrites[table.oid]:
            return False
        return not reason_not_to_write(catalog, table, [Operation.INSERT], (), throwaway=True)

    def _unsaid(self, table: Relation, rows: Sequence[JsonObject]) -> Iterator[Column]:
        """The columns that one of the rows says nothing of, and the server neither."""
        for one in self._catalog.columns[table.oid]:
            if not one.default and not one.identity and not one.generated and any(one.name not in row for row in rows):
                yield one

    def _insert(self, table: Relation, row: JsonObject, keys: set[int]) -> str:
        name = self._catalog.identity(table)
        said = {one.name: f"said.{ident(one.name)}" for one in self._catalog.columns[table.oid] if one.name in row}
        for one in self._unsaid(table, [row]):
            if one.number in keys and one.type in _MADE_UP:
                said[one.name] = _MADE_UP[one.type]
        if not said:
            return f"insert into {name} default values"
        given = literal(json.dumps(row, ensure_ascii=False)).strip()
        columns, values = ", ".join(map(ident, said)), ", ".join(said.values())
        return (
            f"insert into {name} ({columns}) overriding system value select {values}"
            f" from pg_catalog.jsonb_populate_record(null::{name}, {given}::pg_catalog.jsonb) as said"
        )
