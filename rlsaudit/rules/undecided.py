"""Policies whose flaw is certain, though not how far it leads: what the matrix leaves unknown, with a name to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import ObjectRef, Operation, Reach
from rlsaudit.names import ident
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.reached import evidence
from rlsaudit.rules.rule import Found
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell, Severity
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.rule import Rule


def undecided(case: Case) -> Iterator[tuple[Relation, Policy, tuple[Cell, ...]]]:
    """Yields permissive policies with the cells to which they apply and that may go beyond intent, for all we know.

    Those cells of which a finding speaks are not among them.
    """
    for relation in case.exposed:
        if not relation.rls or relation.extension is not None or relation.kind not in "rp":
            continue
        cells = [*_open_cells(case, relation)]
        for policy in case.catalog.policies[relation.oid] if cells else ():
            found = tuple(one for one in cells if policy in _applying(case, relation, one))
            if found and policy.permissive:
                yield relation, policy, found


def found_undecided(  # noqa: PLR0913 — a finding has that many parts, each named
    case: Case,
    rule: Rule,
    relation: Relation,
    policy: Policy,
    cells: tuple[Cell, ...],
    *,
    title: str,
    because: str,
    fix: str,
    severity: Severity,
) -> Found:
    """Returns a finding about a policy; `title` follows its name, `because` is a sentence without a stop."""
    identity = case.catalog.identity(relation)
    first = cells[0]
    operations = listed(list(dict.fromkeys(one.operation.value for one in cells if one.persona == first.persona)))
    return Found(
        finding(
            rule,
            ObjectRef("policy", f"{identity}.{ident(policy.name)}"),
            Who(first.persona, first.operation.value, Reach.UNKNOWN, first.intended),
            title=f'Policy "{policy.name}" on {identity} {title}',
            message=f"{because}. How far {first.persona} gets with {operations} by it is not decided.",
            evidence=evidence(case, relation, cells),
            fix=fix,
            relations=[identity],
            severity=severity,
        ),
        case.claims([], cells),
    )


def _open_cells(case: Case, relation: Relation) -> Iterator[Cell]:
    for persona in case.personas:
        for operation in Operation:
            cell = case.cell(persona, relation, operation)
            if cell is None or cell.at_least > cell.intended:
                continue
            open_to = case.way(cell, relation).at_most
            if (
                open_to > max(cell.intended, Reach.OWN)
                and (persona.name, cell.relation, operation) not in case.explained
            ):
                yield cell


def _applying(case: Case, relation: Relation, cell: Cell) -> tuple[Policy, ...]:
    role = case.role(case.persona(cell.persona)).oid
    return case.access.policies(role, relation, cell.operation) if case.access.rls_applies(role, relation) else ()
