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
    """A constant of a type whose equality we do not compute: not NULL, and the same for every row."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells this persona from others: the user's id, or what the server gave it (`app_metadata`, a tenant GUC).

    `personal` is the user's own id: never NULL for somebody signed in, and no literal equals it. Any other identity may
    be absent, and an ordinary user's equals no literal that a policy names (it is not staff).
    """

    personal: bool
    key: str


@dataclass(frozen=True, slots=True)
class CurrentRole:
    """`current_user`: a constant among constants, and where it is `personal` an identity beside a column."""

    name: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A bare column of the row.

    `free` says that any value of its type may stand there, or any of `allowed` where a CHECK lists them.
    """

    number: int
    name: str
    boolean: bool
    nullable: bool
    free: bool
    allowed: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Computed from the row and constants alone, by built-in immutable functions."""

    columns: frozenset[int]


@dataclass(frozen=True, slots=True)
class Claims:
    """A part of the JWT, as JSON: the path into it."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Written by the client: user_metadata, headers, cookies, an e-mail that nobody verified."""

    source: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The current time."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else."""


Scalar: TypeAlias = Known | Literal | Identity | CurrentRole | Column | Row | Claims | Chosen | Clock | Unknown
