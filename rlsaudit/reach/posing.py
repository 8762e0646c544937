"""Somebody else who asks: a function that changes the role or the claims lets its caller pose as others.

Row-level security asks who is asking when a statement is run, and whatever the function runs, or the rest of the
statement, is then asked as somebody else. Who that may be is not followed.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from rlsaudit.policy.changes import ANY_SETTING, ROLES
from rlsaudit.policy.query import read_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Operation, Persona
    from rlsaudit.reach.predicates import Predicates

_CLAIMS = "request."


class Posing(enum.Enum):
    """As whom one may come to ask."""

    ROLE = "another role"
    IDENTITY = "another identity of the same role"


class Poses:
    """What it matters that somebody else may ask."""

    def __init__(self, access: Access, predicates: Predicates, readers: Mapping[int, Sequence[Relation]]) -> None:
        self._access = access
        self._catalog = access.catalog
        self._predicates = predicates
        self._readers = readers
        self._asking: dict[int, bool] = {}

    def by(self, setting: str, persona: Persona, *, own: bool) -> Posing | None:
        """Returns as whom a persona may ask once a setting is changed; None where that is who it was.

        `own`: by a function with the persona's own rights. One that runs as its owner may not change the role.
        """
        if own and setting in ROLES | {ANY_SETTING}:
            return Posing.ROLE
        given = {one.lower() for one in persona.settings}
        claims = bool(persona.claims) and setting.startswith(_CLAIMS)
        return Posing.IDENTITY if claims or setting == ANY_SETTING or setting in given else None

    def matters(self, posing: Posing, persona: Persona, relation: Relation, operation: Operation) -> bool:
        """Whether somebody else may get further than the persona with an operation on a relation."""
        if posing is Posing.ROLE:
            return True
        role = self._catalog.roles_by_name[persona.role].oid
        if relation.oid not in self._asking:
            views = self._readers[relation.oid]
            self._asking[relation.oid] = self._asks_by_policies(relation) or any(map(self._asks_by_query, views))
        may = self._access.on_any_column(role, relation, operation.value.upper()) or bool(self._readers[relation.oid])
        return may and self._asking[relation.oid]

    def _asks_by_policies(self, relation: Relation) -> bool:
        if not relation.rls:
            return False
        return any(
            one.functions
            or any(each.relation != relation.oid for each in one.columns)
            or any(self._asks(f"select {text}") for text in (one.using, one.check) if text)
            for one in self._catalog.policies[relation.oid]
        )

    def _asks_by_query(self, view: Relation) -> bool:
        called = any(one.functions for one in self._catalog.rewrites[view.oid] if one.name == "_RETURN")
        return called or self._asks(view.definition or "")

    @staticmethod
    def _asks(query: str) -> bool:
        read = read_query(query)
        return read is None or read.asks_identity
