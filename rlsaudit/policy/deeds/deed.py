"""The words for what a body does to rows, and what has to be known of the database to tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rlsaudit.model import Reach
from rlsaudit.policy.expr import FALSE, TRUE, Expr, Field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Operation

ANY, NO = TRUE, FALSE
"""Any row at all, and no row."""
ANY_TABLE = -2
"""Stands among changed relations for all of them: claims are what they were."""


@dataclass(frozen=True, slots=True)
class Change:
    """What rows are made into: `columns` are all that an UPDATE sets, by number; None where that may be any.

    `fresh` are columns of new rows that hold the key of a row which the same call has put in: the column, the relation
    of that row, and its column.
    """

    columns: frozenset[int] | None = None
    fresh: frozenset[tuple[int, int, int]] = frozenset()

    def either(self, other: Change) -> Change:
        """Returns what is known where it is the one or the other."""
        unknown = self.columns is None or other.columns is None
        return Change(None if unknown else (self.columns or NONE) | (other.columns or NONE), self.fresh & other.fresh)


NONE: frozenset[int] = frozenset()
ANYHOW = Change()


@dataclass(frozen=True, slots=True)
class Deed:
    """`operation` may be done to those rows of a relation (an OID), at place 0, for which `rows` is true; to no others.

    That is how the rows are when the function is called: whatever it changed itself before is left out of `rows`.
    """

    operation: Operation
    relation: int
    rows: Expr
    change: Change = ANYHOW


@dataclass(frozen=True, slots=True)
class Sure:
    """`operation` is done to every row of a relation (an OID), at place 0, for which `rows` is true, by some call.

    With the arguments that make it true, that is. `most` is how far that is claimed: some rows, where others that meet
    the same may come out in their place. `columns` are those that a statement writes, by number. `sets` are the new
    values that an UPDATE gives to columns, of the row before it. `others` are relations that the same call writes to.
    """

    operation: Operation
    relation: int
    rows: Expr
    most: Reach = Reach.ALL
    columns: frozenset[int] = frozenset()
    sets: tuple[tuple[Field, Expr], ...] = ()
    others: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Deeds:
    """What a body does by itself, all of it. `calls` are the functions that it may call, by name.

    `lost` is why some of its SQL is not known, which may then do anything: empty where all is. `sure` is what it surely
    does, as far as that is known.
    """

    deeds: tuple[Deed, ...]
    calls: frozenset[tuple[str, ...]]
    lost: str = ""
    sure: tuple[Sure, ...] = ()


class Ground(Protocol):
    """What a body stands on: what its names may mean, and what else changes where rows do."""

    def relations(self, name: tuple[str, ...]) -> Iterable[int]:
        """Returns the relations that a name may mean."""

    def functions(self, name: tuple[str, ...]) -> Iterable[Function]:
        """Returns the functions that a name may mean."""

    def concerned(self, oid: int) -> frozenset[int]:
        """Returns every relation some of whose rows are those of this one."""

    def changed_by_call(self, function: Function, role: int) -> frozenset[int] | None:
        """Returns the relations whose rows a call may change; None where that may be any."""

    def changed_by_write(self, operation: Operation, oid: int, role: int) -> frozenset[int] | None:
        """Returns the relations whose rows change where this one's do; None where that may be any."""

    def kept(self, oid: int) -> bool:
        """Whether a new row of the relation surely is as the statement has it: no trigger comes before."""

    def opens(self, role: int, oid: int, operation: Operation) -> bool:
        """Whether a role surely may do that to any row of the relation, whoever asks."""

    def may_call(self, role: int, function: Function) -> bool:
        """Whether a role may call the function."""

    def lets_pass(self, oid: int, operation: Operation, columns: frozenset[str]) -> bool:
        """Whether no trigger or rule of a table stands in the way of a statement that sets these columns."""


def is_own_setting(name: str) -> bool:
    """Whether nothing but the project asks for a setting: no claim of the request, and nothing of the server's."""
    return "." in name and not name.lower().startswith(("request.", "plpgsql."))
