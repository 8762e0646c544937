"""What a value is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

BaseColumn: TypeAlias = tuple[str, str, str]
"""A column of a relation: `(schema, relation, column)`."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an output shows.

    `plain` are columns whose values are shown as they are, or cast; `computed` those that a value is computed from, as
    in `lower(email)`. A function may show more than its arguments: `calls` are those with a schema, (schema, name).
    """

    plain: frozenset[BaseColumn] = frozenset()
    computed: frozenset[BaseColumn] = frozenset()
    calls: frozenset[tuple[str, str]] = frozenset()

    def within(self) -> Shown:
        """Returns what an expression shows that this is a part of."""
        return Shown(frozenset(), self.plain | self.computed, self.calls)


NOTHING = Shown()


def either(values: Iterable[Shown | None]) -> Shown | None:
    """Returns what is shown where any of the values may be; None if one of them is not known."""
    plain: set[BaseColumn] = set()
    computed: set[BaseColumn] = set()
    calls: set[tuple[str, str]] = set()
    for one in values:
        if one is None:
            return None
        plain |= one.plain
        computed |= one.computed
        calls |= one.calls
    return Shown(frozenset(plain), frozenset(computed), frozenset(calls))


def within(values: Iterable[Shown | None]) -> Shown | None:
    """Returns what an expression shows that is made of all the values."""
    found = either(values)
    return None if found is None else found.within()
