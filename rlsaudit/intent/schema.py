"""The shape of an intent file, key by key. `docs/intent.md` explains it to users."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec

Patterns = str | list[str]
ZoneName = Literal["public", "signed-in", "owner", "tenant", "server-only"]
AllowedReach = Literal["none", "own", "some", "all"]


class Columns(msgspec.Struct, forbid_unknown_fields=True):
    """`[columns]`: patterns of column names. One that begins with `!` takes names out again."""

    sensitive: list[str] = []
    owner: list[str] = []
    tenant: list[str] = []


class Allow(msgspec.Struct, forbid_unknown_fields=True):
    """`[[allow]]`: how far personas may get with relations."""

    relation: Patterns
    persona: Patterns
    select: AllowedReach | None = None
    insert: AllowedReach | None = None
    update: AllowedReach | None = None
    delete: AllowedReach | None = None
    columns: list[str] = []
    protected: bool | None = None
    where: str | None = None


class Function(msgspec.Struct, forbid_unknown_fields=True):
    """`[[function]]`: who may call functions."""

    name: Patterns
    callable_by: Patterns


class Persona(msgspec.Struct, forbid_unknown_fields=True):
    """`[[persona]]`: a persona beyond the built-in ones."""

    name: str
    role: str
    claims: dict[str, Any] = {}
    settings: dict[str, str] = {}
    description: str = ""


class Buckets(msgspec.Struct, forbid_unknown_fields=True):
    """`[buckets]`: Supabase's storage."""

    public: list[str] = []


class ZoneMember(msgspec.Struct, forbid_unknown_fields=True):
    """An entry of a zone that says more than which relations: other zones for some operations, columns to be seen."""

    relation: Patterns
    select: ZoneName | None = None
    insert: ZoneName | None = None
    update: ZoneName | None = None
    delete: ZoneName | None = None
    columns: list[str] = []


class Suppress(msgspec.Struct, forbid_unknown_fields=True):
    """`[[suppress]]`: findings that are known and set aside until a day."""

    rule: Patterns
    object: Patterns
    reason: str
    expires: date
    persona: Patterns | None = None
    fingerprint: str | None = None


class IntentFile(msgspec.Struct, forbid_unknown_fields=True):
    """An intent file or a pack."""

    extends: Patterns | None = None
    schemas: list[str] | None = None
    columns: Columns = msgspec.field(default_factory=Columns)
    allow: list[Allow] = []
    function: list[Function] = []
    persona: list[Persona] = []
    buckets: Buckets = msgspec.field(default_factory=Buckets)
    suppress: list[Suppress] = []
    zones: dict[ZoneName, list[str | ZoneMember]] = {}


TABLES: dict[str, type[msgspec.Struct]] = {
    "": IntentFile,
    "columns": Columns,
    "allow": Allow,
    "function": Function,
    "persona": Persona,
    "buckets": Buckets,
    "suppress": Suppress,
    "zones": ZoneMember,
}
"""The table that a key belongs to, by the name of the table; the top level has none."""
