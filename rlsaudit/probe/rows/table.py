"""What has to be known of a table to make rows for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Relation

_CHECK = re.compile(r"CHECK (\(.*\))(?: NO INHERIT| NOT VALID| NOT ENFORCED)*", re.DOTALL)
_SEQUENCE = re.compile(r"\b(?:nextval|setval)\b", re.IGNORECASE)
_BOUND = re.compile(r"(?:FROM|IN|TO) \((.*?)\)(?= TO \(|$)", re.DOTALL)
_OPEN = "MINVALUE"
"""How a range begins that has no beginning."""
_LEAST = {
    "smallint": "-30000",
    "integer": "-2000000000",
    "bigint": "-9000000000000000000",
    "numeric": "-1",
    "date": "1900-01-01",
    "timestamp without time zone": "1900-01-01",
    "timestamp with time zone": "1900-01-01",
    "timestamp": "1900-01-01",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
_ITEM = re.compile(r"'((?:[^']|'')*)'|([^\s,]+)")


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key. `deferred` is whether it is checked at the end of the transaction unless one says otherwise."""

    name: str
    columns: tuple[int, ...]
    target: int
    target_columns: tuple[int, ...]
    nullable: bool
    deferrable: bool
    deferred: bool

    @property
    def waits(self) -> bool:
        """Whether a row can be there before the one that it points at."""
        return self.nullable or self.deferrable


@dataclass(frozen=True, slots=True)
class Table:
    """A table, as somebody who puts rows into it sees it.

    `unique` are sets of columns of which no two rows have the same values, the primary key first, `checks` conditions
    with the columns that they are about, `drawn` the columns that a sequence fills where they are left out. `bounds`
    are, for each partition, values of columns by which a row gets there.
    """

    relation: Relation
    identity: str
    columns: Mapping[int, Column]
    keys: tuple[Key, ...]
    unique: tuple[tuple[int, ...], ...]
    checks: tuple[tuple[str, frozenset[int]], ...]
    drawn: frozenset[int]
    bounds: tuple[Mapping[int, str | None], ...]

    @property
    def oid(self) -> int:
        """The relation's OID."""
        return self.relation.oid

    @property
    def writable(self) -> Iterable[Column]:
        """The columns that a row is given values for."""
        return (one for one in self.columns.values() if not one.generated)


def table_of(catalog: Catalog, relation: Relation) -> Table:
    """Returns what has to be known of a table to make rows for it."""
    columns = {one.number: one for one in catalog.columns[relation.oid]}
    constraints = catalog.constraints[relation.oid]
    keys = tuple(
        Key(
            one.name,
            one.columns,
            one.foreign_relation,
            one.foreign_columns,
            nullable=any(not columns[number].not_null for number in one.columns),
            deferrable=one.deferrable,
            deferred=" INITIALLY DEFERRED" in one.definition,
        )
        for one in constraints
        if one.kind == "f"
    )
    checks = tuple(
        (found[1], frozenset(one.columns))
        for one in constraints
        if one.kind == "c" and (found := _CHECK.fullmatch(one.definition))
    )
    return Table(
        relation,
        catalog.identity(relation),
        columns,
        keys,
        tuple(one.columns for kind in "pu" for one in constraints if one.kind == kind),
        checks,
        frozenset(number for number, one in columns.items() if one.identity or _SEQUENCE.search(one.computed or "")),
        tuple(_bounds(catalog, relation, columns, {})),
    )


def _bounds(
    catalog: Catalog, relation: Relation, columns: Mapping[int, Column], above: Mapping[int, str | None]
) -> Iterable[Mapping[int, str | None]]:
    """For each partition at the bottom, values that lead there: the first of each bound."""
    if relation.kind != "p":
        return
    own = {one.number: one.name for one in catalog.columns[relation.oid]}
    root = {one.name: number for number, one in columns.items()}
    for oid in catalog.children[relation.oid]:
        child = catalog.relations.get(oid)
        if child is None:
            continue
        here = dict(above)
        for number, value in zip(relation.partition_key, _first_of(child.bound or ""), strict=False):
            if number:
                column = root[own[number]]
                here[column] = _least(columns[column]) if value == _OPEN else value
        if child.kind == "p":
            yield from _bounds(catalog, child, columns, here)
        else:
            yield here


def _least(column: Column) -> str:
    """Something that comes before what other partitions begin with."""
    return _LEAST.get(column.type.partition("(")[0], "")


def _first_of(bound: str) -> tuple[str | None, ...]:
    """The values that begin a range, or the first of a list; none for a hash and for the default partition."""
    lists = [
        [None if (word := one[2]) == "NULL" else word or one[1].replace("''", "'") for one in _ITEM.finditer(inside)]
        for inside in _BOUND.findall(bound)
    ]
    if not lists or " WITH " in bound:
        return ()
    if " IN (" in bound:
        return tuple(lists[0][:1])
    return tuple(lists[0])
