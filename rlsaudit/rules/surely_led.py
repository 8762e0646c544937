"""How far functions surely lead their callers, beyond what the relations' own names do."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

Led: TypeAlias = "Mapping[tuple[int, Operation], Reach]"
"""To whose rows a call leads, by the relation (its OID) and what is done."""


def surely_led(case: Case, persona: Persona, relations: Iterable[Relation]) -> Mapping[str, Led]:
    """Returns where calls lead for certain, by the function's identity: not where the persona gets by name as well."""
    found: defaultdict[str, dict[tuple[int, Operation], Reach]] = defaultdict(dict)
    for relation in (one for one in relations if one.kind in "rp"):
        for operation in Operation:
            addressed = case.addressed(persona, relation, operation)
            for way in case.indirect.ways(persona, relation, operation):
                if way.at_least > addressed:
                    led = found[way.via]
                    key = (relation.oid, operation)
                    led[key] = max(led.get(key, Reach.NONE), way.at_least)
    return found
