"""From the bytes of an intent file to its entries, or to a sentence that says what is wrong and where."""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from rlsaudit.errors import IntentError
from rlsaudit.intent.pattern import is_plain
from rlsaudit.intent.schema import TABLES, IntentFile
from rlsaudit.intent.zones import ZONES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rlsaudit.intent.schema import Allow, Persona, Suppress, ZoneMember, ZoneName

_PLACE = re.compile(r" - at `\$\.?(?P<path>.*)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<key>.*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<key>.*)`$")
_REACHES = "none, own, some or all"
_RESERVED_PERSONAS = frozenset({"public", "all", "*"})
RULES_ABOUT_SUPPRESSIONS = frozenset({"dead-suppression", "expired-suppression"})
"""What nobody can set aside: then a suppression would hold for ever."""
_ZONES = "`$.zones"
_LARGEST_FILE = 4 * 1024 * 1024


def read(path: Path, named: str = "") -> IntentFile:
    """Reads an intent file; `named` is by what it was given, where that is another file.

    Raises:
        IntentError: It cannot be read, is not TOML in UTF-8, or says something that cannot be.
    """
    return parse(_content(path, named), str(path))


def parse(content: bytes, source: str) -> IntentFile:
    """Understands the content of an intent file; `source` is what errors call it.

    Raises:
        IntentError: It is not TOML in UTF-8, or says something that cannot be.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"{source} is not UTF-8: see line {line}."
        raise IntentError(message, hint="Save the file as UTF-8.") from None
    try:
        intent_file = msgspec.toml.decode(text, type=IntentFile)
    except msgspec.ValidationError as error:
        raise _not_valid(str(error), source) from None
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"{source} is not TOML: {error}."
        raise IntentError(message, hint="Text goes between quotes, and a list between [ and ].") from None
    for place, problem in _contradictions(intent_file):
        message = f"{source}, {place}: {problem}."
        raise IntentError(message, hint="Correct the entry, or take it out.")
    return intent_file


def nearest(name: str, known: list[str]) -> str:
    """A hint that names the known name that is most like `name`, and all of them where there is none."""
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(known)}."


def _content(path: Path, named: str) -> bytes:
    reason = "What it names is no file."
    try:
        # A pipe or a device would keep us waiting, and an intent file is neither.
        if path.is_file():
            with path.open("rb") as opened:
                content = opened.read(_LARGEST_FILE + 1)
            if len(content) <= _LARGEST_FILE:
                return content
            reason = "It is too large for an intent file."
        elif path.is_dir():
            reason = "It is a directory."
        elif not path.exists():
            reason = "There is no such file."
    except (OSError, ValueError) as error:
        # ValueError: a NUL character in the path.
        reason = f"{(isinstance(error, OSError) and error.strerror) or 'The path is not valid'}."
    message = f"The intent file {path} cannot be read. {reason}"
    hint = f"{named} is meant: its path is relative to that." if named else "Check the path given with --intent."
    raise IntentError(message, hint=hint)


def _not_valid(said: str, source: str) -> IntentError:
    """An error of ours for what msgspec says, which speaks of objects, arrays and `$`."""
    found = _PLACE.search(said)
    path = found["path"] if found else ""
    problem = said[: found.start()] if found else said
    place = _readable(path)
    table = TABLES.get(re.split(r"[.\[]", path)[0], IntentFile)
    keys = list(table.__struct_fields__)
    if unknown := _UNKNOWN.match(problem):
        hint = nearest(unknown["key"], keys)
        return IntentError(f'{source}, {place}: the key "{unknown["key"]}" is unknown.', hint=hint)
    if missing := _MISSING.match(problem):
        return IntentError(
            f'{source}, {place}: the key "{missing["key"]}" is missing.', hint=f"Keys here: {', '.join(keys)}."
        )
    if problem.startswith("Invalid enum value"):
        value = problem.removeprefix("Invalid enum value ")
        if _ZONES in said:
            value, known = value.partition(" - at")[0], list(ZONES)
            return IntentError(f"{source}, zones: {value} is not a zone.", hint=nearest(value.strip("'"), known))
        return IntentError(f"{source}, {place}: {value} is not a reach.", hint=f"A reach is {_REACHES}.")
    hint = "Give a value of the type that is expected."
    if path in TABLES and "Expected `array`" in problem:
        hint = f"Write [[{path}]], with two brackets, above each entry."
    elif path in TABLES and "Expected `object`" in problem:
        hint = f"Write [{path}], with one bracket, once."
    elif "Expected `date`" in problem:
        hint = "Write a day without quotes: expires = 2027-03-31."
    elif ".settings" in path:
        hint = 'Settings are text: write 42 as "42".'
    words = problem.replace(" | null", "")
    words = (
        words.replace("`str | object`", "text or a table")
        .replace("`str | array`", "text or a list of texts")
        .replace("`str`", "text")
    )
    words = words.replace("`array`", "a list").replace("`object`", "a table").replace("`bool`", "true or false")
    words = words.replace("`", "")
    return IntentError(f"{source}, {place}: {words[0].lower()}{words[1:]}.", hint=hint)


def _readable(path: str) -> str:
    """`allow[0].select` as `[[allow]] 1, select`."""
    if not path:
        return "top level"
    entry = re.match(r"(?P<table>\w+)(?:\[(?P<number>\d+)\])?\.?(?P<rest>.*)$", path)
    if entry is None:
        return path
    where = f"[[{entry['table']}]] {int(entry['number']) + 1}" if entry["number"] else entry["table"]
    rest = re.sub(r"\[(?:\d+|\.\.\.)\]", "", entry["rest"]).lstrip(".")
    return f"{where}, {rest}" if rest else where


def _contradictions(intent_file: IntentFile) -> Iterator[tuple[str, str]]:
    """What the types let through and cannot be meant."""
    for number, allow in enumerate(intent_file.allow, start=1):
        yield from ((f"[[allow]] {number}", problem) for problem in _allow_problems(allow))
    for number, function in enumerate(intent_file.function, start=1):
        for pattern in listed(function.name):
            if not _qualified(pattern.partition("(")[0]):
                yield f"[[function]] {number}", f'"{pattern}" names no schema; write "public.{pattern}"'
    if intent_file.extends == []:
        yield "extends", "an empty list extends nothing; take the key out"
    yield from _zone_problems(intent_file.zones)
    for number, suppress in enumerate(intent_file.suppress, start=1):
        yield from ((f"[[suppress]] {number}", problem) for problem in _suppress_problems(suppress))
    names: set[str] = set()
    for number, persona in enumerate(intent_file.persona, start=1):
        yield from ((f"[[persona]] {number}", problem) for problem in _persona_problems(persona))
        if persona.name in names:
            yield f"[[persona]] {number}", f'there are two personas of the name "{persona.name}"'
        names.add(persona.name)


def _allow_problems(allow: Allow) -> Iterator[str]:
    for pattern in listed(allow.relation):
        if not _qualified(pattern):
            yield f'"{pattern}" names no schema; write "public.{pattern}"'
    reaches = {"select": allow.select, "insert": allow.insert, "update": allow.update, "delete": allow.delete}
    if not allow.columns and not any(reaches.values()):
        yield "it allows nothing: it needs one of select, insert, update, delete, columns"
    if allow.where is not None and "some" not in reaches.values():
        yield "where says which rows of strangers are meant, so it needs an operation that may reach some"
    if not listed(allow.relation) or not listed(allow.persona):
        yield "an empty list names nothing"
    if "anon" in listed(allow.persona):
        for operation, reach in reaches.items():
            if reach == "own":
                yield f"anon has no identity, so no row is its own; {operation} may be none, some or all"


def _zone_problems(zones: Mapping[ZoneName, list[str | ZoneMember]]) -> Iterator[tuple[str, str]]:
    plain: dict[str, str] = {}
    for zone, entries in zones.items():
        for number, entry in enumerate(entries, start=1):
            place = f"zones.{zone}, entry {number}"
            patterns = [entry] if isinstance(entry, str) else listed(entry.relation)
            if not patterns:
                yield place, "an empty list names nothing"
            for pattern in patterns:
                if not _qualified(pattern):
                    yield place, f'"{pattern}" names no schema; write "public.{pattern}"'
                elif is_plain(pattern) and plain.setdefault(pattern, zone) != zone:
                    yield place, f'"{pattern}" is in the zone {plain[pattern]} already'


def _suppress_problems(suppress: Suppress) -> Iterator[str]:
    if not suppress.reason.strip():
        yield "the reason is empty; say why this may stay until then"
    if not listed(suppress.rule) or not listed(suppress.object) or suppress.persona == []:
        yield "an empty list names nothing"
    for rule in listed(suppress.rule):
        if not is_plain(rule):
            yield f'"{rule}" is a pattern; name each rule, for a pattern would hide those that are yet to come'
        elif rule in RULES_ABOUT_SUPPRESSIONS:
            yield f'"{rule}" is about suppressions and cannot be suppressed; correct the entry that it names'


def _persona_problems(persona: Persona) -> Iterator[str]:
    if not persona.name.strip() or persona.name in _RESERVED_PERSONAS:
        yield f'"{persona.name}" cannot be the name of a persona'
    if not persona.role.strip():
        yield "the role is empty"
    if any(key == "" or "\0" in key + value for key, value in persona.settings.items()):
        yield "a setting has no name, or a NUL character"
    if not _is_json(persona.claims):
        yield "claims are JSON: text, numbers, true, false, lists and tables, and no dates"


def _is_json(value: Any) -> bool:  # noqa: ANN401
    match value:
        case dict():
            return all(_is_json(one) for one in value.values())
        case list():
            return all(_is_json(one) for one in value)
        case float():
            return math.isfinite(value)
        case _:
            return isinstance(value, str | int)


def listed(patterns: str | list[str]) -> list[str]:
    """The patterns of a key that takes one or a list."""
    return [patterns] if isinstance(patterns, str) else patterns


def _qualified(pattern: str) -> bool:
    return any(character in pattern for character in ".*?[")
