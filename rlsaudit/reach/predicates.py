"""The predicate that Postgres puts before a persona's rows: policies combined, parsed, and given their columns.

Combination as in src/backend/rewrite/rowsecurity.c: permissive policies are ORed, restrictive ones ANDed, and where no
permissive one applies nothing passes. A policy without the expression that is asked for contributes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.policy.body import body_of
from rlsaudit.policy.columns import describe
from rlsaudit.policy.formula import FALSE, And, Atom, AtomKind, Formula, Or
from rlsaudit.policy.helpers import helper_of
from rlsaudit.policy.parse import parse
from rlsaudit.policy.query import read_query
from rlsaudit.policy.values import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Operation, Persona
    from rlsaudit.policy.helpers import Helper
    from rlsaudit.policy.scalar import Column

_BODIES_OF_HELPERS = {
    ("auth", "uid"): "request.jwt.claim",
    ("auth", "role"): "request.jwt.claim",
    ("auth", "email"): "request.jwt.claim",
    ("auth", "jwt"): "request.jwt.claim",
    ("storage", "foldername"): "string_to_array",
    ("storage", "filename"): "string_to_array",
    ("storage", "extension"): "",
}
"""Supabase's helpers are known by name; one whose body lacks this text is somebody else's and stays opaque."""

_SET = "set_config"


class Predicates:
    """Row-level security of one snapshot as formulas, parsed once for each persona and expression."""

    def __init__(self, access: Access, platform: Platform) -> None:
        self._access = access
        self._catalog = access.catalog
        self._columns: dict[int, Mapping[str, Column]] = {}
        self._parsed: dict[tuple[str, int, str], Formula] = {}
        self._setting: dict[tuple[str | None, str | None], bool] = {}
        self._trusted = self._trusted_helpers() if platform is Platform.SUPABASE else frozenset()
        self._helpers = self._own_helpers()

    def using(self, persona: Persona, role: int, relation: Relation, operation: Operation) -> Formula:
        """Returns which existing rows `operation` sees as `role`, with the persona's identity."""
        return self._combined(persona, role, relation, operation, checking=False)

    def check(self, persona: Persona, role: int, relation: Relation, operation: Operation) -> Formula:
        """Returns which new rows `operation` may write as `role`, with the persona's identity."""
        return self._combined(persona, role, relation, operation, checking=True)

    def scope(self, persona: Persona, relation: Relation) -> Scope:
        """Returns what names mean in expressions over `relation`."""
        return Scope(persona, relation.name, self.columns(relation), self._trusted, self._helpers)

    def columns(self, relation: Relation) -> Mapping[str, Column]:
        """Returns the relation's columns as values of a predicate."""
        if relation.oid not in self._columns:
            self._columns[relation.oid] = describe(self._catalog, relation)
        return self._columns[relation.oid]

    def asks_identity(self, names: frozenset[tuple[str, ...]]) -> bool:
        """Whether one of these functions, or a function that it calls, may read who is calling."""
        known = self._catalog.functions_by_name
        seen: set[tuple[str, ...]] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self._trusted and name[0] == "auth":
                return True
            found = known.get((name[0], name[1]), ()) if len(name) > 1 else ()
            for function in found:
                body = body_of(function)
                if body.asks_identity or body.dynamic or not body.understood:
                    return True
                waiting.extend(body.calls)
        return False

    def _combined(
        self, persona: Persona, role: int, relation: Relation, operation: Operation, *, checking: bool
    ) -> Formula:
        policies = self._access.policies(role, relation, operation)
        parts = [(one, self._expression(one, persona, relation, checking=checking)) for one in policies]
        permissive = tuple(formula for one, formula in parts if one.permissive and formula is not None)
        restrictive = tuple(formula for one, formula in parts if not one.permissive and formula is not None)
        if permissive and any(map(self._sets, policies)):
            # Then the claims are not what they were, and which policy is asked first is the planner's to say.
            return Atom(AtomKind.OPAQUE, f"policies that call {_SET}")
        return And((Or(permissive), *restrictive)) if permissive else FALSE

    def _expression(self, policy: Policy, persona: Persona, relation: Relation, *, checking: bool) -> Formula | None:
        text = (policy.check or policy.using) if checking else policy.using
        if text is None:
            return None
        key = (persona.name, relation.oid, text)
        if key not in self._parsed:
            self._parsed[key] = parse(text, self.scope(persona, relation))
        return self._parsed[key]

    def _sets(self, policy: Policy) -> bool:
        """Whether a policy, or a function that it calls, changes a setting: the claims are settings."""
        key = policy.using, policy.check
        if key not in self._setting:
            read = [read_query(f"select {one}") for one in key if one]
            waiting = [name for one in read if one is not None for name in one.calls]
            seen: set[tuple[str, ...]] = set()
            while waiting:
                name = waiting.pop()
                if name in seen:
                    continue
                seen.add(name)
                # Without a schema it depends on the search_path which one it is.
                found = (one for one in self._catalog.snapshot.functions if one.name == name[-1])
                waiting.extend(call for one in found if one.extension is None for call in body_of(one).calls)
            self._setting[key] = any(one[-1] == _SET for one in seen)
        return self._setting[key]

    def _trusted_helpers(self) -> frozenset[tuple[str, ...]]:
        return frozenset(
            name
            for name, expected in _BODIES_OF_HELPERS.items()
            if any(expected in one.body for one in self._catalog.functions_by_name[name])
        )

    def _own_helpers(self) -> Mapping[tuple[str, ...], Helper]:
        """Functions of the project that are one query, by name; an overloaded name is left out."""
        lone = ((name, one[0]) for name, one in self._catalog.functions_by_name.items() if len(one) == 1)
        own = {one.name for one in self._catalog.snapshot.functions if one.extension is None}
        for one in self._catalog.snapshot.spellings:
            spelt = self._catalog.functions.get(one.function)
            own |= {one.name} if spelt is None or spelt.extension is None else set()
        found = ((name, helper_of(function, frozenset(own))) for name, function in lone)
        return {name: helper for name, helper in found if helper is not None}
