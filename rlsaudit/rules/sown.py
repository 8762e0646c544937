"""Rows that an attack had made for it, put there again for a transcript: those that it is about, and no more."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from rlsaudit.probe.attack.identities import OTHERS, OWNER, ids_of
from rlsaudit.probe.rows.placed import is_document, placed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from rlsaudit.model import Persona
    from rlsaudit.probe.rows import Row
    from rlsaudit.rules.case import Case


def sown(case: Case, by: Persona, relations: Collection[int], statements: Sequence[str]) -> tuple[str, ...]:
    """Returns what puts there the rows that statements were sent to; none where rows were not made.

    Those of the `relations` (OIDs), and one of each table that decides on them; besides whatever the statements call by
    its key. They belong to who asks, where rows were made for that one, else to somebody whom the statements name.

    Args:
        case: The audit.
        by: Who asks.
        relations: Where rows are reached; of those that are put in, none has to be there.
        statements: What is sent.
    """
    text = "\n".join(statements)
    owner = next((one for one in OTHERS if one.mark in text), OTHERS[0])
    if OWNER.user in ids_of(by):
        owner = OWNER
    about = set(relations)
    reached = about if not statements[-1].startswith("insert ") else set()
    deciding = {oid for one in about for oid in case.consulted.get(one, ())} - about
    pointed = {
        key.foreign_relation for one in about | deciding for key in case.catalog.constraints[one] if key.kind == "f"
    }
    chosen = []
    for row in case.matrix.fought.rows:
        mine = row.owner == owner.name
        where = {row.relation, row.stored}
        is_of = mine and (where & reached or (where & deciding and not row.varied))
        if is_of or (where & (about | deciding | pointed) and _is_named(case, row, text)):
            chosen.append(row)
    told = Counter(value for row in chosen for value in row.values.values())
    found = [(row.relation, dict(_values(case, row, text, told))) for row in chosen]
    return placed(case.catalog, found, owner)


def _is_named(case: Case, row: Row, text: str) -> bool:
    """Whether a text calls a row by its key."""
    keys = {number for one in case.catalog.constraints[row.relation] if one.kind == "p" for number in one.columns}
    names = [one.name for one in case.catalog.columns[row.relation] if one.number in keys]
    values = [row.values.get(one) for one in names]
    return bool(values) and all(one is not None and f"'{one}'" in text for one in values)


def _values(case: Case, row: Row, text: str, told: Counter[str | None]) -> Iterator[tuple[str, object]]:
    """What has to be said of a row: not what the server makes up, which is another each time, and nobody speaks of."""
    for column in case.catalog.columns[row.relation]:
        value = row.values.get(column.name)
        made_up = column.identity or (column.default and column.constant is None)
        if column.generated or (made_up and told[value] == 1 and f"'{value}'" not in text):
            continue
        if value is not None or column.default:
            yield column.name, json.loads(value) if value is not None and is_document(case.catalog, column) else value
