"""The matrix, cell by cell: bounds are compared, so that what is not decided is not taken for equal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import Change, Direction, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.model import Cell


def compare_cells(before: Iterable[Cell], after: Iterable[Cell]) -> Iterator[Change]:
    """Yields the cells that differ, in the order of `after`, then those that are gone.

    A persona that is on one side only is compared with the one that has its role's name: it is shown where something
    asks for what tells it from that one, and nothing opens or closes by being told apart.
    """
    old = {_key(one): one for one in before}
    new = {_key(one): one for one in after}
    old_personas, new_personas = ({persona for persona, _, _ in side} for side in (old, new))
    for key, cell in new.items():
        was = old.get(key if cell.persona in old_personas else (cell.role, *key[1:]))
        direction = _direction(was, cell)
        if direction is not None:
            yield _change(cell, direction, _shown(was) if was else "not there", _shown(cell))
    for key, cell in old.items():
        now = new.get(key if cell.persona in new_personas else (cell.role, *key[1:]))
        if now is not None and cell.persona not in new_personas:
            direction = _direction(cell, now)
            if direction is not None:
                yield _change(replace(now, persona=cell.persona), direction, _shown(cell), _shown(now))
        elif now is None and cell.at_most is not Reach.NONE:
            yield _change(cell, Direction.LESS, _shown(cell), "not there", gone=True)


def _key(cell: Cell) -> tuple[str, str, str]:
    return cell.persona, cell.relation, cell.operation.value


def _direction(was: Cell | None, cell: Cell) -> Direction | None:
    """Which way it went; None where nothing differs."""
    if was is None:
        # Something new that nobody reaches opens nothing; of something new and unknown that cannot be said.
        if cell.at_least is not Reach.NONE:
            return Direction.MORE
        return None if cell.at_most is Reach.NONE else Direction.INCOMPARABLE
    if was.reach.decided and cell.reach.decided:
        if was.reach is cell.reach:
            return _by_columns(was, cell)
        return Direction.MORE if cell.reach > was.reach else Direction.LESS
    if cell.at_least > was.at_most:
        return Direction.MORE
    if cell.at_most < was.at_least:
        return Direction.LESS
    # Not decided on either side, for the same reason: nothing about it changed.
    same = (was.at_least, was.at_most, was.because) == (cell.at_least, cell.at_most, cell.because)
    return None if same else Direction.INCOMPARABLE


def _by_columns(was: Cell, cell: Cell) -> Direction | None:
    if was.columns == cell.columns or cell.reach is Reach.NONE:
        return None
    if cell.columns is None:
        return Direction.MORE
    if was.columns is None:
        return Direction.LESS
    gained, lost = set(cell.columns) - set(was.columns), set(was.columns) - set(cell.columns)
    if gained and lost:
        return Direction.INCOMPARABLE
    return Direction.MORE if gained else Direction.LESS


def _shown(cell: Cell) -> str:
    columns = f" ({', '.join(cell.columns)})" if cell.columns is not None and cell.reach is not Reach.NONE else ""
    if cell.reach.decided:
        return f"{cell.reach}{columns}"
    return f"unknown, from {cell.at_least} to {cell.at_most}{columns}"


def _change(cell: Cell, direction: Direction, before: str, after: str, *, gone: bool = False) -> Change:
    return Change(
        kind="cell",
        what=cell.relation,
        direction=direction,
        before=before,
        after=after,
        persona=cell.persona,
        operation=cell.operation.value,
        allowed=gone or not cell.intended.decided or cell.at_least <= cell.intended,
    )
