"""Where the values of a relation's columns come from, through views over views, down to the columns of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.policy.answers import doing_of
from rlsaudit.policy.lineage import lineage_of
from rlsaudit.reach.meant import columns_meant, relation_meant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.policy.body import Body
    from rlsaudit.policy.lineage import Shown

TableColumn: TypeAlias = tuple[int, str]
"""A table's OID and the name of a column."""

_BOOLEAN = "boolean"
_TELL_NOTHING = frozenset({_BOOLEAN, "void", "trigger"})
"""What a function returns that hands out no value of a row."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Columns of tables whose values a column shows: `plain` as they are, `computed` within something.

    `known` is false where a query on the way is not understood: then they are all that it may show.
    """

    plain: frozenset[TableColumn]
    computed: frozenset[TableColumn]
    known: bool

    @property
    def columns(self) -> frozenset[TableColumn]:
        """Both."""
        return self.plain | self.computed


@dataclass(frozen=True, slots=True)
class _Step:
    """A column on the way down. `stored`: rows of a materialized view, which was filled with its owner's rights."""

    relation: int
    column: str
    plain: bool
    stored: bool


class Origins:
    """The origins of one snapshot's columns. A view is looked into when somebody asks, and once.

    A Boolean that is computed from something else, `email is null`, shows no value of it. What a function reads counts
    where it reads with rights that its caller has not: as its owner, without asking who calls, or while a materialized
    view was filled. `body` tells what a function does, with all that it calls.
    """

    def __init__(self, catalog: Catalog, body: Callable[[Function], Body]) -> None:
        self._catalog = catalog
        self._body = body
        self._lineages: dict[int, Mapping[str, Shown | None]] = {}
        self._origins: dict[tuple[int, str], Origin] = {}
        self._types: dict[int, Mapping[str, str]] = {}
        self._given: dict[int, frozenset[TableColumn] | None] = {}
        self._below: dict[int, tuple[frozenset[int], frozenset[int]]] = {}

    def of(self, relation: Relation, column: str) -> Origin:
        """Returns where the values of a column come from; a table's own are its own."""
        key = (relation.oid, column)
        if key not in self._origins:
            self._origins[key] = self._follow(_Step(relation.oid, column, plain=True, stored=False))
        return self._origins[key]

    def of_all(self, relation: Relation) -> Mapping[str, Origin]:
        """Returns the origins of all columns of a relation, by name and in order."""
        return {name: self.of(relation, name) for name in self._columns(relation.oid)}

    def shown(self, relation: Relation) -> frozenset[TableColumn]:
        """Returns every column of a table that some column of the relation shows."""
        return frozenset[TableColumn]().union(*(one.columns for one in self.of_all(relation).values()))

    def known(self, relation: Relation) -> bool:
        """Whether the origins of all its columns are known."""
        return all(one.known for one in self.of_all(relation).values())

    def may_show(self, view: Relation, relations: Iterable[int]) -> bool:
        """Whether there is any way from one of the relations to the view: much cheaper than to ask for its origins."""
        below, functions = self._all_below(view)
        if not below.isdisjoint(relations):
            return True
        stored = any(self._catalog.relations[oid].kind == "m" for oid in below)
        return any(self._counts(self._catalog.functions[oid], stored=stored) for oid in functions)

    def _follow(self, first: _Step) -> Origin:
        plain, computed = set[TableColumn](), set[TableColumn]()
        known = True
        waiting, seen = [first], set[_Step]()
        while waiting:
            step = waiting.pop()
            if step in seen:
                continue
            seen.add(step)
            if self._catalog.relations[step.relation].kind not in "vm":
                (plain if step.plain else computed).add((step.relation, step.column))
                continue
            understood, below = self._below_column(step)
            known &= understood
            waiting.extend(below)
        return Origin(frozenset(plain), frozenset(computed), known)

    def _below_column(self, step: _Step) -> tuple[bool, list[_Step]]:
        """Whether a view's column is understood, and the columns that it shows."""
        view = self._catalog.relations[step.relation]
        stored = step.stored or view.kind == "m"
        shown = self._lineage(view).get(step.column)
        given = None if shown is None else self._given_by(shown, stored=stored)
        if shown is None or given is None:
            understood, plain, computed = False, set[TableColumn](), self._read_by(view)
        else:
            understood, plain, computed = True, self._known(shown.plain), self._known(shown.computed) | given
        if self._columns(view.oid).get(step.column) == _BOOLEAN:
            computed = {one for one in computed if self._columns(one[0]).get(one[1]) == _BOOLEAN}
        below = [_Step(oid, column, step.plain, stored) for oid, column in plain]
        return understood, [*below, *(_Step(oid, column, plain=False, stored=stored) for oid, column in computed)]

    def _lineage(self, view: Relation) -> Mapping[str, Shown | None]:
        if view.oid not in self._lineages:
            self._lineages[view.oid] = lineage_of(
                view.definition or "", tuple(self._columns(view.oid)), self._columns_named
            )
        return self._lineages[view.oid]

    def _known(self, columns: Iterable[tuple[str, str, str]]) -> set[TableColumn]:
        """Those of the snapshot: the system's own relations are not among them, nor are system columns."""
        found = ((self._catalog.relations_by_name.get((schema, name)), column) for schema, name, column in columns)
        return {
            (relation.oid, column)
            for relation, column in found
            if relation is not None and column in self._columns(relation.oid)
        }

    def _read_by(self, view: Relation) -> set[TableColumn]:
        """Every column that a view's query reads; the server does not note those that a whole row is made of."""
        whole = ".*" in (view.definition or "")
        return {
            (reference.relation, column.name)
            for rewrite in self._catalog.rewrites[view.oid]
            if rewrite.name == "_RETURN"
            for reference in rewrite.columns
            if reference.relation in self._catalog.relations and reference.relation != view.oid
            for column in self._catalog.columns[reference.relation]
            if whole or reference.column in {0, column.number}
        }

    def _given_by(self, shown: Shown, *, stored: bool) -> set[TableColumn] | None:
        """What the functions show that are called; None where one of them is not understood."""
        found: set[TableColumn] = set()
        for name in shown.calls:
            for function in self._catalog.functions_by_name[name]:
                if self._counts(function, stored=stored):
                    given = self._given_by_one(function)
                    if given is None:
                        return None
                    found |= given
        return found

    def _counts(self, function: Function, *, stored: bool) -> bool:
        if function.extension is not None or function.returns in _TELL_NOTHING:
            return False
        return stored or (function.security_definer and not self._body(function).asks_identity)

    def _given_by_one(self, function: Function) -> frozenset[TableColumn] | None:
        if function.oid not in self._given:
            doing = doing_of(function, lambda name: columns_meant(self._catalog, function, name))
            self._given[function.oid] = (
                None
                if doing is None
                else frozenset(
                    (relation.oid, one)
                    for read in doing.reads
                    for name, column in read.shown
                    if (relation := relation_meant(self._catalog, function, name)) is not None
                    for one in self._columns(relation.oid)
                    if column in {"*", one}
                )
            )
        return self._given[function.oid]

    def _all_below(self, view: Relation) -> tuple[frozenset[int], frozenset[int]]:
        """Every relation that a view depends on, itself among them, and every function."""
        if view.oid not in self._below:
            relations, functions = set[int](), set[int]()
            waiting = [view.oid]
            while waiting:
                oid = waiting.pop()
                if oid in relations or oid not in self._catalog.relations:
                    continue
                relations.add(oid)
                for rewrite in self._catalog.rewrites[oid]:
                    if rewrite.name == "_RETURN":
                        waiting.extend(one.relation for one in rewrite.columns)
                        functions.update(one for one in rewrite.functions if one in self._catalog.functions)
            self._below[view.oid] = (frozenset(relations), frozenset(functions))
        return self._below[view.oid]

    def _columns(self, oid: int) -> Mapping[str, str]:
        """The types of a relation's columns, by name and in order."""
        if oid not in self._types:
            self._types[oid] = {one.name: one.type for one in self._catalog.columns[oid]}
        return self._types[oid]

    def _columns_named(self, name: tuple[str, str]) -> tuple[str, ...] | None:
        relation = self._catalog.relations_by_name.get(name)
        return None if relation is None else tuple(self._columns(relation.oid))
