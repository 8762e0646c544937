"""The cells of which the intent says which rows of strangers are meant: whether others are reached as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.protection import is_protected
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.personas import owns_nothing
from rlsaudit.policy.condition import sendable
from rlsaudit.probe import Condition, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.intent import Intent
    from rlsaudit.matrix.sources import Sources
    from rlsaudit.model import Cell, Persona
    from rlsaudit.probe import Result
    from rlsaudit.reach import Way
    from rlsaudit.reach.predicates import Predicates


def conditions_to_ask(
    access: Access,
    predicates: Predicates,
    intent: Intent,
    personas: Iterable[Persona],
    exposure: Mapping[str, tuple[Relation, ...]],
) -> Iterator[Condition]:
    """Yields the conditions that the server can be asked about: of personas to whom no row belongs, on tables."""
    for persona in personas:
        for relation in exposure[persona.name] if owns_nothing(persona) else ():
            identity, protected = access.catalog.identity(relation), is_protected(access.catalog, relation)
            allowance = intent.deciding(persona.name, persona.role, identity, Operation.SELECT, protected=protected)
            if allowance is None or allowance.where is None or allowance.reach(Operation.SELECT) is not Reach.SOME:
                continue
            sql = sendable(allowance.where, predicates.scope(persona, relation)) if relation.kind in "rp" else None
            if sql is not None:
                yield Condition(persona, relation, sql)


def with_condition(
    cell: Cell,
    sources: Sources,
    persona: Persona,
    relation: Relation,
    ways: Sequence[Way],
    read: Result | None = None,
) -> Cell:
    """Returns the cell with what the intent's condition, if it has one, makes of it.

    `read` is what the persona, to whom no row belongs, read of rows that the condition leaves out.

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
        seen = read.rows if read is not None and read.outcome is Outcome.ROWS else 0
        if found.broken or seen:
            row = f"{seen} that were read" if seen else found.row or "a row that cannot be shown"
            beyond = _beyond(cell, row)
            return _not_known(beyond, _DISAGREE) if found.holds else beyond
        if not found.holds:
            return _not_known(cell, found.because)
    if cell.escalated is Reach.SOME:
        # Where a single statement reaches some rows as well, a chain may open others.
        gained = sources.escalation.outside(persona, relation, cell.operation, allowance.where)
        if not gained.holds:
            asked = f"not known whether only rows are gained where {cell.condition}"
            why = "; ".join(one for one in (cell.escalated_because, asked, gained.because) if one)
            return replace(cell, escalated=Reach.UNKNOWN, escalated_because=why)
    return cell


_DISAGREE = "proof and probe disagree, a bug of rlsaudit: no such row was to be reached"


def _beyond(cell: Cell, row: str) -> Cell:
    """The cell with what is meant of rows that the condition leaves out, where such rows are reached."""
    meant = Reach.NONE if cell.persona == "anon" else Reach.OWN
    because = f"{cell.because}; meant are rows where {cell.condition}, and others are reached: {row}"
    at_least = max(cell.at_least, Reach.SOME)
    return replace(cell, intended=meant, outside=row, because=because, at_least=at_least)


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
