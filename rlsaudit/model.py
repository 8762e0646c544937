"""The words of rlsaudit: what every step passes to the next.

They are defined in `docs/concepts.md`; the JSON report, version 1, is `Report` written out key by key, so a field here
is a promise to users. Adding a field is fine; changing what one means is not.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field
from datetime import date  # noqa: TC003 — msgspec reads the annotations when it makes the report's schema
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

JsonObject = dict[str, Any]


class Ordered(enum.StrEnum):
    """A string enumeration whose members are ordered as they are written: the first is the least.

    `str` brings comparisons of its own, by letter, which would be silently wrong here; hence the overrides.
    """

    rank: int
    """The member's place, counted from 0."""

    def __init_subclass__(cls) -> None:
        """Numbers the members, which are there by now: millions of them are compared."""
        super().__init_subclass__()
        for place, member in enumerate(cls):
            member.rank = place

    def __lt__(self, other: object) -> bool:
        return self.rank < self._of_my_kind(other).rank

    def __le__(self, other: object) -> bool:
        return self.rank <= self._of_my_kind(other).rank

    def __gt__(self, other: object) -> bool:
        return self.rank > self._of_my_kind(other).rank

    def __ge__(self, other: object) -> bool:
        return self.rank >= self._of_my_kind(other).rank

    def _of_my_kind(self, other: object) -> Self:
        if type(other) is not type(self):
            message = f"{type(self).__name__} cannot be compared with {type(other).__name__}"
            raise TypeError(message)
        return other


class Operation(enum.StrEnum):
    """What a persona does to rows: one column of the matrix."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Reach(Ordered):
    """How far a persona gets with an operation on a relation, by a single statement.

    `UNKNOWN` is outside the order: compare only reaches for which `decided` is true.
    """

    NONE = "none"
    """No row, whatever the identity."""
    OWN = "own"
    """Only rows tied to the persona's own identity, directly or through a membership."""
    SOME = "some"
    """Rows of strangers when the row's own content meets a condition."""
    ALL = "all"
    """Any row."""
    UNKNOWN = "unknown"
    """Not decided; the cell's `because` says why. Never counts as safe."""

    @property
    def decided(self) -> bool:
        """Whether this is a verdict, and so comparable with others."""
        return self is not Reach.UNKNOWN


class Severity(Ordered):
    """How bad a finding is, least first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class EvidenceKind(enum.StrEnum):
    """How a verdict is known."""

    CATALOG = "catalog"
    """A privilege or a flag decides."""
    PROOF = "proof"
    """The policy's predicate, solved."""
    PROBE = "probe"
    """Really executed as that role."""
    NONE = "none"
    """Not known: the verdict is `unknown`."""


UNSET = "-unset"
"""What follows the name of a role where it is a request without the settings that policies read."""
STRANGER = "0f7a1c52-5d3e-4b8a-9c61-8e2d4f90b7a3"
"""The user id of somebody who just signed up and owns nothing. Nobody's: it was drawn once, at random."""
VARIES = "$"
"""What a value begins with that the server gives: it is another for everybody."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A database role plus the request it comes with.

    `claims` are the JWT claims (on plain Postgres only those that the intent declares), `settings` the GUCs that the
    application sets, `unset` those that nobody has set on a new connection. `description` is for people.
    """

    name: str
    role: str
    claims: JsonObject = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    description: str = ""
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One verdict of the matrix: a persona, a relation, an operation, and how far that goes.

    `at_least` and `at_most` bound the reach where it is not decided; where it is, both equal it.
    `intended` is the most reach that the intent allows. `columns` lists the reachable columns where not all are.
    `paths` names what leads to the rows besides the relation itself (views, functions, child tables).
    `escalated_at_least` is what a chain gains for certain, where it is not known whether another gains more.
    `attacked` is how far statements on the relation itself got with rows made for them, and where the verdict is open
    calls of functions that may lead to it, where every one had a clear answer, else None: it is no proof that nothing
    gets further.
    `condition` is which rows of strangers are meant, where the intent allows `some` and says which. Where others are
    reached for certain, `outside` is such a row and `intended` is what is meant of those: `own`, or `none` of `anon`.
    `escalated_because` says why `escalated` is not `reach`, or not known; `chain` are the statements that go before the
    cell's own, where a chain gains something.
    """

    persona: str
    role: str
    relation: str
    kind: str
    operation: Operation
    reach: Reach
    escalated: Reach
    intended: Reach
    evidence: EvidenceKind
    because: str
    columns: tuple[str, ...] | None = None
    at_least: Reach = Reach.NONE
    at_most: Reach = Reach.ALL
    paths: tuple[str, ...] = ()
    escalated_because: str = ""
    escalated_at_least: Reach = Reach.NONE
    chain: tuple[str, ...] = ()
    attacked: Reach | None = None
    condition: str | None = None
    outside: str = ""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A database object. `type` is one of the contract's object types, `identity` is schema-qualified."""

    type: str
    identity: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """How a finding is known. `sql` replays it, statement by statement; `result` is what it answered here."""

    kind: EvidenceKind
    sql: tuple[str, ...] = ()
    result: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """SQL that mends a finding. `verified` only if it was applied to a copy and the finding was gone.

    Where it was tried, `tried` says what came of it (verified, spared, draft, none) and `because` why it is no more.
    """

    sql: str
    verified: bool = False
    tried: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """Where in the migrations the door was opened: a path relative to the project, a line counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding was set aside, in the words of the intent file, and the last day on which it is."""

    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class Finding:
    """Reach beyond intent, or a flaw that leads to it: one fault, one finding.

    `relations` are the relations whose rows are concerned, `persona` a persona's name or `public` where it concerns
    all, `operation` an operation or `all`. `suppression` is set where the intent file sets it aside.
    """

    rule: str
    severity: Severity
    title: str
    message: str
    object: ObjectRef
    relations: tuple[str, ...]
    persona: str
    operation: str
    reach: Reach
    intended: Reach
    evidence: Evidence
    fix: Fix
    fingerprint: str
    location: Location | None = None
    suppression: Suppression | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not audited, and why. Silence is not an answer."""

    what: str
    reason: str


class Direction(enum.StrEnum):
    """Which way access went between two audits."""

    MORE = "more"
    LESS = "less"
    INCOMPARABLE = "incomparable"
    """It changed, and whether that opens or closes something cannot be told."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two audits: `kind` is cell, function, trigger, publication, bucket or role.

    `what` is the object's identity; `persona` and `operation` are set for cells. `before` and `after` are for people.
    `allowed` is whether the intent allows what is there afterwards, or sets aside a finding that is new about it.
    """

    kind: str
    what: str
    direction: Direction
    before: str
    after: str
    persona: str = ""
    operation: str = ""
    allowed: bool = True


@dataclass(frozen=True, slots=True)
class Tool:
    """Who wrote the report."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Target:
    """What was audited. `probe` is the mode; `notes` are assumptions the audit made and stubs it used."""

    platform: str
    server_version: str
    database: str
    schemas: tuple[str, ...]
    probe: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts: findings by severity, cells of the matrix, those whose `reach` is undecided, and what was skipped."""

    critical: int
    high: int
    medium: int
    low: int
    info: int
    cells: int
    unknown: int
    skipped: int


def by_severity(findings: Iterable[Finding]) -> dict[str, int]:
    """Returns how many findings there are of each severity, as `Summary` has them."""
    counts = Counter(one.severity for one in findings)
    return {one.value: counts[one] for one in Severity}


@dataclass(frozen=True, slots=True)
class Report:
    """All that an audit has to say. Reporters print it and decide nothing.

    Where it was compared with another (`base` says with which), `findings` are the new ones, `existing` those that were
    there before, and `changes` what differs. Where a file of known findings was given (`baseline` is its name), those
    are `existing` as well.
    """

    tool: Tool
    target: Target
    personas: tuple[Persona, ...]
    summary: Summary
    matrix: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    suppressed: tuple[Finding, ...] = ()
    base: str | None = None
    existing: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    baseline: str | None = None

    @property
    def only_new(self) -> bool:
        """Whether `findings` are no more than what is new."""
        return self.base is not None or self.baseline is not None
