"""Constants and casts: a constant becomes one of the type that it is cast to, in the server's own words."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import VARIES
from rlsaudit.policy.columns import INTEGERS
from rlsaudit.policy.expr import BOOLEAN, INTEGER, TEXT, UNKNOWN, UUID, Call, Const, Expr, Given, Type, Who, type_of
from rlsaudit.policy.read import types

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here
    from rlsaudit.policy.values import Scope

_TRUTHS = (("true", "t", 1), ("false", "f", 1), ("yes", "t", 1), ("no", "f", 1), ("on", "t", 2), ("off", "f", 2))
"""The words for Booleans, and how much of each is enough: see `parse_bool_with_len`."""
_UUID = re.compile(r"\{?[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?", re.IGNORECASE)
_WHOLE = re.compile(r"\s*([+-]?\d+)\s*", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_ITEM = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^",{}\\]+))(,|$)', re.DOTALL)
_LARGEST_INTEGER = INTEGERS["integer"]
_SAME_TEXT = frozenset({"uuid", "smallint", "integer", "bigint"})
"""Types whose constants are cast to text as they stand."""


def of_number(text: str) -> Const:
    """Returns a number that is written without quotes."""
    if _WHOLE.fullmatch(text):
        number = int(text)
        kind = "integer" if abs(number) < _LARGEST_INTEGER else "bigint" if abs(number) < INTEGERS["bigint"] else ""
        if kind:
            return Const(str(number), Type(kind))
    return Const(text, Type("numeric"))


def cast(value: Expr, target: Type, here: Here, name: str = "") -> Expr:
    """Returns `value::target`. `name` is the type with its modifiers, which may cut a value short."""
    source = type_of(value)
    modified = name not in ("", target.name)
    result: Expr | None = None
    if isinstance(value, Const):
        result = _constant(value, target, here)
        if result is not None and modified and value.value is not None:
            return Call(f"::{name}", (result,), target)
    elif not modified and (source == target or (types.is_text(source) and types.is_text(target))):
        result = value
    elif isinstance(value, Given) and value.who is Who.IDENTITY and not modified:
        if target in (UUID, TEXT, types.NAME) and source in (UUID, TEXT, types.NAME):
            result = replace(value, type=target)
        elif str(here.scope.persona.claims.get(value.key, "")).startswith(VARIES):
            # Users have numbers for ids then: what the server gives, whatever probes send in its place.
            result = Call(f"::{target.name}", (Given(Who.SERVER, value.key, TEXT, nullable=False),), target)
    elif isinstance(value, Call) and value.name == "ARRAY" and types.is_array(target):
        of, within = types.element(target, here.scope), name.removesuffix("[]") if modified else ""
        result = Call("ARRAY", tuple(cast(one, of, here, within) for one in value.args), target)
    if result is None:
        result = Call(f"::{name or target.name}", (value,), target)
    return result


def as_type(value: Expr, target: Type, here: Here) -> Expr:
    """Returns `value` where one of type `target` is wanted: a constant of no type takes it, any other value stays."""
    if isinstance(value, Const) and value.type == UNKNOWN and target != UNKNOWN:
        resolved = types.base(target, here.scope)
        return cast(value, resolved, here) if resolved != UNKNOWN else value
    return value


def _constant(value: Const, target: Type, here: Here) -> Expr | None:
    """A constant of another type; None where a cast has to stay."""
    text, source = value.value, value.type
    if text is None:
        # A domain may refuse it.
        return None if target.kind == "d" and source != target else replace(value, type=target)
    if source == target:
        return value
    if source == BOOLEAN and target in (TEXT, Type("character varying")):
        return Const("true" if text == "t" else "false", target)
    if source != UNKNOWN and not types.is_text(source) and source != types.NAME:
        keeps = source.name in _SAME_TEXT or source.kind == "e"
        if keeps and types.is_text(target):
            return Const(text, target)
        if types.is_whole(source) and (types.is_whole(target) or target.name == "numeric"):
            return _typed(text, target, here.scope)
        return None
    found = _typed(text, target, here.scope)
    if found is None and source == UNKNOWN and not here.written and target.kind == "b" and not _failing(target):
        # The server wrote it, and so in its own form.
        found = Const(text, target)
    # What is written as a text is one, for the cast that stays.
    return found or Call(f"::{target.name}", (Const(text, TEXT if source == UNKNOWN else source),), target)


def _failing(target: Type) -> bool:
    return target in (BOOLEAN, UUID) or types.is_whole(target)


def _typed(text: str, target: Type, scope: Scope) -> Const | None:
    result: Const | None = None
    if types.is_text(target) or target in (types.NAME, UNKNOWN):
        result = Const(text, target)
    elif target == BOOLEAN:
        truth = _truth(text)
        result = Const(truth, target) if truth else None
    elif target == UUID:
        result = Const(str(uuid.UUID(text)), target) if _UUID.fullmatch(text) else None
    elif types.is_whole(target):
        found = _WHOLE.fullmatch(text)
        inside = found and -INTEGERS[target.name] <= int(found[1]) < INTEGERS[target.name]
        result = Const(str(int(found[1])), target) if found and inside else None
    elif target.name == "numeric":
        result = Const(text, target) if _NUMBER.fullmatch(text) else None
    elif target.kind == "e":
        result = Const(text, target) if text in types.labels(target, scope) else None
    elif types.is_array(target) and text == "{}":
        result = Const(text, target)
    return result


def _truth(text: str) -> str | None:
    word = text.strip().lower()
    if word in {"1", "0"}:
        return "t" if word == "1" else "f"
    return next((value for full, value, least in _TRUTHS if len(word) >= least and full.startswith(word)), None)


def items(array: Expr, here: Here) -> tuple[Expr, ...] | None:
    """Returns the elements of an array that is written down; None where it is computed, or not plain."""
    if isinstance(array, Call) and array.name == "ARRAY":
        return array.args
    if not isinstance(array, Const) or array.value is None or not types.is_array(array.type):
        return None
    text = array.value
    if not (text.startswith("{") and text.endswith("}")):
        return None
    of, found, place, rest = types.element(array.type, here.scope), list[Expr](), 0, text[1:-1]
    while place < len(rest):
        item = _ITEM.match(rest, place)
        if item is None or (item[3] == "," and item.end() == len(rest)):
            return None
        quoted, plain = item[1], item[2]
        word = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else plain.strip()
        null = quoted is None and word.lower() == "null"
        found.append(cast(Const(None if null else word, UNKNOWN), of, here))
        place = item.end()
    return tuple(found)


def integer(value: int) -> Const:
    """Returns a whole number."""
    return Const(str(value), INTEGER)
