"""LIKE, and those regular expressions that mean the same here as on the server."""

from __future__ import annotations

import re
from functools import lru_cache

from rlsaudit.policy.evaluate.values import Result, Unknown

LIKE = {"~~": (False, False), "!~~": (True, False), "~~*": (False, True), "!~~*": (True, True)}
REGULAR = {"~": (False, False), "!~": (True, False), "~*": (False, True), "!~*": (True, True)}
"""By operator, whether it is negated and whether it ignores case."""
_LONGEST = 1_000
_LONGEST_PATTERN, _MOST_REPEATS = 200, 3


def like(name: str, text: str, pattern: str) -> Result:
    """Returns `text LIKE pattern` and its kind."""
    negated, folded = LIKE[name]
    if folded:
        if not (text.isascii() and pattern.isascii()):
            # What belongs together is the collation's to say.
            return Unknown.ANYTHING
        text, pattern = text.lower(), pattern.lower()
    parts = _parts(pattern)
    if parts is None or len(text) * len(parts) > _LONGEST * 100:
        # A lone escape at the end is an error, if the match gets there.
        return Unknown.ANYTHING
    return _matches(text, parts) is not negated


_ANY, _ONE = "any", "one"


def _parts(pattern: str) -> list[tuple[str, str]] | None:
    parts: list[tuple[str, str]] = []
    place = 0
    while place < len(pattern):
        letter = pattern[place]
        if letter == "\\":
            place += 1
            if place == len(pattern):
                return None
            parts.append(("letter", pattern[place]))
        elif letter == "%":
            parts.append((_ANY, ""))
        elif letter == "_":
            parts.append((_ONE, ""))
        else:
            parts.append(("letter", letter))
        place += 1
    return parts


def _matches(text: str, parts: list[tuple[str, str]]) -> bool:
    reached = [True] + [False] * len(text)
    for kind, letter in parts:
        if kind == _ANY:
            seen = False
            for place, one in enumerate(reached):
                seen = seen or one
                reached[place] = seen
        else:
            reached = [False] + [
                reached[place] and (kind == _ONE or text[place] == letter) for place in range(len(text))
            ]
    return reached[-1]


def regular(name: str, text: str, pattern: str) -> Result:
    """Returns `text ~ pattern` and its kind."""
    negated, folded = REGULAR[name]
    found = search(text, pattern, folded=folded)
    return found if isinstance(found, Unknown) else found is not negated


def search(text: str, pattern: str, *, folded: bool) -> bool | Unknown:
    """Returns whether a regular expression is found in a text."""
    compiled = _compiled(pattern, folded)
    if compiled is None or len(text) > _LONGEST or not text.isascii():
        return Unknown.ANYTHING
    return compiled.search(text) is not None


_TOKEN = re.compile(
    r"(?P<letter>[A-Za-z0-9 _/@,:;=<>!\"#%&'~-])"
    r"|(?P<escaped>\\[.\-/+*?()\[\]{}|^$\\@_])|(?P<kind>\\[dw])|(?P<any>\.)"
    r"|(?P<set>\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9_.@/+ ])+-?\])"
    r"|(?P<repeat>[*+])|(?P<maybe>\?)|(?P<times>\{[0-9]{1,2}(?:,[0-9]{1,2})?\})"
    r"|(?P<open>\((?!\?))|(?P<close>\))|(?P<either>\|)"
)


@lru_cache(maxsize=256)
def _compiled(pattern: str, folded: bool) -> re.Pattern[str] | None:  # noqa: FBT001  a key of the cache
    """A pattern that both read alike, None for all others: those that go back often are left to the server too."""
    if not pattern or len(pattern) > _LONGEST_PATTERN or not pattern.isascii():
        return None
    begins, ends = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith("\\$")
    inner = pattern[begins : len(pattern) - ends]
    made, place, before, repeats, depth = [], 0, "", 0, 0
    while place < len(inner):
        token = _TOKEN.match(inner, place)
        if token is None or token.lastgroup is None:
            return None
        kind = token.lastgroup
        if kind in {"repeat", "maybe", "times"}:
            if before in {"", "open", "either", "repeat", "maybe", "times", "close"}:
                return None
            repeats += kind == "repeat"
        depth += (kind == "open") - (kind == "close")
        if depth < 0 or (kind in {"close", "either"} and before in {"", "open", "either"}):
            return None
        if kind == "either" and depth == 0 and (begins or ends):
            # Of which branch the anchors are is a matter of taste.
            return None
        made.append(token[0])
        before, place = kind, token.end()
    if depth or before in {"open", "either"} or repeats > _MOST_REPEATS:
        return None
    full = ("\\A" if begins else "") + "".join(made) + ("\\Z" if ends else "")
    try:
        return re.compile(full, re.DOTALL | re.ASCII | (re.IGNORECASE if folded else 0))
    except re.error:
        return None
