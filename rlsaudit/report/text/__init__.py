"""The report for people: what a founder reads tonight and a security engineer pastes into a ticket.

Nothing is said by colour alone, and nothing that comes from the database reaches the page but through `page.shown`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.report.format import Format
from rlsaudit.report.text import audited, differences, findings, gaps, header, overview
from rlsaudit.report.text.page import Page

if TYPE_CHECKING:
    from rlsaudit.model import Report
    from rlsaudit.report.format import Screen


def matrix_page(report: Report, screen: Screen) -> str:
    """Returns the matrix alone, with every relation in it, and what was not audited."""
    page = Page(screen)
    overview.write(page, report, whole=True)
    gaps.write(page, report)
    return page.text()


def _render(report: Report, screen: Screen) -> str:
    page = Page(screen)
    header.write(page, report)
    differences.write(page, report)
    findings.write(page, report)
    overview.write(page, report)
    gaps.write(page, report)
    audited.write(page, report)
    if report.findings:
        # A terminal shows the end of a long report first.
        page.gap()
        header.verdict(page, report)
    return page.text()


FORMAT = Format(name="text", summary="for people: findings, evidence, fixes and the matrix", render=_render)
