"""Runs attempts inside the transaction that holds the synthetic rows, batch after batch, each behind a savepoint."""

from __future__ import annotations

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

    Raises:
        psycopg.Error: the connection was lost, or the server refuses even the block.
    """

    def asked(some: Sequence[Probe], limit_ms: int | None) -> tuple[Result, ...]:
        try:
            return ask(session, catalog, platform, some, limit_ms=limit_ms, savepoint=_SAVEPOINT)
        except psycopg.errors.QueryCanceled:
            session.execute(f"rollback to savepoint {_SAVEPOINT}; release savepoint {_SAVEPOINT}")
            raise

    return paced(probes, asked, progress=progress)
