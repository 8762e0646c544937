"""How far a persona got, as it is measured by force: where every attempt got an answer, and rows of others are there.

A measurement says what these rows and these statements showed, and is no proof: it stands beside the reach, never for
it. See `Cell.attacked`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.personas import owns_nothing
from rlsaudit.probe.attack.attacked import got
from rlsaudit.probe.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    at_most: int,
    rewritten: bool,
) -> Reach | None:
    """Returns how far the attempts of one persona got; None where one that may have got further had no clear answer.

    Args:
        operation: The operation.
        attempts: Each with its answer.
        there: How many rows there are, as the connection counts them.
        of_others: How many of them were made for others than the user whose own rows are asked for.
        of_owner: How many of them were made for that user.
        at_most: How many rows are tried one by one.
        rewritten: Whether a trigger may have made another row of the one that was written.
    """
    strange = [one for one in attempts if one[0].by.strange]
    own = [one for one in attempts if one[0].by.owns is not None]
    if not strange or any(result.in_part for _, result in attempts):
        return None
    if operation is Operation.INSERT:
        return _new(strange, own, rewritten=rewritten)
    if not _FEWEST <= of_others <= there or (there > at_most and operation is not Operation.SELECT):
        return None
    furthest = max(_rows(strange), default=0)
    if furthest >= there:
        return Reach.ALL
    if not all(map(_is_clear, strange)):
        return None
    if furthest:
        return Reach.SOME
    if not own and not owns_nothing(strange[0][0].by.persona):
        # Of a role that may have rows by its name none were made.
        return None
    mine = max(_rows(own), default=0)
    if mine > of_owner or not (mine or all(map(_is_clear, own))):
        # Whose the rows are that it reached beyond its own is not told by their number.
        return None
    return Reach.OWN if mine else Reach.NONE


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
    if any(put):
        return Reach.SOME
    mine = [one for one in own if one[0].by.owns is not None and one[0].puts == one[0].by.owns.name]
    if any(got(attempt, result, rewritten=rewritten) for attempt, result in mine):
        return Reach.OWN
    return Reach.NONE if mine and all(map(_is_clear, mine)) else None
