"""GitLab's code quality report: one JSON array, which the merge request's widget reads.

What was there before the change is in it as well, for GitLab compares with the target branch for itself.

GitLab drops entries whose fingerprint it has seen in the same file, so each is unique here. It has no place for what
was not decided; that is an entry of its own, for an empty array would say that all is well. Nor has it one for what is
suppressed, which is another.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from rlsaudit.model import Severity
from rlsaudit.report.escape import printable, visible_json
from rlsaudit.report.finding import who
from rlsaudit.report.format import Format
from rlsaudit.report.place import DATABASE, stand_in
from rlsaudit.report.set_aside import each as each_suppressed
from rlsaudit.report.set_aside import suppressed
from rlsaudit.report.verdict import shortfall
from rlsaudit.report.words import shortened

if TYPE_CHECKING:
    from rlsaudit.model import Finding, Report
    from rlsaudit.report.format import Screen

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_DESCRIPTION = 1000


def _render(report: Report, _: Screen) -> str:
    seen: Counter[str] = Counter()
    entries = [_entry(finding, seen) for finding in (*report.findings, *report.existing)]
    if sentence := shortfall(report):
        entries.append(_remark("rlsaudit-incomplete", sentence, Severity.MEDIUM))
    if sentence := suppressed(report):
        words = shortened(" ".join([sentence, *each_suppressed(report)]), _DESCRIPTION)
        entries.append(_remark("rlsaudit-suppressed", words, Severity.INFO))
    return visible_json(json.dumps(entries, indent=2, ensure_ascii=False)) + "\n"


def _entry(finding: Finding, seen: Counter[str]) -> dict[str, Any]:
    place = finding.location
    seen[finding.fingerprint] += 1
    return {
        "description": shortened(printable(f"{finding.title}. {who(finding)}."), _DESCRIPTION),
        "check_name": printable(finding.rule),
        "fingerprint": _digest(f"{finding.fingerprint}\0{seen[finding.fingerprint]}"),
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": printable(place.file) if place else stand_in(finding),
            "lines": {"begin": place.line if place else 1},
        },
    }


def _remark(name: str, sentence: str, severity: Severity) -> dict[str, Any]:
    return {
        "description": sentence,
        "check_name": name,
        "fingerprint": _digest(name),
        "severity": _SEVERITIES[severity],
        "location": {"path": DATABASE, "lines": {"begin": 1}},
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


FORMAT = Format(name="gitlab", summary="for GitLab: a code quality report", render=_render)
