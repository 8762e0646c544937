"""The values that expressions have, and what they are computed in.

A value is NULL (None), a Boolean, a whole number, a `Decimal` for numeric, a text (a uuid and an enum's label too, each
as the server writes it), a date, a datetime (with a zone for `timestamp with time zone`), an `Endless` moment, an
`Interval`, a `Json`, or a list for an array of one dimension.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from rlsaudit.policy.expr import UNKNOWN, Type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from rlsaudit.policy.expr import Who


class Unknown(enum.Enum):
    """What is not known, and so is no value."""

    VALUE = "value"
    """There is a value, which one is not known: no error comes of computing it."""
    ANYTHING = "anything"
    """A value or an error."""


class Endless(enum.Enum):
    """Moments before and after all others."""

    PAST = "-infinity"
    FUTURE = "infinity"


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of time, in units that do not turn into one another."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    @property
    def length(self) -> int:
        """What intervals are compared by: a month has 30 days, a day 24 hours."""
        return (self.months * 30 + self.days) * 86_400_000_000 + self.microseconds


@dataclass(frozen=True, slots=True)
class Json:
    """A value of type json or jsonb, parsed: `Json(None)` is JSON's null, which is not NULL. Fractions are Decimals."""

    value: Any


Value: TypeAlias = "bool | int | Decimal | str | date | datetime | Endless | Interval | Json | list[Value] | None"
Result: TypeAlias = "Value | Unknown"


class EvaluationError(Exception):
    """The server would end the statement with this error. `code` is its SQLSTATE, `22000` where it is not known."""

    def __init__(self, message: str, code: str = "22000") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class State:
    """What an expression is evaluated in.

    `row` is the one at place 0, and `tables` are the rows of all others by OID: values by the number of their column.
    `given` is what the request brings along, by who chooses it and its key: a claim as its text or as `Json`, a clock
    as a datetime. `labels` are those of each enumeration in order, `bases` the type under each domain, by the names
    that `Type` has. `utc` says that the session's time zone is UTC: else what depends on it is not known.
    """

    row: Mapping[int, Value] = field(default_factory=dict)
    tables: Mapping[int, Sequence[Mapping[int, Value]]] = field(default_factory=dict)
    given: Mapping[tuple[Who, str], Value] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    utc: bool = False

    def base(self, kind: Type) -> Type:
        """Returns the type under a domain, any other type itself; `expr.UNKNOWN` where it is not known."""
        for _ in range(10):
            if kind.kind != "d":
                return kind
            if kind.name not in self.bases:
                return UNKNOWN
            name = self.bases[kind.name]
            kind = Type(name, "e" if name in self.labels else "d" if name in self.bases else "b")
        return UNKNOWN

    def element(self, array: Type) -> Type:
        """Returns the type of an array's elements."""
        name = array.name.removesuffix("[]")
        if name == array.name:
            return UNKNOWN
        return self.base(Type(name, "e" if name in self.labels else "d" if name in self.bases else "b"))


def worst(values: Sequence[Result]) -> Unknown | None:
    """Returns what is not known of anything that needs all of these values; None where all are known."""
    if any(one is Unknown.ANYTHING for one in values):
        return Unknown.ANYTHING
    return Unknown.VALUE if any(one is Unknown.VALUE for one in values) else None
