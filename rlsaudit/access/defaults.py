"""Default privileges: what the next object that somebody creates will be open to.

Rests on `get_user_default_acl` in Postgres's src/backend/catalog/aclchk.c: what a creator has set for every schema
takes the place of the built-in default, and what is set for one schema is added to that.
https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rlsaudit.catalog.facts import PUBLIC, Grant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.access.privileges import Access
    from rlsaudit.catalog.facts import DefaultAcl, Schema

_EVERY_SCHEMA: Final = 0
_MAINTAIN_SINCE: Final = 17
_TABLE: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

KINDS: Final[Mapping[str, str]] = {"r": "table", "S": "sequence", "f": "function", "T": "type"}
"""What `defaclobjtype` stands for, of what lies in a schema: views count as tables, procedures as functions."""
_OWNERS: Final[Mapping[str, tuple[str, ...]]] = {
    "r": _TABLE,
    "S": ("SELECT", "UPDATE", "USAGE"),
    "f": ("EXECUTE",),
    "T": ("USAGE",),
}
_EVERYBODYS: Final[Mapping[str, tuple[str, ...]]] = {"f": ("EXECUTE",), "T": ("USAGE",)}


@dataclass(frozen=True, slots=True)
class Opening:
    """What `creator` will open to a role by creating an object of this kind (a word of `KINDS`) in a schema."""

    creator: int
    schema: Schema
    kind: str
    privileges: tuple[str, ...]


def next_acl(access: Access, creator: int, schema: Schema, letter: str) -> tuple[Grant, ...]:
    """Returns the access control list of the next object of a kind that `creator` creates in `schema`.

    Args:
        access: The facts.
        creator: The OID of the role that will own it.
        schema: Where.
        letter: What it is, a key of `KINDS`.
    """
    stored = {one.schema: one for one in access.catalog.default_acls[creator, letter]}
    everywhere, here = stored.get(_EVERY_SCHEMA), stored.get(schema.oid)
    base = _built_in(access, creator, letter) if everywhere is None else everywhere.acl
    merged: dict[tuple[int, int, str], bool] = {}
    for one in (*base, *(here.acl if here else ())):
        key = (one.grantee, one.grantor, one.privilege)
        merged[key] = merged.get(key, False) or one.grantable
    # Two empty lists are merged into none at all (`aclmerge`), which stands for the built-in default.
    return tuple(Grant(*key, grantable) for key, grantable in merged.items()) or _built_in(access, creator, letter)


def deciding(access: Access, creator: int, schema: Schema, letter: str, grant: Grant) -> DefaultAcl | None:
    """Returns the stored default privileges that an object's grant was made by, if it is one that they make."""
    for one in access.catalog.default_acls[creator, letter]:
        if one.schema in (_EVERY_SCHEMA, schema.oid) and grant in one.acl:
            return one
    return None


def openings(access: Access, role: int) -> Iterator[Opening]:
    """Yields what the next objects will open to `role`, for whoever may create them, but for its own."""
    for schema in access.catalog.snapshot.schemas:
        for creator in access.catalog.snapshot.roles:
            if access.roles.acts_as(role, creator.oid) or not access.create(creator.oid, schema):
                continue
            for letter, kind in KINDS.items():
                acl = next_acl(access, creator.oid, schema, letter)
                held = tuple(one for one in _owners(access, letter) if access.holds(role, acl, one))
                if held:
                    yield Opening(creator.oid, schema, kind, held)


def _built_in(access: Access, owner: int, letter: str) -> tuple[Grant, ...]:
    """What `acldefault` says."""
    return (
        *(Grant(PUBLIC, owner, one, grantable=False) for one in _EVERYBODYS.get(letter, ())),
        *(Grant(owner, owner, one, grantable=False) for one in _owners(access, letter)),
    )


def _owners(access: Access, letter: str) -> tuple[str, ...]:
    """Every privilege that there is on a kind of object, which its owner has to begin with."""
    newer = letter == "r" and access.catalog.snapshot.server.major >= _MAINTAIN_SINCE
    return (*_OWNERS[letter], "MAINTAIN") if newer else _OWNERS[letter]
