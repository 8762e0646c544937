"""Ways that lead to some rows each: together they may lead to all, so that their conditions are asked as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.policy.decide import decide_rows, read_once
from rlsaudit.policy.expr import Or

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.model import Persona, Reach
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.formula import Formula
    from rlsaudit.reach.predicates import Predicates


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """The rows of `relation` (an OID) that all functions together lead to at most: those that meet one of `rows`.

    `stored` is whether they are in the table, before anything is done to them.
    """

    rows: tuple[Expr, ...]
    persona: Persona
    predicates: Predicates
    relation: int
    stored: bool

    def with_rows(self, others: Sequence[Formula]) -> Reach:
        """Returns how far these and the rows of other ways go together, at most."""
        every = tuple(dict.fromkeys((*self.rows, *(read_once(one, self.predicates) for one in others))))
        asked = every[0] if len(every) == 1 else Or(every)
        return decide_rows(asked, self.persona, self.predicates, self.relation, stored=self.stored).at_most
