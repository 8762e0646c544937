"""How far a persona got, as it is measured by force: where every attempt got an answer, and rows of others are there.

A measurement says what these rows and these statements showed, and is no proof: it stands beside the reach, never for
it. See `Cell.attacked`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.personas import owns_nothing
from rlsaudit.probe.attack.attacked import got
from rlsaudit.probe.attack.identities import LEVEL
from rlsaudit.probe.attack.plan import MOST_NTH
from rlsaudit.probe.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.probe.attack.attempt import Attempt
    from rlsaudit.probe.outcome import Result

_FEWEST = 2
"""So many rows of others have to be there, or be tried to be put in, before anything is said of all."""


def measured(
    operation: Operation,
    attempts: Sequence[tuple[Attempt, Result]],
    *,
    there: int,
    of_others: int,
    of_owner: int,
    rewritten: bool,
) -> Reach | None:
    """Returns how far the attempts of one persona got; None where one that may have got further had no clear answer.

    Args:
        operation: The operation.
        attempts: Each with its answer.
        there: How many rows there are, as the connection counts them.
        of_others: How many of them were made for others than the user whose own rows are asked for.
        of_owner: How many of them were made for that user.
        rewritten: Whether a trigger may have made another row of the one that was written.
    """
    strange = [one for one in attempts if one[0].by.strange]
    own = [one for one in attempts if one[0].by.owns is not None]
    reached = _by_strangers(operation, strange, own, there=there, of_others=of_others, rewritten=rewritten)
    if reached is not Reach.NONE:
        return reached
    if operation is Operation.INSERT:
        mine = _as_its_own(own)
        if any(got(attempt, result, rewritten=rewritten) for attempt, result in mine):
            return Reach.OWN
        return Reach.NONE if mine and all(map(_is_clear, mine)) else None
    if not own and not owns_nothing(strange[0][0].by.persona):
        # Of a role that may have rows by its name none were made.
        return None
    rows = max(_rows(own), default=0)
    if rows > of_owner or not (rows or all(map(_is_clear, own))):
        # Whose the rows are that it reached beyond its own is not told by their number.
        return None
    return Reach.OWN if rows else Reach.NONE


def measured_plainly(
    operation: Operation,
    attempts: Sequence[tuple[Attempt, Result]],
    *,
    there: int,
    made: int,
    of_others: int,
    rewritten: bool,
    apart: bool,
) -> Reach | None:
    """Returns how far the attempts of somebody got whose rows say nothing of it that policies ask for.

    Args:
        operation: The operation.
        attempts: Each with its answer, those of strangers among them; these were made before the plain rows were.
        there: How many rows there were for strangers.
        made: How many rows there are more for somebody with plain rows: all of them are its own.
        of_others: How many rows were made for others.
        rewritten: Whether a trigger may have made another row of the one that was written.
        apart: Whether its rows and those of others point at no row that is nobody's, which would tie them together.
    """
    strange = [one for one in attempts if one[0].by.strange]
    own = [one for one in attempts if one[0].by.owns is not None]
    reached = _by_strangers(operation, strange, own, there=there, of_others=of_others, rewritten=rewritten)
    if reached is not Reach.NONE or not own or not all(map(_is_clear, own)):
        return None
    if operation is Operation.INSERT:
        put = [attempt for attempt, result in own if got(attempt, result, rewritten=rewritten)]
        mine = _as_its_own(own)
        if any(attempt not in [one for one, _ in mine] for attempt in put):
            further = Reach.ALL if len(put) == len(own) else Reach.SOME
            return further if apart else None
        return (Reach.OWN if put else Reach.NONE) if mine else None
    rows = max(_rows(own), default=0)
    if rows <= made:
        return Reach.OWN if rows else Reach.NONE
    if not apart or (there + made > MOST_NTH and operation is not Operation.SELECT):
        return None
    return Reach.ALL if rows >= there + made else Reach.SOME


def _by_strangers(
    operation: Operation,
    strange: Sequence[tuple[Attempt, Result]],
    own: Sequence[tuple[Attempt, Result]],
    *,
    there: int,
    of_others: int,
    rewritten: bool,
) -> Reach | None:
    """How far those got who own nothing; None where that is not clear."""
    if not strange or any(result.in_part for _, result in (*strange, *own)):
        return None
    if operation is Operation.INSERT:
        return _new(strange, own, rewritten=rewritten)
    if not _FEWEST <= of_others <= there or (there > MOST_NTH and operation is not Operation.SELECT):
        return None
    furthest = max(_rows(strange), default=0)
    if furthest >= there:
        return Reach.ALL
    if not all(map(_is_clear, strange)):
        return None
    return Reach.SOME if furthest else Reach.NONE


def _rows(attempts: Sequence[tuple[Attempt, Result]]) -> list[int]:
    """How many rows each kind of statement reached, at once or one by one."""
    singly: dict[str, int] = {}
    at_once: list[int] = []
    for attempt, result in attempts:
        if not got(attempt, result, rewritten=False):
            continue
        if attempt.nth:
            kind = attempt.probe.sql.partition(" where ")[0]
            singly[kind] = singly.get(kind, 0) + 1
        else:
            at_once.append(max(result.rows, 1))
    return [*at_once, *singly.values()]


def _is_clear(tried: tuple[Attempt, Result]) -> bool:
    return tried[1].outcome is not Outcome.INCONCLUSIVE


def _new(
    strange: Sequence[tuple[Attempt, Result]], own: Sequence[tuple[Attempt, Result]], *, rewritten: bool
) -> Reach | None:
    put = [got(attempt, result, rewritten=rewritten) for attempt, result in strange]
    if len(put) >= _FEWEST and all(put):
        return Reach.ALL
    clear = [result.outcome is not Outcome.PASSED or not rewritten for _, result in (*strange, *own)]
    if len(put) < _FEWEST or not all(clear) or not all(map(_is_clear, strange)):
        return None
    return Reach.SOME if any(put) else Reach.NONE


def _as_its_own(own: Sequence[tuple[Attempt, Result]]) -> Sequence[tuple[Attempt, Result]]:
    return [one for one in own if one[0].by.owns is not None and one[0].puts == one[0].by.owns.name]


def by_session(tries: Iterable[tuple[Attempt, Result]]) -> Iterable[Sequence[tuple[Attempt, Result]]]:
    """Parts the attempts of those who gave a second factor from those of others: each gets as far as it gets."""
    sessions: defaultdict[str, list[tuple[Attempt, Result]]] = defaultdict(list)
    for attempt, result in tries:
        sessions[str(attempt.by.persona.claims.get(LEVEL))].append((attempt, result))
    return tuple(sessions.values())


def furthest(levels: Sequence[Reach | None]) -> Reach | None:
    """Returns the furthest of what was measured; None where one that is not known may be further."""
    known = [one for one in levels if one is not None]
    return max(known, default=None) if len(known) == len(levels) or Reach.ALL in known else None
