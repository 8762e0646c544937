"""What a chain of statements gains: the same ways, over tables that the persona has written before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy.gains import Gains
from rlsaudit.reach.bounds import Way, widest
from rlsaudit.reach.conditioned import Outside, outside
from rlsaudit.reach.direct import Direct
from rlsaudit.reach.indirect import Indirect
from rlsaudit.reach.making import Makers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.reach.predicates import Predicates


class Escalation:
    """Ways of one snapshot at the end of chains of allowed statements."""

    def __init__(
        self,
        access: Access,
        predicates: Predicates,
        direct: Direct,
        served: Mapping[str, frozenset[str]],
    ) -> None:
        # What a function asks before it does something may be met by then, so that it is taken to do it.
        single = Indirect(access, predicates, direct, served, asking=False)
        self._predicates = predicates
        self._makers = Makers(access, predicates, direct, single, served)
        self._gains = Gains(self._makers.of)
        self._direct = Direct(access, predicates, self._gains.decide, self._gains.decide_rows)
        self._indirect = Indirect(access, predicates, self._direct, served, asking=False)

    def way(
        self, persona: Persona, relation: Relation, operation: Operation, ways: Sequence[Way], *, fails: bool
    ) -> Way:
        """Returns how far a chain takes the persona; `ways` are those of a single statement, the direct one first.

        `fails` is whether the statement that addresses the relation by name failed where it was tried.
        """
        single = widest(ways)
        if single.at_least is Reach.ALL:
            return single
        addressed = self._direct.way(persona, relation, operation)
        if fails:
            # Where it fails for everybody, it does so after other statements as well.
            closed = ways[0].at_most is Reach.NONE
            addressed = ways[0] if closed else replace(addressed, at_least=Reach.NONE, steps=())
        return widest(self._ways(persona, relation, operation, addressed), self._gains.decide)

    def outside(self, persona: Persona, relation: Relation, operation: Operation, condition: str) -> Outside:
        """Returns how far a chain takes the persona with rows of the relation that a condition leaves out."""
        addressed = self._direct.way(persona, relation, operation)
        ways = self._ways(persona, relation, operation, addressed)
        return outside(self._predicates, persona, relation, ways, condition, self._gains.decide)

    def _ways(self, persona: Persona, relation: Relation, operation: Operation, addressed: Way) -> list[Way]:
        found = [addressed, *self._indirect.ways(persona, relation, operation)]
        if any(one.at_most is not Reach.NONE for one in found):
            # What lets nothing through lets through no row that was changed, either.
            found += self._changed_first(persona, relation, operation)
        return found

    def _changed_first(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        """Yields the ways to strangers' rows that the persona first makes its own by an UPDATE."""
        if operation not in {Operation.SELECT, Operation.DELETE}:
            return
        ways = [
            self._direct.way(persona, relation, Operation.UPDATE),
            *self._indirect.ways(persona, relation, Operation.UPDATE),
        ]
        because = "an update may change rows of strangers first"
        for one in ways:
            if one.at_most > Reach.OWN:
                yield replace(one, at_least=Reach.NONE, evidence=EvidenceKind.NONE, because=because, steps=())
