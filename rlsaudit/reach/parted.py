"""Whether a condition on the rows of a table is as good as blind to which of its parts they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import Field, Opaque, walk
from rlsaudit.policy.read import read
from rlsaudit.reach.family import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.formula import Formula


def tells_no_parts_apart(catalog: Catalog, whole: Relation, part: Relation, rows: Formula | None) -> bool:
    """Returns whether rows of a part may be anything that a condition on the whole asks about.

    Then what the condition lets through of the whole it lets through of the part. It is so where the condition reads
    no column by which rows are parted, and the part asks nothing more of its rows than the whole does.
    """
    asked = None if rows is None else _read_of(whole, rows)
    if asked is None:
        return False
    between = [one for one in ancestors(catalog, part) if one.oid == whole.oid or _is_within(catalog, one, whole)]
    for one in between:
        names = {each.number: each.name for each in catalog.columns[one.oid]}
        if any(names.get(number, "") in {"", *asked} for number in one.partition_key):
            return False
    if _may_differ(catalog, whole, (part, *between), asked):
        return False
    of_the_whole = {each.definition for each in catalog.constraints[whole.oid]}
    more = (
        each
        for one in (part, *between)
        for each in catalog.constraints[one.oid]
        if each.kind not in "pu" and each.definition not in of_the_whole
    )
    computed = {each.name for one in (part, *between) for each in catalog.columns[one.oid] if each.generated}
    return next(more, None) is None and computed.isdisjoint(asked)


def _may_differ(catalog: Catalog, whole: Relation, below: Sequence[Relation], asked: frozenset[str]) -> bool:
    """Whether a part's rows may be others in what is asked: by NOT NULL, by a trigger, by what ties that to the key."""
    nullable = {one.name for one in catalog.columns[whole.oid] if not one.not_null}
    stricter = any(one.not_null and one.name in asked & nullable for part in below for one in catalog.columns[part.oid])
    names = {one.number: one.name for one in catalog.columns[whole.oid]}
    key = {each.name for one in below for each in catalog.columns[one.oid] if each.number in (one.partition_key or ())}
    tied = not asked.isdisjoint(
        _tied_to(
            key,
            [
                {names.get(number, "") for number in one.columns}
                for one in catalog.constraints[whole.oid]
                if one.kind in "cf"
            ],
        )
    )
    return stricter or tied or any(catalog.triggers[one.oid] for one in below if one.oid != whole.oid)


def _tied_to(key: set[str], constrained: Iterable[set[str]]) -> set[str]:
    """The columns whose values a key may decide on: with it in a constraint, or with one that it decides on."""
    tied, waiting = set(key), list(constrained)
    while reached := [one for one in waiting if not tied.isdisjoint(one)]:
        tied.update(*reached)
        waiting = [one for one in waiting if one not in reached]
    return tied


def _is_within(catalog: Catalog, relation: Relation, whole: Relation) -> bool:
    return any(one.oid == whole.oid for one in ancestors(catalog, relation))


def _read_of(relation: Relation, rows: Formula) -> frozenset[str] | None:
    """The columns of a relation's row that a condition reads; None where that is not known."""
    found = set[str]()
    for one in walk(read(rows)):
        if isinstance(one, Opaque):
            return None
        if isinstance(one, Field) and one.place == 0:
            if one.relation != relation.oid:
                return None
            found.add(one.name)
    return frozenset(found)
