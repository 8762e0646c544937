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

from rlsaudit.access.views import reads_through
from rlsaudit.catalog.firing import fires
from rlsaudit.catalog.platform import SUPABASE_SYSTEM_SCHEMAS
from rlsaudit.model import Operation, Reach
from rlsaudit.policy.body import Body, body_of
from rlsaudit.policy.changes import ANY_SETTING, changed_settings
from rlsaudit.policy.deeds import ANY_TABLE, ANYHOW, Change, is_own_setting
from rlsaudit.policy.expr import FALSE, TRUE
from rlsaudit.reach.family import ancestors, descendants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation, Rewrite
    from rlsaudit.policy.deeds import Deed, Deeds
    from rlsaudit.policy.expr import Expr
    from rlsaudit.reach.deeds import Changes, Doings

_NEVER_FIRES = frozenset({"D", "R"})
_PLATFORMS = "supabase_"
"""What the names of roles begin with that own what Supabase itself puts into a project."""
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

    `answers` is whether rows that are read go back to whoever sent the statement, whatever a function returns. `rows`
    is which rows that may be at most, of the relation itself. `setting` is what is changed instead, where nothing is
    touched: with the role or the claims, who is asking (`ANY_SETTING`: it is not known what). `change` is what the rows
    are made into.
    """

    operation: Operation
    relation: int | None
    role: int
    why: str
    answers: bool = False
    rows: Expr = TRUE
    setting: str = ""
    change: Change = ANYHOW


_SET = "set_config"
_SETTING = re.compile(r"\bset_config\s*\(\s*'([^']*)'\s*,", re.IGNORECASE)
_CALLED = re.compile(r"set_config", re.IGNORECASE)

_Visit: TypeAlias = "tuple[int, int]"
"""A function and the role that it is called by."""


class Footprints:
    """Follows functions, rules and triggers of one snapshot."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._catalog = access.catalog
        self._found: dict[_Visit, frozenset[Touch]] = {}
        self._found_of_writes: dict[tuple[int, Operation, int], frozenset[Touch]] = {}
        self._setting: set[tuple[object, ...]] = set()
        self._concerned: dict[int, frozenset[int]] = {}
        self._named = self._by_name()
        self._functions_named = self._functions_by_name()

    @property
    def catalog(self) -> Catalog:
        """The catalog that all of this is about."""
        return self._catalog

    def of_call(self, function: Function, caller: int, doings: Doings | None = None) -> frozenset[Touch]:
        """Returns what a call of the function by `caller` may touch, with whose rights.

        With `doings` bodies are followed as they are for one persona.
        """
        key = (function.oid, caller)
        if key not in self._found:
            walk = _Walk(self)
            self._found[key] = walk.call(function, caller)
            if walk.sets:
                self._setting.add(key)
        if doings is None:
            return self._found[key]
        return _Walk(self, doings, self.changed_by_call(function, caller, doings)).call(function, caller)

    def of_condition(self, function: Function, caller: int, doings: Doings) -> frozenset[Touch]:
        """Returns the same for a call in a policy: in the middle of a statement, which may have changed anything."""
        return _Walk(self, doings, frozenset({ANY_TABLE})).condition(function, caller)

    def changed_by_call(self, function: Function, caller: int, doings: Doings) -> Changes:
        """Returns the relations whose rows a call may change; None where that may be any, or the claims change."""
        key = (function.oid, caller)
        changed = doings.changed_by(self.of_call(function, caller))
        if changed is not None and key not in self._setting:
            return changed
        # Dynamic SQL may be no more than what it is made of tells, and what changes claims may be out of reach. Until
        # something changes them they are what they were: if then nothing does that, nothing ever does.
        walk = _Walk(self, doings, frozenset({ANY_TABLE}))
        changed = doings.changed_by(walk.call(function, caller))
        return None if walk.sets else changed

    def of_write(
        self, relation: Relation, operation: Operation, caller: int, doings: Doings | None = None
    ) -> frozenset[Touch]:
        """Returns what an INSERT, UPDATE or DELETE on the relation by `caller` may touch besides its rows."""
        if not any(map(self._sets_off, self.concerned(relation.oid))):
            return frozenset()
        key = (relation.oid, operation, caller)
        if key not in self._found_of_writes:
            walk = _Walk(self)
            self._found_of_writes[key] = walk.write(relation, operation, caller)
            if walk.sets:
                self._setting.add(key)
        if doings is None:
            return self._found_of_writes[key]
        return _Walk(self, doings, self.changed_by_write(relation, operation, caller, doings)).write(
            relation, operation, caller
        )

    def _sets_off(self, oid: int) -> bool:
        """Whether anything happens with a write to rows of the relation."""
        catalog = self._catalog
        return bool(catalog.triggers[oid] or catalog.row_calls[oid] or catalog.rewrites[oid])

    def changed_by_write(self, relation: Relation, operation: Operation, caller: int, doings: Doings) -> Changes:
        """Returns the relations whose rows change with a write; None where that may be any, or the claims change."""
        key = (relation.oid, operation, caller)
        found = self.of_write(relation, operation, caller)
        itself = Touch(operation, relation.oid, caller, "")
        changed = doings.changed_by({itself, *found})
        if changed is not None and key not in self._setting:
            return changed
        walk = _Walk(self, doings, frozenset({ANY_TABLE}))
        changed = doings.changed_by({itself, *walk.write(relation, operation, caller)})
        return None if walk.sets else changed

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

    def opens(self, role: int, oid: int, operation: Operation) -> bool:
        """Whether a role surely may do that to any row of the relation: no privilege and no policy is in the way."""
        relation = self._catalog.relations[oid]
        if relation.kind not in "rpv" or not self._access.usage(role, self._catalog.schemas[relation.schema]):
            return False
        if not self._access.on_table(role, relation, operation.value.upper()):
            return False
        if relation.kind == "v":
            below = reads_through(self._access, relation, role)
            return operation is Operation.SELECT and all(
                one.granted and not one.stored and not self._access.rls_applies(one.role, one.relation) for one in below
            )
        return not self._access.rls_applies(role, relation)

    def may_call(self, role: int, function: Function) -> bool:
        """Whether a role may call the function."""
        return self._access.may_call(role, function)

    def is_platforms(self, function: Function) -> bool:
        """Whether a function came with the platform, and so changes nobody's identity."""
        owner = self._access.name(function.owner)
        within = self._catalog.schemas[function.schema].name in SUPABASE_SYSTEM_SCHEMAS
        return within and owner.startswith(_PLATFORMS)

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
    """One walk from a statement: every function and write is followed once for each role that does it.

    `doings` says which rows bodies are about, where they are followed; `changed` is what all of the walk may change.
    `sets` is whether claims, or what names mean, may not stay what they were.
    """

    def __init__(self, footprints: Footprints, doings: Doings | None = None, changed: Changes = frozenset()) -> None:
        self._doings = doings
        self._changed = changed
        self._footprints = footprints
        self._access = footprints._access  # noqa: SLF001 — two halves of one thing
        self._catalog = self._access.catalog
        self._touched: set[Touch] = set()
        self.sets = False
        self._calls: set[_Visit] = set()
        self._writes: set[tuple[int, Operation, int]] = set()
        self._queries: set[_Visit] = set()

    def call(self, function: Function, caller: int) -> frozenset[Touch]:
        self._call(function, caller, top=True)
        return frozenset(self._touched)

    def condition(self, function: Function, caller: int) -> frozenset[Touch]:
        self._call(function, caller)
        return frozenset(self._touched)

    def write(self, relation: Relation, operation: Operation, caller: int) -> frozenset[Touch]:
        self._write(relation, operation, caller)
        return frozenset(self._touched)

    def query(self, view: Relation, caller: int) -> frozenset[Touch]:
        self._query(view, caller)
        return frozenset(self._touched)

    def _call(self, first: Function, caller: int, *, top: bool = False) -> None:
        waiting = [(first, caller)]
        while waiting:
            function, role = waiting.pop()
            if (function.oid, role) in self._calls or function.extension is not None:
                continue
            # Nothing has been changed when the statement's own call begins, but where it comes back to that function.
            fresh = top and not self._catalog.argument_calls[function.oid]
            top = False
            if not fresh:
                self._calls.add((function.oid, role))
            # Defaults of arguments are computed before the function runs, by whoever calls it.
            before = (self._catalog.functions.get(oid) for oid in self._catalog.argument_calls[function.oid])
            waiting.extend((one, role) for one in before if one is not None)
            role = function.owner if function.security_definer else role
            body = body_of(function)
            self.sets |= _sets_claims(function, body)
            deeds = None
            if self._doings is not None:
                deeds = self._doings.of(function, role, frozenset() if fresh else self._changed)
            lost = self._not_followed(function, body) if deeds is None else deeds.lost
            self._change_settings(function, role, lost)
            if self._doings is not None and self._doings.hands_over(function):
                why = "it takes a temporary table that its caller may have made"
                self._touched |= {Touch(one, None, role, why, answers=True) for one in Operation}
            if deeds is not None:
                self._by_deeds(deeds, role)
                waiting.extend((called, role) for name in deeds.calls for called in self._footprints.functions(name))
                continue
            if lost:
                self._touched |= {Touch(one, None, role, lost) for one in Operation}
            for name in body.reads:
                for oid in self._footprints.relations(name):
                    self._read(oid, role)
            for operation, name in body.writes:
                for oid in self._footprints.relations(name):
                    self._touch(Operation(operation), oid, role)
            names = body.calls | body.operators
            waiting.extend((called, role) for name in names for called in self._footprints.functions(name))

    def _change_settings(self, function: Function, role: int, lost: str) -> None:
        """Notes what is changed that may say who is asking: whatever runs a text may run a SET."""
        if self._footprints.is_platforms(function):
            return
        changed = changed_settings(function)
        if lost and body_of(function).dynamic:
            self._touched.add(Touch(Operation.SELECT, None, role, lost, setting=ANY_SETTING))
        for one in changed:
            why = "it changes settings" if one == ANY_SETTING else f"it changes the setting {one}"
            self._touched.add(Touch(Operation.SELECT, None, role, why, setting=one))

    def _by_deeds(self, deeds: Deeds, role: int) -> None:
        """What a body does that is followed, and what that sets off."""
        if deeds.lost:
            self._touched |= {Touch(one, None, role, deeds.lost) for one in Operation}
        for one in deeds.deeds:
            relation = self._catalog.relations[one.relation]
            reading = one.operation is Operation.SELECT
            if one.rows == FALSE or self._most(one) is Reach.NONE:
                # It is noted all the same, so that nobody takes what was left out for what is not done.
                self._touched.add(Touch(one.operation, one.relation, role, "it never comes to that", rows=FALSE))
                if reading and relation.kind == "v":
                    self._query(relation, role)
                continue
            why = "it reads the table" if reading else "it writes the table"
            self._touched.add(Touch(one.operation, one.relation, role, why, rows=one.rows, change=one.change))
            if not reading:
                self._write(relation, one.operation, role)
            elif relation.kind == "v":
                self._query(relation, role)

    def _most(self, deed: Deed) -> Reach:
        return Reach.ALL if self._doings is None else self._doings.most(deed.rows, deed.relation, deed.operation)

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
                    function = self._catalog.functions.get(called)
                    # A trigger's own function is among what it depends on, and is called by that alone.
                    if function is not None and function.returns != "trigger":
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


def _sets_claims(function: Function, body: Body) -> bool:
    """Whether a body that is understood may set more than settings of the project's own: claims, what names mean."""
    if not any(one[-1] == _SET for one in body.calls):
        return False
    named = _SETTING.findall(function.body)
    return len(named) < len(_CALLED.findall(function.body)) or not all(map(is_own_setting, named))


def _events(relation: Relation, operation: Operation) -> Iterator[Operation]:
    """What a write does to rows: an update may move one to another partition, by deleting and inserting it."""
    yield operation
    if operation is Operation.UPDATE and (relation.kind == "p" or relation.partition):
        yield from (Operation.INSERT, Operation.DELETE)
