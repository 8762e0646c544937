"""What a proof comes to: bounds of reach, and the states that show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.model import Reach

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.policy.evaluate import Value


@dataclass(frozen=True, slots=True)
class Witness:
    """A state in which a predicate was evaluated: the row and those of other tables, by column names; the request.

    Columns that the predicate does not ask about are left out.
    """

    row: Mapping[str, Value]
    others: tuple[tuple[str, Mapping[str, Value]], ...]
    request: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Solution:
    """Bounds of reach: `passes` is a row that is reached, `barred` a stranger's that is not.

    `why` says what stopped the solver, or nothing: then what is open is open because no state could be confirmed.
    `given`: it takes rows or claims that name the persona, as ordinary users have them, and the lack of others.
    """

    at_least: Reach
    at_most: Reach
    passes: Witness | None = None
    barred: Witness | None = None
    why: str = ""
    given: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a chain: what is done to a relation (an OID), as SQL for people.

    `inserts` is whether it puts a row in; else it changes one. `columns` are those that it sets, `row` is what the row
    is like then, by column names, as far as that is known. Of a chain that a proof shows, each step has the state that
    the first one begins in as `start`. `function` (an OID) is what is called, where it is a call that does it.
    """

    relation: int
    sql: str
    inserts: bool
    columns: tuple[str, ...]
    row: Mapping[str, Value] = field(default_factory=dict, compare=False)
    start: Witness | None = field(default=None, compare=False)
    function: int = 0


@dataclass(frozen=True, slots=True)
class Gain:
    """Bounds of reach at the end of a chain. `steps` is a chain that was tried, `witness` the state that it leads to.

    `why` says what leaves the bounds apart.
    """

    at_least: Reach
    at_most: Reach
    steps: tuple[Step, ...] = ()
    witness: Witness | None = None
    why: str = ""


UNSOLVED = Solution(Reach.NONE, Reach.ALL)
