"""Partitions and inheritance: whose rows a relation's name stands for, and by which names a row can be addressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation


def descendants(catalog: Catalog, relation: Relation) -> tuple[Relation, ...]:
    """Returns the relation's partitions and children, and theirs: their rows are its rows."""
    return _closure(catalog, relation, catalog.children)


def ancestors(catalog: Catalog, relation: Relation) -> tuple[Relation, ...]:
    """Returns what the relation is a part of, through all levels."""
    return _closure(catalog, relation, catalog.parents)


def is_related(catalog: Catalog, relation: Relation) -> bool:
    """Whether the relation is a part of another, or has parts."""
    return bool(catalog.children[relation.oid] or catalog.parents[relation.oid])


def _closure(catalog: Catalog, relation: Relation, links: Mapping[int, tuple[int, ...]]) -> tuple[Relation, ...]:
    found: dict[int, Relation] = {}
    waiting = list(links[relation.oid])
    while waiting:
        oid = waiting.pop()
        if oid not in found and oid in catalog.relations:
            found[oid] = catalog.relations[oid]
            waiting.extend(links[oid])
    return tuple(found.values())
