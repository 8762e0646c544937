"""SQL values as terms of the solver: what a type's values are told apart by.

Booleans are Booleans, whole numbers whole, other numbers and moments real. Of everything else only equality is known:
texts, uuids and enum labels share one space of codes, in which a constant has the code of its text, so that a cast
between them changes nothing, and uuids have those above zero; of other types each value is some code, and what two
constants have to do with each other is left open.
"""

from __future__ import annotations

import enum
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import z3

from rlsaudit.policy.columns import INTEGERS
from rlsaudit.policy.proof.afresh import Solved, always, never

if TYPE_CHECKING:
    from rlsaudit.policy.expr import Type

_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


class Family(enum.Enum):
    """What a type's values are to the solver."""

    TRUTH = "truth"
    WHOLE = "whole"
    REAL = "real"
    MOMENT = "moment"
    NAME = "name"
    """Texts, uuids, enum labels: equal just where their texts are."""
    OTHER = "other"


_FAMILIES = {
    "boolean": Family.TRUTH,
    **dict.fromkeys(INTEGERS, Family.WHOLE),
    **dict.fromkeys(("numeric", "real", "double precision"), Family.REAL),
    **dict.fromkeys(("date", "timestamp with time zone", "timestamp without time zone"), Family.MOMENT),
    **dict.fromkeys(("text", "character varying", "uuid", "name", "unknown"), Family.NAME),
}


def family(kind: Type) -> Family:
    """Returns what the values of a type are to the solver."""
    if kind.kind == "e":
        return Family.NAME
    return _FAMILIES.get(kind.name, Family.OTHER) if kind.kind in "b?" else Family.OTHER


@dataclass(frozen=True, slots=True)
class Row:
    """A row that the solver may choose: of `relation` (an OID), there if `there` is true, the persona's if `mine` is.

    `target` is the row that is asked about.
    """

    number: int
    relation: int
    there: Solved = field(compare=False)
    mine: Solved = field(compare=False)
    target: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A value: `value` where `null` is false. Of a Boolean, `value` is false where it is NULL.

    `rows` are those that it comes from. `identity`: it tells the persona from others, as an image of its id that no
    other id has. `chosen`: the client picks it. `personal`: an identity may have gone into it beside the rows, so that
    what it equals says nothing of them. `leaves` are the values that it may be, by conditions; none where it is one.
    `shared`: where that is true many rows have it, so that it tells none of them from others; `doubtful`: where it may
    be so.
    """

    value: Solved
    null: Solved
    rows: frozenset[Row] = frozenset()
    identity: bool = False
    chosen: bool = False
    personal: bool = False
    leaves: tuple[tuple[Solved, Term], ...] = field(default=(), compare=False)
    shared: Solved = field(default_factory=never, compare=False)
    doubtful: Solved = field(default_factory=never, compare=False)


@dataclass(slots=True)
class Codes:
    """The codes of the texts that a predicate names: those of uuids above zero, of all others below."""

    texts: dict[str, int] = field(default_factory=dict)

    def of(self, text: str) -> int:
        """Returns the code of a text."""
        number = len(self.texts) + 1
        return self.texts.setdefault(text, number if is_uuid(text) else -number)

    def text(self, code: int) -> str | None:
        """Returns the text of a code, None where it is nobody's that was named."""
        return next((text for text, known in self.texts.items() if known == code), None)


def variable(name: str, kind: Family) -> Solved:
    """Returns a new variable."""
    if kind is Family.TRUTH:
        return z3.Bool(name)
    return z3.Real(name) if kind in {Family.REAL, Family.MOMENT} else z3.Int(name)


def constant(text: str, kind: Type, codes: Codes) -> Solved | None:
    """Returns a constant that is not NULL; None where the solver has no name for it."""
    match family(kind):
        case Family.TRUTH:
            return always() if text in {"t", "true"} else never() if text in {"f", "false"} else None
        case Family.WHOLE:
            return _whole(text)
        case Family.REAL:
            return _real(text)
        case Family.MOMENT:
            moment = seconds(text)
            return None if moment is None else z3.RealVal(str(moment))
        case Family.NAME:
            return z3.IntVal(codes.of(canonical(text) if kind.name == "uuid" else text))
        case _:
            return None


def unnamed(code: int) -> str:
    """Returns a text for a code that no text has: a uuid for those above zero."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(code))) if code > 0 else f"other{-code}"


def is_uuid(text: str) -> bool:
    """Whether it is a uuid as the server writes it."""
    return _UUID.fullmatch(text) is not None


def canonical(text: str) -> str:
    """Returns a uuid as the server writes it, any other text as it is."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text


def seconds(text: str) -> Decimal | None:
    """Returns a moment as seconds since 1970, as in UTC; None for `infinity`, zones by name, and what is no moment."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            moment = datetime.combine(date.fromisoformat(text.strip()), datetime.min.time())
        except ValueError:
            return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(since.days) * 86400 + Decimal(since.seconds) + Decimal(since.microseconds) / 1_000_000


def _whole(text: str) -> Solved | None:
    try:
        return z3.IntVal(int(text))
    except ValueError:
        return None


def _real(text: str) -> Solved | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return z3.RealVal(str(number)) if number.is_finite() else None
