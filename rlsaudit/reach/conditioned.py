"""Whether strangers' rows are reached that are not meant: the intent may say which of them are, by a condition."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.decide import decide, scope_of, shown
from rlsaudit.policy.formula import And, Is
from rlsaudit.policy.parse import parse
from rlsaudit.policy.supposed import row_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.decide import Decider
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.values import Scope
    from rlsaudit.reach.bounds import Way
    from rlsaudit.reach.predicates import Predicates

_MOST_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Outside:
    """How far a persona gets with rows that a condition leaves out, at least and at most.

    Where no more than `own` is reached of them the condition holds for strangers' rows. `row` is one that is reached,
    in words, and `because` why no less is known.
    """

    at_least: Reach
    at_most: Reach
    row: str = ""
    because: str = ""

    @property
    def holds(self) -> bool:
        """Whether no stranger's row that the condition leaves out is reached, for certain."""
        return self.at_most < Reach.SOME

    @property
    def broken(self) -> bool:
        """Whether such a row is reached, for certain."""
        return self.at_least >= Reach.SOME


def outside(
    predicates: Predicates,
    persona: Persona,
    relation: Relation,
    ways: Sequence[Way],
    condition: str,
    decider: Decider = decide,
) -> Outside:
    """Returns how far a persona gets along `ways` with rows of the relation for which `condition` is not true.

    `ways` begin with the relation's own name: of that alone the rows are known exactly, so that only by it something
    can be certain. Of the others they are known at most. `decider` is what those of `ways` were decided by.
    """
    if relation.kind not in "rp":
        return Outside(Reach.NONE, Reach.ALL, because="conditions are proved for tables only")
    at_least = at_most = Reach.NONE
    row = because = ""
    for number, way in enumerate(ways):
        if way.at_most < Reach.SOME:
            continue
        formula = _left_out(predicates, persona, relation, way.rows, condition)
        if formula is None:
            at_most = Reach.ALL
            because = because or f"which rows are reached through {way.via or 'it'} is not known"
            continue
        bounds = decider(formula)
        at_most = max(at_most, bounds.at_most)
        if number == 0 and way.at_least >= Reach.SOME and bounds.at_least >= Reach.SOME:
            at_least, row = bounds.at_least, _told(formula)
        if bounds.at_most >= Reach.SOME:
            because = because or bounds.because
    return Outside(at_least, at_most, row, because)


def _left_out(
    predicates: Predicates, persona: Persona, relation: Relation, rows: Formula | None, condition: str
) -> Formula | None:
    """Which of these rows the condition leaves out: those for which it is false or NULL. None where that is unknown."""
    if rows is None:
        return None
    # The policies of tables that are alike are read once, over the first of them.
    scope: Scope = scope_of(rows) or predicates.scope(persona, relation)
    if scope.columns.keys() != predicates.columns(relation).keys():
        return None
    return And((rows, Is(parse(condition, scope), value=True, negated=True)))


def _told(formula: Formula) -> str:
    """A row that passes, in words; empty where none can be shown."""
    witness = shown(formula).passes
    row = row_of(witness) if witness is not None else None
    if not row:
        return ""
    told = [f"{name} = {value if isinstance(value, str) else json.dumps(value)}" for name, value in row.items()]
    return ", ".join(told[:_MOST_COLUMNS])
