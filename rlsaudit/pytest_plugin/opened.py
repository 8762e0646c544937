"""The database under test: opened or made, audited, and there as long as the tests run."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rlsaudit.audit import Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine import EngineRequest
from rlsaudit.pytest_plugin.assertions import Audited
from rlsaudit.pytest_plugin.failing import guarded
from rlsaudit.source import Recipe, in_a_clone, replayed_at
from rlsaudit.source.clone import MODE as CLONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.pytest_plugin.configured import Configured


@contextmanager
def opened(wanted: Configured) -> Iterator[Audited]:
    """Yields the audit of what is wanted; a throwaway server is gone when the context ends."""
    __tracebackhide__ = True
    if wanted.migrations is None:
        with guarded():
            found = _of_database(wanted)
        yield found
        return
    options = Options(probe=wanted.probe, intent=wanted.intent)
    with ExitStack() as stack:
        with guarded():
            standing = stack.enter_context(replayed_at(wanted.migrations, Recipe(EngineRequest()), options))
        yield Audited(standing.side.report, standing.side.case, standing.login, throwaway=True)


def _of_database(wanted: Configured) -> Audited:
    conninfo = wanted.url or ""
    options = Options(probe=wanted.probe, intent=wanted.intent)
    with connect(conninfo) as session:
        if wanted.probe == CLONE:
            audited = in_a_clone(session, conninfo, EngineRequest(), _attacking(wanted.intent))
        else:
            with session.read_only():
                snapshot = take(session)
            audited = examine(snapshot, options, session)
    return Audited(audited.report, audited.case, conninfo, throwaway=False)


def _attacking(intent: Path | None) -> Options:
    return Options(intent=intent, throwaway=True)
