"""A question to the server and its answer."""

from __future__ import annotations

import enum
from dataclasses import dataclass
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
    INCONCLUSIVE = "inconclusive"
    """Anything else; the reason says what."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One statement to run as a persona. `persona` None: as the connection itself, to count all there is.

    `sql` returns one value: a count for select, the plan's first line for other operations.
    """

    persona: Persona | None
    relation: int
    operation: Operation
    sql: str


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a probe. `rows` is the count of a select that ran; `reason` says what else happened."""

    probe: Probe
    outcome: Outcome
    rows: int = 0
    reason: str = ""
