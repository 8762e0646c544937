"""What views show: down to the columns of tables, and whether that is more than the tables themselves give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.policy.answers import read_of
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import TRUE, And, Is

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.access import ViewRead
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.policy.answers import Name, Read
    from rlsaudit.policy.formula import Formula
    from rlsaudit.reach.views import Chain
    from rlsaudit.rules.case import Case

_DEEPEST = 16


def relation_named(case: Case, name: Name, schemas: Iterable[str] = ()) -> Relation | None:
    """Returns the relation that SQL calls by `name`; without a schema, the first that `schemas` hold."""
    if len(name) > 1:
        return case.catalog.relations_by_name.get((name[-2], name[-1]))
    found = (case.catalog.relations_by_name.get((schema, name[0])) for schema in schemas)
    return next((one for one in found if one is not None), None)


def column_names(case: Case, relation: Relation | None) -> frozenset[str] | None:
    """Returns the names of a relation's columns, None where it is not known."""
    return None if relation is None else frozenset(one.name for one in case.catalog.columns[relation.oid])


def origins(case: Case, view: Relation, depth: int = 0) -> frozenset[tuple[int, str]]:
    """Returns the columns of tables that a view shows, by the table's OID: those that it does not only count or sum.

    Where its query is not understood these are all columns that it depends on.
    """
    if view.oid not in case.shown:
        case.shown[view.oid] = _origins(case, view, depth)
    return case.shown[view.oid]


def _origins(case: Case, view: Relation, depth: int) -> frozenset[tuple[int, str]]:
    read = reading(case, view)
    if read is None or depth > _DEEPEST:
        return _depended_on(case, view)
    found: set[tuple[int, str]] = set()
    for name, column in read.shown:
        relation = relation_named(case, name)
        if relation is None:
            continue
        if relation.kind in "vm":
            inner = origins(case, relation, depth + 1)
            of_that_name = {one for one in inner if one[1] == column}
            found |= of_that_name or inner
        elif column == "*":
            found |= {(relation.oid, one.name) for one in case.catalog.columns[relation.oid]}
        else:
            found.add((relation.oid, column))
    return frozenset(found)


def reading(case: Case, view: Relation) -> Read | None:
    """Returns what a view's query reads."""
    if view.oid not in case.readings:
        case.readings[view.oid] = read_of(
            view.definition or "", lambda name: column_names(case, relation_named(case, name))
        )
    return case.readings[view.oid]


def widened(case: Case, persona: Persona, view: Relation, cell: Cell) -> tuple[ViewRead, ...]:
    """Returns the tables of which the view surely gives the persona more than they do under their own names.

    What it only counts or sums up is not among them, nor what it reads as the persona's own role.
    """
    role = case.role(persona).oid
    reads = [one for one in case.reads(persona, view) if one.granted and (one.stored or one.role != role)]
    chain = case.views.chain(persona, role, view)
    if chain is not None:
        reads = [one for one in reads if one.relation.oid == chain.base.oid]
    elif cell.operation is not Operation.SELECT:
        return ()
    shown = origins(case, view)
    return tuple(
        one
        for one in reads
        if cell.operation is not Operation.SELECT or one.relation.oid in {oid for oid, _ in shown}
        if _is_wider(case, persona, view, cell, one, chain)
    )


def hidden_rows(case: Case, persona: Persona, chain: Chain) -> Reach:
    """Returns how far a filter over one table surely gets beyond the rows that the table itself shows the persona."""
    visible = chain.filters
    if not chain.stored and case.access.rls_applies(chain.role, chain.base):
        visible = And((case.predicates.using(persona, chain.role, chain.base, Operation.SELECT), visible))
    return beyond_table(case, persona, chain.base, visible)


def beyond_table(case: Case, persona: Persona, base: Relation, visible: Formula) -> Reach:
    """Returns how far the rows for which `visible` is true surely go beyond those that the table shows the persona."""
    role = case.role(persona).oid
    if case.addressed(persona, base, Operation.SELECT) is Reach.NONE:
        return decide(visible).at_least
    using: Formula = TRUE
    if case.access.rls_applies(role, base):
        using = case.predicates.using(persona, role, base, Operation.SELECT)
    return decide(And((visible, Is(using, value=True, negated=True)))).at_least


def _is_wider(case: Case, persona: Persona, view: Relation, cell: Cell, read: ViewRead, chain: Chain | None) -> bool:
    base, operation = read.relation, cell.operation
    direct = case.addressed(persona, base, operation)
    for stored in (one for one in read.through if one.kind == "m" and one.oid != view.oid):
        # Whoever reads the copy itself gets no more by the view.
        if case.addressed(persona, stored, operation) >= cell.at_least:
            return False
    if operation is not Operation.SELECT:
        return cell.at_least > direct
    way = case.matrix.direct.get((persona.name, base.oid, operation))
    if way is not None and way.columns is not None:
        seen = {column for oid, column in origins(case, view) if oid == base.oid}
        if seen - set(way.columns):
            return True
    if chain is not None:
        return cell.at_least > direct or hidden_rows(case, persona, chain) > cell.intended
    if direct < Reach.SOME:
        return cell.at_least > direct
    # Which rows a join or a group leaves is not followed; only where there is no condition it is surely all of them.
    found = reading(case, view)
    return found is not None and not found.filtered and cell.at_least > direct


def _depended_on(case: Case, view: Relation) -> frozenset[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    waiting, seen = [view.oid], set[int]()
    while waiting:
        oid = waiting.pop()
        if oid in seen:
            continue
        seen.add(oid)
        for rewrite in case.catalog.rewrites[oid]:
            for reference in rewrite.columns:
                relation = case.catalog.relations.get(reference.relation)
                if relation is None or reference.relation == oid:
                    continue
                if relation.kind in "vm":
                    waiting.append(relation.oid)
                    continue
                columns = case.catalog.columns[relation.oid]
                found |= {(relation.oid, one.name) for one in columns if reference.column in {0, one.number}}
    return frozenset(found)
