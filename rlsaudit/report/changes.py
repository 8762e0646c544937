"""What differs from the base, in the words that several formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Direction
from rlsaudit.report.words import count

if TYPE_CHECKING:
    from rlsaudit.model import Change, Report

SIGNS = {Direction.MORE: "+", Direction.LESS: "-", Direction.INCOMPARABLE: "?"}
"""Which way access went, in a character."""


def is_opening(change: Change) -> bool:
    """Say whether a change opens what the intent does not allow."""
    return change.direction is Direction.MORE and not change.allowed


def openings(report: Report) -> tuple[Change, ...]:
    """Returns the changes that open what the intent does not allow."""
    return tuple(change for change in report.changes if is_opening(change))


def subject(change: Change) -> str:
    """Say what changed, and for whom: `anon: select on public.notes`, `function public.search(text)`."""
    if change.persona:
        return f"{change.persona}: {change.operation} on {change.what}"
    return f"{change.kind} {change.what}"


def step(change: Change) -> str:
    """Say what it was and what it is: `none -> all`."""
    return f"{change.before} -> {change.after}" if change.before else change.after


def counted(report: Report) -> str:
    """Count the changes by direction, in a sentence; empty where nothing was compared."""
    if report.base is None:
        return ""
    numbers = [sum(change.direction is direction for change in report.changes) for direction in Direction]
    more, less, incomparable = numbers
    if not report.changes:
        return "Access is the same as in the base."
    opened = len(openings(report))
    beyond = f" ({opened} beyond intent)" if opened else ""
    return f"Access changed: {more} more{beyond}, {less} less, {incomparable} that cannot be compared."


def left_alone(report: Report) -> str:
    """Say how many findings were there before, in a sentence; empty if none was."""
    number = len(report.existing)
    return f"There before, and left alone: {count(number, 'finding')}." if number else ""
