"""What is left alone: whatever would outlive a rollback, or hold somebody up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.policy.effects import reason_not_to_attack, reason_not_to_write
from rlsaudit.probe.outcome import Outcome, Probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.probe.outcome import Result

LARGE = 10_000
"""Tables of more rows are neither written to nor searched where they are somebody's: that would go through all."""
_LARGE_BYTES = 1_000_000
"""The same where nobody has counted the rows."""


class Restraint:
    """Which statements may be tried on the relations of one database.

    `left` says what is not tried, and why: by relation and reason the operations. On a `throwaway` server, which is
    nobody's, sequences may be advanced and nobody waits.
    """

    def __init__(self, access: Access, *, throwaway: bool) -> None:
        self._catalog = access.catalog
        self._throwaway = throwaway
        self._reasons: dict[tuple[int, Operation, frozenset[int]], str] = {}
        self._bytes: dict[int, int | None] = {}
        self.left: defaultdict[tuple[int, str], set[Operation]] = defaultdict(set)

    def sizes(self) -> Iterator[Probe]:
        """Yields what asks for the bytes of tables whose rows nobody has counted, where it matters; see `sized`."""
        for one in self._catalog.snapshot.relations:
            if not self._throwaway and one.kind == "r" and one.rows <= 0:
                yield Probe(None, one.oid, Operation.SELECT, f"select pg_catalog.pg_relation_size({one.oid})")

    def sized(self, results: Iterable[Result]) -> None:
        """Takes the answers to `sizes`."""
        self._bytes = {one.probe.relation: one.rows if one.outcome is Outcome.ROWS else None for one in results}

    def reason_to_spare(self, relation: Relation) -> str:
        """Returns why nobody should go through all of its rows; empty where one may."""
        size = self._bytes.get(relation.oid, 0)
        if size is None:
            return "it is not known how large it is"
        if relation.rows >= LARGE or size >= _LARGE_BYTES:
            return "it is large, and where rows are somebody's a statement would go through all of them"
        return ""

    def may(self, relation: Relation, operation: Operation, given: frozenset[int] = frozenset()) -> bool:
        """Returns whether nothing that a rollback does not undo would happen, and nobody would be held up."""
        goes_through = operation in {Operation.UPDATE, Operation.DELETE} and not self._throwaway
        if goes_through:
            spared = map(self.reason_to_spare, self._gone_through(relation))
            if reason := next(filter(None, spared), ""):
                self.left[relation.oid, reason].add(operation)
                return False
        key = (relation.oid, operation, given)
        if key not in self._reasons:
            reason = reason_not_to_attack(self._catalog, relation, throwaway=self._throwaway)
            if not reason and operation is not Operation.SELECT:
                written = [one for one in self._written(relation) if one.kind in "rpf"]
                reasons = (
                    reason_not_to_write(self._catalog, one, [operation], given, throwaway=self._throwaway)
                    for one in written
                )
                reason = next(filter(None, reasons), "")
            self._reasons[key] = reason
        if reason := self._reasons[key]:
            self.left[relation.oid, reason].add(operation)
        return not reason

    def _gone_through(self, relation: Relation) -> Iterator[Relation]:
        """The tables whose rows an UPDATE or DELETE may go through: below a view, in parts, behind foreign keys."""
        waiting, seen = [one.oid for one in self._written(relation)], set[int]()
        while waiting:
            oid = waiting.pop()
            if oid in seen:
                continue
            seen.add(oid)
            yield self._catalog.relations[oid]
            waiting += self._catalog.children[oid]
            # Also where a key does nothing with them: the server looks for rows that point at those that go.
            keys = (one for one in self._catalog.snapshot.constraints if one.kind == "f")
            waiting += [one.relation for one in keys if one.foreign_relation == oid]

    def _written(self, relation: Relation) -> Iterator[Relation]:
        """The relation, and all that a view rests on."""
        waiting, seen = [relation.oid], set[int]()
        while waiting:
            oid = waiting.pop()
            if oid in seen or oid not in self._catalog.relations:
                continue
            seen.add(oid)
            yield self._catalog.relations[oid]
            if self._catalog.relations[oid].kind == "v":
                waiting += {ref.relation for one in self._catalog.rewrites[oid] for ref in one.columns}
