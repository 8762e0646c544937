"""The top of the report: the verdict, what is missing from it, and what was audited as whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.report.text.page import ALARM, DOUBT, GOOD, QUIET, STRONG, Fragment, Page
from rlsaudit.report.verdict import clean, headline, incompleteness, missing, tally
from rlsaudit.report.words import count

if TYPE_CHECKING:
    from rlsaudit.model import Persona, Report

_REASONS = 3
_PLATFORMS = {"supabase": "Supabase", "postgres": "Postgres"}


def write(page: Page, report: Report) -> None:
    """Write the top."""
    page.prose((f"{report.tool.name} {report.tool.version}", STRONG))
    page.gap()
    verdict(page, report)
    _reasons(page, report)
    page.gap()
    _audited(page, report)


def verdict(page: Page, report: Report) -> None:
    """Say what was found, and what is missing before anyone may feel safe."""
    gaps = missing(report)
    page.prose((headline(report), _mood(report)))
    if gaps.anything:
        page.prose((incompleteness(gaps), DOUBT))
    if report.suppressed:
        page.prose(
            f"Suppressed and not counted: {count(len(report.suppressed), 'finding')} ({tally(report.suppressed)})."
        )


def _mood(report: Report) -> str:
    summary = report.summary
    if summary.critical or summary.high or any(finding.severity >= Severity.HIGH for finding in report.findings):
        return ALARM
    return f"bold {GOOD if clean(report) else DOUBT}"


def _reasons(page: Page, report: Report) -> None:
    reasons = missing(report).reasons
    if not reasons:
        return
    page.gap()
    page.prose("Verdicts are missing because of:")
    for reason, number in reasons[:_REASONS]:
        page.prose(reason, lead=f"{number:>6}  ")
    if len(reasons) > _REASONS:
        page.prose(f"and {count(len(reasons) - _REASONS, 'more reason')}, below", indent=8)


def _audited(page: Page, report: Report) -> None:
    target = report.target
    platform = _PLATFORMS.get(target.platform, target.platform)
    page.labelled("target", f"{platform}, server {target.server_version}, database {target.database}")
    page.labelled("schemas", ", ".join(target.schemas) or "none")
    page.labelled("probe", target.probe)
    page.labelled("verdicts", _extent(report))
    for note in target.notes:
        page.labelled("note", note)
    page.gap()
    if report.personas:
        page.table(["persona", "role", "who that is"], [_row(persona) for persona in report.personas])
    else:
        page.labelled("personas", ("none", DOUBT))


def _extent(report: Report) -> str:
    cells = max(report.summary.cells, len(report.matrix))
    relations = len({cell.relation for cell in report.matrix})
    return f"{cells}, for {count(len(report.personas), 'persona')} and {count(relations, 'exposed relation')}"


def _row(persona: Persona) -> tuple[Fragment, ...]:
    settings = ", ".join(f"{name} = {value}" for name, value in sorted(persona.settings.items()))
    about = "; ".join(filter(None, (persona.description, settings)))
    return persona.name, persona.role, about or ("-", QUIET)
