"""A question to the server and its answer."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.model import Operation, Persona


class Outcome(enum.Enum):
    """What an answer says."""

    ROWS = "rows"
    """The statement ran and returned a count."""
    DENIED = "denied"
    """The server refused for want of a privilege."""
    RECURSION = "recursion"
    """The policies call themselves: the statement fails for everybody (42P17)."""
    BARRED = "barred"
    """Row-level security refused the new row."""
    PASSED = "passed"
    """Row-level security let the new row pass, and a constraint of the table stopped it afterwards."""
    INCONCLUSIVE = "inconclusive"
    """Anything else; the reason says what."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One statement to run as a persona. `persona` None: as the connection itself, to count all there is.

    `sql` is a query of one value (a count for select), an EXPLAIN, or a statement that writes. `look` is a query of one
    value that the connection runs before and after: where that stays the same, nothing was written. `first` are
    statements that the persona sends before, each of which has to write something.
    """

    persona: Persona | None
    relation: int
    operation: Operation
    sql: str
    look: str | None = None
    first: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether rows are written, if only until they are rolled back."""
        return not self.sql.startswith(("select ", "explain "))


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a probe. `rows` is what a query counted or a statement wrote; `reason` says what else happened.

    `seconds` is how long the server took for it.
    """

    probe: Probe
    outcome: Outcome
    rows: int = 0
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)
