"""What a persona can make of the rows of a table: those that it puts in, and those of its own that it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rlsaudit.model import Operation

if TYPE_CHECKING:
    from rlsaudit.policy.expr import Expr, Field


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a function (an OID) that makes a row, with `others` that the same call may write to.

    `parameters` are the names of its arguments, `required` of how many, the first ones, there is no default.
    """

    function: int
    parameters: tuple[str, ...]
    required: int
    others: frozenset[int]


@dataclass(frozen=True, slots=True)
class Writing:
    """An INSERT or UPDATE as a persona may send it, or as a function that it may call makes it.

    `using` is asked of the row before (of an INSERT nothing), `check` of the new one, which is at place 0 in both.
    `settable` are the numbers of the columns that the statement may set, `kept` those whose value it surely leaves as
    it was, or to the default: a trigger may change the rest. `doubt` is why it may fail whatever they say, or nothing.
    What a call changes it gives values of its own: `sets`, by column, of the row before. `fresh` are columns that hold
    the key of another row which was put in with it: the column, that row's relation, and its column.
    """

    operation: Operation
    using: Expr
    check: Expr
    settable: frozenset[int]
    kept: frozenset[int]
    doubt: str = ""
    sets: tuple[tuple[Field, Expr], ...] = ()
    called: Called | None = None
    fresh: frozenset[tuple[int, int, int]] = frozenset()

    @property
    def inserts(self) -> bool:
        """Whether it puts a row in; else it changes one."""
        return self.operation is Operation.INSERT

    @property
    def asked(self) -> tuple[Expr, ...]:
        """All expressions that it takes to know what the statement does."""
        return (self.using, self.check, *(value for _, value in self.sets))


@dataclass(frozen=True, slots=True)
class Making:
    """All that a persona may do to a table's rows: by statements that name it, and by `calls` of functions for certain.

    `bounds` is what else is done at most, by functions and what they set off; `otherwise` is why rows of any content
    may come about, or nothing. `removes` is whether it may delete rows, too.
    """

    writings: tuple[Writing, ...] = ()
    calls: tuple[Writing, ...] = ()
    bounds: tuple[Writing, ...] = ()
    otherwise: str = ""
    removes: bool = False

    @property
    def at_most(self) -> tuple[Writing, ...]:
        """Everything that may come about, but for what does so otherwise."""
        return (*self.writings, *self.bounds)

    def surely(self, function: int) -> tuple[Writing, ...]:
        """Returns what is known for certain, of calls that of one function (an OID; 0: of none)."""
        return (*self.writings, *(one for one in self.calls if one.called and one.called.function == function))


class Makings(Protocol):
    """What one persona can make."""

    def of(self, relation: int) -> Making | None:
        """Returns what it can make of a relation's rows (an OID); None where it can change none."""
