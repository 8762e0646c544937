"""What differs from the base: first what was opened beyond intent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.report.changes import SIGNS, counted, is_opening, step, subject
from rlsaudit.report.text.page import ALARM, QUIET, Fragment, Page, more

if TYPE_CHECKING:
    from rlsaudit.model import Change, Report

_MOST = 25


def write(page: Page, report: Report) -> None:
    """Write what differs, if anything was compared."""
    if report.base is None:
        return
    page.heading("ACCESS CHANGES")
    page.prose(f"Compared with {report.base}. {counted(report)}", indent=2)
    if not report.changes:
        return
    page.gap()
    # What was opened beyond intent stands first, and is never cut.
    opened = sum(map(is_opening, report.changes))
    shown = report.changes[: max(_MOST, opened)]
    page.table(["", "who or what", "before -> after"], [_row(change) for change in shown])
    if len(report.changes) > len(shown):
        page.prose(*more(len(report.changes) - len(shown), "changes"), indent=2)


def _row(change: Change) -> tuple[Fragment, ...]:
    opening = is_opening(change)
    sign = f"{SIGNS[change.direction]} !" if opening else SIGNS[change.direction]
    style = ALARM if opening else QUIET
    return (sign, style), subject(change), step(change)
