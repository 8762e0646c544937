"""A text that a regular expression matches: the shortest that comes to mind, for a CHECK that asks for one.

Only what such CHECKs are made of is understood; whether the text does match is for the server to say.
"""

from __future__ import annotations

import re

_COUNT = re.compile(r"\{(\d+)(?:,\d*)?\}\??|([*+?])\??")
_CLASSES = {"d": "1", "w": "a", "s": " ", "m": "", "M": "", "y": "", "A": "", "Z": "", "n": "\n", "t": "\t"}
_NAMED = {
    "alpha": "a",
    "digit": "1",
    "alnum": "a",
    "upper": "A",
    "lower": "a",
    "space": " ",
    "punct": "-",
    "xdigit": "a",
}
_NAMED_CLASS = re.compile(r"\[:(\w+):\]")
_OPTIONS = re.compile(r"\(\?[a-z]*[:=!]?")
_MOST = 400
_DEEPEST = 20


def sample(pattern: str) -> str | None:
    """Returns a text that `pattern` should match as a whole; None where it is not understood."""
    if len(pattern) > _MOST:
        return None
    try:
        text, end = _branches(pattern, 0, 0)
    except (IndexError, ValueError):
        return None
    return text if end == len(pattern) and len(text) <= _MOST else None


def _branches(pattern: str, at: int, depth: int) -> tuple[str, int]:
    """The first of several alternatives, up to the end of what they stand in."""
    if depth > _DEEPEST:
        raise ValueError(pattern)
    first, at = _sequence(pattern, at, depth)
    while at < len(pattern) and pattern[at] == "|":
        _, at = _sequence(pattern, at + 1, depth)
    return first, at


def _sequence(pattern: str, at: int, depth: int) -> tuple[str, int]:
    found: list[str] = []
    while at < len(pattern) and pattern[at] not in "|)":
        text, at = _atom(pattern, at, depth)
        counted = _COUNT.match(pattern, at)
        if counted:
            at = counted.end()
            text *= int(counted[1]) if counted[1] else int(counted[2] == "+")
        if len(text) > _MOST:
            raise ValueError(pattern)
        found.append(text)
    return "".join(found), at


def _atom(pattern: str, at: int, depth: int) -> tuple[str, int]:
    letter = pattern[at]
    if letter in "^$":
        return "", at + 1
    if letter == ".":
        return "a", at + 1
    if letter == "\\":
        return _CLASSES.get(pattern[at + 1], pattern[at + 1]), at + 2
    if letter == "[":
        return _class(pattern, at + 1)
    if letter == "(":
        options = _OPTIONS.match(pattern, at)
        text, end = _branches(pattern, options.end() if options else at + 1, depth + 1)
        # What only looks ahead has no text of its own.
        return ("" if options and options[0][-1] in "=!" else text), end + 1
    return letter, at + 1


def _class(pattern: str, at: int) -> tuple[str, int]:
    """The first letter that is in brackets, or one that is not."""
    others = pattern[at] == "^"
    at += others
    end = at + 1
    while pattern[end] != "]" or pattern[end - 1] == ":":
        end += 1 + (pattern[end] == "\\")
    inside = pattern[at:end]
    if others:
        return next(one for one in "a1-_Z ~" if one not in inside), end + 1
    named = _NAMED_CLASS.match(inside)
    if named:
        return _NAMED.get(named[1], "a"), end + 1
    if inside.startswith("\\"):
        return _CLASSES.get(inside[1], inside[1]), end + 1
    return inside[0], end + 1
