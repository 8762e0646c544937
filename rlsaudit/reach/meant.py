"""Which relation a function means by a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation


def relation_meant(catalog: Catalog, function: Function, name: tuple[str, ...]) -> Relation | None:
    """Returns the relation that the body of `function` calls by `name`; None where there is none, or it is unknown.

    A name without a schema is looked for where the function's own search_path says, else in `public`.
    """
    if len(name) > 1:
        return catalog.relations_by_name.get((name[-2], name[-1]))
    path = next((one.partition("=")[2] for one in function.settings if one.startswith("search_path=")), "public")
    schemas = (one.strip().strip("\"'") for one in path.split(","))
    found = (catalog.relations_by_name.get((schema, name[0])) for schema in schemas)
    return next((one for one in found if one is not None), None)


def columns_meant(catalog: Catalog, function: Function, name: tuple[str, ...]) -> frozenset[str] | None:
    """Returns the columns of that relation, None where it is not known."""
    relation = relation_meant(catalog, function, name)
    return None if relation is None else frozenset(one.name for one in catalog.columns[relation.oid])
