"""Whether a relation is meant to be protected, as far as the catalog tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.catalog.index import Catalog


def is_protected(catalog: Catalog, relation: Relation) -> bool:
    """Whether its owner put policies or RLS on the relation, on a table that it reads, or on one that it is part of."""
    waiting, seen = [relation], set[int]()
    while waiting:
        current = waiting.pop()
        if current.oid in seen:
            continue
        seen.add(current.oid)
        if current.rls or catalog.policies[current.oid]:
            return True
        above = set(catalog.parents[current.oid])
        if current.kind in "vm":
            above |= {ref.relation for one in catalog.rewrites[current.oid] for ref in one.columns}
        waiting.extend(catalog.relations[oid] for oid in above if oid in catalog.relations)
    return False
