"""Fixes, tried one after another: each on top of those that were kept, worst finding first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.compare import compare
from rlsaudit.fix.bench import Bench, RefusedError
from rlsaudit.fix.judge import objections, remains
from rlsaudit.fix.migration import fix_lines, migration
from rlsaudit.fix.model import Mended, Outcome, Tried
from rlsaudit.migrations.split import split
from rlsaudit.model import Direction, Operation, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from rlsaudit.compare import Side
    from rlsaudit.model import Change, Finding
    from rlsaudit.rules import Case
    from rlsaudit.source import Standing

_BY_HAND = "no SQL is known that would mend it: the page of its rule says what to do"
_UNSEEN = "its names cannot be written out so that they are seen and the lines still run"


def mended(
    standing: Standing,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    wanted: Callable[[Finding], bool] = lambda _: True,
) -> Mended:
    """Tries the fix of each finding on copies of the database that stands for what was audited.

    In the end the migration is applied as a whole to another copy: what does not hold there is no more than a draft.

    Args:
        standing: The audit, and the database.
        progress: Told how many findings are done, of how many.
        wanted: Which findings are to be mended.
    """
    begun = standing.side.report
    report = replace(begun, findings=tuple(one for one in begun.findings if wanted(one)))
    if not report.findings:
        return Mended(report, ())
    with Bench(standing) as bench:
        trying = _Trying(bench, standing)
        tried = []
        for number, finding in enumerate(report.findings):
            progress(number, len(report.findings) + 1)
            tried.append(trying.one(finding))
        tried = trying.again(tried)
        return trying.whole(Mended(report, tuple(tried)))


class _Trying:
    def __init__(self, bench: Bench, standing: Standing) -> None:
        self._bench = bench
        self._doubts = standing.doubts
        self._begun = self._now = bench.before()
        self._kept: list[Finding] = []

    def one(self, finding: Finding) -> Tried:
        """Tries a finding's fix."""
        doubt = next((why for name in finding.relations if (why := self._doubts.of(name))), self._doubts.everything)
        if doubt:
            return Tried(finding, Outcome.DRAFT, (f"it was not tried: {doubt}",))
        if not _is_in(self._begun, finding):
            return Tried(finding, Outcome.DRAFT, ("it was not tried: the copy does not have the finding",))
        if not remains(self._now, finding):
            return Tried(finding, Outcome.SPARED, (f"gone with the fix of {self._by(finding)}",))
        if not any(split(finding.fix.sql)):
            return Tried(finding, Outcome.NONE, (_BY_HAND,))
        if fix_lines(finding).escaped:
            return Tried(finding, Outcome.DRAFT, (_UNSEEN,))
        try:
            after = self._bench.attempt(finding.fix.sql)
        except RefusedError as error:
            return Tried(finding, Outcome.DRAFT, (str(error),))
        changes = compare(self._now, after).changes
        against = (*objections(self._now, after, finding), *_may_be_meant(self._now.case, finding, changes))
        if against:
            self._bench.undo()
            return Tried(finding, Outcome.DRAFT, against)
        self._bench.keep()
        closed = tuple(one for one in changes if one.direction is Direction.LESS)
        self._now = after
        self._kept.append(finding)
        return Tried(finding, Outcome.VERIFIED, closed=closed)

    def again(self, tried: list[Tried]) -> list[Tried]:
        """Tries drafts once more where a fix that was kept since has to do with the same relations."""
        # Facts that are merely worth knowing are about everything.
        kept = [
            number
            for number, one in enumerate(tried)
            if one.outcome is Outcome.VERIFIED and one.finding.severity > Severity.INFO
        ]
        return [
            self.one(one.finding)
            if one.outcome is Outcome.DRAFT
            and any(number < later and _touch(one.finding, tried[later].finding) for later in kept)
            else one
            for number, one in enumerate(tried)
        ]

    def whole(self, done: Mended) -> Mended:
        """Applies what the migration says to the database as it was, and looks whether it holds."""
        if not self._kept:
            return done
        try:
            after = self._bench.attempt(migration(done), afresh=True)
            against = objections(self._begun, after)
        except RefusedError as error:
            return _taken_back(done, (), (f"the migration as a whole did not hold: {error}",))
        gone = {one.finding.fingerprint for one in done.tried if one.is_mended and not remains(after, one.finding)}
        if against:
            return _taken_back(done, (), tuple(f"the migration as a whole did not hold: {one}" for one in against))
        return _taken_back(done, gone, ("it is there again after the migration as a whole",))

    def _by(self, finding: Finding) -> str:
        near = [one for one in self._kept if _touch(one, finding)] or self._kept
        return ", ".join(f"{one.rule} of {one.object.identity}" for one in near)


def _is_in(side: Side, finding: Finding) -> bool:
    return any(one.fingerprint == finding.fingerprint for one in side.report.findings)


_MEANT = {"cell", "bucket", "role"}


def _may_be_meant(case: Case, finding: Finding, changes: Iterable[Change]) -> Iterator[str]:
    """What is of medium severity or less may be meant as long as nobody says so or not: whom the fix would shut out."""
    shut = [
        one for one in changes if one.kind in _MEANT and one.direction is Direction.LESS and not _is_declared(case, one)
    ]
    if finding.severity < Severity.HIGH and shut:
        one = shut[0]
        who = f"{one.persona} would reach less of {one.what} ({one.operation}: " if one.persona else f"{one.what} ("
        yield f"it may be meant: {who}{one.before} → {one.after}); declare it in the intent file, or else run this"


def _is_declared(case: Case, change: Change) -> bool:
    """Whether the user's own intent file says how far the persona is meant to get there."""
    return change.kind == "cell" and any(
        case.intent.declared(one.name, change.what, Operation(change.operation), role=one.role)
        for one in case.personas
        if one.name == change.persona
    )


def _touch(one: Finding, other: Finding) -> bool:
    return not {one.object.identity, *one.relations}.isdisjoint({other.object.identity, *other.relations})


def _taken_back(done: Mended, hold: Collection[str], because: tuple[str, ...]) -> Mended:
    tried = tuple(
        replace(one, outcome=Outcome.DRAFT, because=because, closed=())
        if one.is_mended and one.finding.fingerprint not in hold
        else one
        for one in done.tried
    )
    return replace(done, tried=tried)
