"""What trying came to, for people: the findings in a table, and why drafts are drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.fix.model import Outcome
from rlsaudit.report.text.page import DOUBT, GOOD, SEVERITIES, STRONG, Page
from rlsaudit.report.words import count, shortened

if TYPE_CHECKING:
    from rlsaudit.fix.model import Mended
    from rlsaudit.report import Screen

_SAID = {
    Outcome.VERIFIED: ("verified", GOOD),
    Outcome.SPARED: ("gone with others", GOOD),
    Outcome.DRAFT: ("draft", DOUBT),
    Outcome.NONE: ("no fix", DOUBT),
}
_CLAUSE = 300


def summary(done: Mended, screen: Screen) -> str:
    """Returns what became of each finding, in lines for a screen."""
    page = Page(screen)
    if not done.tried:
        page.prose("Nothing was found, so there is nothing to mend.")
        return page.text()
    mended = sum(one.is_mended for one in done.tried)
    page.prose((f"{mended} of {count(len(done.tried), 'finding')} mended", STRONG), ", each fix tried on a copy.")
    page.gap()
    rows = [
        (
            (one.finding.severity.value, SEVERITIES[one.finding.severity]),
            _SAID[one.outcome],
            one.finding.rule,
            one.finding.title,
        )
        for one in done.tried
    ]
    page.table(["severity", "fix", "rule", "finding"], rows)
    left = [one for one in done.tried if not one.is_mended]
    if left:
        page.heading("NOT MENDED")
    for one in left:
        page.prose(f"{one.finding.rule}: {one.finding.title}")
        for why in one.because:
            page.prose(shortened(why, _CLAUSE), indent=2, lead="-", gap=1)
    page.gap()
    page.prose("Nothing was applied to the database.")
    return page.text()
