"""The pace of probes: batch after batch, what is slow last, and for no more than a minute or two.

What took long as one persona will as another, and a lock may be gone by the end. So the other probes of a relation wait
of which one was slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import psycopg

from rlsaudit.probe.block import BATCH, SECONDS_FOR_SLOW_PROBES, TIME_LIMIT, batch
from rlsaudit.probe.outcome import Outcome, Probe, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rlsaudit.model import Persona

_SLOW = 1.0
"""A probe that takes so many seconds is slow, as one is that ran into the time limit."""
_LIMIT_THEN_MS = 1_000
"""The time limit of a statement when they have had it."""
NO_TIME = "no time left: many probes are slow on this database"

Ask: TypeAlias = "Callable[[Sequence[Probe], int | None], tuple[Result, ...]]"
"""Asks as `rlsaudit.probe.block.ask` does, with a time limit in milliseconds, or else the session's own.

After a `QueryCanceled` it can be called again.
"""


def paced(probes: Sequence[Probe], ask: Ask, *, progress: Callable[[int], None]) -> tuple[Result, ...]:
    """Asks every probe, and returns the results in order.

    Args:
        probes: What is asked.
        ask: Who asks.
        progress: Told how many probes each step has answered.

    Raises:
        psycopg.Error: the connection was lost, or the server refuses even the block.
    """
    return _Paced(ask, progress).all(probes)


class _Paced:
    def __init__(self, ask: Ask, progress: Callable[[int], None]) -> None:
        self._ask = ask
        self._progress = progress
        self._results: dict[int, Result] = {}
        self._slow: set[int] = set()
        self._spent = 0.0

    def all(self, probes: Sequence[Probe]) -> tuple[Result, ...]:
        waiting = _by_persona(probes)
        last: list[tuple[int, Probe]] = []
        while waiting:
            slow = len(self._slow)
            waiting = waiting[self._some(waiting) :]
            if len(self._slow) > slow:
                last += [one for one in waiting if one[1].relation in self._slow]
                waiting = [one for one in waiting if one[1].relation not in self._slow]
            if self._spent >= 2 * SECONDS_FOR_SLOW_PROBES:
                break
        last += waiting
        while last and self._spent < SECONDS_FOR_SLOW_PROBES:
            last = last[self._some(last) :]
        self._note(last, [Result(one, Outcome.INCONCLUSIVE, reason=NO_TIME) for _, one in last])
        return tuple(self._results[number] for number in range(len(probes)))

    def _some(self, waiting: Sequence[tuple[int, Probe]]) -> int:
        """Asks the first few, and returns how many were answered."""
        limit_ms = None if self._spent < SECONDS_FOR_SLOW_PROBES else _LIMIT_THEN_MS
        most = BATCH
        while True:
            asked = [one for _, one in batch(waiting, most)]
            try:
                answers = self._ask(asked, limit_ms)
            except psycopg.errors.QueryCanceled:
                # The time was up between two probes, or by the hand of somebody, and nothing is known of any.
                most = len(asked) // 2
                if most:
                    continue
                answers = (Result(asked[0], Outcome.INCONCLUSIVE, reason=TIME_LIMIT, seconds=_SLOW),)
            self._note(waiting, answers)
            return len(answers)

    def _note(self, numbered: Sequence[tuple[int, Probe]], answers: Sequence[Result]) -> None:
        for (number, probe), answer in zip(numbered, answers, strict=False):
            self._results[number] = answer
            if answer.seconds >= _SLOW or answer.reason == TIME_LIMIT:
                self._slow.add(probe.relation)
                self._spent += answer.seconds
        if answers:
            self._progress(len(answers))


def _by_persona(probes: Sequence[Probe]) -> list[tuple[int, Probe]]:
    """The probes with their numbers, those of a persona together, for none shares a batch with another's."""
    personas: list[Persona | None] = []
    groups: dict[int, int] = {}
    for one in probes:
        if id(one.persona) not in groups:
            if one.persona not in personas:
                personas.append(one.persona)
            groups[id(one.persona)] = personas.index(one.persona)
    return sorted(enumerate(probes), key=lambda one: groups[id(one[1].persona)])
