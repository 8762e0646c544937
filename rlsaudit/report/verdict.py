"""What the report comes to, in sentences: the headline, and what is missing before anyone may feel safe.

The counts are the report's own. They are not believed when the matrix or a list knows of more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.report.changes import counted, openings
from rlsaudit.report.words import brief, count, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Cell, Finding, Report, Summary

NOTHING_COMPARED = "No verdict: no relation is exposed to any persona, so nothing was compared with intent."

_WORST_FIRST = tuple(reversed(Severity))


@dataclass(frozen=True, slots=True)
class Missing:
    """Why the answer is not whole: verdicts not reached, and things left out.

    `reasons` are in brief, the most frequent first.
    """

    verdicts: int
    of: int
    reasons: tuple[tuple[str, int], ...]
    skipped: int

    @property
    def anything(self) -> bool:
        """Whether the answer is not whole."""
        return self.verdicts > 0 or self.skipped > 0


def undecided(cell: Cell) -> bool:
    """Say whether the verdict is missing. That chains of statements were not followed is said once, in a note."""
    return not cell.reach.decided


def beyond_intent(cell: Cell) -> bool:
    """Say whether a cell certainly goes beyond intent: by direct reach, by escalation, or by its lower bound."""
    if not cell.intended.decided:
        return False
    certain = [reach for reach in (cell.reach, cell.escalated, cell.escalated_at_least, cell.at_least) if reach.decided]
    return any(reach > cell.intended for reach in certain)


def missing(report: Report) -> Missing:
    """Count what is missing."""
    reasons = Counter(brief(cell.because) for cell in report.matrix if undecided(cell))
    return Missing(
        verdicts=max(report.summary.unknown, reasons.total()),
        of=max(report.summary.cells, len(report.matrix)),
        reasons=tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        skipped=max(report.summary.skipped, len(report.skipped)),
    )


def clean(report: Report) -> bool:
    """Say whether one may feel safe: nothing found, nothing beyond intent, and nothing missing."""
    gaps = missing(report)
    return not (
        _counts(report.summary, report.findings)
        or report.existing
        or openings(report)
        or gaps.anything
        or gaps.of == 0
        or any(beyond_intent(cell) or not cell.intended.decided for cell in report.matrix)
    )


def headline(report: Report) -> str:
    """Say in one sentence what was found. It speaks of safety only if nothing is missing.

    Where no more than what is new counts, it speaks of that.
    """
    counts = _counts(report.summary, report.findings)
    opened = len(openings(report))
    if counts or opened:
        return _found(report, counts, opened)
    if report.only_new and not clean(report):
        gaps = missing(report)
        ending = ", but part of the answer is missing" if gaps.anything else ""
        return f"No new finding, and no new access beyond intent{ending}."
    beyond_it = sum(map(beyond_intent, report.matrix))
    if beyond_it:
        return f"No finding, but {count(beyond_it, 'verdict goes', 'verdicts go')} beyond intent."
    gaps = missing(report)
    if gaps.of == 0:
        return NOTHING_COMPARED
    if clean(report):
        return f"No access beyond intent: {count(gaps.of, 'verdict')}, none missing, nothing skipped."
    return "No finding in what was audited, but part of the answer is missing."


def _found(report: Report, counts: dict[Severity, int], opened: int) -> str:
    new = "new " if report.only_new else ""
    parts = []
    if counts:
        each = ", ".join(f"{number} {severity}" for severity, number in counts.items())
        parts.append(f"{count(sum(counts.values()), f'{new}finding')} ({each})")
    if opened:
        parts.append(f"{count(opened, 'change opens', 'changes open')} more than intended")
    grave = opened or max(counts) >= Severity.MEDIUM
    beginning = "Access goes beyond intent" if grave else f"No {new}finding above {max(counts)}"
    return f"{beginning}: {', and '.join(parts)}."


def beyond(report: Report) -> str:
    """Say how many verdicts go beyond intent, in a sentence; empty if none does."""
    number = sum(map(beyond_intent, report.matrix))
    if not number:
        return ""
    total = count(max(report.summary.cells, len(report.matrix)), "verdict")
    return f"Beyond intent: {number} of {total}."


def tally(findings: Iterable[Finding]) -> str:
    """Count findings by severity, worst first: `1 high, 2 low`."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(f"{counts[severity]} {severity}" for severity in _WORST_FIRST if counts[severity])


def _counts(summary: Summary, findings: tuple[Finding, ...]) -> dict[Severity, int]:
    present = Counter(finding.severity for finding in findings)
    counts = {severity: max(getattr(summary, severity.value), present[severity]) for severity in _WORST_FIRST}
    return {severity: number for severity, number in counts.items() if number}


def incompleteness(gaps: Missing) -> str:
    """Say what is missing and why, in a sentence; empty if nothing is."""
    parts = []
    if gaps.verdicts:
        parts.append(f"{gaps.verdicts} of {count(gaps.of, 'verdict')} {'is' if gaps.verdicts == 1 else 'are'} missing")
    if gaps.skipped:
        parts.append(f"{count(gaps.skipped, 'thing was', 'things were')} skipped")
    return f"Incomplete: {listed(parts)}. What is not known does not count as safe." if parts else ""


def shortfall(report: Report) -> str:
    """Say why an empty list of findings is no all-clear, in a sentence; empty if it is one.

    For formats that hold findings and nothing else, where silence would pass for safety.
    """
    gaps = missing(report)
    if gaps.of == 0:
        return NOTHING_COMPARED
    explained = report.findings or report.only_new
    opened = f"{headline(report)} {counted(report)}" if openings(report) and not report.findings else ""
    sentences = [opened, "" if explained else beyond(report), incompleteness(gaps)]
    return " ".join(filter(None, sentences))
