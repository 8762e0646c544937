"""Findings about the entries of the intent file that set findings aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Reach
from rlsaudit.rules.build import Who, finding

if TYPE_CHECKING:
    from rlsaudit.intent import SuppressRule
    from rlsaudit.model import Finding
    from rlsaudit.rules.rule import Rule

NOBODY = Who("public", "all", Reach.NONE, Reach.NONE)
"""These findings are about what is written down: nobody reaches anything by it."""


def about(rule: Rule, entry: SuppressRule, *, title: str, message: str, result: str) -> Finding:
    """Returns a finding of `rule` about an entry; `result` is what the audit shows of it."""
    return finding(
        rule,
        ObjectRef("intent", f"suppress {named(entry)}"),
        NOBODY,
        title=title,
        message=message,
        evidence=Evidence(EvidenceKind.CATALOG, (), result),
        fix="",
    )


def named(entry: SuppressRule) -> str:
    """What an entry sets aside, in the words of the file: its number changes with whatever stands before it."""
    parts = [", ".join(entry.rules), "of", ", ".join(entry.objects)]
    if entry.personas:
        parts += ["for", ", ".join(entry.personas)]
    if entry.fingerprint:
        parts.append(f"({entry.fingerprint})")
    return " ".join(parts)
