"""Which minor releases of Postgres mend flaws in access control, and which majors get none any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST_SUPPORTED: Final = 15
"""The oldest major that still gets releases: https://www.postgresql.org/support/versioning/ says until when."""

_PER_MAJOR = 10000


@dataclass(frozen=True, slots=True)
class Flaw:
    """A flaw in access control. `fixed` is the minor that mends it, by major; later majors never had it."""

    cve: str
    what: str
    fixed: Mapping[int, int]


FLAWS: Final = (
    Flaw("CVE-2023-2455", "policies of another role apply once a function is inlined", {13: 11, 14: 8, 15: 3}),
    Flaw("CVE-2023-39418", "MERGE leaves out policies for UPDATE and SELECT", {15: 4}),
    Flaw(
        "CVE-2024-4317",
        "statistics of expressions show rows of others, until a script is run as well",
        {14: 12, 15: 7, 16: 3},
    ),
    Flaw(
        "CVE-2024-10976",
        "a cached plan keeps the policies of the role before",
        {13: 17, 14: 14, 15: 9, 16: 5, 17: 1},
    ),
    Flaw(
        "CVE-2024-10978",
        "SET ROLE and SET SESSION AUTHORIZATION leave the wrong role behind",
        {13: 17, 14: 14, 15: 9, 16: 5, 17: 1},
    ),
    Flaw(
        "CVE-2025-8713",
        "the planner's statistics show rows that views and policies hide",
        {13: 22, 14: 19, 15: 14, 16: 10, 17: 6},
    ),
    Flaw(
        "CVE-2026-14666",
        "a cached plan outlives a change of the role",
        {14: 24, 15: 19, 16: 15, 17: 11, 18: 6},
    ),
    Flaw(
        "CVE-2026-120154",
        "the WHERE of ON CONFLICT shows rows that policies hide",
        {14: 25, 15: 20, 16: 16, 17: 12, 18: 7},
    ),
    Flaw(
        "CVE-2026-16237",
        "ON CONFLICT writes through views what it may not",
        {14: 25, 15: 20, 16: 16, 17: 12, 18: 7},
    ),
    Flaw(
        "CVE-2026-120146",
        "REASSIGN OWNED gives away more than it may",
        {14: 25, 15: 20, 16: 16, 17: 12, 18: 7},
    ),
)


def open_flaws(version: int) -> tuple[Flaw, ...]:
    """Returns the flaws that a server of `version`, as in `server_version_num`, still has."""
    major, minor = divmod(version, _PER_MAJOR)
    return tuple(one for one in FLAWS if minor < one.fixed.get(major, 0))


def mended(major: int) -> int | None:
    """Returns the first version of a major, as in `server_version_num`, that has none of the flaws; None if none is."""
    if major < OLDEST_SUPPORTED:
        return None
    return major * _PER_MAJOR + max((one.fixed.get(major, 0) for one in FLAWS), default=0)


def shown(version: int) -> str:
    """Returns a version as people write it: `15.20` for 150020."""
    return "{}.{}".format(*divmod(version, _PER_MAJOR))
