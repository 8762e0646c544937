"""Rows that are put there as they are said to be, by statements that a person replays and takes back.

What triggers would do is no part of what they show, and foreign keys would ask for ever more rows: where there are any
neither is asked, as where data is loaded (`session_replication_role`). That takes a superuser, or the `postgres` of
Supabase. Columns of which nothing is said are filled where the table asks for something.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

from rlsaudit.catalog.firing import fires
from rlsaudit.model import Operation
from rlsaudit.names import ident, literal
from rlsaudit.probe.rows.content import Content, Whose, constants, kind_of, uuid
from rlsaudit.probe.rows.table import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import JsonObject
    from rlsaudit.probe.rows.model import Principal
    from rlsaudit.probe.rows.table import Table

    Placed: TypeAlias = tuple[int, JsonObject]
    """A row behind its table (an OID)."""

_ROLE = "set local session_replication_role = "
_MOST_DEEP = 3
_DOCUMENTS = frozenset({"json", "jsonb"})


def placed(catalog: Catalog, rows: Iterable[tuple[int, JsonObject]], principal: Principal) -> tuple[str, ...]:
    """Returns the statements that put rows there, each behind its table (an OID); none where there are no rows.

    What is made up for columns of which nothing is said tells that it is the `principal`'s.
    """
    content, numbers = Content(catalog), count(1)

    def whole(oid: int, row: JsonObject) -> Placed:
        whose = Whose(principal.mark, 1, next(numbers))
        return oid, _whole(content, table_of(catalog, catalog.relations[oid]), row, whose)

    made = [whole(*one) for one in rows]
    ordered, left = _in_order(catalog, made)
    more = list(left)
    for _ in range(_MOST_DEEP):
        # What they point at is put there as well, by its key alone.
        for one in tuple(more):
            more += [whole(*target) for target in pointed_at(catalog, *one, [*ordered, *more])]
    closed, still = _in_order(catalog, [*ordered, *more])
    plain = not still and not any(_does_more(catalog, oid) for oid, _ in closed)
    # Rows that differ in what the server makes up alone are one as good as the other.
    inserts = dict.fromkeys(_insert(catalog, content, *one) for one in (closed if plain else (*ordered, *left)))
    return tuple(inserts) if plain else (f"{_ROLE}'replica'", *inserts, f"{_ROLE}'origin'")


def _in_order(catalog: Catalog, rows: Sequence[Placed]) -> tuple[list[Placed], list[Placed]]:
    """The rows that come after all that they point at, and those that point at what is not there."""
    ordered: list[Placed] = []
    left = list(rows)
    while ready := [one for one in left if not any(pointed_at(catalog, *one, ordered))]:
        ordered += ready
        left = [one for one in left if one not in ready]
    return ordered, left


def _does_more(catalog: Catalog, relation: int) -> bool:
    """Whether an INSERT into a relation (an OID) does more than put a row there."""
    fired = any(fires(one, Operation.INSERT) for one in catalog.triggers[relation])
    parts = (*catalog.children[relation], *catalog.parents[relation])
    return fired or bool(catalog.rewrites[relation]) or any(catalog.triggers[one] for one in parts)


def is_document(catalog: Catalog, column: Column) -> bool:
    """Returns whether a column holds JSON."""
    return _holds_json(Content(catalog), column)


def _holds_json(content: Content, column: Column) -> bool:
    return kind_of(content.base(column.type)).name in _DOCUMENTS and not column.type.endswith("[]")


def filled(catalog: Catalog, relation: Relation, row: JsonObject, principal: Principal) -> JsonObject:
    """Returns a row with something in each column that has to have something, made up for the `principal`."""
    content, table, whose = Content(catalog), table_of(catalog, relation), Whose(principal.mark, 1, 0)
    lacking = [one for one in table.writable if one.name not in row and one.not_null]
    return row | {one.name: _value(content, table, one, whose) for one in lacking}


def made_up(catalog: Catalog, relation: Relation, column: Column, principal: Principal) -> str | None:
    """Returns a text that may stand in a column, of a truth value the true one."""
    if kind_of(Content(catalog).base(column.type)).name == "boolean":
        return "true"
    return _made_up(Content(catalog), table_of(catalog, relation), column, Whose(principal.mark, 1, 0))


def updated(catalog: Catalog, relation: Relation, row: JsonObject) -> str:
    """Returns an UPDATE by which columns of a relation become what they are in a row."""
    content, columns = Content(catalog), {one.name: one for one in catalog.columns[relation.oid]}
    changes = (f"{ident(name)} = {_said(content, columns[name], value)}" for name, value in row.items())
    return f"update {catalog.identity(relation)} set {', '.join(changes)}"


def pointed_at(
    catalog: Catalog, relation: int, row: JsonObject, there: Sequence[tuple[int, JsonObject]]
) -> Iterator[tuple[int, JsonObject]]:
    """Yields what has to be there for the foreign keys of a row of the relation (an OID), each behind its table.

    What is among the rows that are `there` is left out.
    """
    names = {one.number: one.name for one in catalog.columns[relation]}
    for key in table_of(catalog, catalog.relations[relation]).keys:
        others = {one.number: one.name for one in catalog.columns[key.target]}
        pairs = zip(key.columns, key.target_columns, strict=True)
        values = {others[other]: row.get(names[own]) for own, other in pairs}
        known = any(
            oid == key.target and all(str(one.get(name)) == str(value) for name, value in values.items())
            for oid, one in there
        )
        if None not in values.values() and not known:
            yield key.target, values


def _whole(content: Content, table: Table, row: JsonObject, whose: Whose) -> JsonObject:
    """The row with something in each column that has to have something, and that the server does not fill."""
    made = {column.name: row[column.name] for column in table.writable if column.name in row}
    for column in table.writable:
        if column.name not in row and column.not_null and not column.default and not column.identity:
            made[column.name] = _value(content, table, column, whose)
    return made


def _insert(catalog: Catalog, content: Content, relation: int, row: JsonObject) -> str:
    name = catalog.identity(catalog.relations[relation])
    if not row:
        return f"insert into {name} default values"
    columns = [one for one in catalog.columns[relation] if one.name in row]
    system = " overriding system value" if any(one.identity for one in columns) else ""
    values = ", ".join(_said(content, one, row[one.name]) for one in columns)
    return f"insert into {name} ({', '.join(ident(one.name) for one in columns)}){system} values ({values})"


def _said(content: Content, column: Column, value: object) -> str:
    if value is None:
        return "null"
    if _holds_json(content, column):
        return literal(json.dumps(value, ensure_ascii=False)).strip()
    if isinstance(value, list):
        return literal(_array(value)).strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else literal(str(value)).strip()


def _array(values: list[object]) -> str:
    """An array as a text."""
    return f"{{{','.join(_element(one) for one in values)}}}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return _array(value)
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, bool | dict) else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(content: Content, table: Table, column: Column, whose: Whose) -> object:
    text = _made_up(content, table, column, whose)
    return json.loads(text) if text and _holds_json(content, column) else text


def _made_up(content: Content, table: Table, column: Column, whose: Whose) -> str | None:
    """What stands in a column that has to have something; of a key what no other row has."""
    base = kind_of(content.base(column.type))
    if any(column.number in one for one in table.unique):
        made = uuid(whose, 0, column.number) if base.name == "uuid" else None
        made = made or content.distinct(column.type, column.name, whose)
        if made is not None:
            return made
    asked = [*(check for check, columns in table.checks if column.number in columns), *content.checks(column.type)]
    suggested = [text for one in asked for text in constants(one, base)]
    return next(iter((*suggested, *content.texts(column.type, column.name, whose))), None)
