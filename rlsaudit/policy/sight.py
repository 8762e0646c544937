"""From a predicate to reach, at first sight: try every situation that its atoms can be in, and keep what always holds.

The answer is a pair of bounds. `at_most` is sound whatever the opaque atoms are; `at_least` is claimed only where a row
and an identity can be found that pass. Where the two meet, reach is decided, by proof.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.formula import (
    Atom,
    AtomKind,
    Constant,
    Formula,
    Or,
    Token,
    Truth,
    atoms,
    evaluate,
    is_monotone,
    simplify,
)
from rlsaudit.policy.situations import Situation, Variable, variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rlsaudit.policy.proof.solution import Step, Witness

_MOST_WORK = 500_000
"""How many atoms are evaluated, in all situations together, before a predicate is given up as too large."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Reach lies between `at_least` and `at_most`; `because` says in words how that is known.

    `chosen` are the conditions that the client makes true itself by what it writes into its request or profile.
    `passes` is a row that is reached, `barred` a stranger's that is not, each with the state of the database for it.
    `given`: all that takes rows or claims that name the persona, which it need not have. `steps` are the statements
    before the last one, where it takes a chain.
    """

    at_least: Reach
    at_most: Reach
    because: str
    chosen: tuple[str, ...] = ()
    passes: Witness | None = None
    barred: Witness | None = None
    given: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether only one reach is left."""
        return self.at_least is self.at_most


def at_sight(formula: Formula) -> Bounds:
    """Returns how far a predicate lets its persona go over the rows of a relation.

    `formula` already stands for one persona: what depends on the identity alone is a constant in it.
    """
    formula = simplify(formula)
    if isinstance(formula, Constant):
        if formula.value is True:
            return Bounds(Reach.ALL, Reach.ALL, "always true")
        return Bounds(Reach.NONE, Reach.NONE, "always NULL" if formula.value is None else "never true")
    size = sum(1 for _ in atoms(formula))
    found = {one.key: one for one in atoms(formula)}
    # Each side of an OR is enough by itself, also where the sides read one column and so are not independent.
    enough = (
        max((at_sight(one).at_least for one in formula.operands), default=Reach.NONE)
        if isinstance(formula, Or)
        else Reach.NONE
    )
    at_least, at_most = _over_identities(formula, list(found.values()), size)
    if at_most is None:
        return Bounds(enough, Reach.ALL, f"too many conditions to try ({len(found)})")
    texts = tuple(one.text for one in found.values() if one.kind is AtomKind.CHOSEN)
    at_least = max(enough, at_least)
    return Bounds(at_least, at_most, _because(found.values(), at_least, at_most), texts)


def _over_identities(formula: Formula, found: Sequence[Atom], size: int) -> tuple[Reach, Reach | None]:
    """Returns the bounds over identities with and without what the server may give them; None if they are too many.

    One that has all of it can be found.
    """
    # Where only AND and OR stand above the atoms, NULL is as good as false; but not what is asked about NULL.
    null_matters = not is_monotone(formula)
    claims = sorted({one.exact.of.claim for one in found if one.exact is not None and isinstance(one.exact.of, Token)})
    given = [one for one in claims if one]
    at_least, at_most = Reach.NONE, Reach.NONE
    for count in range(len(given) + 1):
        for without in itertools.combinations(given, count):
            depends = variables(found, null_matters=null_matters, without=frozenset(without))
            work = size * prod(len(one.situations) for one in depends or ()) << len(given)
            if depends is None or work > _MOST_WORK:
                return at_least, None
            least, most = _over_choices(formula, depends)
            at_least = at_least if without else least
            at_most = max(at_most, most)
    return at_least, at_most


def _over_choices(formula: Formula, depends: Sequence[Variable]) -> tuple[Reach, Reach]:
    """Returns the bounds for what the client writes to get furthest; of what it may not be able to, for the worst."""
    chosen = [one for one in depends if one.chosen and one.found]
    doubtful = [one for one in depends if one.chosen and not one.found]
    rows = [one for one in depends if not one.chosen]
    at_least, at_most = Reach.NONE, Reach.NONE
    for written in _combinations(chosen):
        bounds = [_one_choice(formula, rows, {**written.truths, **more.truths}) for more in _combinations(doubtful)]
        if written.found:
            at_least = max(at_least, min(least for least, _ in bounds))
        at_most = max(at_most, *(most for _, most in bounds))
    return at_least, at_most


@dataclass(frozen=True, slots=True)
class _Combination:
    truths: Mapping[str, Truth]
    found: bool
    mine: bool


def _combinations(found: Sequence[Variable]) -> Iterator[_Combination]:
    picked: tuple[Situation, ...]
    for picked in itertools.product(*(one.situations for one in found)):
        truths = {key: value for one in picked for key, value in one.truths}
        yield _Combination(truths, all(one.found for one in picked), any(one.mine for one in picked))


def _one_choice(formula: Formula, rows: Sequence[Variable], written: Mapping[str, Truth]) -> tuple[Reach, Reach]:
    """Returns the bounds for one choice of what the client writes.

    What is found spans the outer loop, what is not known the inner: whether the predicate is true for all and for some
    of the inner values.
    """
    hidden = list(_combinations([one for one in rows if not one.found]))
    ever_any = ever_stranger = always_any = always_stranger = False
    every_stranger, some_stranger_barred = True, False
    for known in _combinations([one for one in rows if one.found]):
        passes = [(one.mine, evaluate(formula, {**written, **known.truths, **one.truths}) is True) for one in hidden]
        ever_any |= any(passed for _, passed in passes)
        always_any |= known.found and all(passed for _, passed in passes)
        if known.mine:
            continue
        # A hidden tie that is true makes the row the persona's own, whatever else holds.
        foreign = [passed for mine, passed in passes if not mine]
        ever_stranger |= any(foreign)
        always_stranger |= known.found and bool(foreign) and all(foreign)
        every_stranger &= all(foreign)
        some_stranger_barred |= known.found and not any(foreign)
    if not ever_any:
        return Reach.NONE, Reach.NONE
    at_most = Reach.OWN if not ever_stranger else Reach.SOME if some_stranger_barred else Reach.ALL
    if every_stranger and ever_stranger:
        return Reach.ALL, at_most
    return (Reach.SOME if always_stranger else Reach.OWN if always_any else Reach.NONE), at_most


def _because(found: Iterable[Atom], at_least: Reach, at_most: Reach) -> str:
    if at_least is not at_most:
        opaque = [one.text for one in found if not (one.exact.subject.free if one.exact is not None else one.free)]
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
