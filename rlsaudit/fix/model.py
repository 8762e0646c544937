"""What trying the fixes of a report came to."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.model import Change, Finding, Report, Severity


class Outcome(enum.StrEnum):
    """What became of a finding."""

    VERIFIED = "verified"
    """Its fix was applied to a copy: it is gone, and nothing else is worse."""
    SPARED = "spared"
    """It went with the fix of another one, so that its own is not needed."""
    DRAFT = "draft"
    """Its fix does not do, or takes something away that is meant."""
    NONE = "none"
    """There is no SQL for it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A finding and what trying its fix showed.

    `because` says why the fix is no more than a draft, or whose fix did it; `closed` is what the fix takes away, as
    lines for people, where it was kept.
    """

    finding: Finding
    outcome: Outcome
    because: tuple[str, ...] = ()
    closed: tuple[Change, ...] = ()

    @property
    def is_mended(self) -> bool:
        """Whether the finding is gone after the migration."""
        return self.outcome in {Outcome.VERIFIED, Outcome.SPARED}


@dataclass(frozen=True, slots=True)
class Mended:
    """The report that was begun with, what became of each of its findings, and what is left after all of it."""

    report: Report
    tried: tuple[Tried, ...]

    @property
    def marked(self) -> Report:
        """The report, with what is known of its fixes."""
        found = {one.finding.fingerprint: one for one in self.tried}
        return replace(
            self.report,
            findings=tuple(_marked(one, found[one.fingerprint]) for one in self.report.findings),
        )

    def left(self, level: Severity) -> tuple[Tried, ...]:
        """The findings at or above a severity that stay as they are."""
        return tuple(one for one in self.tried if not one.is_mended and one.finding.severity >= level)


def _marked(finding: Finding, tried: Tried) -> Finding:
    verified = tried.outcome is Outcome.VERIFIED
    fix = replace(finding.fix, verified=verified, tried=tried.outcome.value, because="; ".join(tried.because))
    return replace(finding, fix=fix)
