"""Reads of rows that a condition leaves out: who may read some rows of strangers should read none of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.probe.outcome import Probe
from rlsaudit.probe.select import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona


@dataclass(frozen=True, slots=True)
class Condition:
    """Which rows of a relation a persona is meant to read: `sql` is written out from its tree, and calls nothing."""

    persona: Persona
    relation: Relation
    sql: str


def reads_outside(access: Access, planned: Iterable[Probe], conditions: Iterable[Condition]) -> Iterator[Probe]:
    """Yields a probe for each condition on a relation that the persona reads anyway, among what is `planned`."""
    read = {(one.persona.name, one.relation) for one in planned if one.persona and one.operation is Operation.SELECT}
    for one in conditions:
        if (one.persona.name, one.relation.oid) in read:
            name = access.catalog.identity(one.relation)
            rows = f"select 1 from {name} where ({one.sql}) is not true limit {MOST_ROWS}"
            # Where nearly all rows are meant the server goes through all of them, and of large tables nobody waits.
            sql = f"select count(*) from ({rows}) as seen"
            yield Probe(one.persona, one.relation.oid, Operation.SELECT, sql, instead=())
