"""What statements and functions set off: relations that get read or written with rights that are not the caller's.

A function that runs as its owner, a rule, which runs with the rights of the table's owner, and a trigger below either
take a statement further than its sender's own privileges. Each is followed to whatever it calls, fires or names;
names are all that bodies tell, so what is found is where a statement may lead, never where it surely does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Operation
from rlsaudit.policy.body import Body, body_of
from rlsaudit.reach.family import ancestors, descendants
from rlsaudit.reach.triggers import fires

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function, Relation, Rewrite

_NEVER_FIRES = frozenset({"D", "R"})
_EVENTS = {Operation.UPDATE: "2", Operation.INSERT: "3", Operation.DELETE: "4"}
_WORDS = {
    Operation.SELECT: re.compile(r"\b(?:select|returning)\b", re.IGNORECASE),
    Operation.INSERT: re.compile(r"\binsert\s+into\b", re.IGNORECASE),
    Operation.UPDATE: re.compile(r"\bupdate\b", re.IGNORECASE),
    Operation.DELETE: re.compile(r"\bdelete\s+from\b", re.IGNORECASE),
}
_DOES = re.compile(r"\bdo\b(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Touch:
    """`operation` may be done to the relation (None: to any) with the rights of `role`; `why` says so in words.

    `answers` is whether rows that are read go back to whoever sent the statement, whatever a function returns.
    """

    operation: Operation
    relation: int | None
    role: int
    why: str
    answers: bool = False


_Visit: TypeAlias = "tuple[int, int]"
"""A function and the role that it is called by."""


class Footprints:
    """Follows functions, rules and triggers of one snapshot."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._catalog = access.catalog
        self._found: dict[_Visit, frozenset[Touch]] = {}
        self._concerned: dict[int, frozenset[int]] = {}
        self._named = self._by_name()
        self._functions_named = self._functions_by_name()

    def of_call(self, function: Function, caller: int) -> frozenset[Touch]:
        """Returns what a call of the function by `caller` may touch, with whose rights."""
        key = (function.oid, caller)
        if key not in self._found:
            self._found[key] = _Walk(self).call(function, caller)
        return self._found[key]

    def of_write(self, relation: Relation, operation: Operation, caller: int) -> frozenset[Touch]:
        """Returns what an INSERT, UPDATE or DELETE on the relation by `caller` may touch besides its rows."""
        return _Walk(self).write(relation, operation, caller)

    def of_query(self, view: Relation, caller: int) -> frozenset[Touch]:
        """Returns what the functions may touch that a view calls."""
        return _Walk(self).query(view, caller)

    def concerned(self, oid: int) -> frozenset[int]:
        """Returns every relation some of whose rows are touched where the relation's are.

        Of a view those that it reads, and of a partition what it is a part of.
        """
        if oid not in self._concerned:
            self._concerned[oid] = self._all_concerned(oid)
        return self._concerned[oid]

    def functions(self, name: tuple[str, ...]) -> Iterable[Function]:
        """Returns the functions that a body may mean by a name."""
        return self._functions_named[name[-2:]]

    def relations(self, name: tuple[str, ...]) -> Iterable[int]:
        """Returns the relations that a body may mean by a name: without a schema, some search_path may find any."""
        return self._named[name]

    def _functions_by_name(self) -> Mapping[tuple[str, ...], list[Function]]:
        named: defaultdict[tuple[str, ...], list[Function]] = defaultdict(list)
        own = [(one.schema, one.name, one.oid) for one in self._catalog.snapshot.functions]
        others = [(one.schema, one.name, one.function) for one in self._catalog.snapshot.spellings]
        for schema, name, oid in own + others:
            if schema in self._catalog.schemas and oid in self._catalog.functions:
                named[self._catalog.schemas[schema].name, name].append(self._catalog.functions[oid])
                named[name,].append(self._catalog.functions[oid])
        return named

    def _all_concerned(self, oid: int) -> frozenset[int]:
        found, waiting = set[int](), [oid]
        while waiting:
            current = self._catalog.relations.get(waiting.pop())
            if current is None or current.oid in found:
                continue
            found.add(current.oid)
            waiting.extend(one.oid for one in descendants(self._catalog, current))
            if current.kind in "vm":
                waiting.extend(one.relation for rule in self._catalog.rewrites[current.oid] for one in rule.columns)
        above = {one.oid for each in found for one in ancestors(self._catalog, self._catalog.relations[each])}
        return frozenset(found | above)

    def _by_name(self) -> Mapping[tuple[str, ...], list[int]]:
        named: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for one in self._catalog.snapshot.relations:
            named[self._catalog.schema_name(one), one.name].append(one.oid)
            named[one.name,].append(one.oid)
        return named


class _Walk:
    """One walk from a statement: every function and write is followed once for each role that does it."""

    def __init__(self, footprints: Footprints) -> None:
        self._footprints = footprints
        self._access = footprints._access  # noqa: SLF001 — two halves of one thing
        self._catalog = self._access.catalog
        self._touched: set[Touch] = set()
        self._calls: set[_Visit] = set()
        self._writes: set[tuple[int, Operation, int]] = set()
        self._queries: set[_Visit] = set()

    def call(self, function: Function, caller: int) -> frozenset[Touch]:
        self._call(function, caller)
        return frozenset(self._touched)

    def write(self, relation: Relation, operation: Operation, caller: int) -> frozenset[Touch]:
        self._write(relation, operation, caller)
        return frozenset(self._touched)

    def query(self, view: Relation, caller: int) -> frozenset[Touch]:
        self._query(view, caller)
        return frozenset(self._touched)

    def _call(self, first: Function, caller: int) -> None:
        waiting = [(first, caller)]
        while waiting:
            function, role = waiting.pop()
            if (function.oid, role) in self._calls or function.extension is not None:
                continue
            self._calls.add((function.oid, role))
            # Defaults of arguments are computed before the function runs, by whoever calls it.
            before = (self._catalog.functions.get(oid) for oid in self._catalog.argument_calls[function.oid])
            waiting.extend((one, role) for one in before if one is not None)
            role = function.owner if function.security_definer else role
            body = body_of(function)
            reason = self._not_followed(function, body)
            if reason:
                self._touched |= {Touch(one, None, role, reason) for one in Operation}
            for name in body.reads:
                for oid in self._footprints.relations(name):
                    self._read(oid, role)
            for operation, name in body.writes:
                for oid in self._footprints.relations(name):
                    self._touch(Operation(operation), oid, role)
            names = body.calls | body.operators
            waiting.extend((called, role) for name in names for called in self._footprints.functions(name))

    def _not_followed(self, function: Function, body: Body) -> str:
        if not body.understood:
            known = function.language in {"sql", "plpgsql"}
            return "its body is not understood" if known else f"language {function.language} is not followed"
        return "it runs dynamic SQL" if body.dynamic else ""

    def _read(self, oid: int, role: int) -> None:
        self._touched.add(Touch(Operation.SELECT, oid, role, "it reads the table"))
        relation = self._catalog.relations[oid]
        if relation.kind == "v":
            self._query(relation, role)

    def _query(self, view: Relation, caller: int) -> None:
        if (view.oid, caller) in self._queries:
            return
        self._queries.add((view.oid, caller))
        for rule in self._catalog.rewrites[view.oid]:
            if rule.name != "_RETURN":
                continue
            for oid in rule.functions:
                if function := self._catalog.functions.get(oid):
                    self._call(function, caller)
            for oid in {one.relation for one in rule.columns} - {view.oid}:
                below = self._catalog.relations.get(oid)
                if below is not None and below.kind == "v":
                    self._query(below, caller)

    def _touch(self, operation: Operation, oid: int, role: int) -> None:
        self._touched.add(Touch(operation, oid, role, "it writes the table"))
        if operation is not Operation.SELECT:
            self._write(self._catalog.relations[oid], operation, role)

    def _write(self, relation: Relation, operation: Operation, caller: int) -> None:
        """What fires: triggers run as whoever wrote, a rule's statements with the rights of the relation's owner."""
        for oid in self._footprints.concerned(relation.oid):
            current = self._catalog.relations[oid]
            for one in _events(current, operation):
                if (oid, one, caller) in self._writes:
                    continue
                self._writes.add((oid, one, caller))
                # Defaults, constraints and the like are computed as whoever wrote, too.
                for called in self._catalog.row_calls[oid] if one is not Operation.DELETE else ():
                    if function := self._catalog.functions.get(called):
                        self._call(function, caller)
                for trigger in self._catalog.triggers[oid]:
                    function = self._catalog.functions.get(trigger.function)
                    if function is not None and fires(trigger, one):
                        self._call(function, caller)
                for rule in self._catalog.rewrites[oid]:
                    if rule.event == _EVENTS[one] and rule.enabled not in _NEVER_FIRES:
                        self._rule(current, rule, caller)

    def _rule(self, relation: Relation, rule: Rewrite, caller: int) -> None:
        for oid in rule.functions:
            if function := self._catalog.functions.get(oid):
                self._call(function, caller)
        does = _DOES.search(rule.definition or "")
        for operation, word in _WORDS.items():
            if does is not None and not word.search(does[1]):
                continue
            for oid in {one.relation for one in rule.columns}:
                if oid in self._catalog.relations:
                    why = f'rule "{rule.name}" names the table'
                    self._touched.add(Touch(operation, oid, relation.owner, why, answers=True))
                    if operation is not Operation.SELECT:
                        self._write(self._catalog.relations[oid], operation, caller)


def _events(relation: Relation, operation: Operation) -> Iterator[Operation]:
    """What a write does to rows: an update may move one to another partition, by deleting and inserting it."""
    yield operation
    if operation is Operation.UPDATE and (relation.kind == "p" or relation.partition):
        yield from (Operation.INSERT, Operation.DELETE)
