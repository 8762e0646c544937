"""Which probes to send: reads of every relation that a persona may read, and what they may write, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Persona, Skipped
from rlsaudit.names import ident
from rlsaudit.policy.effects import reason_not_to_run
from rlsaudit.probe.outcome import Probe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation

MOST_ROWS = 1_000
"""Counting stops here: a thousand rows that a stranger reads prove as much as all of them."""


def plan(
    access: Access, personas: Iterable[Persona], relations: Iterable[Relation], *, throwaway: bool = False
) -> tuple[tuple[Probe, ...], tuple[Skipped, ...]]:
    """Returns the probes for `personas` on `relations`, and what is not probed with the reason.

    A role that this connection may not become is skipped as a whole. Cells that a privilege alone closes need no probe.
    On a `throwaway` server, which is nobody's, code may run that is not understood.
    """
    catalog, viewer = access.catalog, access.catalog.snapshot.viewer
    probes: list[Probe] = []
    skipped: list[Skipped] = []
    listed = list(relations)
    reasons = {one.oid: reason_not_to_run(catalog, one, throwaway=throwaway) for one in listed}
    probed: set[int] = set()
    for persona in personas:
        role = catalog.roles_by_name[persona.role]
        if role.oid not in viewer.settable:
            reason = f"{viewer.name} may not SET ROLE {persona.role}; grant it that role, or audit as one that has it"
            skipped.append(Skipped(f"probes as {persona.name}", reason))
            continue
        for relation in listed:
            if not access.usage(role.oid, catalog.schemas[relation.schema]):
                continue
            found = list(_probes(access, persona, relation))
            if found and reasons[relation.oid]:
                skipped.append(
                    Skipped(f"probes of {catalog.identity(relation)} as {persona.name}", reasons[relation.oid])
                )
                continue
            probes.extend(found)
            probed |= {one.relation for one in found if one.operation is Operation.SELECT}
    me = catalog.roles_by_name[viewer.name].oid
    for relation in listed:
        readable = access.usage(me, catalog.schemas[relation.schema]) and access.on_table(me, relation, "SELECT")
        if relation.oid in probed and readable and relation.kind in "rpm" and not access.rls_applies(me, relation):
            probes.append(Probe(None, relation.oid, Operation.SELECT, count(access, relation)))
    return tuple(probes), tuple(skipped)


def count(access: Access, relation: Relation) -> str:
    """Returns the statement that counts the rows of a relation that whoever runs it sees, up to `MOST_ROWS`."""
    return f"select count(*) from (select 1 from {access.catalog.identity(relation)} limit {MOST_ROWS}) as seen"


def sample(access: Access, relation: Relation) -> tuple[str, ...]:
    """Returns the same statement for a sample, up to the percentage and after it; empty where there is none."""
    if relation.kind not in "rpm":
        return ()
    name = access.catalog.identity(relation)
    # The same sample each time, so that whoever replays it sees the same.
    return (
        f"select count(*) from (select 1 from {name} tablesample pg_catalog.system (",
        f") repeatable (0) limit {MOST_ROWS}) as seen",
    )


def _probes(access: Access, persona: Persona, relation: Relation) -> Iterable[Probe]:
    role, oid = access.catalog.roles_by_name[persona.role].oid, relation.oid
    name = access.catalog.identity(relation)
    if access.columns(role, relation, "SELECT"):
        read = count(access, relation)
        yield Probe(persona, oid, Operation.SELECT, read, instead=sample(access, relation))
    if relation.kind == "m":
        return
    insertable = access.columns(role, relation, "INSERT")
    if insertable:
        # A null, where a default could be: the planner runs an immutable function that a default calls.
        given = [ident(one.name) for one in insertable if one.default and not one.generated and not one.identity]
        values = f"({', '.join(given)}) values ({', '.join(['null'] * len(given))})" if given else "default values"
        yield Probe(persona, oid, Operation.INSERT, f"explain insert into {name} {values}")
    assignable = [one for one in access.columns(role, relation, "UPDATE") if not one.generated and not one.identity]
    if assignable:
        yield Probe(persona, oid, Operation.UPDATE, f"explain update {name} set {ident(assignable[0].name)} = null")
    if access.on_table(role, relation, "DELETE"):
        yield Probe(persona, oid, Operation.DELETE, f"explain delete from {name}")
