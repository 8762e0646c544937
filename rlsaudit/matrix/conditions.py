"""The cells of which the intent says which rows of strangers are meant: whether others are reached as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.protection import is_protected
from rlsaudit.model import EvidenceKind, Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.matrix.sources import Sources
    from rlsaudit.model import Cell, Persona
    from rlsaudit.reach import Way


def with_condition(cell: Cell, sources: Sources, persona: Persona, relation: Relation, ways: Sequence[Way]) -> Cell:
    """Returns the cell with what the intent's condition, if it has one, makes of it.

    Where a row is reached that the condition leaves out, that is reach beyond intent. Where it is not known whether one
    is, the cell is not known: that rows of strangers are reached does not say which.
    """
    allowance = sources.intent.deciding(
        cell.persona,
        cell.role,
        cell.relation,
        cell.operation,
        protected=is_protected(sources.access.catalog, relation),
    )
    if allowance is None or allowance.where is None or cell.intended is not Reach.SOME:
        return cell
    cell = replace(cell, condition=allowance.where)
    if cell.at_most >= Reach.SOME:
        found = sources.direct.outside(persona, relation, ways, allowance.where)
        if found.broken:
            meant = Reach.NONE if cell.persona == "anon" else Reach.OWN
            row = found.row or "a row that cannot be shown"
            return replace(cell, intended=meant, outside=row, because=f"{cell.because}; {_beyond(cell, row)}")
        if not found.holds:
            return _not_known(cell, found.because)
    if cell.escalated is not cell.reach and cell.escalated is Reach.SOME:
        why = f"{cell.escalated_because}; not known whether only rows are gained where {cell.condition}"
        return replace(cell, escalated=Reach.UNKNOWN, escalated_because=why)
    return cell


def _beyond(cell: Cell, row: str) -> str:
    return f"meant are rows where {cell.condition}, and this one passes: {row}"


def _not_known(cell: Cell, why: str) -> Cell:
    asked = f"not known whether only rows of strangers are reached where {cell.condition}"
    return replace(
        cell,
        reach=Reach.UNKNOWN,
        escalated=Reach.UNKNOWN,
        evidence=EvidenceKind.NONE,
        because=f"{asked}: {why}" if why else asked,
        at_most=Reach.ALL,
    )
