"""Which of several tables a value came from that all of them hold: what comes back without the rows of one is compared.

A comment's `post_id` and the post's own `id` are the same text. Without the comments it comes back as often as before
where it was the post's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.probe.attack.statements import delete
from rlsaudit.probe.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.probe.attack.restraint import Restraint
    from rlsaudit.probe.outcome import Probe, Result

_MOST = 12
"""So many calls are repeated for the sake of one table."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call that gave `told`, in which values stand that a relation (an OID) holds, and others that were read do."""

    relation: int
    probe: Probe
    told: str
    values: frozenset[str]


def uninvolved(
    catalog: Catalog,
    restraint: Restraint,
    doubts: Sequence[Doubt],
    run: Callable[[Sequence[Probe]], tuple[Result, ...]],
) -> frozenset[int]:
    """Returns the relations (OIDs) without whose rows every call gives the same values as often as before.

    Args:
        catalog: The facts.
        restraint: From which tables rows may be deleted.
        doubts: The calls of one function.
        run: Runs probes and returns their results.
    """
    grouped: defaultdict[int, list[Doubt]] = defaultdict(list)
    for one in doubts:
        grouped[one.relation].append(one)
    asked = [
        (one, replace(one.probe, stage=tuple(_emptied(catalog.identity(catalog.relations[oid]))), watch=()))
        for oid, several in grouped.items()
        if len(several) <= _MOST and restraint.may(catalog.relations[oid], Operation.DELETE)
        for one in several
    ]
    answers = run([probe for _, probe in asked])
    same: defaultdict[int, list[bool]] = defaultdict(list)
    for (one, _), answer in zip(asked, answers, strict=True):
        there = answer.outcome is Outcome.ROWS
        same[one.relation].append(there and all(answer.told.count(v) == one.told.count(v) for v in one.values))
    return frozenset(oid for oid, each in same.items() if all(each))


def _emptied(name: str) -> Iterator[str]:
    """Statements that empty a table, and fail where a trigger keeps a row."""
    yield delete(name)
    yield f"select 1 / (case when exists (select from {name}) then 0 else 1 end)"
