"""Objects besides roles, schemas, relations and functions: rarely granted, seldom looked at.

Where there is an `acl`, it has the built-in default filled in where none is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from rlsaudit.catalog.grants import Grant  # noqa: TC001 — msgspec reads the annotations when it runs


@dataclass(frozen=True, slots=True)
class Database:
    """The database that was read; the others of its server are none of its business."""

    name: str
    owner: int
    acl: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class ParameterAcl:
    """A row of `pg_parameter_acl`, since Postgres 15: who may SET a parameter that is not everybody's, or ALTER SYSTEM.

    Parameters without a row are here not at all: what an ordinary role may do with them depends on the parameter alone.
    """

    name: str
    acl: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """A type or domain of the database's own, without arrays and the row types of tables; `kind` is `typtype`.

    `labels` are an enumeration's, in their order; `base` is the type, with modifiers, that a domain rests on, and
    `checks` what it asks of a value (`CHECK (VALUE > 0)`); `attributes` are a composite's, each with its type.
    """

    oid: int
    schema: int
    name: str
    kind: str
    owner: int
    acl: tuple[Grant, ...]
    extension: str | None
    labels: tuple[str, ...] = ()
    base: str | None = None
    checks: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    """A procedural language. Only superusers write functions in one that is not `trusted`."""

    oid: int
    name: str
    owner: int
    trusted: bool
    acl: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class ForeignWrapper:
    """A foreign-data wrapper. Only the names of options are kept, none in older snapshots."""

    oid: int
    name: str
    owner: int
    acl: tuple[Grant, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LargeObjects:
    """All large objects of one owner and access control list: there may be millions, so they are counted."""

    owner: int
    acl: tuple[Grant, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication; `relations` are those it publishes, resolved by the server."""

    name: str
    all_tables: bool
    relations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """An installed extension. `available` is the version its files on the server would give; None if not told.

    `relocatable`: whether `ALTER EXTENSION … SET SCHEMA` moves it; None where an older snapshot does not tell.
    """

    name: str
    version: str
    schema: int
    available: str | None
    comment: str | None
    relocatable: bool | None = None


@dataclass(frozen=True, slots=True)
class ForeignServer:
    """A foreign server. Only the names of options are kept: their values may be credentials.

    `wrapper` is the name of its foreign-data wrapper, and `handler` of the function that does its work: None where it
    has none, or an older snapshot does not tell.
    """

    oid: int
    name: str
    owner: int
    acl: tuple[Grant, ...]
    options: tuple[str, ...]
    wrapper: str | None = None
    handler: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """Which server a foreign table reads. Only the names of options are kept, none in older snapshots."""

    relation: int
    server: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserMapping:
    """Whose credentials a role uses on a foreign server; `role` may be `PUBLIC`. Only the names of options are kept.

    `options` are None where this connection may not see them, and in older snapshots.
    """

    server: int
    role: int
    options: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """An event trigger."""

    name: str
    event: str
    function: int
    enabled: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that speaks to rlsaudit. One of `relation` and `function` is 0; so is `column` without a column."""

    relation: int
    function: int
    column: int
    text: str
