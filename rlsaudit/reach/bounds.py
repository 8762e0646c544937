"""One way to a relation's rows, with the reach that it gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Reach
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import Or

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.policy.decide import Decider
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.proof import Step
    from rlsaudit.reach.together import Together


@dataclass(frozen=True, slots=True)
class Way:
    """Reach along one way is at least `at_least` and at most `at_most`.

    `via` names the object that leads there; empty where the relation is addressed itself. `columns` are the reachable
    columns where not all are. `chosen` are the conditions that the client makes true itself. `rows` is which rows of
    the relation in question the way leads to, at most; None where that is not known. `together` says the same of all
    functions that lead to some of its rows. `with_parts` is whether the rows
    of its partitions and children may be among them: not where it is read as `ONLY` itself. `given`: what is claimed
    takes rows or claims that name the persona, which the one that probes need not have. `steps` are the statements that
    go before, where it takes a chain. `within`: it leads to rows of some parts of the relation only, and there are
    rows that no such way leads to. `untouched` is what is certain where triggers leave the statement as it is.
    """

    at_least: Reach
    at_most: Reach
    evidence: EvidenceKind
    because: str
    via: str = ""
    columns: tuple[str, ...] | None = None
    chosen: tuple[str, ...] = ()
    rows: Formula | None = None
    together: Together | None = None
    with_parts: bool = True
    given: bool = False
    steps: tuple[Step, ...] = ()
    within: bool = False
    untouched: Reach = Reach.NONE

    @property
    def decided(self) -> bool:
        """Whether only one reach is left."""
        return self.at_least is self.at_most


def none(because: str) -> Way:
    """A way that the catalog closes."""
    return Way(Reach.NONE, Reach.NONE, EvidenceKind.CATALOG, because)


def anything(because: str, via: str = "") -> Way:
    """A way of which nothing is known but that it may be there."""
    return Way(Reach.NONE, Reach.ALL, EvidenceKind.NONE, because, via)


def widest(ways: Iterable[Way], decider: Decider = decide) -> Way:
    """Returns the reach along all `ways` together.

    The bounds are the widest of each; the words are those of the way that decides: the widest certain one, or, where
    that leaves it open, the one that might be wider.
    """
    listed = list(ways)
    if len(listed) == 1:
        return _alone(listed[0], listed[0].at_least, listed[0].at_most)
    at_least, at_most = max(one.at_least for one in listed), _at_most(listed, decider)
    widest_at_most = max(one.at_most for one in listed)
    deciding = next(one for one in listed if (one.at_least if at_least is at_most else one.at_most) is widest_at_most)
    if at_least is not at_most:
        open_ways = (one for one in listed if one.at_most is widest_at_most and not one.decided)
        deciding = next(open_ways, deciding)
    found = _alone(deciding, at_least, at_most)
    if at_most is not widest_at_most:
        because = f"{found.because}; not decided: with other ways to rows of its content that may be every row"
        return replace(found, because=because)
    return found


def _alone(deciding: Way, at_least: Reach, at_most: Reach) -> Way:
    """What is known of all ways together, in the words of the one that decides."""
    evidence = deciding.evidence if at_least is at_most else EvidenceKind.NONE
    return Way(
        at_least,
        at_most,
        evidence,
        deciding.because,
        deciding.via,
        deciding.columns,
        deciding.chosen,
        steps=deciding.steps,
    )


def _at_most(ways: Sequence[Way], decider: Decider) -> Reach:
    """The upper bound of all ways together: two that each lead to some strangers' rows may lead to all of them."""
    at_most = max(one.at_most for one in ways)
    # What leads into parts adds nothing where some rows are in none of them: those alone decide on all.
    partial = [one for one in ways if one.at_most is Reach.SOME and not one.within]
    if at_most is not Reach.SOME or len(partial) <= 1:
        return at_most
    joined = next((one.together for one in partial if one.together is not None), None)
    rows = {one.rows for one in partial if one.together is None}
    known = [one for one in rows if one is not None]
    if len(known) < len(rows):
        return Reach.ALL
    if joined is not None:
        # What functions do after a chain of statements is another question.
        return max(Reach.SOME, joined.with_rows(known)) if decider is decide else Reach.ALL
    return max(Reach.SOME, decider(Or(tuple(known))).at_most)
