"""Verdicts that are taken back: what they depend on could not be made, so they are `unknown`, with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.model import Cell, Report, Skipped


def withheld(
    report: Report,
    causes: Mapping[str, str],
    skipped: Iterable[Skipped],
) -> Report:
    """Returns the report without verdicts on some relations, and with more that was skipped.

    Args:
        report: The report.
        causes: Why nothing is said of a relation, by its identity.
        skipped: What is to be listed besides.
    """
    matrix = tuple(_unknown(cell, causes[cell.relation]) if cell.relation in causes else cell for cell in report.matrix)
    listed = (*report.skipped, *skipped)
    summary = replace(report.summary, unknown=sum(one.reach is Reach.UNKNOWN for one in matrix), skipped=len(listed))
    return replace(report, matrix=matrix, skipped=listed, summary=summary)


def _unknown(cell: Cell, because: str) -> Cell:
    return replace(
        cell,
        reach=Reach.UNKNOWN,
        escalated=Reach.UNKNOWN,
        evidence=EvidenceKind.NONE,
        because=because,
        at_least=Reach.NONE,
        at_most=Reach.ALL,
        escalated_because=because,
        escalated_at_least=Reach.NONE,
        chain=(),
        attacked=None,
    )
