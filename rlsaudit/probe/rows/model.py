"""The words of synthetic rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose a row is. A stranger is none of them: it owns no row.

    `user` is a uuid whose first eight digits are this principal's alone: every value that is made for it begins with
    them, or tells it in some other way. `claims` and `settings` are those of its requests; they are set while its rows
    are put in. A `crowd` stands for several users: where a table has one row for each user, it has several rows of it.
    `role` is the name that it logs in by, empty where that is its id.
    """

    name: str
    user: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    crowd: bool = False
    role: str = ""

    @property
    def mark(self) -> str:
        """What the values that are made for it begin with."""
        return self.user[:8]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that was put into `relation`, or that a trigger put there for its owner.

    `values` are texts by column, as the server stored them; `stored` is the partition that holds the row, else the
    relation itself. `varied` is the column in which it differs from its owner's first row, empty for that one.
    """

    relation: int
    owner: str
    values: Mapping[str, str | None]
    stored: int
    varied: str = ""


@dataclass(frozen=True, slots=True)
class Seeds:
    """What was put in, and `missing`: the relations into which no row could be put, with the reason."""

    rows: tuple[Row, ...]
    missing: Mapping[int, str]
