"""The snapshot, joined: look-ups by OID and by name, built once, so that later steps never search a list."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from rlsaudit.names import qualified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rlsaudit.catalog.facts import (
        Column,
        Constraint,
        DefaultAcl,
        Function,
        Policy,
        Relation,
        Rewrite,
        Role,
        Schema,
        Snapshot,
        Trigger,
        UniqueIndex,
    )

KINDS: Mapping[str, str] = {
    "r": "table",
    "p": "table",
    "v": "view",
    "m": "materialized_view",
    "f": "foreign_table",
    "S": "sequence",
}
"""The report's word for each `relkind`."""


class Catalog:
    """One snapshot with its indexes. Grouped look-ups give an empty tuple where there is nothing."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._identities: dict[int, str] = {}

    @cached_property
    def roles(self) -> Mapping[int, Role]:
        """Roles by OID."""
        return {one.oid: one for one in self.snapshot.roles}

    @cached_property
    def roles_by_name(self) -> Mapping[str, Role]:
        """Roles by name."""
        return {one.name: one for one in self.snapshot.roles}

    @cached_property
    def schemas(self) -> Mapping[int, Schema]:
        """Schemas by OID, without the system's."""
        return {one.oid: one for one in self.snapshot.schemas}

    @cached_property
    def relations(self) -> Mapping[int, Relation]:
        """Relations by OID, without the system's."""
        return {one.oid: one for one in self.snapshot.relations}

    @cached_property
    def relations_by_name(self) -> Mapping[tuple[str, str], Relation]:
        """Relations by schema name and name."""
        return {(self.schemas[one.schema].name, one.name): one for one in self.snapshot.relations}

    @cached_property
    def functions(self) -> Mapping[int, Function]:
        """Functions and procedures by OID, without the system's."""
        return {one.oid: one for one in self.snapshot.functions}

    @cached_property
    def functions_by_name(self) -> Mapping[tuple[str, str], tuple[Function, ...]]:
        """Functions by schema name and name; overloads share a name."""
        return _grouped(self.snapshot.functions, lambda one: (self.schemas[one.schema].name, one.name))

    @cached_property
    def columns(self) -> Mapping[int, tuple[Column, ...]]:
        """Columns by their relation's OID, in order."""
        return _grouped(self.snapshot.columns, lambda one: one.relation)

    @cached_property
    def policies(self) -> Mapping[int, tuple[Policy, ...]]:
        """Policies by their relation's OID."""
        return _grouped(self.snapshot.policies, lambda one: one.relation)

    @cached_property
    def triggers(self) -> Mapping[int, tuple[Trigger, ...]]:
        """Triggers by their relation's OID."""
        return _grouped(self.snapshot.triggers, lambda one: one.relation)

    @cached_property
    def row_calls(self) -> Mapping[int, tuple[int, ...]]:
        """The OIDs of the functions that run when a row is written, by its relation's OID."""
        calls = _grouped(self.snapshot.row_calls, lambda one: one.relation)
        return defaultdict(tuple, {relation: tuple(one.function for one in group) for relation, group in calls.items()})

    @cached_property
    def argument_calls(self) -> Mapping[int, tuple[int, ...]]:
        """The OIDs of the functions that the defaults of a function's arguments call, by its OID."""
        calls = _grouped(self.snapshot.argument_calls, lambda one: one.caller)
        return defaultdict(tuple, {caller: tuple(one.function for one in group) for caller, group in calls.items()})

    @cached_property
    def rewrites(self) -> Mapping[int, tuple[Rewrite, ...]]:
        """Rewrite rules by their relation's OID."""
        return _grouped(self.snapshot.rewrites, lambda one: one.relation)

    @cached_property
    def constraints(self) -> Mapping[int, tuple[Constraint, ...]]:
        """Constraints by their relation's OID."""
        return _grouped(self.snapshot.constraints, lambda one: one.relation)

    @cached_property
    def unique_indexes(self) -> Mapping[int, tuple[UniqueIndex, ...]]:
        """Unique indexes that are no constraints, by their relation's OID, as far as the snapshot has them."""
        return _grouped(self.snapshot.unique_indexes or (), lambda one: one.relation)

    @cached_property
    def parents(self) -> Mapping[int, tuple[int, ...]]:
        """The OIDs of a relation's inheritance parents."""
        links = _grouped(self.snapshot.inheritance, lambda one: one.child)
        return defaultdict(tuple, {child: tuple(one.parent for one in group) for child, group in links.items()})

    @cached_property
    def children(self) -> Mapping[int, tuple[int, ...]]:
        """The OIDs of a relation's partitions and inheritance children."""
        links = _grouped(self.snapshot.inheritance, lambda one: one.parent)
        return defaultdict(tuple, {parent: tuple(one.child for one in group) for parent, group in links.items()})

    @cached_property
    def default_acls(self) -> Mapping[tuple[int, str], tuple[DefaultAcl, ...]]:
        """Default privileges by their creator's OID and the letter of what is created."""
        return _grouped(self.snapshot.default_acls, lambda one: (one.creator, one.objects))

    def identity(self, relation: Relation) -> str:
        """Returns the relation's qualified name, as the report and SQL write it."""
        if relation.oid not in self._identities:
            self._identities[relation.oid] = qualified(self.schemas[relation.schema].name, relation.name)
        return self._identities[relation.oid]

    def function_identity(self, function: Function) -> str:
        """Returns the function's qualified name with argument types: `public.search(text)`."""
        return f"{qualified(self.schemas[function.schema].name, function.name)}({function.arguments})"

    def schema_name(self, relation: Relation) -> str:
        """Returns the name of the schema that `relation` is in."""
        return self.schemas[relation.schema].name


Item = TypeVar("Item")
Key = TypeVar("Key")


def _grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> Mapping[Key, tuple[Item, ...]]:
    groups: defaultdict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return defaultdict(tuple, {name: tuple(group) for name, group in groups.items()})
