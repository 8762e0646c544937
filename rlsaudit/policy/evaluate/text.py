"""The server's text form of values: what each type's input function takes and refuses, and what its output writes."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from rlsaudit.policy.columns import INTEGERS, TEXTS
from rlsaudit.policy.evaluate import documents, moments
from rlsaudit.policy.evaluate.values import EvaluationError, Interval, Json, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.evaluate.values import Result, State, Value
    from rlsaudit.policy.expr import Type

SPACE = " \t\n\v\f\r"
_UUID = re.compile(r"[0-9a-f]{4}(?:-?[0-9a-f]{4}){7}", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_MAY_BE_NUMBER = re.compile(r"[+-]?(?:[0-9._]+e[+-]?[0-9_]+|[0-9._]*_[0-9._]*|0[xob][0-9a-f_]*|nan|inf(?:inity)?)")
"""Numbers in other forms, not all of which every major knows."""
_LONGEST_NAME = 63
_LONGEST_NUMBER = 100


def from_text(text: str | None, kind: Type, state: State) -> Result:
    """Returns the value that `text` is cast to.

    Raises:
        EvaluationError: it is no value of the type.
    """
    kind = state.base(kind)
    result: Result = Unknown.ANYTHING
    if text is None:
        result = None
    elif kind.kind == "e":
        result = _label(text, kind, state)
    elif kind.name in TEXTS:
        result = text
    elif kind.name == "name":
        result = text if len(text.encode()) <= _LONGEST_NAME else Unknown.VALUE
    elif kind.name == "boolean":
        result = _truth(text)
    elif kind.name == "uuid":
        result = _uuid(text)
    elif kind.name in INTEGERS:
        result = _whole(text, kind)
    elif kind.name == "numeric":
        result = _numeric(text)
    elif kind.name in documents.TYPES:
        result = documents.parse(text)
    elif kind.name.endswith("[]"):
        result = _array(text, kind, state)
    else:
        result = moments.parse(text.strip(SPACE), kind.name, utc=state.utc)
    return result


def to_text(value: Value, kind: Type) -> Result:
    """Returns what `value::text` is."""
    match value:
        case None | str():
            return value if kind.name != "character" else Unknown.VALUE
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case Json(inner) if kind.name == "jsonb":
            return documents.write(inner)
        case list():
            return _written(value)
        case Interval():
            return Unknown.VALUE
        case _:
            # Moments are written in the session's DateStyle, json in the words that it was read from.
            return Unknown.VALUE


def in_range(value: int, kind: Type) -> int:
    """Returns a whole number of the type.

    Raises:
        EvaluationError: there is none as large.
    """
    if not -INTEGERS[kind.name] <= value < INTEGERS[kind.name]:
        raise EvaluationError(f"{kind.name} out of range", "22003")
    return value


def _refused(text: str, kind: str, code: str = "22P02") -> EvaluationError:
    return EvaluationError(f"invalid input syntax for type {kind}: {text!r}", code)


def _label(text: str, kind: Type, state: State) -> Result:
    if kind.name not in state.labels:
        return Unknown.ANYTHING
    if text not in state.labels[kind.name]:
        raise _refused(text, kind.name)
    return text


def _truth(text: str) -> bool:
    word = text.strip(SPACE).lower()
    for known, value, least in (("true", True, 1), ("false", False, 1), ("yes", True, 1), ("no", False, 1)):
        if len(word) >= least and known.startswith(word):
            return value
    if word in {"on", "1"}:
        return True
    if word in {"of", "off", "0"}:
        return False
    raise _refused(text, "boolean")


@lru_cache(maxsize=1024)
def _uuid(text: str) -> str:
    inner = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    if not _UUID.fullmatch(inner):
        raise _refused(text, "uuid")
    digits = inner.replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _whole(text: str, kind: Type) -> Result:
    word = text.strip(SPACE)
    if _WHOLE.fullmatch(word):
        return in_range(int(word), kind) if len(word) < _LONGEST_NUMBER else Unknown.ANYTHING
    if _MAY_BE_NUMBER.fullmatch(word.lower()):
        return Unknown.ANYTHING
    raise _refused(text, kind.name)


def _numeric(text: str) -> Result:
    word = text.strip(SPACE)
    if _NUMBER.fullmatch(word):
        if len(word) > _LONGEST_NUMBER:
            return Unknown.ANYTHING
        number = Decimal(word)
        return abs(number) if number.is_zero() else number
    if _MAY_BE_NUMBER.fullmatch(word.lower()):
        return Unknown.ANYTHING
    raise _refused(text, "numeric")


def _array(text: str, kind: Type, state: State) -> Result:
    element = state.element(kind)
    word = text.strip(SPACE)
    if not word.startswith("{"):
        if word.startswith("["):
            return Unknown.ANYTHING
        raise _refused(text, kind.name)
    if not word.endswith("}"):
        return Unknown.ANYTHING
    items: list[Value] = []
    for one in _items(word[1:-1]):
        if isinstance(one, Unknown):
            return one
        value = from_text(one, element, state)
        if isinstance(value, Unknown):
            return value
        items.append(value)
    return items


_ITEM = re.compile(r'[ \t\n\v\f\r]*(?:"((?:[^"\\]|\\.)*)"|([^",{}\\]*?))[ \t\n\v\f\r]*(,|\Z)', re.DOTALL)


def _items(inner: str) -> Iterator[str | Unknown | None]:
    """The elements of an array's text; what is not plain is not known, as not every major refuses the same."""
    place = 0
    if not inner.strip(SPACE):
        return
    while place <= len(inner):
        item = _ITEM.match(inner, place)
        if item is None or (item[1] is None and not item[2]):
            yield Unknown.ANYTHING
            return
        if item[1] is not None:
            yield re.sub(r"\\(.)", r"\1", item[1], flags=re.DOTALL)
        else:
            yield None if item[2].lower() == "null" else item[2]
        if not item[3]:
            return
        place = item.end()


def _written(items: list[Value]) -> Result:
    parts = []
    for one in items:
        match one:
            case None:
                parts.append("NULL")
            case bool():
                parts.append("t" if one else "f")
            case int():
                parts.append(str(one))
            case str():
                parts.append(_quoted(one))
            case _:
                return Unknown.VALUE
    return "{" + ",".join(parts) + "}"


def _quoted(text: str) -> str:
    if text and text.lower() != "null" and not any(one in '"\\{},' + SPACE for one in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
