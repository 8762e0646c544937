"""The one order in which every format prints a report, so that equal audits give equal bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import Direction, Operation
from rlsaudit.report.changes import is_opening

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Change, Finding, Report

OPERATIONS = tuple(Operation)
_DIRECTIONS = (Direction.MORE, Direction.INCOMPARABLE, Direction.LESS)


def in_order(report: Report) -> Report:
    """Order findings worst first, cells by persona (as listed), relation and operation, what was skipped by name.

    Of what changed, first comes what was opened beyond intent.
    """
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
        existing=_worst_first(report.existing),
        changes=_most_open_first(report.changes),
    )


def _most_open_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(
        sorted(
            changes,
            key=lambda change: (
                not is_opening(change),
                _DIRECTIONS.index(change.direction),
                change.kind,
                change.persona,
                change.what,
                change.operation,
                change.before,
                change.after,
            ),
        )
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
