"""The findings, worst first: who can do what, how that is known, and what mends it.

A finding begins in the first column and nothing else of it does: a name that is long enough to be wrapped cannot pass
for the beginning of another.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.report.finding import deed
from rlsaudit.report.set_aside import why
from rlsaudit.report.sql import transcript
from rlsaudit.report.text.page import DOUBT, GOOD, SEVERITIES, STRONG, Page, more
from rlsaudit.report.words import EVIDENCE, count, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.model import Evidence, Finding, Fix, Report

_MOST = {Severity.MEDIUM: 25, Severity.LOW: 15, Severity.INFO: 10}
"""How many findings are told in full. What is critical or high is never cut."""
_AT_A_GLANCE = 20
_FEW = 3
"""So many stand at the top of the report already."""
_RELATIONS = 8
_NAMED = 10
_ANSWER = 240


def write(page: Page, report: Report) -> None:
    """Write the findings, and name those that do not count: suppressed, or there before."""
    if report.findings:
        page.heading("FINDINGS")
        if len(report.findings) > _FEW:
            _at_a_glance(page, report.findings)
    for severity, group in groupby(report.findings, key=lambda finding: finding.severity):
        findings = list(group)
        most = _MOST.get(severity, len(findings))
        for finding in findings[:most]:
            page.gap()
            _finding(page, finding)
        if len(findings) > most:
            rules = Counter(finding.rule for finding in findings[most:])
            page.gap()
            page.prose(*more(len(findings) - most, f"{severity} findings"))
            page.prose(", ".join(f"{number} {rule}" for rule, number in rules.most_common(_RELATIONS)), indent=2)
    _named(page, "THERE BEFORE", report.existing)
    _named(page, "SUPPRESSED", report.suppressed, reasons=True)


def _named(page: Page, heading: str, findings: Sequence[Finding], *, reasons: bool = False) -> None:
    """Write findings that do not count: one line each, with the reasons below where they were set aside."""
    if not findings:
        return
    page.heading(f"{heading}: {count(len(findings), 'finding')}")
    rows = [(each.severity.value, each.rule, each.object.identity, each.title) for each in findings]
    page.table(["severity", "rule", "object", "title"], rows[:_NAMED])
    if len(rows) > _NAMED:
        page.prose(*more(len(rows) - _NAMED, "of these findings"), indent=2)
    told = Counter(why(each) for each in findings if reasons and each.suppression is not None)
    for reason, number in list(told.items())[:_NAMED]:
        page.prose(f"{count(number, 'finding')} {reason}", indent=2)


def _at_a_glance(page: Page, findings: Sequence[Finding]) -> None:
    rows = [
        ((each.severity.value, SEVERITIES[each.severity]), each.rule, each.title) for each in findings[:_AT_A_GLANCE]
    ]
    page.table(["severity", "rule", "finding"], rows)
    if len(findings) > _AT_A_GLANCE:
        page.prose(f"… and {len(findings) - _AT_A_GLANCE} more", indent=2)


def _finding(page: Page, finding: Finding) -> None:
    page.prose((finding.title, STRONG), lead=(finding.severity.upper(), SEVERITIES[finding.severity]), gap=2)
    page.labelled("rule", f"{finding.rule}, fingerprint {finding.fingerprint}")
    page.labelled("object", f"{finding.object.type.replace('_', ' ')} {finding.object.identity}")
    can, meant = deed(finding)
    page.labelled("who", (can, STRONG), meant)
    if finding.relations not in {(), (finding.object.identity,)}:
        page.labelled("rows of", ", ".join(finding.relations[:_RELATIONS]))
        if len(finding.relations) > _RELATIONS:
            page.labelled("", *more(len(finding.relations) - _RELATIONS, "relations"))
    if finding.location:
        page.labelled("opened in", f"{finding.location.file}:{finding.location.line}")
    if finding.message not in {"", finding.title}:
        page.labelled("why", finding.message)
    _evidence(page, finding.evidence)
    _fix(page, finding.fix)


def _evidence(page: Page, evidence: Evidence) -> None:
    page.labelled("evidence", EVIDENCE[evidence.kind])
    if evidence.result:
        page.labelled("answer", shortened(evidence.result, _ANSWER))
    _sql(page, evidence.sql)


def _fix(page: Page, fix: Fix) -> None:
    if not fix.sql.strip():
        page.labelled("fix", "none that SQL could express")
    elif fix.verified:
        page.labelled("fix", ("verified", GOOD), ": applied to a copy, and the finding was gone")
    else:
        page.labelled("fix", ("draft", DOUBT), ": not verified, read it before you run it")
    _sql(page, (fix.sql,))


def _sql(page: Page, statements: Sequence[str]) -> None:
    printed = transcript(statement for statement in statements if statement.strip())
    if not printed.lines:
        return
    page.code(printed.lines)
    if printed.escaped:
        note = "names with unseen or control characters are shown escaped: these lines do not run as they stand"
        page.labelled("careful", (note, DOUBT))
