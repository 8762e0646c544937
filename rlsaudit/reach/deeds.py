"""What functions do for one persona: where bodies are followed, of which rows; else of any that their names tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.firing import comes_before
from rlsaudit.model import Operation, Reach
from rlsaudit.policy.body import body_of
from rlsaudit.policy.decide import at_most
from rlsaudit.policy.deeds import Deeds, deeds_of, may_be_the_callers
from rlsaudit.policy.expr import FALSE, And, Given, Who, queries, walk
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.reach.family import ancestors, descendants
from rlsaudit.reach.triggers import refusing_trigger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.reach.footprint import Footprints, Touch
    from rlsaudit.reach.predicates import Predicates

Changes = frozenset[int] | None
_SETTABLE = frozenset({Who.SERVER, Who.CLIENT})
"""What a setting of the project's own is among, which a statement that goes before may have set."""


class Doings:
    """Follows the bodies of functions for a persona. `first` is the call that a statement makes itself.

    What that changes may have changed before any other function is run, so that those are asked only what they find
    the same whenever they look. `later` is whether statements of the persona's may have gone before: then whatever is
    asked of tables may be met, and rows that name the persona need not be as ordinary users have them.
    """

    def __init__(
        self, footprints: Footprints, predicates: Predicates, persona: Persona, *, later: bool = False
    ) -> None:
        self._later = later
        self._footprints = footprints
        self._catalog = predicates.catalog
        self._predicates = predicates
        self._persona = persona
        self._followed: dict[tuple[int, int, Changes], Deeds | None] = {}
        self._ground = _Ground(footprints, self)

    def of(self, function: Function, role: int, before: Changes) -> Deeds | None:
        """Returns what the body does by itself with the rights of `role`; None where it is not followed."""
        if before and self._looks_nowhere(function):
            # What was changed is nothing to it, and each table with such a trigger changes something else.
            before = frozenset()
        key = (function.oid, role, before)
        if key not in self._followed:
            scope = self._predicates.nowhere(self._persona, role)
            self._followed[key] = deeds_of(function, scope, self._ground, before, self._possible)
        return self._followed[key]

    def _looks_nowhere(self, function: Function) -> bool:
        """Whether a body surely reads and writes no table, and calls nothing of the project's."""
        body = body_of(function)
        if not body.understood or body.dynamic or body.reads or body.writes or body.operators:
            return False
        return not any(name[-1] == "set_config" or self._footprints.functions(name) for name in body.calls)

    def hands_over(self, function: Function) -> bool:
        """Whether a body may do what its caller likes: a table that it takes for its own may be the caller's."""
        return may_be_the_callers(function, self._persona, self._predicates)

    def most(self, rows: Expr, relation: int, operation: Operation = Operation.INSERT) -> Reach:
        """Returns how far the persona gets at most over rows of a relation for which a condition is true.

        Those that an operation finds are in the table, one that is inserted may not be.
        """
        asked = conjunction(_of_the_row(rows)) if self._later else rows
        found = at_most(asked, self._predicates, self._persona, relation, stored=operation is not Operation.INSERT)
        # Somebody without an identity is named by no row.
        named = relation and ("sub" in self._persona.claims or not self._persona.claims)
        return Reach.OWN if self._later and named and found is Reach.NONE and asked != FALSE else found

    def changed_by(self, touched: Iterable[Touch]) -> Changes:
        """Returns the relations that are changed by what is touched; None where that may be any."""
        return self._ground.changed(touched)

    def _possible(self, condition: Expr, relation: int) -> bool:
        return self.most(condition, relation) is not Reach.NONE


def _of_the_row(rows: Expr) -> Iterator[Expr]:
    """What is asked of rows by themselves, and of nothing else that is in tables, or was set before."""
    for one in rows.operands if isinstance(rows, And) else (rows,):
        settings = any(isinstance(part, Given) and part.who in _SETTABLE for part in walk(one))
        if not settings and not any(True for _ in queries(one)):
            yield one


class _Ground:
    """What the names of bodies may mean, and what changes with what."""

    def __init__(self, footprints: Footprints, doings: Doings) -> None:
        self._footprints = footprints
        self._catalog = footprints.catalog
        self.doings = doings
        self._changed: dict[tuple[int, int], Changes] = {}
        self._written: dict[tuple[int, Operation, int], Changes] = {}
        self._wakes: dict[int, frozenset[int]] = {}
        self._depending: dict[int, set[int]] = {}
        for one in self._catalog.snapshot.constraints:
            if one.kind == "f":
                self._depending.setdefault(one.foreign_relation, set()).add(one.relation)
        self.relations = footprints.relations
        self.functions = footprints.functions
        self.concerned = footprints.concerned
        self.opens = footprints.opens
        self.may_call = footprints.may_call

    def changed_by_call(self, function: Function, role: int) -> Changes:
        """Returns the relations whose rows a call may change; None where that may be any."""
        key = (function.oid, role)
        if key not in self._changed:
            # A function that leads back to itself may change anything, as far as it is asked here.
            self._changed[key] = None
            self._changed[key] = self._footprints.changed_by_call(function, role, self.doings)
        return self._changed[key]

    def changed_by_write(self, operation: Operation, oid: int, role: int) -> Changes:
        """Returns the relations whose rows change where this one's do; None where that may be any."""
        key = (oid, operation, role)
        if key not in self._written:
            self._written[key] = None
            relation = self._catalog.relations[oid]
            self._written[key] = self._footprints.changed_by_write(relation, operation, role, self.doings)
        return self._written[key]

    def changed(self, touched: Iterable[Touch]) -> Changes:
        """Returns the relations that are changed by what is touched."""
        found: set[int] = set()
        for one in touched:
            if one.operation is Operation.SELECT or one.rows == FALSE:
                continue
            if one.relation is None:
                return None
            found |= self._wake(one.relation)
        return frozenset(found)

    def kept(self, oid: int) -> bool:
        """Whether a new row of the relation surely is as the statement has it: no trigger comes before."""
        relation = self._catalog.relations[oid]
        family = (relation, *descendants(self._catalog, relation), *ancestors(self._catalog, relation))
        return not any(
            comes_before(self._catalog, one, Operation.INSERT)
            for each in family
            for one in self._catalog.triggers[each.oid]
        ) and not any(one.name != "_RETURN" for one in self._catalog.rewrites[oid])

    def lets_pass(self, oid: int, operation: Operation, columns: frozenset[str]) -> bool:
        """Whether no trigger or rule of a table stands in the way of a statement that sets these columns."""
        relation = self._catalog.relations[oid]
        if any(one.name != "_RETURN" for one in self._catalog.rewrites[oid]):
            return False
        return refusing_trigger(self._catalog, (relation,), operation, columns) is None

    def _wake(self, oid: int) -> frozenset[int]:
        """What changes where rows of a relation do: all that has those rows, or refers to them."""
        if oid not in self._wakes:
            found, waiting = set[int](), [oid]
            while waiting:
                current = waiting.pop()
                if current in found:
                    continue
                found.add(current)
                if current in self._catalog.relations:
                    waiting.extend(self._footprints.concerned(current))
                waiting.extend(self._depending.get(current, ()))
            self._wakes[oid] = frozenset(found)
        return self._wakes[oid]
