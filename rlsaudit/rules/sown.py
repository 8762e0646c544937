"""Rows that an attack had made for it, put there again for a transcript: those that it is about, and no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rlsaudit.probe.attack.identities import OTHERS
from rlsaudit.probe.rows.placed import is_document, placed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from rlsaudit.model import JsonObject
    from rlsaudit.probe.rows import Row
    from rlsaudit.rules.case import Case


def sown(case: Case, relations: Collection[int], statements: Sequence[str]) -> tuple[str, ...]:
    """Returns what puts there the rows that statements were sent to; none where rows were not made.

    Those of the `relations` (OIDs), of somebody else whom the statements name or else of the first, and one of each
    table that decides on them; besides whatever the statements call by its key.
    """
    text = "\n".join(statements)
    owner = next((one for one in OTHERS if one.mark in text), OTHERS[0])
    about = set(relations)
    deciding = {oid for one in about for oid in case.consulted.get(one, ())} - about
    pointed = {
        key.foreign_relation for one in about | deciding for key in case.catalog.constraints[one] if key.kind == "f"
    }
    found: list[tuple[int, JsonObject]] = []
    for row in case.matrix.fought.rows:
        mine = row.owner == owner.name
        where = {row.relation, row.stored}
        is_of = mine and (where & about or (where & deciding and not row.varied))
        if is_of or (where & (about | deciding | pointed) and _is_named(case, row, text)):
            found.append((row.relation, dict(_values(case, row))))
    return placed(case.catalog, found, owner)


def _is_named(case: Case, row: Row, text: str) -> bool:
    """Whether a text calls a row by its key."""
    keys = {number for one in case.catalog.constraints[row.relation] if one.kind == "p" for number in one.columns}
    names = [one.name for one in case.catalog.columns[row.relation] if one.number in keys]
    values = [row.values.get(one) for one in names]
    return bool(values) and all(one is not None and f"'{one}'" in text for one in values)


def _values(case: Case, row: Row) -> Iterator[tuple[str, object]]:
    for column in case.catalog.columns[row.relation]:
        if column.name in row.values and not column.generated:
            text = row.values[column.name]
            yield column.name, json.loads(text) if text is not None and is_document(case.catalog, column) else text
