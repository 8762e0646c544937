"""What the attempts on a relation come to: how far the persona got, by a statement that can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.probe.attack.attempt import BY_KEY
from rlsaudit.probe.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.probe.attack.attempt import Attempt
    from rlsaudit.probe.outcome import Probe, Result

_CHECK = "(23514)"
_ENOUGH = 2
"""So many rows are needed to speak of all."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """How far a persona got with an operation on a relation.

    `reach` is what was reached, `NONE` where nothing was: for certain where it is more than `OWN`. A user's own rows
    were made up, and with them it may be more than an ordinary user, or in a state that no database is in: so `OWN`
    confirms a proof and stands for nothing by itself. `rows` are how many of `there` the statement that got furthest
    reached; a view's rows are not counted, `there` is 0 then. `probe` is that statement, None where none got any.
    `measured` is how far all attempts got where each had a clear answer, else None: what these rows showed, and for
    certain only that nothing less is reached. `beside` says what else was done that tells nothing of whose rows are
    reached.
    """

    reach: Reach
    rows: int = 0
    there: int = 0
    probe: Probe | None = None
    measured: Reach | None = None
    beside: str = ""

    def told(self, operation: Operation) -> str:
        """What was done, for people."""
        own = self.reach is Reach.OWN
        if operation is Operation.INSERT:
            return f"put in {'a row of its own' if own else 'a row of somebody else'}"
        if own:
            return f"{_DONE[operation]} rows of its own"
        of = f" of {self.there}" if self.there >= self.rows else ""
        return f"{_DONE[operation]} {self.rows}{of} rows, all of others"


_DONE = {Operation.SELECT: "read", Operation.UPDATE: "changed", Operation.DELETE: "deleted"}
NOTHING = Attacked(Reach.NONE)


def judged(
    operation: Operation, attempts: Sequence[tuple[Attempt, Result]], there: int, *, seeded: bool, rewritten: bool
) -> Attacked:
    """Returns what all attempts of one persona at one operation on one relation come to.

    Args:
        operation: The operation.
        attempts: Each with its answer.
        there: How many rows there are, as the connection counts them.
        seeded: Whether rows of several owners and contents are among them: else nobody speaks of all rows.
        rewritten: Whether a trigger may have made another row of a new one, before a constraint stopped it.
    """
    reached = [(one, result) for one, result in attempts if got(one, result, rewritten=rewritten)]
    if operation is Operation.INSERT:
        tried = sum(one.by.strange for one, _ in attempts)
        return _new(reached, tried if seeded else 0)
    return max(_strangers(reached, there, seeded=seeded), _own(reached), key=lambda one: one.reach)


def got(attempt: Attempt, result: Result, *, rewritten: bool) -> bool:
    """Returns whether a statement got through; `rewritten` is as in `judged`."""
    if result.outcome is Outcome.PASSED:
        # By its key a row is met by an INSERT, and the new row that a constraint stopped may be another. A value that a
        # policy asks for and a CHECK never lets in is one that no row has.
        impossible = attempt.probe.operation is Operation.UPDATE and result.reason.endswith(_CHECK)
        return not rewritten and attempt.nth != BY_KEY and not impossible
    return result.outcome is Outcome.ROWS and result.rows > 0


def _strangers(reached: Sequence[tuple[Attempt, Result]], there: int, *, seeded: bool) -> Attacked:
    strange = [(one, result) for one, result in reached if one.by.strange]
    if not strange:
        return NOTHING
    first, answer = max(strange, key=lambda pair: (not pair[0].nth, pair[1].rows))
    singly = len({one.nth for one, _ in strange if one.nth > 0})
    rows = max(answer.rows if not first.nth else 0, singly, 1)
    every = seeded and there >= _ENOUGH and rows >= there and not answer.in_part
    return Attacked(Reach.ALL if every else Reach.SOME, rows, there, answer.probe)


def _own(reached: Sequence[tuple[Attempt, Result]]) -> Attacked:
    own = next(((one, result) for one, result in reached if one.by.owns is not None), None)
    return NOTHING if own is None else Attacked(Reach.OWN, max(own[1].rows, 1), probe=own[0].probe)


def _new(reached: Sequence[tuple[Attempt, Result]], tried: int) -> Attacked:
    """Whose rows were put in: a stranger's, or one's own. `tried` are those of strangers, if of every content."""
    strange = [one for one, _ in reached if one.by.strange]
    if strange:
        every = len(strange) == tried >= _ENOUGH
        return Attacked(Reach.ALL if every else Reach.SOME, len(strange), tried, strange[0].probe)
    own = next((one for one, _ in reached if one.by.owns is not None and one.puts == one.by.owns.name), None)
    return NOTHING if own is None else Attacked(Reach.OWN, 1, 1, own.probe)
