"""What is not known: verdicts without an answer and what was left out, by reason. Silence is not an answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.report.text.page import DOUBT, Page, more
from rlsaudit.report.verdict import missing, undecided
from rlsaudit.report.words import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Report

_REASONS = 10
_EXAMPLES = 4


def write(page: Page, report: Report) -> None:
    """Write both lists, if there is anything to say."""
    gaps = missing(report)
    if gaps.verdicts:
        page.heading(f"NOT DECIDED: {gaps.verdicts} of {count(gaps.of, 'verdict')}")
        unknown = (cell for cell in report.matrix if undecided(cell))
        _by_reason(page, ((each.because, f"{each.persona}: {each.operation} on {each.relation}") for each in unknown))
    if gaps.skipped:
        page.heading(f"SKIPPED: {count(gaps.skipped, 'thing')}")
        _by_reason(page, ((each.reason, each.what) for each in report.skipped))


def _by_reason(page: Page, things: Iterable[tuple[str, str]]) -> None:
    """Write each reason with some of the things that it explains, the most frequent reason first."""
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for reason, thing in things:
        reasons[reason].append(thing)
    frequent = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    for reason, explained in frequent[:_REASONS]:
        page.prose(reason, lead=(f"{len(explained):>6}  ", DOUBT))
        for thing in explained[:_EXAMPLES]:
            page.prose(thing, indent=10)
        if len(explained) > _EXAMPLES:
            page.prose(*more(len(explained) - _EXAMPLES, "like these"), indent=10)
    if len(frequent) > _REASONS:
        page.prose(*more(len(frequent) - _REASONS, "reasons"), indent=2)
