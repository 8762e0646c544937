"""What a condition can come to, over all states of the database and for anybody: true, false, NULL.

Unlike reach, this assumes nothing of what people are usually given: the caller is any value at all, so that "never"
means for nobody. What the solver holds possible is only not excluded; nothing is claimed of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import z3

from rlsaudit.policy.expr import Const, Expr, Given, Who, is_larger, walk
from rlsaudit.policy.failing import may_fail
from rlsaudit.policy.proof.encode import Encoder
from rlsaudit.policy.proof.prover import MOST_NODES
from rlsaudit.policy.proof.tables import Tables
from rlsaudit.policy.proof.values import Family, family

if TYPE_CHECKING:
    from rlsaudit.policy.database import Database

_EFFORT = 300_000
_ASSUMED = frozenset({Who.SERVER, Who.CLOCK})
"""Of these values the encoding takes for granted what is so for ordinary users, in this century."""


@dataclass(frozen=True, slots=True)
class Possible:
    """Which truths are not excluded. `fails`: computing it may be an error."""

    true: bool = True
    false: bool = True
    null: bool = True
    fails: bool = True


class Outcomes:
    """What conditions over one database can come to, each solved once."""

    def __init__(self, database: Database) -> None:
        self.tables = Tables(database)
        self._found: dict[tuple[Expr, int], Possible] = {}

    def of(self, expression: Expr, relation: int) -> Possible:
        """Returns what a condition over a row of `relation` (an OID) can come to."""
        if is_larger(expression, MOST_NODES):
            return Possible()
        key = (expression, relation)
        if key not in self._found:
            self._found[key] = self._solved(expression, relation)
        return self._found[key]

    def _solved(self, expression: Expr, relation: int) -> Possible:
        parts = tuple(walk(expression))
        fails = any(map(may_fail, parts))
        if isinstance(expression, Const) and family(expression.type) is Family.TRUTH:
            value = expression.value
            return Possible(value in {"t", "true"}, value in {"f", "false"}, value is None, fails=False)
        if any(isinstance(one, Given) and one.who in _ASSUMED for one in parts):
            return Possible(fails=fails)
        try:
            encoder = Encoder(self.tables, {}, relation)
            truth = encoder.predicate(expression)
            solver = z3.SimpleSolver()
            solver.set("rlimit", _EFFORT)
            solver.add(*encoder.facts)
            # Of what contradicts itself anything could be claimed.
            if solver.check() != z3.sat:
                return Possible()
            true, null, false = (
                solver.check(one) != z3.unsat
                for one in (truth.value, truth.null, z3.And(z3.Not(truth.value), z3.Not(truth.null)))
            )
        except (IndexError, KeyError, RecursionError, TypeError, z3.Z3Exception):
            # A proof that fails proves nothing.
            return Possible(fails=fails)
        return Possible(true, false, null, fails)
