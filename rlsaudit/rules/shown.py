"""What views show: down to the columns of tables, and whether that is more than the tables themselves give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.policy.answers import is_filtered
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import TRUE, And, Is

if TYPE_CHECKING:
    from collections.abc import Container

    from rlsaudit.access import ViewRead
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.policy.formula import Formula
    from rlsaudit.reach.chain import Chain
    from rlsaudit.reach.origins import TableColumn
    from rlsaudit.rules.case import Case


def origins(case: Case, view: Relation) -> frozenset[TableColumn]:
    """Returns the columns of tables that a view shows, by the table's OID: those that it does not only count or sum."""
    return case.origins.shown(view)


def columns_from(case: Case, view: Relation, tables: Container[int]) -> tuple[str, ...]:
    """Returns the view's own columns that show something of the tables, by their OIDs."""
    return tuple(
        name
        for name, origin in case.origins.of_all(view).items()
        if any(table in tables for table, _ in origin.columns)
    )


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
    return cell.at_least > direct and not is_filtered(view.definition or "")
