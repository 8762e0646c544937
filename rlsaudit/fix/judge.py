"""Whether a fix may be kept: from the audit before it and the one after it, cell by cell and finding by finding.

It is kept where the finding is gone, no new one came, none got worse, and whoever reached rows within the intent still
does. What cannot be told counts against it: `unknown` is neither mended nor unharmed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.compare import compare
from rlsaudit.model import Direction, Operation, Reach, Severity
from rlsaudit.policy.decide import decide
from rlsaudit.rules.beyond_intent import without_chosen
from rlsaudit.rules.wording import ROWS, VERBS, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.compare import Side
    from rlsaudit.model import Cell, Finding
    from rlsaudit.rules import Case


def objections(before: Side, after: Side, finding: Finding | None = None) -> tuple[str, ...]:
    """Returns what speaks against keeping what was done between two audits, as clauses; nothing where it is good.

    Args:
        before: The audit without the fix.
        after: The audit with it.
        finding: What it was to mend; None where it is asked only whether there is any harm.
    """
    pairs = list(_pairs(before, after))
    return (
        *(_stays(after, pairs, finding) if finding is not None else ()),
        *_comes(before, after),
        *_opens(pairs),
        *_lets(before, after),
        *_takes(before, after, pairs),
    )


_Pair = tuple["Cell | None", "Cell | None"]


def _pairs(before: Side, after: Side) -> Iterator[_Pair]:
    """Each cell with what it was or has become; a persona on one side only goes with the one of its role's name."""
    old = {(one.persona, one.relation, one.operation): one for one in before.report.matrix}
    new = {(one.persona, one.relation, one.operation): one for one in after.report.matrix}
    casts = [{persona for persona, _, _ in side} for side in (old, new)]
    for key, cell in old.items():
        yield cell, new.get(key if cell.persona in casts[1] else (cell.role, *key[1:]))
    for key, cell in new.items():
        if key not in old:
            yield old.get((cell.role, *key[1:])) if cell.persona not in casts[0] else None, cell


def _stays(after: Side, pairs: list[_Pair], finding: Finding) -> Iterator[str]:
    if any(one.fingerprint == finding.fingerprint for one in after.report.findings):
        yield "the finding is still there after it"
        return
    concerned = {*finding.relations, finding.object.identity}
    doubtful = [
        now
        for was, now in pairs
        if was is not None and now is not None and now.relation in concerned and was.at_least > was.intended
        if now.at_least <= now.intended < now.at_most
    ]
    if doubtful:
        one = doubtful[0]
        yield f"whether it keeps {one.persona} from {one.relation} ({one.operation}) is not known: {one.because}"


def _comes(before: Side, after: Side) -> Iterator[str]:
    """Findings that are new or worse. What is worth knowing and no more may come."""
    known = {one.fingerprint: one.severity for one in before.report.findings}
    for one in after.report.findings:
        if one.severity > known.get(one.fingerprint, Severity.INFO):
            what = "gets worse" if one.fingerprint in known else "comes instead"
            yield f"a finding {what}: {one.rule}, {one.severity}: {one.title}"


def _opens(pairs: list[_Pair]) -> Iterator[str]:
    for was, now in pairs:
        if now is None:
            continue
        least, most = (was.at_least, was.at_most) if was is not None else (Reach.NONE, Reach.NONE)
        what = f"{now.relation} to {now.persona} ({now.operation})"
        if now.at_least > max(least, now.intended):
            yield f"it opens {what}: {now.at_least}"
        elif now.at_most > max(most, now.intended):
            yield f"it may open {what}: {now.because}"
        elif now.escalated_at_least > max(was.escalated_at_least if was else Reach.NONE, now.intended, now.at_least):
            yield f"it opens {what} by a chain: {now.escalated_because}"


def _lets(before: Side, after: Side) -> Iterator[str]:
    """What is no cell: functions, publications, buckets and roles."""
    for one in compare(before, after).changes:
        if one.kind != "cell" and one.direction is Direction.MORE:
            yield f"it opens the {one.kind} {one.what}: {one.before} → {one.after}"


def _takes(before: Side, after: Side, pairs: list[_Pair]) -> Iterator[str]:
    """What the intent allows, worked before, and does not work any more."""
    lost: defaultdict[tuple[str, str, Reach, str], list[str]] = defaultdict(list)
    for was, now in pairs:
        if was is None:
            continue
        meant = now.intended if now is not None else was.intended
        floor = min(_unaided(before.case, was), meant) if meant.decided else was.at_least
        got = now.at_least if now is not None else Reach.NONE
        tried = floor if was.attacked is None else min(was.attacked, floor)
        if got < floor and not _by_parent(after, was, floor):
            most = now.at_most if now is not None else Reach.NONE
            why = "" if now is None or most < floor else f", as far as is known: {now.because}"
            lost[was.persona, was.relation, floor, why].append(VERBS[was.operation])
        elif now is not None and now.attacked is not None and now.attacked < tried and got >= floor:
            why = ": policies would allow it, but it failed when it was tried with rows made for it"
            lost[was.persona, was.relation, tried, why].append(VERBS[was.operation])
        elif now is not None and floor is not Reach.NONE and (columns := _lost_columns(before.case, was, now)):
            yield f"{was.persona} could no longer {VERBS[was.operation]} {listed(columns)} of {was.relation}"
    for (persona, relation, floor, why), verbs in lost.items():
        yield f"{persona} could no longer {listed(verbs)} {ROWS[floor]} of {relation}{why}"


def _unaided(case: Case, cell: Cell) -> Reach:
    """How far the persona surely gets without values that a client writes itself: those open what nobody was given."""
    relation = _relation(case, cell)
    if relation is None:
        return cell.at_least
    way = case.matrix.direct.get((cell.persona, relation.oid, cell.operation))
    if way is None or not way.chosen or way.at_least < cell.at_least:
        return cell.at_least
    persona = case.persona(cell.persona)
    asked = case.predicates.check if cell.operation is Operation.INSERT else case.predicates.using
    formula = asked(persona, case.role(persona).oid, relation, cell.operation)
    return min(cell.at_least, decide(without_chosen(formula)).at_least)


def _by_parent(after: Side, was: Cell, floor: Reach) -> bool:
    """Whether the rows of a partition or child are still reached by the name of what it is a part of."""
    case = after.case
    relation = _relation(case, was)
    waiting = list(case.catalog.parents[relation.oid]) if relation is not None else []
    seen = set[int]()
    while waiting:
        oid = waiting.pop()
        parent = case.catalog.relations.get(oid)
        if parent is None or oid in seen:
            continue
        seen.add(oid)
        waiting.extend(case.catalog.parents[oid])
        cell = case.matrix.by_key.get((was.persona, case.catalog.identity(parent), was.operation))
        if cell is not None and cell.at_least >= floor:
            return True
    return False


def _lost_columns(case: Case, was: Cell, now: Cell) -> list[str]:
    """Columns that are no longer reached, apart from those by which the persona let itself in elsewhere."""
    relation = _relation(case, was)
    if relation is None or now.columns is None:
        return []
    every = [one.name for one in case.catalog.columns[relation.oid] if not one.generated]
    had = every if was.columns is None else was.columns
    letting_in = {
        column
        for key, steps in case.matrix.steps.items()
        if key[0] == was.persona
        for step in steps
        if step.relation == relation.oid
        for column in step.columns
    }
    return [one for one in had if one not in now.columns and one not in letting_in]


def _relation(case: Case, cell: Cell) -> Relation | None:
    return next((one for one in case.exposed if case.catalog.identity(one) == cell.relation), None)
