"""Tables that nothing tells apart but their names: a statement that names one is let through as far as one on another.

Unlike `Alike`, which is about what conditions mean, this takes in all that is asked before and beside them: owners,
grants, the policies by name, and what constraints and defaults ask of new rows.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import Column, Constraint, Policy, Relation, Trigger
from rlsaudit.catalog.without import without
from rlsaudit.model import Operation
from rlsaudit.policy.body import body_of
from rlsaudit.policy.renamed import nameless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Catalog
    from rlsaudit.reach.alike import Alike

_COMMANDS = {Operation.SELECT: "r", Operation.INSERT: "a", Operation.UPDATE: "w", Operation.DELETE: "d"}
_FOR_ALL = "*"

_of_relation = without(Relation, "oid", "name", "rows")
_of_column = without(Column, "relation")
_of_trigger = without(Trigger, "relation")
_of_constraint = without(Constraint, "relation", "name")
_of_policy = without(Policy, "oid", "relation", "columns", "using", "check")


class Twins:
    """The tables of one catalog, by what a statement that names them asks of the catalog."""

    def __init__(self, catalog: Catalog, alike: Alike) -> None:
        self._catalog = catalog
        self._alike = alike
        self._numbers: dict[tuple[object, ...], int] = {}
        self._of: dict[int, int | None] = {}
        self._of_statements: dict[tuple[int, Operation], int | None] = {}
        self._sequences: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for one in catalog.snapshot.sequence_owners:
            self._sequences[one.relation].append((one.column, one.sequence))
        # Policies that read one another are gone through from one to the next, which may lead back.
        self._asked = {
            column.relation
            for policy in catalog.snapshot.policies
            for column in policy.columns
            if column.relation != policy.relation
        }

    def of(self, relation: Relation, operation: Operation) -> int | None:
        """Returns a number that two tables share only if everything but what conditions mean is alike for `operation`.

        None where a table has a say in what happens to others, or others in what happens to it.
        """
        key = (relation.oid, operation)
        if key not in self._of_statements:
            self._of_statements[key] = self._statement(relation, operation)
        return self._of_statements[key]

    def _statement(self, relation: Relation, operation: Operation) -> int | None:
        if relation.oid not in self._of:
            self._of[relation.oid] = None if self._is_lone(relation) else self._numbered(tuple(self._facts(relation)))
        table = self._of[relation.oid]
        return None if table is None else self._numbered((table, *self._policies(relation, operation)))

    def _numbered(self, described: tuple[object, ...]) -> int:
        return self._numbers.setdefault(described, len(self._numbers))

    def _is_lone(self, relation: Relation) -> bool:
        catalog, oid = self._catalog, relation.oid
        return (
            relation.kind != "r"
            or relation.partition
            or oid in self._asked
            or bool(catalog.children[oid] or catalog.parents[oid] or catalog.rewrites[oid])
        )

    def _facts(self, relation: Relation) -> Iterator[object]:
        """All that the catalog says of a table alone."""
        catalog, oid = self._catalog, relation.oid
        listed = catalog.columns[oid]
        yield _of_relation(relation)
        told = self._told(relation)
        yield tuple(_of_column(one) for one in listed if one.number in told)
        # Of the others it matters whether one can be set.
        yield any(one.number not in told and not one.generated for one in listed), any(one.generated for one in listed)
        yield tuple(_of_constraint(one) for one in catalog.constraints[oid] if not told.isdisjoint(one.columns))
        yield tuple(map(_of_trigger, catalog.triggers[oid]))
        yield catalog.row_calls[oid]
        yield tuple((number, self._sequence(one)) for number, one in sorted(self._sequences.get(oid, ())))

    def _told(self, relation: Relation) -> frozenset[int]:
        """The columns that tell it from others, by number: all where not all of them are granted together."""
        listed = self._catalog.columns[relation.oid]
        called = (self._catalog.functions.get(one.function) for one in self._catalog.triggers[relation.oid])
        assigned = {name for one in called for name in ({"*"} if one is None else body_of(one).assigns)}
        if "*" in assigned or any(one.acl for one in listed):
            return frozenset(one.number for one in listed)
        return self._alike.asked(relation) | {one.number for one in listed if one.name in assigned}

    def _sequence(self, oid: int) -> tuple[object, ...] | None:
        found = self._catalog.relations.get(oid)
        return None if found is None else _of_relation(found)

    def _policies(self, relation: Relation, operation: Operation) -> Iterator[object]:
        letters = {_COMMANDS[operation], _FOR_ALL}
        for one in self._catalog.policies[relation.oid]:
            if one.command in letters:
                yield from _described(one, relation.name)


def _described(policy: Policy, name: str) -> Iterator[object]:
    yield _of_policy(policy)
    yield from (one._replace(relation=0) if one.relation == policy.relation else one for one in policy.columns)
    for text in (policy.using, policy.check):
        without_name = text and nameless(text, name)
        yield without_name
        # What names the table itself, and not only before its columns, says something else of each.
        yield name if without_name and name.lower() in without_name.lower() else ""
