"""How findings say who can do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Cell

VERBS = {
    Operation.SELECT: "read",
    Operation.INSERT: "insert",
    Operation.UPDATE: "change",
    Operation.DELETE: "delete",
}
ROWS = {Reach.ALL: "any row", Reach.SOME: "rows of strangers", Reach.OWN: "rows of its own", Reach.NONE: "no row"}

_PLURALS = {"is": "are", "does": "do", "goes": "go"}


def who_can(cells: Iterable[Cell]) -> str:
    """Returns a clause like `anon can read and insert any row; authenticated can read rows of strangers`."""
    said: dict[str, dict[Reach, list[str]]] = {}
    for cell in cells:
        said.setdefault(cell.persona, {}).setdefault(cell.at_least, []).append(VERBS[cell.operation])
    clauses: dict[str, list[str]] = {}
    for persona, reaches in said.items():
        # Cells of several relations say the same more than once.
        each = [(reach, [one for one in VERBS.values() if one in verbs]) for reach, verbs in reaches.items()]
        parts = [f"{listed(verbs)} {ROWS[reach]}" for reach, verbs in sorted(each, reverse=True)]
        clauses.setdefault(" and ".join(parts), []).append(persona)
    return "; ".join(f"{listed(personas)} can {can}" for can, personas in clauses.items())


def agreeing(clause: str, number: int) -> str:
    """Returns what `number` of something do: `asks for …` of one, `ask for …` of several."""
    verb, space, rest = clause.partition(" ")
    return clause if number <= 1 else f"{_PLURALS.get(verb, verb.removesuffix('s'))}{space}{rest}"


def listed(words: list[str]) -> str:
    """Returns `a`, `a and b` or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
