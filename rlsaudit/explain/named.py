"""Whom and what a user means, by their names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules import Case

_MOST = 20
_PUBLIC = "public."


def persona_named(case: Case, name: str) -> Persona:
    """Returns the persona of that name.

    Raises:
        UsageError: the audit has none.
    """
    personas = {one.name: one for one in case.personas}
    if name not in personas:
        raise UsageError(f"There is no persona {name!r}.", hint=_near(name, personas))
    return personas[name]


def relation_named(case: Case, name: str) -> Relation:
    """Returns the relation of that name; as one would type it in psql, where `public` goes without saying.

    Raises:
        UsageError: the database has none.
    """
    relations = {case.catalog.identity(one): one for one in case.catalog.snapshot.relations if one.kind != "S"}
    found = relations.get(name) or relations.get(f"{_PUBLIC}{name}")
    if found is None:
        raise UsageError(f"There is no relation {name!r}.", hint=_near(name, relations))
    return found


def functions_named(case: Case, name: str) -> tuple[Function, ...]:
    """Returns the function of that identity, or without parentheses every function of that name.

    Raises:
        UsageError: the database has none.
    """
    functions = {case.catalog.function_identity(one): one for one in case.catalog.snapshot.functions}
    for wanted in (name, f"{_PUBLIC}{name}"):
        found = tuple(one for identity, one in functions.items() if wanted in {identity, identity.partition("(")[0]})
        if found:
            return found
    raise UsageError(f"There is no function {name!r}.", hint=_near(name, functions))


def _near(name: str, known: Iterable[str]) -> str:
    listed = sorted(known, key=lambda one: (not one.startswith(_PUBLIC), one))
    short = {_short(one): one for one in reversed(listed)}
    near = [short[one] for one in difflib.get_close_matches(_short(name), short, n=3)]
    return f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(listed[:_MOST])}."


def _short(name: str) -> str:
    """What of a name is mistyped: neither its schema, which goes without saying, nor a function's arguments."""
    return name.removeprefix(_PUBLIC).partition("(")[0]
