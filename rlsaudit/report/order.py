"""The one order in which every format prints a report, so that equal audits give equal bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Finding, Report

OPERATIONS = tuple(Operation)


def in_order(report: Report) -> Report:
    """Order findings worst first, cells by persona (as listed), relation and operation, what was skipped by name."""
    position = {persona.name: index for index, persona in enumerate(report.personas)}
    matrix = sorted(
        report.matrix,
        key=lambda cell: (
            position.get(cell.persona, len(position)),
            cell.persona,
            cell.relation,
            OPERATIONS.index(cell.operation),
        ),
    )
    return replace(
        report,
        matrix=tuple(matrix),
        findings=_worst_first(report.findings),
        skipped=tuple(sorted(report.skipped, key=lambda skipped: (skipped.what, skipped.reason))),
        suppressed=_worst_first(report.suppressed),
    )


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                -finding.severity.rank,
                finding.rule,
                finding.object.identity,
                finding.object.type,
                finding.persona,
                finding.operation,
                finding.fingerprint,
            ),
        )
    )
