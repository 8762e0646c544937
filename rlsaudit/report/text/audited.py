"""What was audited, as whom and on which assumptions: the small print, near the end and never left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.report.text.page import DOUBT, QUIET, Fragment, Page
from rlsaudit.report.words import count, server

if TYPE_CHECKING:
    from rlsaudit.model import Persona, Report


def write(page: Page, report: Report) -> None:
    """Write the target, the notes and the personas."""
    target = report.target
    page.heading("WHAT WAS AUDITED")
    page.labelled("database", f"{target.database}, {server(target)}")
    page.labelled("schemas", ", ".join(target.schemas) or "none")
    page.labelled("probe", target.probe)
    page.labelled("verdicts", _extent(report))
    for note in target.notes:
        page.labelled("note", note)
    if report.personas:
        page.gap()
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
