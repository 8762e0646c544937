"""Asks the server about states that take rows of other tables, where it is nobody's and they can be put there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.probe.attack.run import run
from rlsaudit.probe.supposed import Questions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session
    from rlsaudit.policy.supposed import Supposed
    from rlsaudit.probe.outcome import Probe, Result
    from rlsaudit.probe.supposed import Answer


def ask_staged(
    session: Session, access: Access, platform: Platform, supposed: Iterable[Supposed]
) -> tuple[Answer, ...]:
    """Makes each state in turn, has the persona ask, and rolls all of it back.

    Raises:
        psycopg.Error: the connection was lost, or the server refuses even the block.
    """
    questions = Questions(access, supposed, throwaway=True)

    def asked(probes: Sequence[Probe]) -> tuple[Result, ...]:
        return run(session, access.catalog, platform, probes)

    with session.rolled_back():
        return questions.answers(asked(questions.probes), asked)
