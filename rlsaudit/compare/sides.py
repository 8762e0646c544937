"""Puts two audits side by side and says what is new."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rlsaudit.compare.cells import compare_cells
from rlsaudit.compare.objects import compare_objects
from rlsaudit.model import Change, Direction, Operation, Severity, by_severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from rlsaudit.model import Finding, Report, Summary
    from rlsaudit.rules import Case


_OF_CELLS = frozenset({"all", *(one.value for one in Operation)})
"""What a finding's operation is where it is about cells of the matrix, and not about TRUNCATE or EXECUTE."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two audits: its report, and what it rests on.

    `scripts` are the migrations that it was made from, by name, each with a digest of what is in it; empty where it was
    not made from migrations.
    """

    report: Report
    case: Case
    scripts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, and which of the findings are new.

    `new` are findings of `after` that were not there before, got worse, or whose relations opened further than they
    were; `old` the others: they were there before, so they are counted and left. `gone` are those of `before` alone.
    """

    changes: tuple[Change, ...]
    new: tuple[Finding, ...]
    old: tuple[Finding, ...]
    gone: tuple[Finding, ...]


def compare(before: Side, after: Side) -> Comparison:
    """Returns what differs between two audits of the same kind of database."""
    roles = [one.role for one in (*before.report.personas, *after.report.personas)]
    changes = (
        *compare_cells(before.report.matrix, after.report.matrix),
        *compare_objects(before.case.catalog, after.case.catalog, roles),
    )
    paths = {(one.persona, one.relation, one.operation.value): one.paths for one in after.report.matrix}
    opened: defaultdict[str, set[str]] = defaultdict(set)
    for one in changes:
        if one.direction is Direction.MORE and not one.allowed:
            opened[one.what].update(paths.get((one.persona, one.what, one.operation), ()))
    known = {one.fingerprint: one for one in before.report.findings}
    new = tuple(one for one in after.report.findings if _is_new(one, known.get(one.fingerprint), opened))
    kept = {one.fingerprint for one in after.report.findings}
    return Comparison(
        changes=_with_accepted(changes, before.report, after.report),
        new=new,
        old=tuple(one for one in after.report.findings if one not in new),
        gone=tuple(one for one in before.report.findings if one.fingerprint not in kept),
    )


def _with_accepted(changes: tuple[Change, ...], before: Report, after: Report) -> tuple[Change, ...]:
    """The changes, those taken for allowed that a finding is about which is new and was set aside with them.

    Not where the same finding was there before: what was accepted then was less.
    """
    known = {one.fingerprint for one in (*before.findings, *before.suppressed)}
    accepted = {name for one in after.suppressed if one.fingerprint not in known for name in one.relations}
    return tuple(replace(one, allowed=True) if one.what in accepted else one for one in changes)


def _is_new(finding: Finding, known: Finding | None, opened: Mapping[str, Collection[str]]) -> bool:
    """Whether a finding was not there, is graver, or about what opened: relations, with what leads to them by now."""
    if known is None or finding.severity > known.severity:
        return True
    if joined(finding, known.relations):
        return True
    # The same fault may let somebody do more than before: a table without RLS that is now granted to be written.
    return any(opens(finding, opened[one]) for one in finding.relations if one in opened)


def opens(finding: Finding, paths: Collection[str]) -> bool:
    """Whether a finding is about what is open of its relations, where `paths` lead to the rows beside their own names.

    A function leads there, while who may TRUNCATE is told by no cell. What keeps somebody out opens nothing.
    """
    return not _closes(finding) and (finding.operation in _OF_CELLS or finding.object.identity in paths)


def joined(finding: Finding, relations: Collection[str]) -> bool:
    """Returns whether a finding is about more than these relations, also where no cell tells what it opens of them.

    Not if it is of level info: facts of that kind may be of every table, whoever makes one.
    """
    opening = finding.severity > Severity.INFO and not _closes(finding)
    return opening and not set(finding.relations) <= set(relations)


def _closes(finding: Finding) -> bool:
    return finding.reach.decided and finding.intended.decided and finding.reach <= finding.intended


def compared(before: Side, after: Side, name: str) -> Report:
    """Returns the report of `after` with what is new in it as its findings; `name` is what the base is called."""
    found = compare(before, after)
    return replace(
        after.report,
        summary=counted(after.report.summary, found.new),
        findings=found.new,
        existing=found.old,
        changes=found.changes,
        base=name,
    )


def counted(summary: Summary, findings: Iterable[Finding]) -> Summary:
    """Returns a summary with the findings counted that are given."""
    return replace(summary, **by_severity(findings))
