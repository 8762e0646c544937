"""Answers that are not believed: they were given by something that is not alike what was meant to be asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import USERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.probe.attack import Campaign, Chained
    from rlsaudit.probe.outcome import Result


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is not believed: answers about these `relations` and from these `functions`, by their identities.

    Each has the reason, as has `everything`, which is empty where some answers are believed.
    """

    relations: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    everything: str = ""

    def of(self, relation: str) -> str:
        """Why no answer about this relation is believed; empty where they are."""
        return self.relations.get(relation) or self.everything

    def sound(self, catalog: Catalog, relation: int) -> bool:
        """Whether answers about this relation (an OID) are believed."""
        return not self.of(catalog.identity(catalog.relations[relation]))

    def believed(
        self, catalog: Catalog, results: Iterable[Result], fought: Campaign
    ) -> tuple[tuple[Result, ...], Campaign]:
        """Returns what is left of the probes' answers, and of what attacks came to."""
        if not (self.relations or self.functions or self.everything):
            return tuple(results), fought

        def sound(relation: int) -> bool:
            return self.sound(catalog, relation)

        def calls(function: int) -> bool:
            return catalog.function_identity(catalog.functions[function]) not in self.functions

        users = catalog.relations_by_name.get(USERS)
        # Whoever goes a chain has signed up before, with all that triggers make of that.
        signed_up = users is None or sound(users.oid)

        def goes(chained: Chained) -> bool:
            if chained.function is not None:
                return calls(chained.function)
            return signed_up and all(sound(one.relation) for one in chained.steps)

        return tuple(one for one in results if sound(one.probe.relation)), replace(
            fought,
            attacked={key: one for key, one in fought.attacked.items() if sound(key[1])},
            chained={key: one for key, one in fought.chained.items() if sound(key[1]) and goes(one)},
            called={key: one for key, one in fought.called.items() if sound(key[2]) and calls(key[1])},
            measured={key: one for key, one in fought.measured.items() if calls(key[1])},
        )


NO_DOUBTS = Doubts()
"""Where what was asked is what is meant."""
