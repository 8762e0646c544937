"""Rows that do not exist, as questions to the server: would the policies that it has let such a row pass?

A proof shows a state of the database. The row in it becomes JSON, of which the server makes a record; what the request
brings along becomes the claims and settings of the one who asks. Rows of other tables cannot be supposed: where it may
be written, they are put there.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.policy.client import SOURCES, split_key
from rlsaudit.policy.evaluate import Endless, Interval, Json
from rlsaudit.policy.expr import Expr, Field, Given, Opaque, Who, reads_tables, walk
from rlsaudit.policy.read import types
from rlsaudit.policy.scalar import SETTING
from rlsaudit.policy.values import CHOSEN_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.model import JsonObject, Operation, Persona
    from rlsaudit.policy.evaluate import Value
    from rlsaudit.policy.proof import Witness

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
"""What JSON can say."""
_CLAIM = "claim"
_CLAIMS = {source: path for path, source in CHOSEN_CLAIMS.items()}
_USER_METADATA, *_DOCUMENTS = SOURCES


class Clause(enum.Enum):
    """Which conditions of policies are asked."""

    USING = "USING"
    CHECK = "WITH CHECK"
    BOTH = "USING and WITH CHECK"


@dataclass(frozen=True, slots=True)
class Supposed:
    """Rows of `relation` (an OID) that do not exist, and which of its policies are asked about them, by whom.

    `cell` is the name of the persona that the answer is about, `asker` whose request it is, with claims that a client
    may write. `rows` are values by column as JSON; what is not there is NULL. `passes` is what the proof says: true
    that each of them passes, false that none does, None nothing. `exact` is whether all that is asked for is in the row
    and the request, so that the server has to say the same. `holding` are conditions of the table itself, without which
    a row is none.

    `consulted` are tables (OIDs) that have to hold the rows `beside`, each behind its table, and no others: then it is
    exact, too.
    """

    cell: str
    asker: Persona
    relation: int
    operation: Operation
    clause: Clause
    rows: tuple[JsonObject, ...]
    passes: bool | None
    exact: bool
    holding: tuple[str, ...] = ()
    consulted: frozenset[int] = frozenset()
    beside: tuple[tuple[int, JsonObject], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What policies ask of the rows of a relation (an OID), with which rows of strangers are to be held against it.

    `expression` is read for `like`, a table (an OID) for which it means the same. `refuting`: by proof no stranger's
    row passes; else that is open.
    """

    persona: Persona
    relation: int
    like: int
    operation: Operation
    clause: Clause
    expression: Expr
    refuting: bool


class _CannotBeError(Exception):
    """No request, or no JSON, can be like that."""


def is_exact(expression: Expr) -> bool:
    """Whether a predicate depends on the row and the request alone, and all of it is understood."""
    return not reads_tables(expression) and is_settled(expression)


def is_settled(expression: Expr) -> bool:
    """Whether a predicate depends on rows and the request alone, and all of it is understood."""
    return not any(
        isinstance(one, Opaque) or (isinstance(one, Given) and one.who in {Who.CLOCK, Who.ARGUMENT})
        for one in walk(expression)
    )


def asked_by(persona: Persona, expression: Expr, witness: Witness) -> Persona | None:
    """Returns who sends the request of a witness; None where nobody can, or it is not known how."""
    made = persona
    if any(isinstance(one, Field) and types.is_moment(one.type) for one in walk(expression)):
        # What is evaluated without a server is evaluated in UTC.
        made = replace(made, settings={**made.settings, "TimeZone": "UTC"})
    given = dict.fromkeys((one.who, one.key) for one in walk(expression) if isinstance(one, Given))
    try:
        for who, key in given:
            if who not in {Who.IDENTITY, Who.CLOCK}:
                made = _with(made, key, witness.request.get(key))
    except _CannotBeError:
        return None
    return made


def _with(persona: Persona, key: str, value: Value) -> Persona:
    """The persona with this value in its request, where `key` says."""
    if key.startswith(SETTING):
        if not isinstance(value, str):
            # What was set once in a session is never NULL again.
            raise _CannotBeError
        return replace(persona, settings={**persona.settings, key.removeprefix(SETTING): value})
    for document in _DOCUMENTS:
        if key == document or key.startswith(f"{document}."):
            # A setting of its own, as PostgREST makes it, which is not among the claims.
            held = json.loads(persona.settings.get(document, "{}"))
            sent = json.dumps(_put(held, split_key(key, document), value))
            return replace(persona, settings={**persona.settings, document: sent})
    source = next((one for one in _CLAIMS if key == one or key.startswith(f"{one}.")), None)
    path = split_key(f"{_CLAIM}.{key}", _CLAIM) if source is None else (*_CLAIMS[source], *split_key(key, source))
    return replace(persona, claims=_put(persona.claims, path, value))


def _put(claims: Mapping[str, object], path: tuple[str, ...], value: Value) -> JsonObject:
    if not path:
        raise _CannotBeError
    first, *rest = path
    made = dict(claims)
    if rest:
        inner = made.get(first, {})
        if not isinstance(inner, dict):
            raise _CannotBeError
        made[first] = _put(inner, tuple(rest), value)
    elif value is None:
        made.pop(first, None)
    else:
        made[first] = _json(value)
    return made


def row_of(witness: Witness) -> JsonObject | None:
    """Returns the row of a witness as JSON; None where JSON cannot say it."""
    return as_json(witness.row)


def rows_beside(witness: Witness) -> tuple[tuple[str, JsonObject], ...] | None:
    """Returns the rows of other tables that a witness takes, each behind its table's name, in the same way."""
    found = [(table, as_json(values)) for table, values in witness.others]
    rows = tuple((table, row) for table, row in found if row is not None)
    return rows if len(rows) == len(found) else None


def as_json(values: Mapping[str, Value]) -> JsonObject | None:
    """Returns a row by column names as JSON; None where JSON cannot say it."""
    try:
        return {name: _column(value) for name, value in values.items()}
    except _CannotBeError:
        return None


def _column(value: Value) -> Plain:
    if isinstance(value, Json) and value.value is None:
        # Within a record it would be NULL.
        raise _CannotBeError
    return _json(value)


def _json(value: Value) -> Plain:
    match value:
        case None | bool() | int():
            return value
        case str():
            if "\0" in value:
                raise _CannotBeError
            return value
        case Decimal():
            # As a text, for a number in JSON may come to be rounded on its way.
            return format(value, "f")
        case datetime() | date():
            return value.isoformat()
        case Endless():
            return value.value
        case Interval(months, days, microseconds):
            return f"{months} mons {days} days {microseconds} microseconds"
        case Json(inner):
            return _document(inner)
        case list():
            return [_json(one) for one in value]
        case _:
            raise _CannotBeError


def _document(inner: object) -> Plain:
    if isinstance(inner, Decimal):
        return int(inner) if inner == inner.to_integral_value() else float(inner)
    if isinstance(inner, dict):
        return {key: _document(value) for key, value in inner.items()}
    if isinstance(inner, list):
        return [_document(one) for one in inner]
    if inner is None or isinstance(inner, bool | int | float | str):
        return inner
    raise _CannotBeError
