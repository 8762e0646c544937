"""What a rule is: one fault, how to tell it, and examples that are its tests and its documentation page."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rlsaudit.model import Finding, Severity
    from rlsaudit.rules.case import Case


class Turn(enum.IntEnum):
    """When a rule runs."""

    OBJECTS = 0
    """First: what is wrong with a relation, a view, a function, a grant."""
    POLICIES = 1
    """Then: by which flaw policies open what nothing else explains (`rlsaudit.rules.cause`)."""
    REST = 2
    """What no other rule has a name for."""
    REVIEW = 3
    """What all the others found, looked at as a whole."""


CellKey: TypeAlias = tuple[str, str, Operation]
"""A cell of the matrix: persona, relation, operation."""


@dataclass(frozen=True, slots=True)
class Example:
    """A schema that has the fault, or does not. `sql` is run by the role that owns the project's objects.

    On Supabase that is `postgres`, in a new project of the era in which new tables are granted to everybody. On plain
    Postgres it is a superuser, and `roles` are the personas. `also` are other rules that it breaks gravely, `intent`
    is the intent file that goes with it, where it takes one. `before` is run first, by a superuser: what Supabase does
    where an extension is enabled. `version` is one that the server is taken for, as in `server_version_num`.
    """

    name: str
    sql: str
    platform: Platform = Platform.SUPABASE
    roles: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    before: str = ""
    version: int | None = None
    intent: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, with the cells of the matrix that it explains: no other rule needs to speak of these."""

    finding: Finding
    cells: frozenset[CellKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One class of fault.

    Attributes:
        id: In kebab-case; users write it, so it never changes.
        severity: The worst that it reports; a finding may be milder.
        summary: One sentence: what is wrong.
        why: What an attacker does with it.
        fix: How to mend it, and what to check afterwards.
        fine: When it is no fault, and how to say so in the intent file.
        bad: Schemas in which `check` finds it.
        good: Schemas in which it finds nothing.
        check: Yields what it finds: pure, over facts, matrix and intent.
        turn: When it runs: it sees what the rules of earlier turns explain (`Case.explained`) and found (`Case.found`).
    """

    id: str
    severity: Severity
    summary: str
    why: str
    fix: str
    fine: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    check: Callable[[Case], Iterable[Found]]
    turn: Turn = Turn.OBJECTS
