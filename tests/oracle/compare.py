"""The matrix against what was measured: what was measured must lie between a cell's bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oracle.force import Force
    from rlsaudit.model import Cell


@dataclass(frozen=True, slots=True)
class Compared:
    """A cell with what was measured: `fault` says how the two differ, and is empty where they do not."""

    cell: Cell
    measured: Reach
    fault: str


def compare(cells: Iterable[Cell], force: Force) -> tuple[Compared, ...]:
    """Compares the cells of one persona over relations whose rows were measured."""
    return tuple(_compared(one, force) for one in cells if one.relation in force.tables.all)


def _compared(cell: Cell, force: Force) -> Compared:
    table = force.tables.all[cell.relation]
    measured = force.reach(cell.relation, cell.operation)
    possible = {measured.reach, force.reach(cell.relation, cell.operation, lenient=True).reach}
    if table.kind in "vm" and possible & {Reach.SOME, Reach.ALL}:
        # A view's own filter decides which rows it has; some of a table's are all of the view's.
        possible |= {Reach.SOME, Reach.ALL}
    fits = any(cell.at_least <= one <= cell.at_most for one in possible)
    decided = not cell.reach.decided or cell.reach in possible
    if fits and decided:
        return Compared(cell, measured.reach, "")
    fault = (
        f"{cell.persona} {cell.operation.value} {cell.relation}: {cell.reach.value} in"
        f" [{cell.at_least.value}, {cell.at_most.value}] ({cell.because}), measured {measured.reach.value}"
        f" ({measured.example})"
    )
    return Compared(cell, measured.reach, fault)
