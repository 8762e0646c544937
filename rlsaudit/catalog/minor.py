"""Objects with access control lists besides schemas, relations and functions: rarely granted, seldom looked at.

In each, `acl` has the built-in default filled in where none is stored.
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
    """A type or domain of the database's own, without arrays and the row types of tables; `kind` is `typtype`."""

    oid: int
    schema: int
    name: str
    kind: str
    owner: int
    acl: tuple[Grant, ...]
    extension: str | None


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
    """A foreign-data wrapper."""

    oid: int
    name: str
    owner: int
    acl: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class LargeObjects:
    """All large objects of one owner and access control list: there may be millions, so they are counted."""

    owner: int
    acl: tuple[Grant, ...]
    number: int
