"""Tables that differ in nothing that a policy is decided by: what is found for one of them holds for all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import Column, Constraint
from rlsaudit.catalog.platform import USERS
from rlsaudit.catalog.without import without
from rlsaudit.policy.body import body_of
from rlsaudit.policy.renamed import nameless
from rlsaudit.reach.asked_about import asked_about

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation


_WORD = re.compile(r"\w+")
_of_column = without(Column, "relation", "acl")
_of_constraint = without(Constraint, "relation", "name")


class Alike:
    """The tables of one catalog, by kinds."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._kinds: dict[tuple[object, ...], int] = {}
        self._of: dict[tuple[int, frozenset[int]], int] = {}
        self._asked: dict[int, tuple[tuple[str, ...], frozenset[int]]] = {}
        self._about = asked_about(catalog)
        self._filled = _filled_at_sign_up(catalog)

    def asked(self, relation: Relation) -> frozenset[int]:
        """Returns the columns that the table's policies may ask for, by number."""
        return self._asked_for(relation)[1]

    def kind(self, relation: Relation, text: str = "") -> int:
        """Returns a number that two tables share only if a condition that reads neither means the same for both.

        `text` is the condition, as far as it is none of their policies'. They have the same policies, and of their
        columns those that these and the condition may ask for, with the same constraints. A table that policies and
        what they call may read, that has parts or is one, or that a sign-up may fill has a kind of its own, for it
        means something to other tables.
        """
        texts, columns = self._asked_for(relation)
        if text and text not in texts:
            columns |= self._named(relation, (text,))
        key = (relation.oid, columns)
        if key not in self._of:
            self._of[key] = self._kinds.setdefault(self._described(relation, texts, columns), len(self._kinds))
        return self._of[key]

    def _asked_for(self, relation: Relation) -> tuple[tuple[str, ...], frozenset[int]]:
        if relation.oid not in self._asked:
            policies = self._catalog.policies[relation.oid]
            texts = tuple(dict.fromkeys(text for one in policies for text in (one.using, one.check) if text))
            self._asked[relation.oid] = texts, self._named(relation, texts)
        return self._asked[relation.oid]

    def _named(self, relation: Relation, texts: tuple[str, ...]) -> frozenset[int]:
        """The columns that texts may ask for, by number: those whose names are words of theirs, wherever."""
        words = {word for text in texts for word in _WORD.findall(text)}
        whole = any(".*" in text for text in texts)
        return frozenset(
            one.number
            for one in self._catalog.columns[relation.oid]
            if whole or one.name in words or not _WORD.fullmatch(one.name)
        )

    def _described(self, relation: Relation, texts: tuple[str, ...], columns: frozenset[int]) -> tuple[object, ...]:
        catalog, oid = self._catalog, relation.oid
        lone = (
            oid in self._about
            or relation.partition
            or relation.kind != "r"
            or bool(catalog.children[oid] or catalog.parents[oid])
            or relation.name in self._filled
        )
        if lone:
            return (oid,)
        listed = catalog.columns[oid]
        constraints = catalog.constraints[oid]
        return (
            relation.schema,
            tuple(_of_column(one) for one in listed if one.number in columns),
            frozenset(_of_constraint(one) for one in constraints if not columns.isdisjoint(one.columns)),
            self._belongings(relation, columns),
            tuple(sorted(nameless(text, relation.name) for text in texts)),
        )

    def _belongings(self, relation: Relation, columns: frozenset[int]) -> frozenset[object]:
        """What else tells whether the rows belong to something: keys that lead elsewhere, and those of several ids."""
        facts = {one.number: one for one in self._catalog.columns[relation.oid]}

        def told(number: int) -> object:
            one = facts[number]
            return number if number in columns else (one.type, one.not_null)

        found: set[object] = set()
        for one in self._catalog.constraints[relation.oid]:
            known = all(number in facts for number in one.columns)
            if known and one.kind == "f" and any(facts[number].not_null for number in one.columns):
                found.add((tuple(map(told, one.columns)), one.foreign_relation, one.foreign_columns))
            elif known and one.kind in "pu" and len(one.columns) > 1:
                found.add(tuple(map(told, one.columns)))
        return frozenset(found)


def _filled_at_sign_up(catalog: Catalog) -> frozenset[str]:
    """The names of tables that the triggers on the table of users write."""
    users = catalog.relations_by_name.get(USERS)
    called = (one.function for one in catalog.triggers[users.oid]) if users is not None else ()
    bodies = [body_of(catalog.functions[oid]) for oid in called if oid in catalog.functions]
    return frozenset(name[-1] for one in bodies for _, name in one.writes)
