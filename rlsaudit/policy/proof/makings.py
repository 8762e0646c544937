"""What a persona can make of the rows of a table: those that it puts in, and those of its own that it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rlsaudit.policy.expr import Expr


@dataclass(frozen=True, slots=True)
class Writing:
    """An INSERT or UPDATE as a persona may send it.

    `using` is asked of the row before (of an INSERT nothing), `check` of the new one, which is at place 0 in both.
    `settable` are the numbers of the columns that the statement may set, `kept` those whose value it surely leaves as
    it was, or to the default: a trigger may change the rest. `doubt` is why it may fail whatever they say, or nothing.
    """

    using: Expr
    check: Expr
    settable: frozenset[int]
    kept: frozenset[int]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Making:
    """All that a persona may do to a table's rows; `otherwise` is why rows of any content may come about, or nothing.

    `removes` is whether it may delete rows, too.
    """

    insert: Writing | None = None
    update: Writing | None = None
    otherwise: str = ""
    removes: bool = False


class Makings(Protocol):
    """What one persona can make."""

    def of(self, relation: int) -> Making | None:
        """Returns what it can make of a relation's rows (an OID); None where it can change none."""
