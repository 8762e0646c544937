"""json and jsonb: reading, writing, and what their operators find."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from rlsaudit.policy.evaluate.values import EvaluationError, Json, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.policy.evaluate.values import Result, Value

TYPES = frozenset({"json", "jsonb"})
Parsed: TypeAlias = Any
"""What `json` makes of a document."""
_INDEX = re.compile(r"-?[0-9]{1,9}")
_MAY_BE_INDEX = re.compile(r"\s*[+-]?[0-9]+")
_LONGEST = 4_000


class _LostError(Exception):
    """It is JSON, or may be, of which Postgres thinks otherwise than Python."""


def parse(text: str) -> Result:
    """Returns a document.

    Raises:
        EvaluationError: it is none.
    """
    if len(text) > _LONGEST or "\\u" in text or "\x00" in text:
        return Unknown.ANYTHING
    try:
        return Json(json.loads(text, parse_float=_fraction, parse_constant=_refuse, object_pairs_hook=_object))
    except (_LostError, RecursionError):
        return Unknown.ANYTHING
    except ValueError as error:
        raise EvaluationError(f"invalid input syntax for type json: {text!r}", "22P02") from error


def _fraction(text: str) -> Decimal:
    if "e" in text.lower():
        raise _LostError
    number = Decimal(text)
    return abs(number) if number.is_zero() else number


def _refuse(word: str) -> None:
    raise ValueError(word)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise _LostError
    return dict(pairs)


def write(value: Parsed) -> str:
    """Returns the text of a jsonb."""
    match value:
        case dict():
            inner = sorted(value.items(), key=lambda one: (len(one[0].encode()), one[0].encode()))
            return "{" + ", ".join(f"{_string(key)}: {write(one)}" for key, one in inner) + "}"
        case list():
            return "[" + ", ".join(map(write, value)) + "]"
        case str():
            return _string(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def as_text(value: Parsed, kind: str) -> Result:
    """Returns what `->>` makes of a part that was found."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if kind == "json" and (isinstance(value, dict | list) or not isinstance(value, bool)):
        # The words that it was read from.
        return Unknown.VALUE
    return write(value)


def part(document: Json, key: Value, *, binary: bool = False) -> tuple[bool, Any]:
    """Whether `document -> key` is there, and what it is; `binary` says that it is a jsonb."""
    inner = document.value
    if binary and not isinstance(inner, dict | list):
        # What is neither is kept as an array of itself.
        inner = [inner]
    if isinstance(key, str):
        return (True, inner[key]) if isinstance(inner, dict) and key in inner else (False, None)
    if isinstance(inner, list) and isinstance(key, int) and -len(inner) <= key < len(inner):
        return True, inner[key]
    return False, None


def at_path(document: Json, path: Sequence[Value]) -> tuple[bool, Any] | Unknown:
    """The same of `document #> path`."""
    current = document.value
    for step in path:
        if not isinstance(step, str):
            return False, None
        key: Value = step
        if isinstance(current, list):
            if not _INDEX.fullmatch(step):
                if _MAY_BE_INDEX.match(step):
                    return Unknown.VALUE
                return False, None
            key = int(step)
        found, current = part(Json(current), key)
        if not found:
            return False, None
    return True, current


def has_key(document: Json, key: str) -> bool:
    """Returns `document ? key`."""
    inner = document.value
    if isinstance(inner, dict):
        return key in inner
    if isinstance(inner, list):
        return any(isinstance(one, str) and one == key for one in inner)
    return isinstance(inner, str) and inner == key


def equal(left: Parsed, right: Parsed) -> bool:
    """Whether two documents are the same: numbers by their value, and never the same as Booleans."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def contains(left: Parsed, right: Parsed) -> bool:
    """Returns `left @> right`."""
    if isinstance(left, list) and not isinstance(right, dict | list):
        return any(equal(one, right) for one in left)
    if not isinstance(left, dict | list) and not isinstance(right, dict | list):
        return equal(left, right)
    return _contains(left, right)


def _contains(left: Parsed, right: Parsed) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return all(key in left and _within(left[key], one) for key, one in right.items())
    if isinstance(left, list) and isinstance(right, list):
        return all(any(_within(each, one) for each in left) for one in right)
    return False


def _within(left: Parsed, right: Parsed) -> bool:
    return _contains(left, right) if isinstance(right, dict | list) else equal(left, right)
