"""Exit codes: a promise to CI, explained in `docs/report.md`."""

from __future__ import annotations

from rlsaudit.model import Direction, Report, Severity

CLEAN = 0
FINDINGS = 1
COULD_NOT_AUDIT = 2
IN_PART = 3


def exit_code(report: Report, fail_on: Severity, *, strict: bool) -> int:
    """Returns the exit code for a report: findings weigh more than gaps.

    Compared with a base, access that is new, that the intent does not allow and that no finding speaks of counts too.
    """
    told = {relation for one in (*report.findings, *report.existing) for relation in one.relations}
    opened = any(one.direction is Direction.MORE and not one.allowed and one.what not in told for one in report.changes)
    if opened or any(one.severity >= fail_on for one in report.findings):
        return FINDINGS
    return IN_PART if strict and (report.summary.unknown or report.summary.skipped) else CLEAN
