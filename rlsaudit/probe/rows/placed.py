"""Rows that are put there as they are said to be, by statements that a person replays and takes back.

What triggers would do is no part of what they show, and foreign keys would ask for ever more rows: so neither is asked,
as where data is loaded (`session_replication_role`). That takes a superuser, or Supabase's `postgres`. Columns of which
nothing is said are filled where the table asks for something.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

from rlsaudit.names import ident, literal, text_or_null
from rlsaudit.probe.rows.content import Content, Whose, constants, kind_of, uuid
from rlsaudit.probe.rows.table import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import JsonObject
    from rlsaudit.probe.rows.model import Principal
    from rlsaudit.probe.rows.table import Table

_ROLE = "set local session_replication_role = "
_DOCUMENTS = frozenset({"json", "jsonb"})


def placed(catalog: Catalog, rows: Iterable[tuple[int, JsonObject]], principal: Principal) -> tuple[str, ...]:
    """Returns the statements that put rows there, each behind its table (an OID); none where there are no rows.

    What is made up for columns of which nothing is said tells that it is the `principal`'s.
    """
    content, numbers = Content(catalog), count(1)
    inserts = [
        _insert(content, table_of(catalog, catalog.relations[oid]), row, Whose(principal.mark, 1, next(numbers)))
        for oid, row in rows
    ]
    return (f"{_ROLE}'replica'", *inserts, f"{_ROLE}'origin'") if inserts else ()


def is_document(catalog: Catalog, column: Column) -> bool:
    """Returns whether a column holds JSON."""
    return kind_of(Content(catalog).base(column.type)).name in _DOCUMENTS and not column.type.endswith("[]")


def filled(catalog: Catalog, relation: Relation, row: JsonObject, principal: Principal) -> JsonObject:
    """Returns a row with something in each column that has to have something, made up for the `principal`."""
    content, table, whose = Content(catalog), table_of(catalog, relation), Whose(principal.mark, 1, 0)
    made = dict(row)
    for column in table.writable:
        if column.name not in row and column.not_null:
            text = _made_up(content, table, column, whose)
            made[column.name] = json.loads(text) if text and is_document(catalog, column) else text
    return made


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
        known = any(oid == key.target and values.items() <= one.items() for oid, one in there)
        if None not in values.values() and not known:
            yield key.target, values


def _insert(content: Content, table: Table, row: JsonObject, whose: Whose) -> str:
    values: dict[str, str] = {}
    overriding = False
    for column in table.writable:
        if column.name in row:
            values[ident(column.name)] = _said(content, column, row[column.name])
            overriding = overriding or column.identity
        elif column.not_null and not column.default and not column.identity:
            values[ident(column.name)] = text_or_null(_made_up(content, table, column, whose))
    if not values:
        return f"insert into {table.identity} default values"
    system = " overriding system value" if overriding else ""
    return f"insert into {table.identity} ({', '.join(values)}){system} values ({', '.join(values.values())})"


def _said(content: Content, column: Column, value: object) -> str:
    if value is None:
        return "null"
    if kind_of(content.base(column.type)).name in _DOCUMENTS and not column.type.endswith("[]"):
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
