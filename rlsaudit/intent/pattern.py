"""Patterns of names, as in a shell: `*`, `?`, `[abc]`."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from itertools import groupby

_WILD = re.compile(r"[*?\[]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def fits(pattern: str, name: str) -> bool:
    """Whether a pattern fits a name of the database, with regard to case; quotes in either do not matter."""
    pattern, name = unquoted(pattern), unquoted(name)
    # Compared first, for `int[]` is no set of characters. A plain name fits nothing else, and files are full of these.
    return pattern == name or (not is_plain(pattern) and fnmatchcase(name, pattern))


def unquoted(name: str) -> str:
    """A name without the quotes that SQL puts around it where it has to."""
    return name.replace('"', "")


def is_plain(pattern: str) -> bool:
    """Whether a pattern is a name, of one thing: the brackets of a function's arrays are no wildcard."""
    return not _WILD.search(pattern.replace("[]", ""))


def any_fits(patterns: tuple[str, ...], *names: str) -> bool:
    """Whether one of the patterns fits one of the names."""
    return any(fits(pattern, name) for pattern in patterns for name in names)


def function_fits(pattern: str, identity: str) -> bool:
    """Whether a pattern fits a function; without parentheses, whatever its arguments are."""
    return fits(pattern, identity if "(" in pattern else identity.partition("(")[0])


@lru_cache(maxsize=4096)
def column_fits(patterns: tuple[str, ...], column: str) -> bool:
    """Whether the last pattern that fits a column takes it in; one that begins with `!` leaves it out.

    Without regard to case, and `userId` is `user_id` too: patterns tell words apart by the underscore.
    """
    spellings = {column.lower(), _HUMP.sub("_", column).lower()}
    return next((takes_in for takes_in, any_of in _last_first(patterns) if any(map(any_of.match, spellings))), False)


@lru_cache(maxsize=256)
def _last_first(patterns: tuple[str, ...]) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    """The patterns, the last one first, as expressions of those next to one another that do the same."""
    runs = groupby(reversed(patterns), lambda one: not one.startswith("!"))
    return tuple(
        (takes_in, re.compile("|".join(translate(one.removeprefix("!").lower()) for one in run)))
        for takes_in, run in runs
    )
