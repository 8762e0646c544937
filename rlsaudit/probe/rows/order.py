"""In which order tables get their rows: whatever a foreign key points at comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.probe.rows.table import Table


@dataclass(frozen=True, slots=True)
class Order:
    """Tables (OIDs) in levels; those of one level do not need one another. `stuck` are in a circle without a start."""

    levels: tuple[tuple[int, ...], ...]
    stuck: frozenset[int]


def order(tables: Mapping[int, Table]) -> Order:
    """Returns the order. In a circle, a key that may be NULL or is deferrable does not wait for what it points at."""
    every = {oid: {key.target for key in one.keys if key.target in tables} - {oid} for oid, one in tables.items()}
    hard = {
        oid: {key.target for key in one.keys if key.target in tables and not key.waits} - {oid}
        for oid, one in tables.items()
    }
    pending, done, levels = set(tables), set[int](), list[tuple[int, ...]]()
    while pending:
        ready = {oid for oid in pending if every[oid] <= done}
        if not ready:
            ready = _starts(pending, every, hard, done)
        if not ready:
            break
        levels.append(tuple(sorted(ready)))
        done |= ready
        pending -= ready
    return Order(tuple(levels), frozenset(pending))


def _starts(pending: set[int], every: Mapping[int, set[int]], hard: Mapping[int, set[int]], done: set[int]) -> set[int]:
    """One table of each circle that waits for no other circle: the one that lacks least."""
    reached = {oid: _reached(oid, every, pending) for oid in pending}
    found, seen = set[int](), set[int]()
    for oid in sorted(pending):
        circle = reached[oid]
        if oid in seen or any(reached[other] != circle for other in circle):
            continue
        seen |= circle
        free = [one for one in circle if hard[one] <= done]
        if free:
            found.add(min(free, key=lambda one: (len(every[one] - done), one)))
    # A circle that cannot start holds back what hangs on it; the rest goes on without the keys that may wait.
    return found or {oid for oid in pending if hard[oid] <= done}


def _reached(start: int, edges: Mapping[int, Iterable[int]], within: set[int]) -> frozenset[int]:
    waiting, seen = [start], set[int]()
    while waiting:
        for one in edges[waiting.pop()]:
            if one in within and one not in seen:
                seen.add(one)
                waiting.append(one)
    return frozenset(seen | {start})
