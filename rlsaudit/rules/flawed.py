"""The flaws by which a policy opens more than was meant, for findings to name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case


def flawed(case: Case, relation: Relation, policies: Collection[Policy], cells: Iterable[Cell]) -> str:
    """Returns what is wrong with these policies as far as the cells go, as sentences to add; empty if nothing is."""
    listed = list(cells)
    found = [
        one.because
        for one in case.flaws.opening(relation, policies)
        if any(one.about(cell.persona, cell.operation) for cell in listed)
    ]
    return "".join(f" {one[0].upper()}{one[1:]}." for one in dict.fromkeys(found))
