"""Findings that the intent file sets aside, in the words that several formats share: how many, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.report.escape import printable
from rlsaudit.report.finding import about
from rlsaudit.report.verdict import tally
from rlsaudit.report.words import count, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.model import Finding, Report

_REASON = 200


def suppressed(report: Report) -> str:
    """Say how many findings are suppressed, in a sentence; empty if none is."""
    found = report.suppressed
    return f"Suppressed and not counted: {count(len(found), 'finding')} ({tally(found)})." if found else ""


def why(finding: Finding) -> str:
    """Say until when a finding is set aside, and why: `until 2027-03-31: the old app reads it`."""
    if finding.suppression is None:
        return ""
    reason = shortened(printable(finding.suppression.reason), _REASON)
    return f"until {finding.suppression.expires.isoformat()}: {reason}"


def each(report: Report) -> Iterator[str]:
    """Yield a line for each that is suppressed: which rule, of what, until when, and why."""
    for finding in report.suppressed:
        reason = why(finding)
        named = f"{finding.severity.value}: {finding.rule} of {about(finding)}"
        yield printable(f"{named}, {reason}" if reason else named)
