"""What is not known: verdicts without an answer and what was left out, by reason. Silence is not an answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.report.text.page import DOUBT, Page, more
from rlsaudit.report.verdict import missing, undecided
from rlsaudit.report.words import brief, count, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.model import Cell, Report

_REASONS = 10
_EXAMPLES = 3


def write(page: Page, report: Report) -> None:
    """Write both lists, if there is anything to say."""
    gaps = missing(report)
    if gaps.verdicts:
        page.heading(f"NOT DECIDED: {gaps.verdicts} of {count(gaps.of, 'verdict')}")
        _by_reason(page, _unknown(report.matrix))
    if gaps.skipped:
        page.heading(f"SKIPPED: {count(gaps.skipped, 'thing')}")
        _by_reason(page, ((each.reason, each.what, 1) for each in report.skipped))


def _unknown(matrix: Iterable[Cell]) -> Iterable[tuple[str, str, int]]:
    """Yields a reason, who with which relation, and how many verdicts that is."""
    reasons: defaultdict[str, defaultdict[str, defaultdict[str, list[str]]]]
    reasons = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for cell in matrix:
        if undecided(cell):
            reasons[brief(cell.because)][cell.relation][cell.persona].append(cell.operation.value)
    for reason, relations in reasons.items():
        for relation, personas in relations.items():
            said = "; ".join(f"{who} {does}" for does, who in _same(personas))
            yield reason, f"{relation}: {said}", sum(map(len, personas.values()))


def _same(personas: dict[str, list[str]]) -> Iterable[tuple[str, str]]:
    """Yields what could not be decided, and for whom: personas of whom the same is said are named together."""
    deeds: defaultdict[str, list[str]] = defaultdict(list)
    for persona, operations in personas.items():
        deeds[", ".join(operations)].append(persona)
    return ((operations, listed(who)) for operations, who in deeds.items())


def _by_reason(page: Page, things: Iterable[tuple[str, str, int]]) -> None:
    """Write each reason with some of the things that it explains, the most frequent reason first."""
    reasons: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for reason, thing, number in things:
        reasons[reason].append((thing, number))
    frequent = sorted(reasons.items(), key=lambda item: (-_total(item[1]), item[0]))
    for reason, explained in frequent[:_REASONS]:
        page.prose(reason, lead=(f"{_total(explained):>6}  ", DOUBT))
        for thing, _ in explained[:_EXAMPLES]:
            page.prose(thing, indent=10)
        if len(explained) > _EXAMPLES:
            page.prose(*more(_total(explained[_EXAMPLES:]), "like these"), indent=10)
    if len(frequent) > _REASONS:
        page.prose(*more(len(frequent) - _REASONS, "reasons"), indent=2)


def _total(explained: Sequence[tuple[str, int]]) -> int:
    return sum(number for _, number in explained)
