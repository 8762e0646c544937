"""What a chain of statements gains: the same ways, over tables that the persona has written before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.policy.gains import Gains
from rlsaudit.reach.bounds import Way, anything, widest
from rlsaudit.reach.direct import Direct
from rlsaudit.reach.indirect import Indirect
from rlsaudit.reach.making import Makers

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        indirect: Indirect,
        served: Mapping[str, frozenset[str]],
    ) -> None:
        self._makers = Makers(access, predicates, direct, indirect, served)
        self._gains = Gains(self._makers.of)
        self._direct = Direct(access, predicates, self._gains.decide)
        self._indirect = Indirect(access, predicates, self._direct, served)

    def way(self, persona: Persona, relation: Relation, operation: Operation, reach: Way) -> Way:
        """Returns how far a chain takes the persona; `reach` is how far a single statement does."""
        if reach.at_least is Reach.ALL:
            return reach
        found = [
            self._direct.way(persona, relation, operation),
            *self._indirect.ways(persona, relation, operation),
        ]
        if changing := self._changed_first(persona, relation, operation):
            found.append(changing)
        return widest(found, self._gains.decide)

    def _changed_first(self, persona: Persona, relation: Relation, operation: Operation) -> Way | None:
        """A way to strangers' rows that the persona first makes its own by an UPDATE; None where it can change none."""
        if operation not in {Operation.SELECT, Operation.DELETE}:
            return None
        ways = [
            self._direct.way(persona, relation, Operation.UPDATE),
            *self._indirect.ways(persona, relation, Operation.UPDATE),
        ]
        most = max(way.at_most for way in ways)
        if most <= Reach.OWN:
            return None
        return Way(Reach.NONE, most, anything("").evidence, "rows of strangers that an update may change first")
