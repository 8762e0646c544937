"""Annotations on GitHub: workflow commands, which a job prints and GitHub shows at the line of the file.

GitHub shows ten annotations of a kind for a step and drops the rest without a word; so no more are made, and the last
lines of the log say how many there would have been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.report.changes import counted, left_alone, openings, step, subject
from rlsaudit.report.escape import printable
from rlsaudit.report.finding import fix_sql, mending, who
from rlsaudit.report.format import Format
from rlsaudit.report.set_aside import each as each_suppressed
from rlsaudit.report.set_aside import suppressed
from rlsaudit.report.verdict import headline, incompleteness, missing, shortfall
from rlsaudit.report.words import count, shortened

if TYPE_CHECKING:
    from rlsaudit.model import Finding, Report
    from rlsaudit.report.format import Screen

_KINDS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
_MOST = 10
_TITLE = 200
_MESSAGE = 3000

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def _render(report: Report, _: Screen) -> str:
    lines: list[str] = []
    opened = openings(report)
    if opened:
        told = _shown([f"{subject(change)}: {step(change)}" for change in opened])
        title = {"title": f"rlsaudit: {count(len(opened), 'change opens', 'changes open')} more than intended"}
        lines.append(_command("error", title, shortened("\n".join(map(printable, told)), _MESSAGE)))
    sentence = incompleteness(missing(report)) if report.findings or opened else shortfall(report)
    if sentence:
        lines.append(_command("warning", {"title": "rlsaudit: incomplete"}, sentence))
    if report.suppressed:
        told = [suppressed(report), *_shown(list(each_suppressed(report)))]
        lines.append(_command("notice", {"title": "rlsaudit: suppressed"}, shortened("\n".join(told), _MESSAGE)))
    taken = {"error": bool(opened), "warning": bool(sentence), "notice": bool(report.suppressed)}
    left_out = []
    for kind in dict.fromkeys(_KINDS.values()):
        findings = [finding for finding in report.findings if _KINDS[finding.severity] == kind]
        most = _MOST - taken.get(kind, False)
        lines += [_annotation(kind, finding) for finding in findings[:most]]
        if len(findings) > most:
            left_out.append(f"{count(len(findings) - most, 'more finding')} of the kind {kind}")
    # Only words of our own from here on: what is not a command is read for commands all the same.
    lines += [f"rlsaudit: {each} without an annotation: GitHub shows {_MOST} of a kind." for each in left_out]
    lines += [f"rlsaudit: {each}" for each in (headline(report), counted(report), left_alone(report)) if each]
    return "\n".join(lines) + "\n"


def _shown(lines: list[str]) -> list[str]:
    """Cut a list, and say by how much."""
    return [*lines[:_MOST], *([f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else [])]


def _annotation(kind: str, finding: Finding) -> str:
    place = finding.location
    properties = {"file": printable(place.file), "line": str(place.line)} if place else {}
    properties["title"] = shortened(printable(f"{finding.severity.value}: {finding.title} ({finding.rule})"), _TITLE)
    parts = [f"{printable(who(finding))}."]
    if finding.message not in {"", finding.title}:
        parts.append(printable(finding.message))
    parts += [f"Fix: {mending(finding.fix)}", *fix_sql(finding).lines]
    return _command(kind, properties, shortened("\n".join(parts), _MESSAGE))


def _command(kind: str, properties: dict[str, str], message: str) -> str:
    written = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{kind} {written}::{message.translate(_DATA)}"


FORMAT = Format(name="github", summary="for GitHub Actions: annotations, as workflow commands", render=_render)
