"""Verdicts in words: what a reach means for an operation, and how many there are of something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.model import Target

EVERYBODY = "public"
"""The persona of a finding that concerns all, as `PUBLIC` is the role that all are members of."""

EVERYTHING = "all"
"""The operation of a finding that concerns all of them."""

_VERBS: dict[str, str] = {Operation.SELECT: "read", Operation.UPDATE: "change", Operation.DELETE: "delete"}

_ROWS = {
    Reach.NONE: "cannot {verb} any row",
    Reach.OWN: "can {verb} only rows of its own",
    Reach.SOME: "can {verb} strangers' rows that meet a condition",
    Reach.ALL: "can {verb} any row",
    Reach.UNKNOWN: "may be able to {verb} rows: not decided",
}

_NEW_ROWS = {
    Reach.NONE: "cannot insert any row",
    Reach.OWN: "can insert only rows of its own",
    Reach.SOME: "can insert strangers' rows that meet a condition",
    Reach.ALL: "can insert rows in anybody's name",
    Reach.UNKNOWN: "may be able to insert rows: not decided",
}

_OBJECTS = {
    "truncate": "empty it with truncate",
    "references": "point foreign keys at it",
    "trigger": "put triggers on it",
    "maintain": "maintain it (vacuum, reindex, lock)",
    "execute": "execute it",
    "usage": "use it",
    "create": "create objects in it",
}

_INTENDED = {
    Reach.NONE: "none",
    Reach.OWN: "own rows",
    Reach.SOME: "rows that meet a condition",
    Reach.ALL: "any row",
    Reach.UNKNOWN: "not known",
}

_NOT_DECIDED = ": not decided: "
"""Stands in the reason of a policy before the part of its predicate that could not be decided."""
_BRIEF = 88

EVIDENCE = {
    EvidenceKind.CATALOG: "catalog: a privilege or a flag decides",
    EvidenceKind.PROOF: "proof: the policy's predicate, solved",
    EvidenceKind.PROBE: "probe: executed as that role",
    EvidenceKind.NONE: "none",
}
"""How a verdict is known."""


def ability(persona: str, operation: str, reach: Reach) -> str:
    """Say who can do what: `anon can read any row`."""
    if operation == Operation.INSERT:
        can = _NEW_ROWS[reach]
    elif operation in _VERBS:
        can = _ROWS[reach].format(verb=_VERBS[operation])
    elif operation == EVERYTHING:
        verb = "read or write" if reach in {Reach.NONE, Reach.UNKNOWN} else "read and write"
        can = _ROWS[reach].format(verb=verb)
    else:
        can = _object_ability(_OBJECTS.get(operation, operation), reach)
    if persona == EVERYBODY:
        return f"nobody {can.replace('cannot', 'can', 1)}" if reach is Reach.NONE else f"everybody {can}"
    return f"{persona} {can}"


def intention(operation: str, intended: Reach) -> str:
    """Say what the intent allows at most: `own rows`."""
    if operation in {*Operation, EVERYTHING} or intended in {Reach.NONE, Reach.UNKNOWN}:
        return _INTENDED[intended]
    return "allowed"


def _object_ability(deed: str, reach: Reach) -> str:
    if reach is Reach.UNKNOWN:
        return f"may be able to {deed}: not decided"
    return f"cannot {deed}" if reach is Reach.NONE else f"can {deed}"


def server(target: Target) -> str:
    """Say what runs there: `Supabase on Postgres 15.8`."""
    platform = {"supabase": "Supabase on ", "postgres": ""}.get(target.platform, f"{target.platform} on ")
    return f"{platform}Postgres {target.server_version}"


def count(number: int, one: str, many: str = "") -> str:
    """Say how many: `1 verdict`, `2 verdicts`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def shortened(words: str, most: int) -> str:
    """Cut words that are longer than `most` characters, visibly."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def brief(reason: str) -> str:
    """Say why a verdict is missing in a line: what could not be decided, rather than all that was looked at.

    Reasons tell the whole policy, so that nearly every one is its own; by what they hang on there are few.
    """
    _, found, undecided = reason.partition(_NOT_DECIDED)
    return shortened(f"not decided: {undecided.partition('; ')[0]}" if found else reason, _BRIEF)


def listed(items: Sequence[str]) -> str:
    """Join as a sentence does: `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
