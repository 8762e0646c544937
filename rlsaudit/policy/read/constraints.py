"""What is true of every row of a table because the server refuses any other: CHECK constraints and foreign keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Persona
from rlsaudit.policy.columns import check_of, is_elsewhere
from rlsaudit.policy.expr import BOOLEAN, Aggregate, AnyRow, Expr, Given, IsTrue, Lookup, Not, Opaque, type_of, walk
from rlsaudit.policy.read import read_node
from rlsaudit.policy.values import Scope

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.database import Database

_NOBODY = Persona("nobody", "nobody")
_UNSURE = re.compile(r"\b(?:NOT VALID|NOT ENFORCED)\s*$|, PERIOD ")
"""A key with a period is met by rows that cover it together."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: where none of `columns` is NULL, `relation` (an OID) has a row with these `foreign_columns`."""

    columns: tuple[int, ...]
    relation: int
    foreign_columns: tuple[int, ...]


def checks(database: Database, relation: Relation) -> tuple[Expr, ...]:
    """Returns conditions that are true of every row of the relation, at place 0, its children's rows among them.

    A CHECK is met where it is NULL. Those that ask anything but the row, or are not followed, are left out: when the
    row was written the answer may have been another.
    """
    if is_elsewhere(database.catalog, relation):
        return ()
    scope = Scope(_NOBODY, relation.name, database.columns(relation), database=database, table=relation.oid)
    found: list[Expr] = []
    for one in database.catalog.constraints[relation.oid]:
        asked = check_of(one.definition) if one.kind == "c" else None
        if asked is None:
            continue
        check = read_node(asked, scope)
        if type_of(check) == BOOLEAN and not any(isinstance(part, _NOT_THE_ROW) for part in walk(check)):
            found.append(Not(IsTrue(Not(check))))
    return tuple(found)


_NOT_THE_ROW = (Aggregate, AnyRow, Given, Lookup, Opaque)


def references(database: Database, relation: Relation) -> tuple[Reference, ...]:
    """Returns the foreign keys that all rows of the relation keep."""
    # A table's children have no foreign keys of its, unless they are its partitions.
    if relation.kind != "p" and database.catalog.children[relation.oid]:
        return ()
    return tuple(
        Reference(one.columns, one.foreign_relation, one.foreign_columns)
        for one in database.catalog.constraints[relation.oid]
        if one.kind == "f" and not _UNSURE.search(one.definition)
    )
