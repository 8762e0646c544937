"""The report as one Markdown page of limited size, for places that others provide: comments and job summaries.

What must not be lost comes first and is bounded: the verdict, what is missing from it, and how much was cut. Findings
follow, worst first, as long as there is room. A part goes in whole or not at all, so that no cut leaves a fold or a
block of code open.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Severity
from rlsaudit.report.changes import SIGNS, counted, is_opening, left_alone, openings, subject
from rlsaudit.report.finding import about, careful, evidence_sql, fix_sql, known, mending, who
from rlsaudit.report.markup import entities, fenced, prose, tag
from rlsaudit.report.set_aside import each as each_suppressed
from rlsaudit.report.set_aside import suppressed
from rlsaudit.report.verdict import beyond, beyond_intent, headline, incompleteness, missing, undecided
from rlsaudit.report.words import count, listed, server, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.model import Cell, Change, Finding, Report
    from rlsaudit.report.sql import Transcript

_RESERVE = 600
"""Bytes kept for the sentences that say what was cut."""
_NAME = 120
_NAMES = 4
_REASONS = 10
_ICONS = {
    Severity.CRITICAL: "🟥",
    Severity.HIGH: "🟧",
    Severity.MEDIUM: "🟨",
    Severity.LOW: "🟦",
    Severity.INFO: "⬜",
}


class _Room:
    """How many bytes are left. Bytes are never fewer than characters, however the place counts."""

    def __init__(self, most: int) -> None:
        self._left = most

    def takes(self, part: str) -> bool:
        size = len(part.encode()) + 2
        if size > self._left:
            return False
        self._left -= size
        return True


def leaflet(report: Report, *, most: int, marker: str = "") -> str:
    """Write the page, in at most `most` bytes.

    Args:
        report: The report, in order.
        most: What the place takes; at least 32 KiB.
        marker: A first line by which the page is found again.

    Returns:
        The page, ending in one newline.
    """
    head = "\n\n".join(filter(None, [marker, *_verdict(report)]))
    foot = "\n\n".join([*_gaps(report), _colophon(report)])
    room = _Room(most - _RESERVE)
    room.takes(head)
    room.takes(foot)
    parts = [head]
    parts += _changes(report, room)
    parts += _index(report.findings, room)
    parts += _told(report.findings, room)
    parts += _matrix(report, room)
    return "\n\n".join([*parts, foot]) + "\n"


def _verdict(report: Report) -> list[str]:
    gaps = missing(report)
    lines = [f"### rlsaudit: {prose(headline(report))}", counted(report)]
    lines.append(beyond(report) if report.findings else "")
    if gaps.anything:
        lines.append(f"⚠️ **{prose(incompleteness(gaps))}**")
    lines.append(left_alone(report))
    lines.append(suppressed(report))
    return lines


def _changes(report: Report, room: _Room) -> list[str]:
    """Write what differs from the base as a table: what was opened beyond intent in the open, the rest folded away."""
    opened = openings(report)
    rest = report.changes[len(opened) :]
    parts = []
    title = f"<b>Other changes of access</b>, compared with {prose(report.base or '', _NAME)}"
    for changes, folded in ((opened, False), (rest, True)):
        if not changes:
            continue
        cut, rows = "", ["| | who or what | before | after |", "|---|---|---|---|"]
        room.takes(_fold(title, rows))
        for place, change in enumerate(changes):
            row = _change(change)
            if not room.takes(row):
                cut = f"**… and {len(changes) - place} more changes, for which there is no room here.**"
                break
            rows.append(row)
        told = ["\n".join(rows), *([cut] if cut else [])]
        parts += [_fold(title, told)] if folded else told
    return parts


def _change(change: Change) -> str:
    sign = "🔓" if is_opening(change) else entities(SIGNS[change.direction])
    before, after = prose(change.before, _NAME), prose(change.after, _NAME)
    return f"| {sign} | {prose(shortened(subject(change), 2 * _NAME))} | {before} | {after} |"


def _index(findings: Sequence[Finding], room: _Room) -> list[str]:
    if not findings:
        return []
    rows = ["| | finding | where |", "|---|---|---|"]
    room.takes("\n".join(rows))
    for place, finding in enumerate(findings):
        icon = f"{_ICONS[finding.severity]} {finding.severity.value}"
        row = f"| {icon} | {prose(finding.title, _NAME)} | {tag(_where(finding))} |"
        if not room.takes(row):
            return ["\n".join(rows), f"**… and {len(findings) - place} more, for which there is no room here.**"]
        rows.append(row)
    return ["\n".join(rows)]


def _where(finding: Finding) -> str:
    place = finding.location
    return shortened(f"{place.file}:{place.line}" if place else about(finding), _NAME)


def _told(findings: Sequence[Finding], room: _Room) -> list[str]:
    parts = []
    for finding in findings:
        part = _fold(
            f"{_ICONS[finding.severity]} <b>{prose(finding.title, _NAME)}</b> {tag(shortened(finding.rule, _NAME))}",
            _finding(finding),
        )
        if room.takes(part):
            parts.append(part)
    left = len(findings) - len(parts)
    if left:
        number = count(left, "finding is", "findings are")
        parts.append(f"**{number} not told here: there is no room. The other formats tell all of them.**")
    return parts


def _finding(finding: Finding) -> list[str]:
    lines = [f"- **Who:** {prose(who(finding))}", f"- **Object:** {tag(about(finding))}"]
    if finding.location:
        lines.append(f"- **Opened in:** {tag(f'{finding.location.file}:{finding.location.line}')}")
    lines.append(f"- **Fingerprint:** {tag(finding.fingerprint)}")
    message = [prose(finding.message)] if finding.message not in {"", finding.title} else []
    evidence = [f"**Evidence:** {prose(known(finding))}", *_block(evidence_sql(finding))]
    fix = [f"**Fix:** {prose(mending(finding.fix))}", *_block(fix_sql(finding))]
    return ["\n".join(lines), *message, *evidence, *fix]


def _block(printed: Transcript) -> list[str]:
    note = careful(printed)
    return [*([fenced(printed.lines)] if printed.lines else []), *([prose(note)] if note else [])]


def _matrix(report: Report, room: _Room) -> list[str]:
    """Write the verdicts beyond intent as a table, if there is room for all of it."""
    rows = []
    for (persona, relation), group in groupby(report.matrix, key=lambda cell: (cell.persona, cell.relation)):
        cells = {cell.operation: cell for cell in group}
        if any(map(beyond_intent, cells.values())):
            shown = " | ".join(_cell(cells.get(operation)) for operation in Operation)
            rows.append(f"| {prose(persona, _NAME)} | {tag(shortened(relation, _NAME))} | {shown} |")
    if not rows:
        return []
    head = ["| persona | relation | select | insert | update | delete |", "|---|---|---|---|---|---|"]
    part = _fold("<b>Who reaches more than intended</b>", ["\n".join([*head, *rows])])
    if room.takes(part):
        return [part]
    return [f"**{count(len(rows), 'row')} of the matrix go beyond intent, for which there is no room here.**"]


def _cell(cell: Cell | None) -> str:
    if cell is None or undecided(cell):
        return "**unknown !**" if cell and beyond_intent(cell) else "unknown"
    chained = cell.escalated.decided and cell.escalated is not cell.reach
    word = entities(f"{cell.reach}>{cell.escalated}" if chained else cell.reach.value)
    return f"**{word} !**" if beyond_intent(cell) else word


def _gaps(report: Report) -> list[str]:
    gaps = missing(report)
    parts = []
    if gaps.reasons:
        reasons = [f"- {count(number, 'verdict')}: {prose(reason)}" for reason, number in gaps.reasons]
        parts.append(_fold("<b>Not decided</b>, which does not count as safe", [_list(reasons)]))
    if report.skipped:
        reasons = _by_reason((each.reason, each.what) for each in report.skipped)
        parts.append(_fold("<b>Skipped</b>", [_list(reasons)]))
    if report.suppressed:
        named = [f"- {prose(shortened(each, 2 * _NAME))}" for each in each_suppressed(report)]
        parts.append(_fold("<b>Suppressed</b>", [_list(named, "findings")]))
    return parts


def _by_reason(things: Iterable[tuple[str, str]]) -> list[str]:
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for reason, thing in things:
        reasons[shortened(reason, _NAME)].append(thing)
    return [
        f"- {prose(shortened(explained[0], _NAME))}"
        f"{f' and {len(explained) - 1} more' if len(explained) > 1 else ''}: {prose(reason)}"
        for reason, explained in reasons.items()
    ]


def _list(items: Sequence[str], what: str = "reasons") -> str:
    more = [f"- … and {len(items) - _REASONS} more {what}"] if len(items) > _REASONS else []
    return "\n".join([*items[:_REASONS], *more])


def _colophon(report: Report) -> str:
    target = report.target
    personas = listed([shortened(persona.name, _NAME) for persona in report.personas[:_NAMES]])
    more = f" and {len(report.personas) - _NAMES} more" if len(report.personas) > _NAMES else ""
    about_it = [f"{report.tool.name} {report.tool.version}", shortened(target.database, _NAME), server(target)]
    about_it += [f"as {personas}{more}" if personas else "as nobody", f"probe {target.probe}"]
    return f"<sub>{' · '.join(prose(words, _NAMES * _NAME) for words in about_it)}</sub>"


def _fold(summary: str, paragraphs: Sequence[str]) -> str:
    """Fold paragraphs away. The blank lines around them are what makes them Markdown again within HTML."""
    return "\n\n".join([f"<details><summary>{summary}</summary>", *paragraphs, "</details>"])
