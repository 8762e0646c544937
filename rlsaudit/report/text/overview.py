"""The matrix at a glance: how far each persona gets with which relation. What goes beyond intent comes first."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.report.text.page import ALARM, DOUBT, QUIET, STRONG, Fragment, Page, more
from rlsaudit.report.verdict import beyond_intent, undecided
from rlsaudit.report.words import count, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.model import Cell, Report

_MOST = 30
_SCHEMAS = 4
_QUALIFIER = re.compile(r'\A("(?:[^"]|"")*"|[^".]*)\..*\Z', re.DOTALL)
_WIDE = 100
"""From this width on there is room for the kinds of relations."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One relation, for one persona."""

    relation: str
    kind: str
    cells: tuple[Fragment, ...]
    beyond: bool
    doubtful: bool
    reached: bool


def write(page: Page, report: Report, *, whole: bool = False) -> None:
    """Write a table for each persona; personas for whom it would be the same share one.

    The report's overview is cut, and counts what nobody reaches; the `whole` names everything.
    """
    tables = _tables(report)
    if not tables:
        return
    page.heading("WHO REACHES WHAT")
    _legend(page, report.matrix)
    for rows, personas in tables.items():
        page.gap()
        page.prose((listed(personas), STRONG), lead="as ")
        _table(page, rows, whole=whole)


def _legend(page: Page, matrix: Sequence[Cell]) -> None:
    marks = [
        ("!", "beyond intent", any(map(beyond_intent, matrix))),
        ("none", "no row", True),
        ("own", "rows of its own", True),
        ("some", "strangers' rows that meet a condition", True),
        ("all", "any row", True),
        ("unknown", "not decided, which does not count as safe", any(map(undecided, matrix))),
        ("own>all", "own by one statement, all by a chain of allowed statements", any(map(_escalates, matrix))),
        ("*", "not all columns", any(cell.columns is not None for cell in matrix)),
    ]
    words: list[Fragment] = []
    for mark, meaning in ((mark, meaning) for mark, meaning, used in marks if used):
        words += [" · " if words else "", (mark, STRONG), (f" {meaning}", QUIET)]
    page.prose(*words, indent=2)


def _tables(report: Report) -> dict[tuple[_Row, ...], list[str]]:
    tables: dict[tuple[_Row, ...], list[str]] = {}
    for persona, cells in groupby(report.matrix, key=lambda cell: cell.persona):
        rows = [_row(list(group)) for _, group in groupby(cells, key=lambda cell: cell.relation)]
        rows.sort(key=lambda row: (not row.beyond, not row.doubtful))
        tables.setdefault(tuple(rows), []).append(persona)
    return tables


def _table(page: Page, rows: Sequence[_Row], *, whole: bool) -> None:
    told = [row for row in rows if row.reached or whole]
    most = len(told) if whole else _MOST
    if told:
        wide = page.width >= _WIDE
        headers = ["relation", *(["kind"] if wide else []), *(operation.value for operation in Operation)]
        page.table(
            headers,
            [
                (row.relation, *([(row.kind.replace("_", " "), QUIET)] if wide else []), *row.cells)
                for row in told[:most]
            ],
        )
    if len(told) > most:
        page.prose(*more(len(told) - most, "relations that it reaches"), indent=2)
    closed = Counter(_schema(row.relation) for row in rows if not row.reached and not whole)
    if closed:
        relations = count(closed.total(), "other relation" if told else "relation")
        where = [f"{number} in {schema}" for schema, number in closed.most_common(_SCHEMAS)]
        if len(closed) > _SCHEMAS:
            where.append(f"the rest in {count(len(closed) - _SCHEMAS, 'more schema')}")
        page.prose((f"none in any operation: {relations} ({', '.join(where)})", QUIET), indent=2)


def _schema(relation: str) -> str:
    """Returns the schema of a schema-qualified name, whose quotes may hold dots."""
    return _QUALIFIER.sub(r"\1", relation)


def _row(cells: Sequence[Cell]) -> _Row:
    by_operation = {cell.operation: cell for cell in cells}
    shown = [by_operation.get(operation) for operation in Operation]
    return _Row(
        relation=cells[0].relation,
        kind=cells[0].kind,
        cells=tuple(_cell(cell) if cell else ("unknown", DOUBT) for cell in shown),
        beyond=any(map(beyond_intent, cells)),
        doubtful=None in shown or any(map(undecided, cells)),
        reached=None in shown or any(cell.reach is not Reach.NONE or _escalates(cell) for cell in cells),
    )


def _escalates(cell: Cell) -> bool:
    return cell.escalated.decided and cell.escalated is not cell.reach


def _cell(cell: Cell) -> Fragment:
    word = f"{cell.reach}>{cell.escalated}" if _escalates(cell) else cell.reach.value
    if cell.columns is not None:
        word += "*"
    if beyond_intent(cell):
        return f"{word} !", ALARM
    if undecided(cell):
        return word, DOUBT
    return (word, QUIET) if word == Reach.NONE else word
