"""What a fix has to leave: how far a persona gets before it by what somebody gave it, and not by the fault.

What is reached beyond intent is a fault, and part of it may be meant all the same: rows of one's own. Which part is
told by what the owner wrote: policies, also where nothing asks them yet. Where nobody wrote any, all that the intent
allows is taken to be meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.access.views import reads_through
from rlsaudit.model import Operation, Reach
from rlsaudit.policy.decide import decide
from rlsaudit.reach.family import ancestors
from rlsaudit.rules.reached import without_chosen

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.policy.formula import Formula
    from rlsaudit.rules import Case


def given(case: Case, cell: Cell) -> Reach:
    """Returns how far the persona surely gets by what was meant for it, as far as that is written down.

    Args:
        case: The audit that the cell is of.
        cell: The cell; within intent all of it is meant.
    """
    relation = relation_of(case, cell)
    if relation is None or cell.at_least <= cell.intended:
        return cell.at_least
    return min(cell.at_least, _given(case, case.persona(cell.persona), relation, cell.operation))


def relation_of(case: Case, cell: Cell) -> Relation | None:
    """Returns the relation that a cell is about."""
    return next((one for one in case.exposed if case.catalog.identity(one) == cell.relation), None)


def _given(case: Case, persona: Persona, relation: Relation, operation: Operation) -> Reach:
    if relation.kind in "vm":
        # A view gives what its tables would give by themselves: what it gives beyond that is the fault.
        reads = reads_through(case.access, relation, case.role(persona).oid)
        below = {one.relation.oid: one.relation for one in reads if one.relation.kind not in "vm"}
        return min((_given(case, persona, one, operation) for one in below.values()), default=Reach.ALL)
    role = case.role(persona).oid
    reach = case.direct.way(persona, relation, operation).at_least
    if case.catalog.policies[relation.oid]:
        return min(reach, decide(without_chosen(_asked(case, persona, relation, operation))).at_least)
    if case.access.rls_applies(role, relation):
        return reach
    above = [one for one in ancestors(case.catalog, relation) if case.access.rls_applies(role, one)]
    return min((case.direct.way(persona, one, operation).at_least for one in above), default=reach)


def _asked(case: Case, persona: Persona, relation: Relation, operation: Operation) -> Formula:
    asked = case.predicates.check if operation is Operation.INSERT else case.predicates.using
    return asked(persona, case.role(persona).oid, relation, operation)
