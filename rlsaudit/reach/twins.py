"""Tables that nothing tells apart but their names: a statement that names one is let through as far as one on another.

Unlike `Alike`, which is about what conditions mean, this takes in all that is asked before and beside them: owners,
grants, the policies by name, and what constraints and defaults ask of new rows.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import Column, Constraint, Policy, Relation
from rlsaudit.catalog.without import without
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Catalog

_COMMANDS = {Operation.SELECT: "r", Operation.INSERT: "a", Operation.UPDATE: "w", Operation.DELETE: "d"}
_FOR_ALL = "*"

_of_relation = without(Relation, "oid", "name", "rows")
_of_column = without(Column, "relation")
_of_constraint = without(Constraint, "relation", "name")
_of_policy = without(Policy, "oid", "relation", "columns")


class Twins:
    """The tables of one catalog, by what a statement that names them asks of the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
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
            or bool(catalog.children[oid] or catalog.parents[oid] or catalog.triggers[oid] or catalog.rewrites[oid])
        )

    def _facts(self, relation: Relation) -> Iterator[object]:
        """All that the catalog says of a table alone."""
        catalog, oid = self._catalog, relation.oid
        yield _of_relation(relation)
        yield tuple(map(_of_column, catalog.columns[oid]))
        yield tuple(map(_of_constraint, catalog.constraints[oid]))
        yield catalog.row_calls[oid]
        yield tuple((number, self._sequence(one)) for number, one in sorted(self._sequences.get(oid, ())))

    def _sequence(self, oid: int) -> tuple[object, ...] | None:
        found = self._catalog.relations.get(oid)
        return None if found is None else _of_relation(found)

    def _policies(self, relation: Relation, operation: Operation) -> Iterator[object]:
        letters = {_COMMANDS[operation], _FOR_ALL}
        for one in self._catalog.policies[relation.oid]:
            if one.command in letters:
                # What names the table itself says something else of each.
                yield relation.name if _names(one, relation) else ""
                yield _described(one)


def _described(policy: Policy) -> tuple[object, ...]:
    columns = (one._replace(relation=0) if one.relation == policy.relation else one for one in policy.columns)
    return (_of_policy(policy), *columns)


def _names(policy: Policy, relation: Relation) -> bool:
    """Whether the table's name stands anywhere in its policy."""
    return any(relation.name.lower() in text.lower() for text in (policy.using, policy.check) if text)
