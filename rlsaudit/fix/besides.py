"""What is in no cell of the matrix and has to stay all the same: policies, constraints, triggers, hidden tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.rules.clients import clients, holds
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.rules import Case

_OFF = "D"


def besides(before: Case, after: Case) -> Iterator[str]:
    """Yields what is gone besides between two audits, as clauses."""
    yield from _empties(before, after)
    yield from _shuts(before, after)
    yield from _drops(before.catalog, after.catalog)
    yield from _stops(before.catalog, after.catalog)


def _empties(before: Case, after: Case) -> Iterator[str]:
    """Policies that are gone although nothing else lets anybody do what they were for: then that is what was meant."""
    for relation in before.catalog.snapshot.relations:
        kept = after.catalog.relations_by_name.get((before.catalog.schema_name(relation), relation.name))
        names = {one.name for one in after.catalog.policies[kept.oid]} if kept is not None else set()
        gone = [one for one in before.catalog.policies[relation.oid] if one.permissive and one.name not in names]
        for policy in gone if kept is not None else ():
            left = {one.command for one in after.catalog.policies[kept.oid] if one.permissive} if kept else set()
            if policy.command not in left and "*" not in left and _is_meant_for(before, relation, policy):
                yield f'nobody else is let in where policy "{policy.name}" of {before.catalog.identity(relation)} was'


def _shuts(before: Case, after: Case) -> Iterator[str]:
    """Tables that no cell is about, and whose rows a privilege gave to somebody: no policy lets anybody in any more."""
    for relation in before.catalog.snapshot.relations:
        identity = before.catalog.identity(relation)
        kept = after.catalog.relations_by_name.get((before.catalog.schema_name(relation), relation.name))
        if (
            relation.rls
            or kept is None
            or not kept.rls
            or any(one.permissive for one in after.catalog.policies[kept.oid])
        ):
            continue
        holding = [
            one.name for one in clients(before) if not before.is_exposed(one, relation) and holds(before, one, relation)
        ]
        if holding:
            yield f"{listed(holding)} could no longer reach rows of {identity}: no policy lets anybody in"


def _drops(before: Catalog, after: Catalog) -> Iterator[str]:
    """Constraints that are gone: they keep data right, whatever else they tell."""
    kept = set(_constraints(after))
    for table, name in _constraints(before):
        if (table, name) not in kept:
            yield f'the constraint "{name}" of {table} would be gone'


def _constraints(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for relation in catalog.snapshot.relations:
        for one in catalog.constraints[relation.oid]:
            yield catalog.identity(relation), one.name


def _stops(before: Catalog, after: Catalog) -> Iterator[str]:
    """Triggers that do not run any more: whatever they do besides is left undone."""
    running = set(_running(after))
    for name in _running(before):
        if name not in running:
            yield f"{name} would not run any more, and what it does be left undone"


def _running(catalog: Catalog) -> Iterator[str]:
    for one in catalog.snapshot.triggers:
        if one.enabled != _OFF:
            yield f'trigger "{one.name}" of {catalog.identity(catalog.relations[one.relation])}'
    for each in catalog.snapshot.event_triggers:
        if each.enabled != _OFF:
            yield f'event trigger "{each.name}"'


def _is_meant_for(case: Case, relation: Relation, policy: Policy) -> bool:
    """Whether somebody whom the policy is for is meant to reach rows by it."""
    return any(
        policy in case.access.policies(case.role(persona).oid, relation, operation)
        and case.intended(persona, relation, operation) is not Reach.NONE
        for persona in case.personas
        for operation in Operation
    )
