"""Runs probes that read, batch after batch, in READ ONLY transactions; what is slow is asked by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.probe.block import SECONDS_FOR_SLOW_PROBES, ask, batch
from rlsaudit.probe.outcome import Outcome, Probe, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session


def run(
    session: Session,
    catalog: Catalog,
    platform: Platform,
    probes: Sequence[Probe],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Runs every probe in READ ONLY transactions and returns the results, in order.

    All batches share one transaction, so that what a persona reads and what there is are counted at the same moment;
    locks end with each probe. A batch that runs into the time limit ends the transaction, and is asked probe by probe.

    `progress` is told how many probes each step has answered.

    Raises:
        psycopg.Error: the connection was lost, or refuses even the block.
    """
    return _Run(session, catalog, platform, progress).all(probes)


class _Run:
    def __init__(self, session: Session, catalog: Catalog, platform: Platform, progress: Callable[[int], None]) -> None:
        self._session = session
        self._catalog = catalog
        self._platform = platform
        self._progress = progress
        self._results: dict[int, Result] = {}
        self._slow: set[int] = set()
        self._slow_until: float | None = None

    def all(self, probes: Sequence[Probe]) -> tuple[Result, ...]:
        numbered = list(enumerate(probes))
        while numbered:
            # What ran into the time limit as one persona will as another: it waits, so as not to spoil a batch again.
            waiting = [one for one in numbered if one[1].relation in self._slow]
            quick = [one for one in numbered if one[1].relation not in self._slow]
            left = self._in_batches(quick)
            if not left and not quick:
                self._one_by_one(waiting)
                break
            numbered = sorted([*left, *waiting], key=lambda one: one[0])
        return tuple(self._results[number] for number in range(len(probes)))

    def _in_batches(self, numbered: Sequence[tuple[int, Probe]]) -> Sequence[tuple[int, Probe]]:
        """Asks batch after batch until one is slow; returns what has not been asked then."""
        if not numbered:
            return ()
        start, asked = 0, numbered[:0]
        try:
            with self._session.read_only():
                while start < len(numbered):
                    asked = batch(numbered, start)
                    self._ask(asked)
                    start += len(asked)
        except psycopg.errors.QueryCanceled:
            if not asked:
                raise
            self._one_by_one(asked)
            start += len(asked)
        return numbered[start:]

    def _one_by_one(self, numbered: Sequence[tuple[int, Probe]]) -> None:
        if self._slow_until is None:
            self._slow_until = time.monotonic() + SECONDS_FOR_SLOW_PROBES
        for number, probe in numbered:
            if time.monotonic() > self._slow_until:
                reason = "no time left: many probes are slow on this database"
                self._note(number, Result(probe, Outcome.INCONCLUSIVE, reason=reason))
                continue
            try:
                with self._session.read_only():
                    self._ask([(number, probe)])
            except psycopg.errors.QueryCanceled:
                self._slow.add(probe.relation)
                reason = "the statement ran into the time limit"
                self._note(number, Result(probe, Outcome.INCONCLUSIVE, reason=reason))

    def _ask(self, numbered: Sequence[tuple[int, Probe]]) -> None:
        answers = ask(self._session, self._catalog, self._platform, [one for _, one in numbered])
        for (number, _), answer in zip(numbered, answers, strict=True):
            self._note(number, answer)

    def _note(self, number: int, result: Result) -> None:
        self._results[number] = result
        self._progress(1)
