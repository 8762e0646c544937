"""A snapshot with the OIDs that its relations have in a copy of the database, for whoever asks the copy."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from rlsaudit.catalog.facts import ColumnRef, Relation
from rlsaudit.catalog.index import Catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.catalog.facts import Snapshot

_ONE = frozenset({"relation", "foreign_relation", "child", "parent", "sequence"})
"""Fields that hold a relation's OID, in whatever fact."""


def renumbered(snapshot: Snapshot, copy: Snapshot) -> Snapshot:
    """Returns `snapshot` with the relations' OIDs of `copy`; one that is not there has an OID that no relation has."""
    there = {name: one.oid for name, one in Catalog(copy).relations_by_name.items()}
    oids = {one.oid: there.get(name, -one.oid) for name, one in Catalog(snapshot).relations_by_name.items()}
    changed: dict[str, Any] = {
        field.name: tuple(_fact(one, oids) for one in facts)
        for field in fields(snapshot)
        if isinstance(facts := getattr(snapshot, field.name), tuple) and facts and is_dataclass(facts[0])
    }
    return replace(snapshot, **changed)


def _fact(fact: Any, oids: Mapping[int, int]) -> Any:  # noqa: ANN401 — any of the snapshot's
    changed: dict[str, Any] = {}
    for field in fields(fact):
        value = getattr(fact, field.name)
        if field.name in _ONE or (field.name == "oid" and isinstance(fact, Relation)):
            changed[field.name] = oids.get(value, value)
        elif field.name == "relations":
            changed[field.name] = tuple(oids.get(one, one) for one in value)
        elif field.name == "columns" and value and isinstance(value[0], ColumnRef):
            changed[field.name] = tuple(ColumnRef(oids.get(one.relation, one.relation), one.column) for one in value)
    return replace(fact, **changed) if changed else fact
