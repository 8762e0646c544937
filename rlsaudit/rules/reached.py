"""Cells beyond intent that policies open: by which policies, by what a client brings along, and how bad that is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.access import reads_through
from rlsaudit.model import Evidence, EvidenceKind, Operation, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.personas import built_in, is_unset
from rlsaudit.policy.client import SOURCES
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import FALSE, And, Atom, AtomKind, Coalesce, Formula, Is, Not, Or, Written
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules.child_direct import is_as_open_as_parent
from rlsaudit.rules.opened import bounds, narrow
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Collection

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.rules.case import Case

_SHOWN = 120
_MOST_PRIVATE = 3
_LEVEL = re.compile(r"\baal2?\b")


def is_unexplained(case: Case, relation: Relation, cell: Cell) -> bool:
    """Whether the relation's own name leads beyond intent, and no finding about something else says why."""
    if (cell.persona, cell.relation, cell.operation) in case.explained:
        return False
    if case.way(cell, relation).at_least <= cell.intended or _gives_second_factor(case, relation, cell):
        return False
    if _is_of_nobody(case, relation, cell):
        return False
    persona = case.persona(cell.persona)
    declared = case.intent.declared(cell.persona, cell.relation, cell.operation, role=cell.role)
    if relation.kind not in "rp":
        # A view that is as wide as a table below it is explained by what is said of the table.
        return declared or not _table_tells(case, relation, cell)
    role = case.role(persona)
    if relation.rls and not case.access.rls_applies(role.oid, relation):
        # A role that row-level security does not bind was made so; that it owns the table is told by owner-bypass.
        return declared
    return declared or relation.rls or not is_as_open_as_parent(case, persona, relation, cell.operation)


def severity(case: Case, relation: Relation, cell: Cell) -> Severity:
    """Returns how bad it is that the relation's own name leads so far."""
    asked = met_by_client(case, relation, cell)
    if writes_itself(asked):
        return Severity.CRITICAL
    found = plain_severity(case, relation, cell, case.way(cell, relation).at_least)
    # An address at some domain, a second factor: a condition, though one that an attacker can meet.
    return min(found, Severity.HIGH) if asked else found


def plain_severity(case: Case, relation: Relation, cell: Cell, reach: Reach) -> Severity:
    """Returns how bad it is to get to `reach`, whatever it takes."""
    way = case.way(cell, relation)
    write = cell.operation is not Operation.SELECT
    if case.intent.declared(cell.persona, cell.relation, cell.operation, role=cell.role):
        return Severity.CRITICAL if write and reach is Reach.ALL else Severity.HIGH
    match cell.operation:
        case Operation.SELECT:
            private = bool(case.sensitive(relation, way.columns, cell))
            return Severity.CRITICAL if reach is Reach.ALL and private else Severity.MEDIUM
        case Operation.INSERT:
            return Severity.HIGH if case.owner_columns(relation) else Severity.MEDIUM
        case _:
            return Severity.CRITICAL if reach is Reach.ALL else Severity.HIGH


def unmeant_severity(found: Severity, reach: Reach) -> Severity:
    """Returns how bad `reach` is where nobody writes what opens it to open all rows, as a policy of `true` is written.

    Args:
        found: How bad it were if it might be meant.
        reach: How far it goes.
    """
    return max(found, Severity.HIGH) if reach is Reach.ALL else found


def owns(case: Case, relation: Relation, cell: Cell) -> bool:
    """Whether row-level security is on and does not bind the role, because it owns the table."""
    return relation.rls and not case.access.rls_applies(case.role(case.persona(cell.persona)).oid, relation)


def met_by_client(case: Case, relation: Relation, cell: Cell) -> tuple[str, ...]:
    """Returns the conditions that a client meets by itself to get that far; none where it gets there anyway."""
    way = case.way(cell, relation)
    if not way.chosen:
        return ()
    persona = case.persona(cell.persona)
    role = case.role(persona).oid
    asked = case.predicates.check if cell.operation is Operation.INSERT else case.predicates.using
    formula = asked(persona, role, relation, cell.operation)
    return way.chosen if decide(without_chosen(formula)).at_least < way.at_least else ()


def on_new_connection(persona: Persona) -> Persona:
    """Returns a persona for whom nothing was set as it is where nothing ever was on its connection: NULL, not empty."""
    return replace(persona, name=f"{persona.name}, on a new connection", settings={}, unset=tuple(persona.settings))


def _is_of_nobody(case: Case, relation: Relation, cell: Cell) -> bool:
    """Whether the rows are only those whose owner is an empty text, as the setting is that was not made: nobody's."""
    persona = case.persona(cell.persona)
    if not is_unset(persona) or case.way(cell, relation).at_least is not Reach.SOME or relation.kind not in "rp":
        return False
    asked = case.predicates.check if cell.operation is Operation.INSERT else case.predicates.using
    fresh = asked(on_new_connection(persona), case.role(persona).oid, relation, cell.operation)
    return decide(fresh).at_least <= cell.intended


def _gives_second_factor(case: Case, relation: Relation, cell: Cell) -> bool:
    """Whether it takes a second factor to get beyond intent, and that much is meant for those who give one."""
    persona, level = case.persona(cell.persona), built_in("aal2")
    if level is None or cell.role != level.role or persona.claims.get("aal") != "aal1":
        return False
    if case.intended(level, relation, cell.operation) < cell.at_least:
        return False
    role = case.role(persona).oid
    policies = case.access.policies(role, relation, cell.operation)
    if not any(_LEVEL.search(text) for one in policies for text in (one.using, one.check) if text):
        return False
    asked = case.predicates.check if cell.operation is Operation.INSERT else case.predicates.using
    return decide(without_chosen(asked(persona, role, relation, cell.operation))).at_least <= cell.intended


def writes_itself(asked: Collection[str]) -> bool:
    """Whether it is its own profile or request into which a client writes one of these at will."""
    return any(source in one for one in asked for source in SOURCES)


def opening(case: Case, relation: Relation, cells: Collection[Cell]) -> tuple[Policy, ...]:
    """Returns the policies that open more than intended by themselves."""
    return tuple(
        policy
        for policy in case.catalog.policies[relation.oid]
        if policy.permissive and any(_opens(case, policy, relation, one) for one in cells)
    )


def outside(cells: Collection[Cell]) -> str:
    """Returns which rows are meant and which one passes that is not, where the intent has a condition."""
    known = dict.fromkeys((one.condition, one.outside) for one in cells if one.outside)
    return "".join(f" Meant are rows where {condition}; this one passes as well: {row}." for condition, row in known)


def told(policy: Policy) -> str:
    """Returns a policy by its name, with what it asks."""
    text = " ".join((policy.using or policy.check or "").split())
    return f'policy "{policy.name}": {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"}'


def mended(case: Case, relation: Relation, cells: Collection[Cell], policies: Collection[Policy]) -> str:
    """Returns SQL that takes away what leads to the cells: the policies, else the privileges."""
    identity = case.catalog.identity(relation)
    if policies:
        return "\n".join(narrow(case, relation, one, within=True) for one in policies)
    operations = list(dict.fromkeys(one.operation.value for one in cells))
    personas = [case.persona(name) for name in dict.fromkeys(one.persona for one in cells)]
    holders = dict.fromkeys(name for one in operations for name in case.holders(personas, relation.acl, one.upper()))
    roles = ", ".join(holders) or ", ".join(dict.fromkeys(ident(one.role) for one in personas))
    return f"revoke {', '.join(operations)} on {identity} from {roles};"


def evidence(case: Case, relation: Relation, cells: Collection[Cell]) -> Evidence:
    """Returns what shows the cells, as a transcript: where nothing was executed, the statement that the proof is of."""
    found = case.evidence(cells, relation)
    first = next(iter(cells))
    granted = case.granted_evidence(case.persona(first.persona), relation, first.operation, first.because)
    if found.sql != granted.sql:
        return found
    cell = min(cells, key=lambda one: one.operation is not Operation.SELECT)
    made = settings(case.catalog, case.platform, case.persona(cell.persona))
    sql = transcript(made, statement(case, relation, cell), writes=cell.operation is not Operation.SELECT)
    # A question to the catalog would be another one; what the statement does follows from the policies.
    return Evidence(EvidenceKind.PROOF, sql, f"not executed: {cell.because}")


def private(case: Case, relation: Relation, cells: Collection[Cell]) -> str:
    """Returns which private columns are read of every row, as a clause behind the relation; empty where none is.

    It is what makes a critical finding of one that might be meant.
    """
    read = [one for one in cells if one.operation is Operation.SELECT and one.at_least is Reach.ALL]
    found = [name for one in read for name in case.sensitive(relation, case.way(one, relation).columns, one)]
    names = list(dict.fromkeys(found))
    more = [f"{len(names) - _MOST_PRIVATE} more"] if len(names) > _MOST_PRIVATE else []
    return f", {listed([*names[:_MOST_PRIVATE], *more])} among its columns" if names else ""


def statement(case: Case, relation: Relation, cell: Cell) -> str:
    """Returns a statement of the cell's own kind; for an INSERT, of whose row little is known, what policies ask."""
    identity = case.catalog.identity(relation)
    columns = cell.columns or [one.name for one in case.catalog.columns[relation.oid] if not one.generated]
    match cell.operation:
        case Operation.DELETE:
            return f"delete from {identity}"
        case Operation.UPDATE if columns:
            return f"update {identity} set {ident(columns[0])} = default"
        case Operation.INSERT if relation.kind in "rp":
            schema, name = literal(case.catalog.schema_name(relation)).strip(), literal(relation.name).strip()
            return (
                "select policyname, permissive, roles, coalesce(with_check, qual) as asked from pg_catalog.pg_policies"
                f" where schemaname = {schema} and tablename = {name} and cmd in ('INSERT', 'ALL')"
            )
        case _:
            return f"select * from {identity}"


def _table_tells(case: Case, view: Relation, cell: Cell) -> bool:
    """Whether a table below the view is itself reached further than intended, so that a finding speaks of it."""
    persona = case.persona(cell.persona)
    below = reads_through(case.access, view, case.role(persona).oid)
    cells = (case.cell(persona, one.relation, cell.operation) for one in below)
    return any(one is not None and one.at_least > one.intended for one in cells)


def _opens(case: Case, policy: Policy, relation: Relation, cell: Cell) -> bool:
    persona = case.persona(cell.persona)
    if policy not in case.access.policies(case.role(persona).oid, relation, cell.operation):
        return False
    found = bounds(case, policy, persona, relation, cell.operation)
    return found is not None and found.at_least > cell.intended


def without_chosen(formula: Formula) -> Formula:
    """The predicate for a client that writes nothing of use."""
    match formula:
        case Atom(AtomKind.CHOSEN):
            return FALSE
        case Not(operand):
            return Not(without_chosen(operand))
        case And(operands) | Or(operands) | Coalesce(operands):
            return replace(formula, operands=tuple(without_chosen(one) for one in operands))
        case Is(operand, value, negated):
            return Is(without_chosen(operand), value, negated)
        case Written(meant):
            return without_chosen(meant)
        case _:
            return formula
