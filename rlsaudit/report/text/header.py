"""The top of the report: the verdict, what is missing from it, and what to do first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.report.changes import counted, left_alone, openings
from rlsaudit.report.set_aside import suppressed
from rlsaudit.report.sql import transcript
from rlsaudit.report.text.page import ALARM, DOUBT, GOOD, QUIET, SEVERITIES, STRONG, Page
from rlsaudit.report.verdict import beyond, clean, headline, incompleteness, missing
from rlsaudit.report.words import ability, count, intention, listed, server, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.model import Finding, Report

_FIRST = 3
_REASONS = 2
_PERSONAS = 6
_NAME = 60


def write(page: Page, report: Report) -> None:
    """Write the top."""
    target = report.target
    about = f"{shortened(target.database, _NAME)}, {server(target)}{_audience(report)}"
    page.prose((f"{report.tool.name} {report.tool.version}", STRONG), f": {about}")
    page.gap()
    verdict(page, report)
    _mostly(page, missing(report).reasons)
    _first(page, report)


def verdict(page: Page, report: Report) -> None:
    """Say what was found, and what is missing before anyone may feel safe."""
    page.prose((headline(report), _mood(report)))
    if sentence := counted(report):
        page.prose(sentence)
    if report.findings and (sentence := beyond(report)):
        page.prose(sentence)
    gaps = missing(report)
    if gaps.anything:
        page.prose((incompleteness(gaps), DOUBT))
    if sentence := left_alone(report):
        page.prose(sentence)
    if sentence := suppressed(report):
        page.prose(sentence)


def _mostly(page: Page, reasons: Sequence[tuple[str, int]]) -> None:
    for reason, number in reasons[:_REASONS]:
        page.prose(reason, lead=f"{number:>6}  ")
    if len(reasons) > _REASONS:
        page.prose(f"and {count(len(reasons) - _REASONS, 'more reason')}, below", indent=8)


def _audience(report: Report) -> str:
    names = [shortened(persona.name, _NAME) for persona in report.personas]
    if len(names) > _PERSONAS:
        return f", as {count(len(names), 'persona')}"
    return f", as {listed(names)}" if names else ", as nobody: there is no persona"


def _mood(report: Report) -> str:
    summary = report.summary
    grave = summary.critical or summary.high or any(one.severity >= Severity.HIGH for one in report.findings)
    if grave or openings(report):
        return ALARM
    return f"bold {GOOD if clean(report) else DOUBT}"


def _first(page: Page, report: Report) -> None:
    """Name the worst findings, each with what it lets happen and the first step of the fix."""
    # What is low or only worth knowing is nothing to begin with.
    grave = [finding for finding in report.findings if finding.severity >= Severity.MEDIUM]
    places = {persona.name: place for place, persona in enumerate(report.personas)}
    # Of what is equally bad, first what the least privileged can do (personas are listed so), and with the most rows.
    worst = sorted(grave, key=lambda one: (-one.severity.rank, places.get(one.persona, -1), -one.reach.rank))[:_FIRST]
    if not worst:
        return
    page.heading("DO FIRST")
    for number, finding in enumerate(worst, start=1):
        lead = f"{number}  {finding.severity.value:<8}  "
        page.prose((finding.title, STRONG), lead=(lead, SEVERITIES[finding.severity]), indent=2)
        can = ability(finding.persona, finding.operation, finding.reach)
        page.prose(f"{can}; intended: {intention(finding.operation, finding.intended)}", indent=len(lead) + 2)
        _step(page, finding, len(lead) + 2)


def _step(page: Page, finding: Finding, indent: int) -> None:
    lines = transcript((finding.fix.sql,)).lines if finding.fix.sql.strip() else ()
    if len(lines) == 1:
        page.code(lines, indent=indent)
    elif lines:
        page.prose((f"the fix, {count(len(lines), 'line')} of SQL, is below", QUIET), indent=indent)
