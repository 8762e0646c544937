"""From a predicate to what a chain of statements gains: where it reads tables that the persona writes, by proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.decide import Bounds, decide, decide_rows, in_its_words, prover_of, read_once, scope_of, worded_of
from rlsaudit.policy.expr import Opaque, queries, walk
from rlsaudit.policy.proof import Gain

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.model import Persona
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.proof import Makings


UNDECIDED = "not decided what a chain gains: "
"""The beginning of the words for bounds that a proof leaves apart."""


class Gains:
    """How far predicates let personas go after statements of their own; `makings` tells what each can make."""

    def __init__(self, makings: Callable[[Persona], Makings]) -> None:
        self._makings = makings
        self._found: dict[int, tuple[Formula, Bounds]] = {}

    def decide(self, formula: Formula) -> Bounds:
        """Returns the same as `rlsaudit.policy.decide`, at the end of any chain of allowed statements."""
        # By which object it is, as there.
        if id(formula) not in self._found:
            worded = worded_of(formula)
            bounds = self._decide(formula) if worded is None else in_its_words(self.decide(worded.original), worded)
            self._found[id(formula)] = (formula, bounds)
        return self._found[id(formula)][1]

    def _decide(self, formula: Formula) -> Bounds:
        bounds, scope = decide(formula), scope_of(formula)
        if bounds.at_least is Reach.ALL or scope is None or scope.database is None:
            return bounds
        return self._gained(bounds, read_once(formula, scope.database), scope.persona, scope.database, scope.table)

    def decide_rows(self, condition: Expr, persona: Persona, database: Database, relation: int) -> Bounds:
        """Returns the same as `rlsaudit.policy.decide.decide_rows`, at the end of any chain of allowed statements."""
        bounds = decide_rows(condition, persona, database, relation)
        return bounds if bounds.at_least is Reach.ALL else self._gained(bounds, condition, persona, database, relation)

    def _gained(self, bounds: Bounds, expression: Expr, persona: Persona, database: Database, relation: int) -> Bounds:
        makings = self._makings(persona)
        if not _reads_what_it_makes(expression, makings):
            # Nobody but others changes what it depends on.
            return bounds
        if bounds.decided or not any(isinstance(one, Opaque) for one in walk(expression)):
            gain = prover_of(database).escalate(expression, persona, relation, makings, bounds.at_least)
        else:
            # What is not followed is not followed at the end of a chain, either.
            gain = Gain(Reach.NONE, Reach.ALL, why="what a single statement reaches is not decided")
        at_least = max(bounds.at_least, gain.at_least)
        at_most = max(gain.at_most, at_least)
        steps = gain.steps if gain.at_least > bounds.at_least else ()
        because = _because(bounds, gain, at_least, at_most)
        return replace(bounds, at_least=at_least, at_most=at_most, because=because, steps=steps)


def _because(bounds: Bounds, gain: Gain, at_least: Reach, at_most: Reach) -> str:
    if gain.steps and at_least > bounds.at_least:
        chain = "; then ".join(one.sql for one in gain.steps)
        least = "" if at_least is at_most else f", which opens {at_least.value} at least"
        return f"first {chain}{least}"
    if at_least is at_most:
        return bounds.because
    return f"{UNDECIDED}{gain.why}" if gain.why else bounds.because


def _reads_what_it_makes(expression: Expr, makings: Makings) -> bool:
    return any(makings.of(source.relation) is not None for query in queries(expression) for source in query.sources)
