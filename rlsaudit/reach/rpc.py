"""How far the statements of a function that runs as its owner lead whoever calls it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach
from rlsaudit.policy.body import body_of
from rlsaudit.policy.decide import solved
from rlsaudit.policy.helpers import PATH
from rlsaudit.policy.read import rows_of

if TYPE_CHECKING:
    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.policy.read import Reached
    from rlsaudit.reach.bounds import Way
    from rlsaudit.reach.footprint import Footprints, Touch
    from rlsaudit.reach.predicates import Predicates

_FOLLOWED = frozenset({Operation.SELECT, Operation.UPDATE, Operation.DELETE})


class Calls:
    """Bounds for what callable functions do by themselves: what they call or set off is for others to follow."""

    def __init__(self, access: Access, predicates: Predicates, footprints: Footprints) -> None:
        self._access = access
        self._catalog = access.catalog
        self._predicates = predicates
        self._footprints = footprints
        self._reached: dict[tuple[str, int], Reached | None] = {}

    def way(self, persona: Persona, function: Function, touch: Touch, otherwise: Way) -> Way | None:
        """Returns the way that `touch` is for who calls the function: `otherwise`, with the bound that is known.

        None where it is not the function's own statements alone that touch the relation, or they are not followed.
        """
        relation = touch.relation
        if relation is None or touch.by != function.oid or touch.operation not in _FOLLOWED or touch.answers:
            return None
        if not function.security_definer or self._footprints.concerned(relation) != {relation}:
            return None
        if self._catalog.relations[relation].kind != "r":
            return None
        if touch.operation is not Operation.SELECT and self._filtered(touch.role, relation):
            return None
        key = (persona.name, function.oid)
        if key not in self._reached:
            self._reached[key] = self._followed(persona, function, touch)
        reached = self._reached[key]
        if reached is None or any(
            operation is touch.operation and relation in self._footprints.relations(name)
            for operation, name in reached.lost
        ):
            return None
        bounds = [
            solved(one, persona, relation, self._predicates, most=True).at_most
            for one in reached.rows.get((touch.operation, relation), ())
        ]
        at_most = max(bounds, default=Reach.NONE)
        return replace(otherwise, at_most=at_most)

    def _filtered(self, role: int, relation: int) -> bool:
        return self._access.rls_applies(role, self._catalog.relations[relation])

    def _followed(self, persona: Persona, function: Function, touch: Touch) -> Reached | None:
        if touch.relation is None or self._calls_what_writes(function) or not self._names_are_clear(function):
            return None
        around = self._predicates.scope(persona, self._catalog.relations[touch.relation], function.owner)
        path = self._predicates.path_of(function)
        return rows_of(function, replace(around, relation="", columns={}, table=0, path=path))

    def _calls_what_writes(self, function: Function) -> bool:
        """Whether something that the body calls may write: then a query may give what it has not read itself."""
        body = body_of(function)
        called = (one for name in body.calls | body.operators for one in self._footprints.functions(name))
        touches = (one for each in called for one in self._footprints.of_call(each, function.owner))
        return any(one.operation is not Operation.SELECT for one in touches)

    def _names_are_clear(self, function: Function) -> bool:
        """Whether it is the function that says where the names in its body are looked for, or there is only one."""
        if any(one.startswith(PATH) for one in function.settings):
            return True
        body = body_of(function)
        names = body.reads | {name for _, name in body.writes}
        return all(len(list(self._footprints.relations(name))) <= 1 for name in names)
