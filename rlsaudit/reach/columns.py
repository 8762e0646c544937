"""Which rows can be put in by somebody who may not set every column: the others have defaults, which may say whose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.firing import fires, is_before_row
from rlsaudit.model import Operation, Reach
from rlsaudit.policy.formula import Formula, atoms
from rlsaudit.reach.family import descendants
from rlsaudit.reach.triggers import assigned

if TYPE_CHECKING:
    from collections.abc import Collection

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Column, Relation

_NAMES_NOBODY = re.compile(r"boolean|date|time\b.*|timestamp\b.*|interval|real|double precision|numeric\b.*")
"""Types whose values tell nobody's identity."""
_NUMBER = re.compile(r"smallint|integer|bigint")


def can_change(check: Formula, settable: Collection[int], *, same: bool) -> bool:
    """Whether an UPDATE of these columns surely makes a row that passes `check`.

    `same`: the row passed the same before, so it is enough that some column can be set that is not asked for. An empty
    `settable` is no change at all.
    """
    asked = {number for atom in atoms(check) for number in atom.columns}
    return bool(set(settable) - asked) if same else bool(settable) and asked <= set(settable)


class Insertable:
    """What can be put in with some of a table's columns; built once for a snapshot."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._catalog = access.catalog
        self._sequences = {(one.relation, one.column): one.sequence for one in self._catalog.snapshot.sequence_owners}

    def most(self, role: int, relation: Relation, check: Formula, settable: Collection[int]) -> tuple[Reach, str]:
        """Returns how far an INSERT surely goes that sets these columns only, as far as they are concerned, and why.

        `check` is what a new row has to pass. A column that is left out has its default: a generated value, a constant,
        or the identity of whoever inserts, which the catalog does not tell apart.
        """
        if not settable:
            return Reach.NONE, "no column can be set"
        asked = {number for atom in atoms(check) for number in atom.columns}
        least, because = Reach.ALL, ""
        for column in self._catalog.columns[relation.oid]:
            if column.number in settable or column.generated:
                continue
            reach, why = self._left_out(role, relation, column)
            if column.number in asked:
                reach, why = Reach.NONE, f"the check asks for {column.name}, which this role cannot set"
            if reach < least:
                least, because = reach, why
        return least, because

    def fails(self, role: int, relation: Relation, settable: Collection[int]) -> str:
        """Returns why an INSERT of these columns only fails, whatever the check says; empty where it need not."""
        left = (one for one in self._catalog.columns[relation.oid] if one.number not in settable and not one.generated)
        why = (self._fails(role, relation, one) for one in left)
        return next((one for one in why if one), "") if settable else "no column can be set"

    def never(self, relation: Relation, reachable: Collection[int]) -> str:
        """Returns why an INSERT that gives only these columns a value puts in no row, whatever it says; else empty.

        Other than `fails`, which tells where one need not succeed: it rests on NOT NULL alone, and on no trigger that
        could fill the column in before that is asked for.
        """
        filled = assigned(self._catalog, relation, Operation.INSERT)
        below = (one for part in descendants(self._catalog, relation) for one in self._catalog.triggers[part.oid])
        if relation.kind not in "rp" or filled is None:
            # What a foreign table's columns may not be its server says.
            return ""
        if any(fires(one, Operation.INSERT) and is_before_row(one) for one in below):
            return ""
        for column in self._catalog.columns[relation.oid]:
            given = column.default or column.generated or column.number in reachable or column.number in filled
            # A domain has a default of its own.
            if column.not_null and not given and column.type_kind != "d":
                return f"no row can be put in without {column.name}, to which nothing gives a value"
        return ""

    def _fails(self, role: int, relation: Relation, column: Column) -> str:
        """Why a row without a value for this column cannot be put in; empty where it can."""
        if not column.default:
            return f"a row needs {column.name}, which this role cannot set" if column.not_null else ""
        sequence = self._catalog.relations.get(self._sequences.get((relation.oid, column.number), 0))
        if sequence is None or column.identity:
            return ""
        usable = any(self._access.on_table(role, sequence, one) for one in ("USAGE", "UPDATE"))
        return "" if usable else f"the default of {column.name} needs a sequence"

    def _left_out(self, role: int, relation: Relation, column: Column) -> tuple[Reach, str]:
        if failing := self._fails(role, relation, column):
            return Reach.NONE, failing
        if not column.default:
            if _NAMES_NOBODY.fullmatch(column.type):
                return Reach.ALL, ""
            return Reach.SOME, f"{column.name} stays NULL, for this role cannot set it"
        if column.identity or (relation.oid, column.number) in self._sequences:
            return Reach.ALL, ""
        if self._is_harmless(relation, column):
            return Reach.ALL, ""
        if column.constant is not None and not self._points(relation, column):
            return Reach.SOME, f"{column.name} stays at its default, for this role cannot set it"
        return Reach.NONE, f"the default of {column.name}, which this role cannot set, may say whose the row is"

    def _is_harmless(self, relation: Relation, column: Column) -> bool:
        """Whether a default of this column surely says of nobody that the row is theirs."""
        if self._points(relation, column):
            return False
        if column.type_kind == "e" or _NAMES_NOBODY.fullmatch(column.type) or _NUMBER.fullmatch(column.type):
            return True
        # A key that points nowhere is the row's own name.
        constraints = self._catalog.constraints[relation.oid]
        return any(one.kind == "p" and one.columns == (column.number,) for one in constraints)

    def _points(self, relation: Relation, column: Column) -> bool:
        return any(one.kind == "f" and column.number in one.columns for one in self._catalog.constraints[relation.oid])
