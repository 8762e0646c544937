"""Zones: what a word for a relation lets personas do, defined once, for the intent file and for comments alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from rlsaudit.intent.meaning import Allowance
from rlsaudit.model import Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EVERY_PERSONA = ("*",)
ANONYMOUS = ("anon",)


@dataclass(frozen=True, slots=True)
class Zone:
    """How far personas may get: those that have signed in, and `anon`, which has not.

    `writes` is the zone that stands for inserting, updating and deleting where an entry says nothing of them.
    """

    signed_in: Reach
    anonymous: Reach
    writes: str


ZONES: Mapping[str, Zone] = MappingProxyType(
    {
        "public": Zone(Reach.ALL, Reach.ALL, writes="server-only"),
        "signed-in": Zone(Reach.ALL, Reach.NONE, writes="server-only"),
        "owner": Zone(Reach.OWN, Reach.NONE, writes="owner"),
        "tenant": Zone(Reach.OWN, Reach.NONE, writes="tenant"),
        "server-only": Zone(Reach.NONE, Reach.NONE, writes="server-only"),
    }
)
"""The zones by name. `tenant` reaches as far as `owner`: what is one's own directly or through a membership."""

WORDS: Mapping[str, str] = MappingProxyType(
    {"public-read": "public", "signed-in-read": "signed-in", **{name: name for name in ZONES}}
)
"""What a comment may say behind `@rlsaudit`, and the zone that it means."""


@dataclass(frozen=True, slots=True)
class Member:
    """Relations (patterns) of a zone. `others` are the zones that stand for some operations in its place."""

    zone: str
    relations: tuple[str, ...]
    others: Mapping[Operation, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    place: str = ""

    def of(self, operation: Operation) -> Zone:
        """The zone that stands for an operation."""
        usual = self.zone if operation is Operation.SELECT else ZONES[self.zone].writes
        return ZONES[self.others.get(operation, usual)]


def allowances(member: Member, signed_in: tuple[str, ...], *, declared: bool) -> Iterator[Allowance]:
    """Yields what the relations' zone allows; `signed_in` are the personas that it limits, by name or role.

    What is meant for everybody is allowed to every persona, so that roles of the project's own read it too.
    """
    zones = {operation: member.of(operation) for operation in Operation}
    open_ = tuple((operation, Reach.ALL) for operation, zone in zones.items() if zone.signed_in is Reach.ALL)
    kept = tuple((one, zone.signed_in) for one, zone in zones.items() if zone.signed_in is not Reach.ALL)
    anonymous = tuple((operation, zone.anonymous) for operation, zone in zones.items())
    for personas, reaches in ((EVERY_PERSONA, open_), (signed_in, kept), (ANONYMOUS, anonymous)):
        if reaches:
            yield Allowance(
                member.relations,
                personas,
                reaches,
                columns=member.columns,
                declared=declared,
                place=member.place,
                zone=member.zone,
                expected=frozenset({Operation.SELECT, *member.others}) if declared else frozenset(),
            )
