"""What asks for the rows that were made, and for no others: read, changed or deleted by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.probe.outcome import Probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.probe.attack.plan import Attacks


def targets_of(attacks: Attacks, persona: Persona, relations: Iterable[Relation]) -> Iterator[Probe]:
    """Yields for each relation what asks for its rows as the persona, where their keys can be asked for."""
    for relation in relations:
        condition = attacks.by_keys(persona, relation)
        if condition is None:
            continue
        reads = f"select count(*) from {attacks.name(relation)} where {condition}"
        yield Probe(persona, relation.oid, Operation.SELECT, reads)
        # One statement of each kind: what is set matters little where it is asked whether there is a row at all.
        first = {one: sql for one, sql, _ in reversed([*attacks.writes(persona, relation)])}
        for operation, sql in first.items():
            yield Probe(persona, relation.oid, operation, f"{sql} where {condition}")
