"""From a predicate to reach: try every value that its atoms can take, and keep what holds in all of them.

The answer is a pair of bounds. `at_most` is sound whatever the opaque atoms are; `at_least` is claimed only where a row
and an identity can be found that pass. Where the two meet, reach is decided, by proof.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.formula import Atom, AtomKind, Constant, Formula, Truth, atoms, evaluate, is_monotone, simplify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MOST_ASSIGNMENTS = 20_000
"""How many combinations of atoms are tried before a predicate is given up as too large."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Reach lies between `at_least` and `at_most`; `because` says in words how that is known.

    `chosen` are the conditions that the client makes true itself by what it writes into its request or profile.
    """

    at_least: Reach
    at_most: Reach
    because: str
    chosen: tuple[str, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether only one reach is left."""
        return self.at_least is self.at_most


def decide(formula: Formula) -> Bounds:
    """Returns how far a predicate lets its persona go over the rows of a relation.

    `formula` already stands for one persona: what depends on the identity alone is a constant in it.
    """
    formula = simplify(formula)
    if isinstance(formula, Constant):
        if formula.value is True:
            return Bounds(Reach.ALL, Reach.ALL, "always true")
        return Bounds(Reach.NONE, Reach.NONE, "always NULL" if formula.value is None else "never true")
    found = {one.text: one for one in atoms(formula)}
    chosen = [one for one in found.values() if one.kind is AtomKind.CHOSEN]
    others = [one for one in found.values() if one.kind is not AtomKind.CHOSEN]
    domain = (True, False) if is_monotone(formula) else (True, False, None)
    if len(domain) ** len(found) > _MOST_ASSIGNMENTS:
        return Bounds(Reach.NONE, Reach.ALL, f"too many conditions to try ({len(found)})")
    free = _independent(others)
    options = [_one_choice(formula, free, others, values, domain) for values in _assignments(chosen, domain)]
    at_least, at_most = max(one[0] for one in options), max(one[1] for one in options)
    texts = tuple(one.text for one in chosen)
    return Bounds(at_least, at_most, _because(found.values(), at_least, at_most), texts)


def _one_choice(
    formula: Formula,
    free: Sequence[Atom],
    others: Sequence[Atom],
    chosen: Mapping[str, Truth],
    domain: tuple[Truth, ...],
) -> tuple[Reach, Reach]:
    """Returns the bounds for one choice of what the client writes.

    The known atoms span the outer loop, the opaque ones the inner: `always` and `ever` are whether the predicate is
    true for all and for some of the inner values.
    """
    hidden = [one for one in others if one not in free]
    ever_any = ever_stranger = always_any = always_stranger = False
    every_stranger, some_stranger_barred = True, False
    for known in _assignments(free, domain):
        truths = [evaluate(formula, {**chosen, **known, **rest}) is True for rest in _assignments(hidden, domain)]
        # A hidden tie that is true makes the row the persona's own, whatever else holds.
        foreign = [
            evaluate(formula, {**chosen, **known, **rest}) is True
            for rest in _assignments(hidden, domain)
            if not any(rest[one.text] is True for one in hidden if one.kind is AtomKind.TIE)
        ]
        strangers = not any(known[one.text] is True for one in free if one.kind is AtomKind.TIE)
        ever_any |= any(truths)
        always_any |= all(truths)
        if strangers:
            ever_stranger |= any(foreign)
            always_stranger |= all(foreign)
            every_stranger &= all(foreign)
            some_stranger_barred |= not any(foreign)
    if not ever_any:
        return Reach.NONE, Reach.NONE
    at_most = Reach.OWN if not ever_stranger else Reach.SOME if some_stranger_barred else Reach.ALL
    if every_stranger:
        return Reach.ALL, at_most
    return (Reach.SOME if always_stranger else Reach.OWN if always_any else Reach.NONE), at_most


def _independent(found: Sequence[Atom]) -> list[Atom]:
    """Returns the atoms that can be given values freely: free ones that share no column with another."""
    return [
        one
        for one in found
        if one.free and not any(one is not other and one.columns & other.columns for other in found)
    ]


def _assignments(found: Sequence[Atom], domain: tuple[Truth, ...]) -> Iterator[dict[str, Truth]]:
    domains = [tuple(value for value in domain if value is not None or one.nullable) for one in found]
    for values in itertools.product(*domains):
        yield {one.text: value for one, value in zip(found, values, strict=True)}


def _because(found: Iterable[Atom], at_least: Reach, at_most: Reach) -> str:
    if at_least is not at_most:
        opaque = [one.text for one in found if not one.free]
        return f"not decided: {'; '.join(opaque[:3])}" if opaque else "not decided: conditions on one column"
    claimed = [one.text for one in found if one.kind is AtomKind.CHOSEN]
    if claimed:
        return f"whoever writes what {'; '.join(claimed)} asks for gets there"
    return {
        Reach.OWN: "only rows tied to its own identity",
        Reach.SOME: "depends on the row's content alone",
        Reach.ALL: "true for every row",
        Reach.NONE: "never true",
    }[at_most]
