"""How far a function surely leads its caller, beyond what the relation's own name does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Reach

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Operation, Persona
    from rlsaudit.rules.case import Case


def surely_led(case: Case, persona: Persona, function: Function, relation: Relation, operation: Operation) -> Reach:
    """Returns to whose rows a call of the function leads for certain; none where the persona gets there by name."""
    if relation.kind not in "rp":
        return Reach.NONE
    identity = case.catalog.function_identity(function)
    ways = case.indirect.ways(persona, relation, operation)
    found = max((one.at_least for one in ways if one.via == identity), default=Reach.NONE)
    return found if found > case.addressed(persona, relation, operation) else Reach.NONE
