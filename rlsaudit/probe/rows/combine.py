"""Combinations of possibilities, nearest first: each of several things at its first, then one of them at its second."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_T = TypeVar("_T")


def nearest(axes: Sequence[Sequence[_T]], most: int) -> Iterator[tuple[_T, ...]]:
    """Yields up to so many combinations of one of each, by how far they are from the first of all."""
    if not all(axes):
        return
    start = (0,) * len(axes)
    waiting, seen = [(0, start)], {start}
    for _ in range(most):
        if not waiting:
            return
        far, places = heapq.heappop(waiting)
        yield tuple(axis[place] for axis, place in zip(axes, places, strict=True))
        for number, place in enumerate(places):
            further = (*places[:number], place + 1, *places[number + 1 :])
            if place + 1 < len(axes[number]) and further not in seen:
                seen.add(further)
                heapq.heappush(waiting, (far + 1, further))
