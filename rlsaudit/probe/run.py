"""Runs probes that read, all in one READ ONLY transaction."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.probe.block import ask
from rlsaudit.probe.pace import paced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session
    from rlsaudit.probe.outcome import Probe, Result


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
    locks end with each probe. Only a batch that is cancelled as a whole ends it, and another one begins.

    `progress` is told how many probes each step has answered.

    Raises:
        psycopg.Error: the connection was lost, or refuses even the block.
    """
    with contextlib.ExitStack() as transaction:

        def asked(some: Sequence[Probe], limit_ms: int | None) -> tuple[Result, ...]:
            if not session.in_transaction:
                transaction.enter_context(session.read_only())
            try:
                return ask(session, catalog, platform, some, limit_ms=limit_ms)
            except psycopg.errors.QueryCanceled:
                transaction.close()
                raise

        return paced(probes, asked, progress=progress)
