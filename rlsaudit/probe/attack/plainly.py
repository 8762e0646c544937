"""How far somebody gets whose rows say nothing of it that policies ask for, where rows of every sort told too much.

A row that was made up may make its owner staff, and of a role that rows name none were made. So where nothing was
measured, plain rows of one more user are put in, or such as name the role, and the same is tried once more. They are
gone again afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.probe.attack.identities import OTHERS, plain_ones
from rlsaudit.probe.attack.measured import by_session, furthest, measured_plainly
from rlsaudit.probe.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Operation, Persona, Reach
    from rlsaudit.probe.attack.attempt import Attempt
    from rlsaudit.probe.attack.identities import Identity
    from rlsaudit.probe.attack.plan import Attacks
    from rlsaudit.probe.outcome import Probe, Result
    from rlsaudit.probe.rows import Principal, Row, Sown

    Run: TypeAlias = Callable[[Sequence[Probe]], tuple[Result, ...]]
    Key: TypeAlias = tuple[str, int, Operation]
    Tried: TypeAlias = Sequence[tuple[Attempt, Result]]


class Plainly:
    """The attempts of those who have plain rows.

    Args:
        catalog: The facts.
        attacks: The attempts on the database.
        sown: The rows that are there.
        deciding: For each relation (an OID) those that decide on its rows.
        run: Runs probes and returns their results.
    """

    def __init__(
        self, catalog: Catalog, attacks: Attacks, sown: Sown, deciding: Mapping[int, frozenset[int]], run: Run
    ) -> None:
        self._catalog = catalog
        self._attacks = attacks
        self._sown = sown
        self._deciding = deciding
        self._run = run

    def measured(
        self, personas: Sequence[Persona], open_: Mapping[Key, Tried], totals: Mapping[int, int], *, leveled: bool
    ) -> Iterator[tuple[Key, Reach]]:
        """Yields the cells of which now something is known, among those that are `open_`, each with what was tried.

        Args:
            personas: Whom the cells are of.
            open_: The cells, with all attempts so far.
            totals: How many rows there are, by relation (an OID).
            leveled: Whether it matters that a second factor was given.
        """
        for principal, whose in plain_ones(personas, leveled=leveled):
            cells = {key: tries for key, tries in open_.items() if key[0] in whose and self._may_tell(key, tries)}
            if not cells:
                continue
            with self._sown.plainly(principal) as rows:
                attacks = self._attacks.beside(principal, rows)
                told = {key: tries for key, tries in cells.items() if self._is_named(principal, key[1], rows)}
                yield from self._of(attacks, whose, told, totals)

    def _may_tell(self, key: Key, tries: Tried) -> bool:
        """Whether strangers had a clear answer, and got nowhere."""
        strange = [result for one, result in tries if one.by.strange]
        return bool(strange) and self._attacks.made_for(OTHERS, key[1]) > 0

    def _is_named(self, principal: Principal, relation: int, rows: Sequence[Row]) -> bool:
        """Whether rows that decide on the relation's name the role that somebody is, where it is one."""
        read = self._read(relation)
        return not principal.role or any(one.relation in read and principal.role in one.values.values() for one in rows)

    def _read(self, relation: int) -> frozenset[int]:
        return self._deciding.get(relation, frozenset()) | {relation}

    def _of(
        self,
        attacks: Attacks,
        whose: Mapping[str, Sequence[Identity]],
        cells: Mapping[Key, Tried],
        totals: Mapping[int, int],
    ) -> Iterator[tuple[Key, Reach]]:
        relations = {oid: self._catalog.relations[oid] for _, oid, _ in cells}
        counts = list(attacks.totals(relations.values()))
        now = {one.probe.relation: one.rows for one in self._run(counts) if one.outcome is Outcome.ROWS}
        first = [
            attempt
            for name, oid in dict.fromkeys((name, oid) for name, oid, _ in cells)
            for by in whose[name]
            for attempt in self._attempts(attacks, by, relations[oid], now.get(oid, 0))
            if (name, oid, attempt.probe.operation) in cells
        ]
        answered = self._answered(first)
        then = [
            more
            for attempt, result in answered
            for more in attacks.one_by_one(attempt, result, now.get(attempt.probe.relation, 0))
        ]
        tries: defaultdict[Key, list[tuple[Attempt, Result]]] = defaultdict(list)
        for attempt, result in (*answered, *self._answered(then)):
            tries[attempt.by.persona.name, attempt.probe.relation, attempt.probe.operation].append((attempt, result))
        for key, before in cells.items():
            _, oid, operation = key
            if oid not in now or oid not in totals:
                continue
            strange = [one for one in before if one[0].by.strange]
            found = furthest(
                [
                    measured_plainly(
                        operation,
                        one,
                        there=totals[oid],
                        made=now[oid] - totals[oid],
                        of_others=self._attacks.made_for(OTHERS, oid),
                        rewritten=attacks.rewrites(relations[oid], operation),
                        apart=self._is_apart(oid),
                    )
                    for one in by_session((*strange, *tries[key]))
                ]
            )
            if found is not None:
                yield key, found

    @staticmethod
    def _attempts(attacks: Attacks, by: Identity, relation: Relation, there: int) -> Iterator[Attempt]:
        yield from attacks.on_rows(by, relation, there)
        yield from attacks.upserts(by, relation)
        yield from attacks.new_rows(by, relation)

    def _is_apart(self, relation: int) -> bool:
        """Whether no row that is nobody's may tie somebody to rows of others."""
        read = self._read(relation)
        pointed = {one.foreign_relation for oid in read for one in self._catalog.constraints[oid] if one.kind == "f"}
        return not self._sown.shared(read | pointed)

    def _answered(self, attempts: Sequence[Attempt]) -> list[tuple[Attempt, Result]]:
        return list(zip(attempts, self._run([one.probe for one in attempts]), strict=True))
