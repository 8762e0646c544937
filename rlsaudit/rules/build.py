"""Puts a finding together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, Finding, Fix, ObjectRef, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.model import Cell, Severity
    from rlsaudit.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Who:
    """Who gets how far: a persona's name or `public`, an operation or `all`, and what was intended."""

    persona: str
    operation: str
    reach: Reach
    intended: Reach


def worst(cells: Iterable[Cell]) -> Who:
    """Returns who needs the least to get beyond intent, and how far that persona gets with what.

    `cells` come least privileged persona first, and there is at least one.
    """
    listed = list(cells)
    mine = [one for one in listed if one.persona == listed[0].persona]
    operations = {one.operation.value for one in mine}
    widest = max(mine, key=lambda one: one.at_least)
    return Who(
        persona=mine[0].persona,
        operation=operations.pop() if len(operations) == 1 else "all",
        reach=widest.at_least,
        intended=widest.intended,
    )


def finding(  # noqa: PLR0913 — a finding has that many parts, each named
    rule: Rule,
    ref: ObjectRef,
    who: Who,
    *,
    title: str,
    message: str,
    evidence: Evidence,
    fix: str,
    relations: Iterable[str] = (),
    severity: Severity | None = None,
) -> Finding:
    """Returns a finding of `rule`, of its severity where none is given.

    The fingerprint is of the rule and the object alone, so that it stays the same as long as the fault does: whatever
    its severity, its wording, its place in the list.
    """
    identified = f"{rule.id}\x00{ref.type}\x00{ref.identity}".encode("utf-8", "surrogatepass")
    return Finding(
        rule=rule.id,
        severity=severity or rule.severity,
        title=title,
        message=message,
        object=ref,
        relations=tuple(dict.fromkeys(relations)),
        persona=who.persona,
        operation=who.operation,
        reach=who.reach,
        intended=who.intended,
        evidence=evidence,
        fix=Fix(fix),
        fingerprint=hashlib.sha256(identified).hexdigest()[:16],
    )
