"""Values inside a predicate, by where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is the same for every row: a constant, or what the persona's claims say. None is NULL."""

    value: str | bool | int | None


@dataclass(frozen=True, slots=True)
class Literal:
    """Any other constant that is not NULL: `text` as the server writes it, of the built-in or user's type `type`.

    Both are empty where they are not known. Two texts may be one value (`1.0` and `1.00`), but for the types of
    `rlsaudit.policy.columns.EXACT`.
    """

    text: str = ""
    type: str = ""


SETTING = "setting "
"""What the key of an identity begins with that is a setting."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells this persona from others: the user's id, or what the server gave it (`app_metadata`, a tenant GUC).

    `personal` is the user's own id: never NULL for somebody signed in, and no literal equals it. Any other identity may
    be absent, and an ordinary user's equals no literal that a policy names (it is not staff). A setting that the
    application makes is there: a request without it is another persona's.
    """

    personal: bool
    key: str

    @property
    def given(self) -> bool:
        """Whether it is never NULL, nor empty."""
        return self.personal or self.key.startswith(SETTING)


@dataclass(frozen=True, slots=True)
class CurrentRole:
    """`current_user`: a constant among constants, and where it is `personal` an identity beside a column."""

    name: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A bare column of the row.

    `free` says that any value of its type may stand there, or any of `allowed` where a CHECK lists them, whatever
    stands in the other columns. `type` is as `rlsaudit.policy.columns` names it, empty where it is not known, `longest`
    how many characters fit. `view` is the type that it was cast to, where the cast keeps different values apart; after
    one that may not, it is a `Row`. `declared` is the column's own type as the catalog writes it, modifiers included.
    """

    number: int
    name: str
    boolean: bool
    nullable: bool
    free: bool
    allowed: frozenset[str] | None = None
    type: str = ""
    longest: int | None = None
    view: str = ""
    declared: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Computed from the row and constants alone, by built-in immutable functions.

    Where `part` is its SQL it is the first part of a path, `a` of `a/b`: of a column that may hold any path, so any
    text without a slash is found there, and NULL where it is `nullable`.
    """

    columns: frozenset[int]
    part: str = ""
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Claims:
    """A part of the JWT, as JSON: the path into it."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Written by the client: user_metadata, headers, cookies, an e-mail that nobody verified.

    `path` leads into it, and `view` is the type that it was cast to, `?` for a cast that is not followed.
    """

    source: str
    path: tuple[str, ...] = ()
    view: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """The current time."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else."""


Scalar: TypeAlias = Known | Literal | Identity | CurrentRole | Column | Row | Claims | Chosen | Clock | Unknown
