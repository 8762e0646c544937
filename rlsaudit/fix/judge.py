"""Whether a fix may be kept: from the audit before it and the one after it, cell by cell and finding by finding.

It is kept where the finding is gone, no new one came, none got worse, and whoever reached rows within the intent still
does. What cannot be told counts against it: `unknown` is neither mended nor unharmed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.compare import compare
from rlsaudit.fix.besides import besides
from rlsaudit.fix.floor import given, relation_of
from rlsaudit.model import Direction, Operation, Reach, Severity
from rlsaudit.personas import is_unset
from rlsaudit.reach.family import ancestors
from rlsaudit.rules.wording import ROWS, VERBS, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.compare import Side
    from rlsaudit.model import Cell, Finding, Persona
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
        *besides(before.case, after.case),
    )


def remains(side: Side, finding: Finding) -> bool:
    """Whether an audit still has the finding; one that is left as a fact worth knowing, and no more, is mended."""
    found = [one.severity for one in side.report.findings if one.fingerprint == finding.fingerprint]
    return bool(found) and max(found) >= min(Severity.LOW, finding.severity)


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
    if remains(after, finding):
        yield "the finding is still there after it"
        return
    concerned = {*finding.relations, finding.object.identity}
    for was, now in pairs:
        if was is None or now is None or now.relation not in concerned or was.at_least <= was.intended:
            continue
        if now.at_least <= now.intended < now.at_most and _is_in_doubt(after.case, now, finding):
            yield f"whether it keeps {now.persona} from {now.relation} ({now.operation}) is not known: {now.because}"
            return


def _is_in_doubt(case: Case, cell: Cell, finding: Finding) -> bool:
    """Whether it is the fault itself of which nothing is known, and not another way to the rows."""
    relation = relation_of(case, cell)
    way = case.matrix.direct.get((cell.persona, relation.oid, cell.operation)) if relation is not None else None
    return finding.object.identity in cell.paths or not cell.paths or way is None or way.at_most > cell.intended


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
        floor = min(given(before.case, was), meant) if meant.decided else was.at_least
        if floor is Reach.OWN and is_unset(before.case.persona(was.persona)):
            # Whoever asks with nothing set is nobody, who has no rows of its own.
            floor = Reach.NONE
        if floor is Reach.NONE:
            if now is not None and _was_open(before.case, was, now):
                why = ", and whether it could before is not known"
                lost[was.persona, was.relation, Reach.OWN, why].append(VERBS[was.operation])
            continue
        got = now.at_least if now is not None else Reach.NONE
        if got < floor and not _by_parent(after.case, was, floor):
            most = now.at_most if now is not None else Reach.NONE
            why = "" if now is None or most < floor else f", as far as is known: {now.because}"
            lost[was.persona, was.relation, floor, why].append(VERBS[was.operation])
        elif now is not None and _failed(was, now):
            why = ": policies would allow it, but it failed when it was tried with rows made for it"
            lost[was.persona, was.relation, floor, why].append(VERBS[was.operation])
        elif now is not None and (columns := _lost_columns(before.case, was, now)):
            yield f"{was.persona} could no longer {VERBS[was.operation]} {listed(columns)} of {was.relation}"
    for (persona, relation, floor, why), verbs in lost.items():
        yield f"{persona} could no longer {listed(verbs)} {ROWS[floor]} of {relation}{why}"


def _was_open(case: Case, was: Cell, now: Cell) -> bool:
    """Whether rows of a table that were meant may have been reached by its own name, and surely no more are."""
    relation = relation_of(case, was)
    if relation is None or relation.kind not in "rpf" or was.at_least is not Reach.NONE:
        return False
    way = case.matrix.direct.get((was.persona, relation.oid, was.operation))
    return way is not None and now.at_most < min(way.at_most, now.intended)


def _failed(was: Cell, now: Cell) -> bool:
    """Whether statements got less far than they did where that was within the intent."""
    if was.attacked is None or now.attacked is None or was.attacked > was.intended:
        return False
    return now.attacked < min(was.attacked, now.intended)


def _by_parent(case: Case, was: Cell, floor: Reach) -> bool:
    """Whether the rows of a partition or child are still reached by the name of what it is a part of."""
    relation = relation_of(case, was)
    above = ancestors(case.catalog, relation) if relation is not None else ()
    cells = (case.matrix.by_key.get((was.persona, case.catalog.identity(one), was.operation)) for one in above)
    return any(one is not None and one.at_least >= floor for one in cells)


def _lost_columns(case: Case, was: Cell, now: Cell) -> list[str]:
    """Columns that are no longer reached, apart from those by which the persona let itself in elsewhere.

    Where somebody granted it columns one by one, those are what is meant, whatever is granted besides.
    """
    relation = relation_of(case, was)
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
    meant = _granted_columns(case, case.persona(was.persona), relation, was.operation) or frozenset(had)
    return [one for one in had if one in meant and one not in now.columns and one not in letting_in]


def _granted_columns(case: Case, persona: Persona, relation: Relation, operation: Operation) -> frozenset[str]:
    mine = case.access.roles.inherited(case.role(persona).oid)
    privilege = operation.value.upper()
    return frozenset(
        one.name
        for one in case.catalog.columns[relation.oid]
        if any(grant.privilege == privilege and grant.grantee in mine for grant in one.acl)
    )
