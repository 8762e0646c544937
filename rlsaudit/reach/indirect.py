"""Reach by other ways: children and parents, views, definer functions and triggers that lead to a table's rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.access.views import reads_through
from rlsaudit.model import Operation, Reach
from rlsaudit.policy.body import Body, body_of
from rlsaudit.reach.bounds import Way, anything
from rlsaudit.reach.triggers import fires
from rlsaudit.reach.views import Views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.reach.direct import Direct
    from rlsaudit.reach.predicates import Predicates

_TELLS_NOTHING = frozenset({"void", "boolean", "trigger", "event_trigger"})
"""Return types that carry no row: a Boolean is an oracle, which is no reach."""
_NOT_CALLABLE = frozenset({"trigger", "event_trigger"})


class Indirect:
    """Ways to tables that do not address them by name.

    `callable_schemas` are the schemas whose functions a client can call.
    """

    def __init__(
        self, access: Access, predicates: Predicates, direct: Direct, callable_schemas: frozenset[str]
    ) -> None:
        self._access = access
        self._catalog = access.catalog
        self._direct = direct
        self._views = Views(access, predicates)
        self._callable_schemas = callable_schemas
        self._bodies: dict[int, Body] = {}
        self._readers = self._view_readers()
        self._by_name = self._names()

    def ways(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        """Yields every way but the direct one that leads the persona to the relation's rows, or might."""
        if relation.kind in "rpf":
            yield from self._family(persona, relation, operation)
        if relation.kind in "rp":
            yield from self._through_views(persona, relation, operation)
            yield from self._through_functions(persona, relation, operation)
            yield from self._through_triggers(persona, relation, operation)

    def body(self, function: Function) -> Body:
        """Returns what a function does, together with the functions that it calls."""
        if function.oid not in self._bodies:
            self._bodies[function.oid] = self._closed(function)
        return self._bodies[function.oid]

    def touches(self, function: Function, relation: Relation, operation: Operation) -> str:
        """Returns why the function might do `operation` to the relation, empty where it surely does not."""
        body = self.body(function)
        if not body.understood:
            return f"language {function.language} is not followed" if not body.calls else "its body is not understood"
        if body.dynamic:
            return "it runs dynamic SQL"
        names = self._by_name[relation.oid]
        if operation is Operation.SELECT:
            return "it reads the table" if body.reads & names else ""
        return "it writes the table" if any((operation.value, name) in body.writes for name in names) else ""

    def callable_definers(self, persona: Persona) -> Iterator[Function]:
        """Yields the project's SECURITY DEFINER functions that the persona can call."""
        role = self._catalog.roles_by_name[persona.role].oid
        for function in self._catalog.snapshot.functions:
            if not function.security_definer or function.extension is not None or function.returns in _NOT_CALLABLE:
                continue
            if self._catalog.schemas[function.schema].name not in self._callable_schemas:
                continue
            if self._access.execute(role, function):
                yield function

    def _family(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        for parent in self._ancestors(relation):
            if operation is Operation.INSERT and not relation.partition:
                continue
            way = self._direct.way(persona, parent, operation)
            if way.at_most is not Reach.NONE:
                least = Reach.NONE if operation is Operation.INSERT else way.at_least
                via = self._catalog.identity(parent)
                yield replace(way, at_least=least, because=f"through its parent: {way.because}", via=via)
        children = [self._catalog.relations[oid] for oid in self._catalog.children[relation.oid]]
        ways = [(child, self._direct.way(persona, child, operation)) for child in children]
        certain = bool(ways) and relation.kind == "p" and all(way.at_least is Reach.ALL for _, way in ways)
        for child, way in ways:
            if way.at_most is Reach.NONE:
                continue
            # One child's rows are those of some content: the partition key's.
            most = way.at_most if certain else min(way.at_most, Reach.SOME)
            least = way.at_least if certain else min(way.at_least, Reach.SOME)
            via = self._catalog.identity(child)
            because = f"through its child {via}: {way.because}"
            yield replace(way, at_least=least, at_most=most, because=because, via=via)

    def _ancestors(self, relation: Relation) -> Iterator[Relation]:
        waiting, seen = list(self._catalog.parents[relation.oid]), set[int]()
        while waiting:
            oid = waiting.pop()
            if oid not in seen and oid in self._catalog.relations:
                seen.add(oid)
                yield self._catalog.relations[oid]
                waiting.extend(self._catalog.parents[oid])

    def _through_views(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        role = self._catalog.roles_by_name[persona.role].oid
        for view in self._readers[relation.oid]:
            schema = self._catalog.schemas[view.schema]
            granted = self._access.columns(role, view, operation.value.upper()) or self._access.on_table(
                role, view, operation.value.upper()
            )
            if granted and self._access.usage(role, schema):
                way = self._views.into(persona, role, view, relation, operation)
                if way is not None and way.at_most is not Reach.NONE:
                    yield way

    def _through_functions(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        for function in self.callable_definers(persona):
            if operation is Operation.SELECT and function.returns in _TELLS_NOTHING:
                continue
            why = self.touches(function, relation, operation)
            if why and self._owner_may(function, relation, operation):
                identity = self._catalog.function_identity(function)
                yield anything(f"SECURITY DEFINER function {identity}: {why}", identity)

    def _through_triggers(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        if operation is Operation.SELECT:
            return
        for trigger in self._catalog.snapshot.triggers:
            function = self._catalog.functions.get(trigger.function)
            source = self._catalog.relations[trigger.relation]
            if function is None or not function.security_definer or source.oid == relation.oid:
                continue
            why = self.touches(function, relation, operation)
            if not why or not self._owner_may(function, relation, operation):
                continue
            fired = [one for one in Operation if one is not Operation.SELECT and fires(trigger, one)]
            if any(self._direct.way(persona, source, one).at_most is not Reach.NONE for one in fired):
                identity = self._catalog.identity(source)
                yield anything(f'trigger "{trigger.name}" on {identity} runs as its owner: {why}', identity)

    def _owner_may(self, function: Function, relation: Relation, operation: Operation) -> bool:
        privilege = operation.value.upper()
        return bool(self._access.columns(function.owner, relation, privilege)) or self._access.on_table(
            function.owner, relation, privilege
        )

    def _closed(self, function: Function) -> Body:
        total = body_of(function)
        seen, waiting = {function.oid}, list(total.calls)
        while waiting:
            name = waiting.pop()
            candidates = self._catalog.functions_by_name[(name[0], name[1])] if len(name) > 1 else self._named(name[-1])
            for called in candidates:
                if called.oid in seen or called.extension is not None:
                    continue
                seen.add(called.oid)
                inner = body_of(called)
                waiting.extend(inner.calls)
                total = Body(
                    understood=total.understood and inner.understood,
                    reads=total.reads | inner.reads,
                    writes=total.writes | inner.writes,
                    calls=total.calls | inner.calls,
                    asks_identity=total.asks_identity or inner.asks_identity,
                    dynamic=total.dynamic or inner.dynamic,
                    raises=total.raises or inner.raises,
                )
        return total

    def _named(self, name: str) -> list[Function]:
        return [
            one for (_, called), group in self._catalog.functions_by_name.items() if called == name for one in group
        ]

    def _names(self) -> dict[int, frozenset[tuple[str, ...]]]:
        """How a body may name each relation: with its schema, or without where some search_path finds it."""
        names: dict[int, set[tuple[str, ...]]] = {
            one.oid: {(self._catalog.schema_name(one), one.name), (one.name,)}
            for one in self._catalog.snapshot.relations
        }
        for oid, found in list(names.items()):
            relation = self._catalog.relations[oid]
            # Through a view or a parent that the body names it gets to the rows as well.
            for other in (*self._readers[oid], *self._ancestors(relation)):
                found |= {(self._catalog.schema_name(other), other.name), (other.name,)}
        return {oid: frozenset(found) for oid, found in names.items()}

    def _view_readers(self) -> defaultdict[int, list[Relation]]:
        readers: defaultdict[int, list[Relation]] = defaultdict(list)
        for view in self._catalog.snapshot.relations:
            if view.kind in "vm":
                for oid in {one.relation.oid for one in reads_through(self._access, view, view.owner)}:
                    readers[oid].append(view)
        return readers
