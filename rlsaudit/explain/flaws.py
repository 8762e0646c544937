"""What is wrong with the policies that a cell depends on, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Operation, Persona
    from rlsaudit.rules import Case

_MOST_SHOWN = 200


def flaws(case: Case, persona: Persona, relation: Relation, operation: Operation) -> Iterator[str]:
    """Yields the flaws of the policies that apply to the operation, a sentence each."""
    role = case.role(persona).oid
    if not case.access.rls_applies(role, relation):
        return
    applying = {one.oid for one in case.access.policies(role, relation, operation)}
    for one in case.flaws.of(relation):
        if one.policy.oid in applying and one.about(persona.name, operation):
            where = " ".join(one.where.split())
            shown = where if len(where) <= _MOST_SHOWN else f"{where[: _MOST_SHOWN - 1]}…"
            yield f'policy "{one.policy.name}" ({one.kind}): {one.because}: {shown}'
