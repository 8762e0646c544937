"""The rules, as SARIF describes them: what they find, why it matters, how it is mended."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.report.escape import printable
from rlsaudit.report.markup import entities, prose, span
from rlsaudit.report.sarif.log import Configuration, Descriptor, Level, Message
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Finding
    from rlsaudit.rules import Rule

LEVELS: dict[Severity, Level] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}

_SECURITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""What GitHub calls critical begins at 9.0, high at 7.0, medium at 4.0, low above 0. Info has none: it is no threat."""

_CODE = re.compile(r"`([^`]+)`")
_BREAK = re.compile(r"[-_\W]+")


def describe(findings: Iterable[Finding]) -> list[Descriptor]:
    """Describe every rule there is, and whatever else the findings name (a saved report may be of another version)."""
    known = all_rules()
    pages = project_url("Documentation").rstrip("/")
    strange = {each.rule: each for each in findings if each.rule not in known}
    described = [_known(rule, pages) for rule in known.values()]
    described += [_strange(each) for each in strange.values()]
    return sorted(described, key=lambda each: each.id)


def _known(rule: Rule, pages: str) -> Descriptor:
    return Descriptor(
        id=rule.id,
        name=_name(rule.id),
        short_description=Message(text=rule.summary),
        full_description=Message(text=f"{rule.summary} {rule.why}"),
        help=Message(
            text=f"Why it matters: {rule.why}\n\nHow to mend it: {rule.fix}\n\nWhen it is fine: {rule.fine}",
            markdown=(
                f"**Why it matters.** {_marked(rule.why)}\n\n**How to mend it.** {_marked(rule.fix)}\n\n"
                f"**When it is fine.** {_marked(rule.fine)}"
            ),
        ),
        help_uri=f"{pages}/rules/{rule.id}/" if pages else None,
        default_configuration=Configuration(level=LEVELS[rule.severity]),
        properties=_properties(rule.severity),
    )


def _strange(finding: Finding) -> Descriptor:
    words = finding.message or finding.title
    return Descriptor(
        id=printable(finding.rule),
        name=_name(printable(finding.rule)) or None,
        short_description=Message(text=printable(finding.title)),
        help=Message(text=printable(words), markdown=prose(words, code=span)),
        default_configuration=Configuration(level=LEVELS[finding.severity]),
        properties=_properties(finding.severity),
    )


def _properties(severity: Severity) -> dict[str, object]:
    properties: dict[str, object] = {"tags": ["security", "database", "access-control"], "precision": "high"}
    return properties | ({"security-severity": _SECURITY[severity]} if severity in _SECURITY else {})


def _name(rule_id: str) -> str:
    """Write the id as SARIF wants names: `rls-off` becomes `RlsOff`."""
    return "".join(word.capitalize() for word in _BREAK.split(rule_id))


def _marked(text: str) -> str:
    """Write a rule's text as Markdown: its code stays code, the rest is text."""
    return "".join(span(part) if place % 2 else entities(part) for place, part in enumerate(_CODE.split(text)))


def project_url(label: str) -> str:
    """Returns an address that the package declares (`[project.urls]`), empty without: none is made up."""
    try:
        declared = metadata("rlsaudit").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    urls: dict[str, str] = dict(str(each).partition(", ")[::2] for each in declared)
    return urls.get(label, "")
