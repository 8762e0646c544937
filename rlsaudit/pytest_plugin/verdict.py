"""How far a persona gets, for an assertion to judge, and what there is to show for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.explain import explain, persona_named, relation_named
from rlsaudit.explain.text import explanation
from rlsaudit.model import EvidenceKind, Reach
from rlsaudit.reach import widest
from rlsaudit.report import Screen
from rlsaudit.report.escape import printable
from rlsaudit.report.sql import transcript as printed
from rlsaudit.report.words import EVERYBODY, EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.explain import Explanation
    from rlsaudit.model import Finding, Operation, Persona, Report
    from rlsaudit.reach import Way
    from rlsaudit.rules import Case

_SCREEN = Screen(width=100, colour=False)
_MOST_FINDINGS = 3
_FIX = {True: "fix, applied to a copy and verified", False: "draft of a fix"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reach` by a single statement, `escalated` with a chain of them.

    `because` is what decides the first, or why it is not known, and `why_escalated` why the second is not known.
    `columns` are those that are reachable at most, None where they may be any.
    """

    reach: Reach
    escalated: Reach
    because: str
    why_escalated: str
    columns: frozenset[str] | None
    explanation: Explanation


def verdict(report: Report, case: Case, persona: str, operation: Operation, relation: str) -> Verdict:
    """Returns the verdict on a cell, also where the persona cannot address the relation by its name.

    Raises:
        UsageError: there is no such persona or relation.
    """
    who, what = persona_named(case, persona), relation_named(case, relation)
    found = explain(case, who, what, operation, report.matrix)
    columns = _columns(case, who, found)
    if found.cell is not None:
        cell = found.cell
        return Verdict(cell.reach, cell.escalated, cell.because, cell.escalated_because, columns, found)
    ways = list(case.indirect.ways(who, what, operation))
    if not ways:
        return Verdict(Reach.NONE, Reach.NONE, "no way leads there", "", frozenset(), found)
    way = widest(ways)
    reach = way.at_least if way.decided else Reach.UNKNOWN
    why = f"chains are followed for what {persona} can address, and {found.relation} is not among it"
    return Verdict(reach, Reach.UNKNOWN, way.because, why, columns, found)


def _columns(case: Case, persona: Persona, found: Explanation) -> frozenset[str] | None:
    """The columns that are reachable at most, by the relation's own name and through views; None: any."""
    relation = relation_named(case, found.relation)
    every = frozenset(one.name for one in case.catalog.columns[relation.oid])
    reached: set[str] = set()
    direct = case.matrix.direct.get((persona.name, relation.oid, found.operation))
    if direct is not None and not _stays_closed(case, direct, found):
        reached |= every if direct.columns is None else set(direct.columns)
    views = {case.catalog.identity(one): one for one in case.catalog.snapshot.relations if one.kind in "vm"}
    for way in case.indirect.ways(persona, relation, found.operation):
        if _stays_closed(case, way, found):
            continue
        view = views.get(way.via)
        origins = list(case.origins.of_all(view).values()) if view is not None else []
        if view is None or not all(one.known for one in origins):
            return None
        reached |= {name for one in origins for oid, name in one.columns if oid == relation.oid}
    return frozenset(reached)


def _stays_closed(case: Case, way: Way, found: Explanation) -> bool:
    """Whether a way leads to no row, after a chain of statements neither.

    Reach is about rows: where all are reached already, that a chain gains none says nothing of columns.
    """
    if way.at_most is not Reach.NONE or way.evidence is EvidenceKind.CATALOG:
        return way.at_most is Reach.NONE
    there = case.matrix.by_key.get((found.persona, way.via or found.relation, found.operation))
    if there is not None:
        return there.escalated is Reach.NONE
    cell = found.cell
    return cell is not None and cell.escalated is cell.reach and cell.reach < Reach.ALL


def shown(report: Report, case: Case, found: Verdict) -> str:
    """Returns all there is to say of a verdict: the explanation, findings about it, and SQL that replays it."""
    parts = [explanation(found.explanation, _SCREEN).rstrip()]
    findings = list(_findings(report, found.explanation))
    parts += [_finding(one) for one in findings[:_MOST_FINDINGS]]
    if replay := _replay(case, found, findings):
        parts.append(replay)
    return "\n\n".join(parts)


def _finding(one: Finding) -> str:
    title = f"FINDING {one.rule} ({one.severity}): {printable(one.title)}"
    return f"{title}\n{_sql(_FIX[one.fix.verified], (one.fix.sql,))}".rstrip()


def _findings(report: Report, cell: Explanation) -> Iterator[Finding]:
    for one in report.findings:
        concerns = cell.relation in one.relations or one.object.identity == cell.relation
        if concerns and one.persona in {cell.persona, EVERYBODY} and one.operation in {cell.operation, EVERYTHING}:
            yield one


def _replay(case: Case, found: Verdict, findings: list[Finding]) -> str:
    """SQL that shows what was reached: the chain, or the statement that reached rows; empty where nothing was."""
    cell = found.explanation.cell
    if cell is None or max(cell.at_least, cell.escalated if cell.escalated.decided else Reach.NONE) is Reach.NONE:
        return ""
    persona, relation = persona_named(case, cell.persona), relation_named(case, cell.relation)
    chained = case.chain_evidence(persona, relation, cell.operation) if cell.chain else None
    if chained is not None:
        return _sql("replayed by", chained.sql)
    evidence = case.evidence([cell], relation)
    if evidence.kind is not EvidenceKind.PROBE:
        told = next((one.evidence for one in findings if one.evidence.kind is EvidenceKind.PROBE), None)
        if told is None and cell.escalated is not cell.reach:
            return ""  # the steps of the chain are told already, and the cell's own statement is none of them
        evidence = told or evidence
    answer = f"\nwhich answered: {printable(evidence.result)}" if evidence.result else ""
    return _sql("replayed by" if evidence.kind is EvidenceKind.PROBE else "shown by", evidence.sql) + answer


def _sql(title: str, statements: tuple[str, ...]) -> str:
    lines = printed(one for one in statements if one.strip()).lines
    return "\n".join([title, *(f"  {one}" for one in lines)]) if lines else ""
