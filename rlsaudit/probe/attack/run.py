"""Runs attempts inside the transaction that holds the synthetic rows, batch after batch, each behind a savepoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.probe.block import SECONDS_FOR_SLOW_PROBES, ask, batch
from rlsaudit.probe.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session
    from rlsaudit.probe.outcome import Probe

_SAVEPOINT = "rlsaudit_attack"


def run(
    session: Session,
    catalog: Catalog,
    platform: Platform,
    probes: Sequence[Probe],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Runs every probe inside the open transaction, each undone at once, and returns the results in order.

    A batch that runs into the time limit is asked probe by probe, for a minute in all.

    Raises:
        psycopg.Error: the connection was lost, or the server refuses even the block.
    """
    found: dict[int, Result] = {}
    numbered = list(enumerate(probes))
    start, slow_until = 0, time.monotonic() + SECONDS_FOR_SLOW_PROBES
    while start < len(numbered):
        asked = batch(numbered, start)
        answers = _tried(session, catalog, platform, [one for _, one in asked])
        if answers is None:
            answers = tuple(_alone(session, catalog, platform, one, slow_until) for _, one in asked)
        found |= {number: answer for (number, _), answer in zip(asked, answers, strict=True)}
        start += len(asked)
        progress(len(asked))
    return tuple(found[number] for number in range(len(probes)))


def _alone(session: Session, catalog: Catalog, platform: Platform, probe: Probe, until: float) -> Result:
    if time.monotonic() > until:
        return Result(probe, Outcome.INCONCLUSIVE, reason="no time left: many statements are slow on this database")
    answers = _tried(session, catalog, platform, [probe])
    if answers is None:
        return Result(probe, Outcome.INCONCLUSIVE, reason="the statement ran into the time limit")
    return answers[0]


def _tried(
    session: Session, catalog: Catalog, platform: Platform, probes: Sequence[Probe]
) -> tuple[Result, ...] | None:
    """The answers; None where the batch ran into the time limit, and was undone."""
    try:
        return ask(session, catalog, platform, probes, savepoint=_SAVEPOINT)
    except psycopg.errors.QueryCanceled:
        session.execute(f"rollback to savepoint {_SAVEPOINT}; release savepoint {_SAVEPOINT}")
        return None
