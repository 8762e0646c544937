"""A question to the server and its answer."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rlsaudit.model import Operation, Persona


_CODE = re.compile(r"\(([0-9A-Z]{5})\)\s*$")


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

    `instead` is for a query that nobody should wait for: what asks the same of a sample, up to the percentage and after
    it; empty where there is no such thing, and then it is not asked. None: it is asked, whatever it costs.

    `stage` are statements that the connection itself runs before, to make the state that is asked about.

    `tells` is whether the answer is a text, which is told as it is. `watch` are tables (OIDs), each with a query of one
    JSON value: the connection runs it afterwards for those of them in which rows have been written.
    """

    persona: Persona | None
    relation: int
    operation: Operation
    sql: str
    look: str | None = None
    first: tuple[str, ...] = ()
    instead: tuple[str, ...] | None = None
    stage: tuple[str, ...] = ()
    tells: bool = False
    watch: tuple[tuple[int, str], ...] = ()

    @property
    def writes(self) -> bool:
        """Whether rows are written, if only until they are rolled back."""
        return not self.sql.startswith(("select ", "explain "))


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a probe. `rows` is what a query counted or a statement wrote; `reason` says what else happened.

    `in_part` is whether a sample was asked, by what is then the probe's SQL; `seconds` is how long the server took.
    `raised` is whether a function refused in its own words, by RAISE and with whatever code.
    """

    probe: Probe
    outcome: Outcome
    rows: int = 0
    reason: str = ""
    in_part: bool = False
    seconds: float = field(default=0.0, compare=False)
    told: str = ""
    after: Mapping[int, Any] | None = None
    raised: bool = False

    def seen(self, total: int | None) -> str:
        """Returns what was counted, for people; `total` is how many rows there are, None where that is not known."""
        if self.in_part:
            return f"{self.rows} rows of a sample"
        return f"{self.rows} rows" if total is None else f"{self.rows} of {total} rows"

    @property
    def code(self) -> str:
        """The SQLSTATE that the reason ends with, empty where it tells none."""
        found = _CODE.search(self.reason)
        return "" if found is None else found[1]
