"""Tables that differ in nothing that a policy is decided by: what is found for one of them holds for all."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import Column, Constraint
from rlsaudit.catalog.platform import USERS
from rlsaudit.catalog.without import without
from rlsaudit.names import ident
from rlsaudit.policy.body import body_of

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation


_of_column = without(Column, "relation", "acl")
_of_constraint = without(Constraint, "relation", "name")


class Alike:
    """The tables of one catalog, by kinds."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._kinds: dict[tuple[object, ...], int] = {}
        self._of: dict[int, int] = {}
        self._pointed = {
            one.foreign_relation for each in catalog.constraints.values() for one in each if one.foreign_relation
        }
        self._filled = _filled_at_sign_up(catalog)

    def kind(self, relation: Relation) -> int:
        """Returns a number that two tables share only if a condition that reads neither means the same for both.

        They have the same columns and constraints, and their policies say the same. A table that others point at, that
        has parts or is one, or that a sign-up may fill has a kind of its own, for it means something to other tables.
        """
        if relation.oid not in self._of:
            self._of[relation.oid] = self._kinds.setdefault(self._described(relation), len(self._kinds))
        return self._of[relation.oid]

    def _described(self, relation: Relation) -> tuple[object, ...]:
        catalog, oid = self._catalog, relation.oid
        lone = (
            oid in self._pointed
            or relation.partition
            or relation.kind != "r"
            or bool(catalog.children[oid] or catalog.parents[oid])
            or relation.name in self._filled
        )
        if lone:
            return (oid,)
        columns = tuple(map(_of_column, catalog.columns[oid]))
        constraints = set(map(_of_constraint, catalog.constraints[oid]))
        policies = sorted(
            _nameless(text, relation) for one in catalog.policies[oid] for text in (one.using, one.check) if text
        )
        return (relation.schema, columns, frozenset(constraints), tuple(policies))


def _nameless(text: str, relation: Relation) -> str:
    """The text without the table's name where it stands before a column's."""
    # By hand, for an expression would have to be compiled for each table.
    name = f"{ident(relation.name)}."
    first, *others = text.split(name)
    made = [first]
    for before, part in pairwise((first or " ", *others)):
        made += [name, part] if _GOES_ON.search(before) or not before else [part]
    return "".join(made)


_GOES_ON = re.compile(r'[\w".]\Z')
"""What a name does not begin behind."""


def _filled_at_sign_up(catalog: Catalog) -> frozenset[str]:
    """The names of tables that the triggers on the table of users write."""
    users = catalog.relations_by_name.get(USERS)
    called = (one.function for one in catalog.triggers[users.oid]) if users is not None else ()
    bodies = [body_of(catalog.functions[oid]) for oid in called if oid in catalog.functions]
    return frozenset(name[-1] for one in bodies for _, name in one.writes)
