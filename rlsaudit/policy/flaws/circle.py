"""Recursion, as the server finds it when it rewrites a statement: `infinite recursion detected in policy` (42P17).

As in src/backend/rewrite/rewriteHandler.c (`fireRIRrules`): a relation's conditions are put before its rows; where
there is a subquery among them the relation counts as open while the subqueries' relations are rewritten in turn, and
to come to an open relation whose own conditions have subqueries is the error. Views are gone into; functions are not,
for their bodies are statements of their own. Whether any row would be read does not matter, nor any privilege.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.access.views import is_invoker
from rlsaudit.model import EvidenceKind, Operation
from rlsaudit.policy import tree
from rlsaudit.policy.flaws.flaw import Flaw, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.tree import Node


_MOST_VISITS = 2_000
_ALL = (Operation.SELECT, Operation.INSERT, Operation.UPDATE, Operation.DELETE)


@dataclass(frozen=True, slots=True)
class Circle:
    """Relations that ask each other, first to last; not `sure` where it took too long to follow them all."""

    relations: tuple[Relation, ...]
    sure: bool = True


class Circles:
    """Which statements the server refuses for the policies that they would have it ask."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._catalog = access.catalog
        self._found: dict[tuple[int, int, int, Operation], Circle | None] = {}

    def of(self, personas: tuple[Persona, ...], relation: Relation) -> Iterator[Flaw]:
        """Yields the policies of a relation for which statements on it are refused, once for each persona."""
        for persona in personas:
            role = self._catalog.roles_by_name[persona.role].oid
            told = set[int]()
            for operation in _ALL:
                for policy, text in self._conditions(role, relation, operation):
                    found = () if policy.oid in told else self._circle(role, relation, text)
                    if found:
                        told.add(policy.oid)
                        because = self.told(Circle(found), operation)
                        yield Flaw(
                            Kind.RECURSION,
                            policy,
                            "",
                            text,
                            because,
                            persona.name,
                            EvidenceKind.CATALOG,
                            tuple(one.oid for one in found),
                            operation,
                        )

    def refusing(self, caller: int, role: int, relation: Relation, operation: Operation) -> Circle | None:
        """Returns the circle for which the server refuses every such statement, None where there is none.

        `caller` runs it, `role` is whose rights count on the relation. Of a view it is told for queries alone.
        """
        key = (caller, role, relation.oid, operation)
        if key not in self._found:
            visit = _Visit(self, caller)
            if relation.kind == "v":
                found = visit.any_of(role, [relation], ()) if operation is Operation.SELECT else ()
            else:
                texts = (text for _, text in self._conditions(role, relation, operation))
                read = (_read(one, self._catalog) for one in texts)
                found = next((circle for one in read if (circle := visit.any_of(role, one, (relation,)))), ())
            self._found[key] = Circle(found, sure=bool(found)) if found or visit.lost else None
        return self._found[key]

    def told(self, circle: Circle, operation: Operation) -> str:
        """Returns what the server says of a circle."""
        if not circle.sure:
            return "its policies ask more tables, one through another, than are followed"
        path = " asks ".join(self._catalog.identity(one) for one in circle.relations)
        return f"the server refuses {operation.value} (42P17, infinite recursion): {path}"

    def _circle(self, role: int, relation: Relation, text: str) -> tuple[Relation, ...]:
        """The relations, first to last, that a condition of `relation` leads into and that ask each other in a circle.

        None where there is no circle.
        """
        visit = _Visit(self, role)
        return visit.any_of(role, _read(text, self._catalog), (relation,))

    def conditions(self, role: int, relation: Relation) -> list[tuple[Policy, str]]:
        """What is put before the rows that a query reads."""
        return self._conditions(role, relation, Operation.SELECT)

    @property
    def catalog(self) -> Catalog:
        """The facts."""
        return self._catalog

    def _conditions(self, role: int, relation: Relation, operation: Operation) -> list[tuple[Policy, str]]:
        """The same for a statement: nothing but `false` where no permissive policy applies."""
        if not self._access.rls_applies(role, relation):
            return []
        policies = self._access.policies(role, relation, operation)
        found: list[tuple[Policy, str]] = []
        if operation is not Operation.INSERT:
            found += _with_permissive([(one, one.using) for one in policies if one.using])
        if operation in {Operation.INSERT, Operation.UPDATE}:
            checks = [(one, one.check or one.using or "") for one in policies if one.check or one.using]
            found += [one for one in _with_permissive(checks) if one not in found]
        return found


class _Visit:
    """One way through the relations, by the role that runs the statement."""

    def __init__(self, circles: Circles, caller: int) -> None:
        self._circles = circles
        self._caller = caller
        self._left = _MOST_VISITS
        self._done = set[tuple[int, int, frozenset[int]]]()

    @property
    def lost(self) -> bool:
        """Whether there was more to follow than is followed."""
        return self._left < 0

    def any_of(self, role: int, relations: list[Relation], around: tuple[Relation, ...]) -> tuple[Relation, ...]:
        """Returns the circle that the first of the relations leads into which leads into one."""
        return next((found for one in relations if (found := self._into(role, one, around))), ())

    def _into(self, role: int, relation: Relation, around: tuple[Relation, ...]) -> tuple[Relation, ...]:
        key = (relation.oid, role, frozenset(one.oid for one in around))
        self._left -= 1
        # What would take too long to follow is not claimed.
        if key in self._done or self._left < 0:
            return ()
        self._done.add(key)
        catalog = self._circles.catalog
        if relation.kind == "v":
            if relation in around or relation.definition is None:
                return ()
            reader = self._caller if is_invoker(relation) else relation.owner
            return self.any_of(reader, _read_by_view(relation.definition, catalog), (*around, relation))
        conditions = self._circles.conditions(role, relation)
        if not any(_has_subquery(text) for policy, _ in conditions for text in (policy.using, policy.check) if text):
            return ()
        if relation in around:
            return (*around[around.index(relation) :], relation)
        asked = [one for _, text in conditions for one in _read(text, catalog)]
        return self.any_of(role, asked, (*around, relation))


def _with_permissive(found: list[tuple[Policy, str]]) -> list[tuple[Policy, str]]:
    return found if any(policy.permissive for policy, _ in found) else []


def _read(text: str, catalog: Catalog) -> list[Relation]:
    return [found for name in _names(text) if (found := _found(name, catalog)) is not None]


def _found(name: tuple[str, ...], catalog: Catalog) -> Relation | None:
    # In what the server deparses only its own relations go without a schema.
    return catalog.relations_by_name.get((name[0], name[-1])) if len(name) > 1 else None


def _read_by_view(definition: str, catalog: Catalog) -> list[Relation]:
    parsed = tree.statements(definition)
    return [found for one in tree.relations(parsed or ()) if (found := _found(_name(one), catalog)) is not None]


@lru_cache(maxsize=4096)
def _names(text: str) -> tuple[tuple[str, ...], ...]:
    """The relations that the subqueries of an expression read."""
    return tuple(dict.fromkeys(_name(one) for one in tree.relations(tree.expression(text))))


@lru_cache(maxsize=4096)
def _has_subquery(text: str) -> bool:
    return any(isinstance(one, ast.SubLink) for one in tree.walk(tree.expression(text)))


def _name(relation: Node) -> tuple[str, ...]:
    return (relation.schemaname, relation.relname) if relation.schemaname else (relation.relname,)
