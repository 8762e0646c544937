"""Chains: what somebody who just signed up may write first, and whose rows it reaches then.

A step is one statement that row-level security lets through on a table on which policies depend: a row in one's own
name at somebody else's place, a value of somebody else's in a row of one's own. After each, rows of others are asked
for that were not reached before; where there are none, another step is tried on top, up to three.

Only rows that were made for the attack count, by their keys: none of them is the newcomer's, whatever a step brings.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Operation
from rlsaudit.probe.attack.identities import known_as, posing_as
from rlsaudit.probe.attack.statements import nth_row, update
from rlsaudit.probe.attack.targets import targets_of
from rlsaudit.probe.outcome import Outcome, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.probe.attack.plan import Attacks
    from rlsaudit.probe.outcome import Result
    from rlsaudit.probe.rows import Principal

    Run: TypeAlias = Callable[[Sequence[Probe]], tuple[Result, ...]]
    Key: TypeAlias = tuple[str, int, Operation]

MOST_STEPS = 3
_MOST_TRIED = 6_000
"""So many statements are tried for each persona: where hundreds of columns decide, there are millions of chains."""
_SECONDS = 30.0
"""And for so long: a statement may be slow, and begins again with every chain that it is a part of."""
_AT_ONCE = 200
_MOST_CHAINS = 40
"""So many chains are followed at each length, those of the most telling tables first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement on a relation (an OID) that is tried as a step, and the columns that it sets."""

    relation: int
    sql: str
    columns: tuple[str, ...]

    @property
    def inserts(self) -> bool:
        """Whether it puts a row in; else it changes one."""
        return self.sql.startswith("insert ")


@dataclass(frozen=True, slots=True)
class Chained:
    """Steps that went through one after the other, and the statement that reached rows of strangers after them.

    `probe` runs the steps first. `function` (an OID) is the one that the first step calls, where it is no statement of
    somebody who has just signed up.
    """

    steps: tuple[Step, ...]
    probe: Probe
    function: int | None = None


class Chains:
    """The search for one persona, as somebody to whom nothing belongs but what signing up brings.

    Args:
        attacks: The attempts on the database.
        newcomer: Who has just signed up.
        persona: As whom it asks.
        relations: What it can address.
        strange: Those (OIDs) whose rows are none of its own, before it has done anything.
        consulted: For each relation those that decide on its rows.
        run: Runs probes and returns their results.
    """

    def __init__(
        self,
        attacks: Attacks,
        newcomer: Principal,
        persona: Persona,
        relations: Sequence[Relation],
        strange: Collection[int],
        consulted: Mapping[int, frozenset[int]],
        run: Run,
    ) -> None:
        self._attacks = attacks
        self._newcomer = newcomer
        self._persona = posing_as(newcomer, persona)
        self._relations = {one.oid: one for one in relations}
        self._strange = strange
        self._consulted = consulted
        self._run = run
        self._left = _MOST_TRIED
        self._cut = False
        self._until = time.monotonic() + _SECONDS
        self._deciding = frozenset().union(*(consulted.get(oid, frozenset()) for oid in self._relations))

    @property
    def cut(self) -> bool:
        """Whether more could have been tried."""
        return self._cut or self._left <= 0

    def found(self) -> Mapping[Key, Chained]:
        """Returns the shortest chain for each cell that one opens."""
        strange = [one for one in self._relations.values() if one.oid in self._strange]
        targets = list(targets_of(self._attacks, self._persona, strange))
        before = {self._key(one): rows for one, rows in zip(targets, self._rows(targets, ()), strict=True)}
        found: dict[Key, Chained] = {}
        chains: list[tuple[Step, ...]] = [()]
        candidates = list(self._candidates())
        for _ in range(MOST_STEPS):
            chains = self._longer(chains, candidates)
            for chain in chains:
                written = {one.relation for one in chain}
                open_ = [
                    one
                    for one in targets
                    if self._key(one) not in found and written & self._consulted.get(one.relation, frozenset())
                ][: max(self._left, 0)]
                for target, rows in zip(open_, self._rows(open_, chain), strict=True):
                    if rows > before[self._key(target)]:
                        first = tuple(step.sql for step in chain)
                        found.setdefault(self._key(target), Chained(chain, replace(target, first=first)))
        return found

    def _key(self, target: Probe) -> Key:
        return self._persona.name, target.relation, target.operation

    def _rows(self, targets: Sequence[Probe], chain: Sequence[Step]) -> Iterator[int]:
        asked = [replace(one, first=tuple(step.sql for step in chain)) for one in targets]
        answers = self._answers(asked)
        return (one.rows if one is not None and one.outcome is Outcome.ROWS else 0 for one in answers)

    def _answers(self, probes: Sequence[Probe]) -> list[Result | None]:
        """The answers, None for what there was no time for."""
        found: list[Result | None] = []
        for start in range(0, len(probes), _AT_ONCE):
            if time.monotonic() > self._until:
                self._left = 0
                break
            found += self._run(probes[start : start + _AT_ONCE])
        self._left -= len(found)
        return [*found, *([None] * (len(probes) - len(found)))]

    def _longer(self, chains: Iterable[tuple[Step, ...]], candidates: Iterable[Step]) -> list[tuple[Step, ...]]:
        """The chains with one more step each that goes through then, and did not before the last one."""
        listed = list(candidates)
        tried = [
            (*chain, step)
            for chain in chains
            for step in listed
            if not chain
            or (chain[-1].relation in self._consulted.get(step.relation, frozenset()) and step not in chain)
        ][: max(self._left, 0)]
        probes = [
            Probe(self._persona, one[-1].relation, Operation.UPDATE, one[-1].sql, first=tuple(x.sql for x in one[:-1]))
            for one in tried
        ]
        went = [
            chain
            for chain, result in zip(tried, self._answers(probes), strict=True)
            if result is not None and result.outcome is Outcome.ROWS and result.rows
        ]
        self._cut |= len(went) > _MOST_CHAINS
        return went[:_MOST_CHAINS]

    def _candidates(self) -> Iterator[Step]:
        """Yields steps on one table after the other in turn, so that none is left out for the sake of others."""
        tables = [self._steps_on(self._relations[oid]) for oid in sorted(self._deciding & self._relations.keys())]
        for several in zip_longest(*tables):
            yield from filter(None, several)

    def _steps_on(self, relation: Relation) -> Iterator[Step]:
        oid = relation.oid
        for columns, sql in self._attacks.in_the_name_of(self._newcomer, self._persona, relation):
            yield Step(oid, sql, columns)
        for column, value in self._attacks.settable(self._persona, relation):
            sql = update(self._attacks.name(relation), column, value)
            # All rows that it may change, or where one of them must not be changed so, the first that may.
            yield Step(oid, sql, (column,))
            yield Step(oid, sql + nth_row(1), (column,))
        for column in self._attacks.naming(self._persona, relation):
            taken = update(self._attacks.name(relation), column, known_as(self._newcomer, self._persona))
            yield Step(oid, taken + nth_row(1), (column,))
