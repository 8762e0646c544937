"""The names in an intent file, held against those that there are: what is misspelt must not pass for said."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.errors import IntentError
from rlsaudit.intent.pattern import any_fits, function_fits, is_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.intent.meaning import Intent


@dataclass(frozen=True, slots=True)
class Names:
    """What there is: identities of relations and functions, personas with their roles, and ids of rules."""

    relations: tuple[str, ...]
    personas: tuple[str, ...]
    functions: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name or pattern of the user's that nothing has. `kind` is relation, persona, function or rule."""

    kind: str
    name: str
    place: str
    nearest: str | None

    @property
    def said(self) -> str:
        """What is wrong, and where."""
        return f'{self.place}: there is no {self.kind} "{self.name}"'


def unknown_names(intent: Intent, names: Names) -> tuple[Unknown, ...]:
    """Returns what the user's files name and nothing has: misspelt, or out of date. Each name once."""
    found = {(one.kind, one.name): one for one in reversed(tuple(_unknown(intent, names)))}
    return tuple(reversed(found.values()))


def refuse_unknown(unknown: tuple[Unknown, ...]) -> tuple[Unknown, ...]:
    """Returns the patterns among them, which may be about what is yet to come.

    Raises:
        IntentError: One is a plain name. The message tells the first of these, the details the others.
    """
    plain = [one for one in unknown if is_plain(one.name)]
    if not plain:
        return unknown
    first, *others = plain
    hint = f"{suggested(first.nearest)}If it is gone for good, take it out."
    details = tuple(f"{one.said}. {suggested(one.nearest)}".rstrip() for one in others)
    raise IntentError(f"{first.said}.", hint=hint, details=details)


def suggested(name: str | None) -> str:
    """The sentence that suggests a name, with a space behind; empty where there is none to suggest."""
    return f'Did you mean "{name}"? ' if name else ""


def closest(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that is most like `name`, without regard to case; None where none is like it."""
    spelt = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), spelt, n=1)
    return spelt[found[0]] if found else None


def _unknown(intent: Intent, names: Names) -> Iterator[Unknown]:
    for allowance in intent.allowances:
        if allowance.declared:
            yield from _among("relation", allowance.relations, names.relations, allowance.place)
            if not allowance.zone:
                # Whom a zone means nobody wrote down.
                yield from _among("persona", allowance.personas, names.personas, allowance.place)
    for rule in intent.functions:
        if rule.declared:
            yield from _functions(rule.names, names.functions, rule.place)
            yield from _among("persona", rule.callable_by, names.personas, rule.place)
    for one in intent.suppressions:
        yield from _among("rule", one.rules, names.rules, one.place)
        # A finding that concerns everybody names that.
        yield from _among("persona", one.personas, (*names.personas, "public"), one.place)


def _among(kind: str, patterns: tuple[str, ...], known: tuple[str, ...], place: str) -> Iterator[Unknown]:
    for pattern in patterns:
        if not any_fits((pattern,), *known):
            yield Unknown(kind, pattern, place, closest(pattern, known))


def _functions(patterns: tuple[str, ...], known: tuple[str, ...], place: str) -> Iterator[Unknown]:
    bare = tuple(one.partition("(")[0] for one in known)
    for pattern in patterns:
        if not any(function_fits(pattern, one) for one in known):
            yield Unknown("function", pattern, place, closest(pattern, known if "(" in pattern else bare))
