"""Reach beyond intent by a chain of statements: one fault is the table whose rows a persona makes itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules import witnessed
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.columns import without_columns
from rlsaudit.rules.opened import drop
from rlsaudit.rules.reached import plain_severity, statement, unmeant_severity
from rlsaudit.rules.rule import Found
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.policy.proof import Step
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.rule import Rule

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Opened:
    """A cell that a chain takes beyond intent."""

    relation: Relation
    cell: Cell
    steps: tuple[Step, ...]

    @property
    def gained(self) -> Cell:
        """The cell with what the chain gains as what is reached."""
        return replace(self.cell, at_least=self.cell.escalated_at_least)


def opened_by_chain(case: Case) -> Iterator[Opened]:
    """Yields the cells that chains take beyond intent, where a single statement does not."""
    for relation in case.exposed:
        for persona in case.personas:
            for operation in Operation:
                cell = case.cell(persona, relation, operation)
                steps = case.matrix.steps.get((persona.name, relation.oid, operation), ())
                if cell is not None and steps and _is_beyond(case, cell):
                    yield Opened(relation, cell, steps)


def found_by_chain(case: Case, rule: Rule, kind: Operation) -> Iterator[Found]:
    """Yields for each table whose rows a persona makes for itself what that opens beyond intent.

    `kind` is how it makes them: INSERT or UPDATE. Where making the rows is itself beyond intent, that is the fault.
    """
    grouped: defaultdict[tuple[int, Operation], list[Opened]] = defaultdict(list)
    for one in opened_by_chain(case):
        first = one.steps[0]
        if first.function or first.relation not in case.catalog.relations:
            # A call of a function, which has a rule of its own.
            continue
        made = Operation.INSERT if first.inserts else Operation.UPDATE
        if made is kind and not _is_told(case, one.cell.persona, first.relation, made):
            grouped[first.relation, made].append(one)
    for (oid, operation), opened in grouped.items():
        yield _found(case, rule, case.catalog.relations[oid], operation, opened)


def _is_beyond(case: Case, cell: Cell) -> bool:
    # What a single statement gets beyond intent is a fault of its own.
    key = (cell.persona, cell.relation, cell.operation)
    return cell.escalated_at_least > cell.intended >= cell.at_least and key not in case.explained


def _is_told(case: Case, persona: str, oid: int, operation: Operation) -> bool:
    """Whether another finding speaks of the statement that makes the rows."""
    cell = case.cell(case.persona(persona), case.catalog.relations[oid], operation)
    return cell is not None and cell.at_least > cell.intended


def severity(case: Case, relation: Relation, cell: Cell) -> Severity:
    """Returns how bad it is that the chain leads as far as the cell's `at_least`.

    Whoever gets to every row by a row that it makes has taken over a tenant or a role. Some rows may be what joining is
    for, as of groups that are open to all: a medium finding, unless private columns of others' come with them.
    """
    found = unmeant_severity(plain_severity(case, relation, cell, cell.at_least), cell.at_least)
    shown = cell.operation is Operation.SELECT and cell.at_least is Reach.SOME
    private = shown and case.sensitive(relation, case.way(cell, relation).columns, cell)
    return max(found, Severity.HIGH) if private else found


def _found(case: Case, rule: Rule, made: Relation, operation: Operation, opened: list[Opened]) -> Found:
    table = case.catalog.identity(made)
    # What can be read shows best what is opened.
    first = min(opened, key=lambda one: one.cell.operation is not Operation.SELECT)
    cells = [one.gained for one in opened]
    relations = list(dict.fromkeys(case.catalog.identity(one.relation) for one in opened))
    policy = _policy(case, first.cell, made, operation)
    ref = case.ref(made) if policy is None else ObjectRef("policy", f"{table}.{ident(policy.name)}")
    more = len(relations) - _MOST_NAMED
    named = relations if more <= 0 else [*relations[:_MOST_NAMED], f"{more} more"]
    columns = sorted({name for one in opened for name in one.steps[0].columns})
    changed = listed(columns) if columns else "rows"
    does = f"puts rows into {table}" if operation is Operation.INSERT else f"changes {changed} in {table}"
    return Found(
        finding(
            rule,
            ref,
            worst(cells),
            title=f"Whoever {does} lets itself in",
            message=f"{who_can(cells)} of {listed(named)}, by a row of {table} that it {_made(operation)} itself.",
            evidence=evidence(case, first),
            fix=_fix(case, made, operation, policy, columns),
            relations=relations,
            severity=max(severity(case, one.relation, one.gained) for one in opened),
        ),
        case.claims([], cells),
    )


def _made(operation: Operation) -> str:
    return "puts in" if operation is Operation.INSERT else "changes"


def _policy(case: Case, cell: Cell, made: Relation, operation: Operation) -> Policy | None:
    """The policy that lets the rows be made."""
    role = case.role(case.persona(cell.persona)).oid
    if not case.access.rls_applies(role, made):
        return None
    return next((one for one in case.access.policies(role, made, operation) if one.permissive), None)


def evidence(case: Case, opened: Opened) -> Evidence:
    """Returns the chain as SQL: all of it allowed, with ids that are made up where those of real rows have to stand."""
    persona = case.persona(opened.cell.persona)
    proved = witnessed.opened(case, persona, opened.relation, opened.cell.operation, opened.steps)
    if proved is not None:
        return proved
    executed = case.chain_evidence(persona, opened.relation, opened.cell.operation)
    if executed is not None:
        return executed
    begin, *lines, end = transcript(
        settings(case.catalog, case.platform, persona), statement(case, opened.relation, opened.cell)
    )
    chain = (*lines[:-1], *(one.sql for one in opened.steps), *lines[-1:])
    result = "proved, not executed: each statement is allowed, with the ids of rows that are there"
    return Evidence(EvidenceKind.PROOF, (begin.removesuffix(" read only"), *chain, end), result)


def _fix(case: Case, made: Relation, operation: Operation, policy: Policy | None, columns: list[str]) -> str:
    table = case.catalog.identity(made)
    holders = case.holders(case.personas, made.acl, operation.value.upper())
    if operation is Operation.INSERT:
        if policy is not None and policy.command != "*":
            return drop(case, made, policy)
        lines = [f"revoke insert on {table} from {', '.join(holders)};"]
        if policy is not None and case.holders(case.personas, made.acl, "UPDATE"):
            # By that policy a row of one's own is as well turned into one that lets in.
            lines.append(without_columns(case, made, Operation.UPDATE, columns, case.personas))
        return "\n".join(lines)
    return without_columns(case, made, operation, columns, case.personas)
