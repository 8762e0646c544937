"""The facts of a clone in the place of those of its database: for one that was changed, of which there are no others.

Our own roles are left out, and who is a superuser in the database is one again: in the clone nobody of it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Snapshot


def in_its_place(original: Snapshot, copy: Snapshot, crew: frozenset[str]) -> Snapshot:
    """Returns what `copy` says, as the database would that `original` is of; `crew` are the names of our own roles."""
    superusers = {one.name for one in original.roles if one.superuser}
    names = {one.oid: one.name for one in copy.roles}
    there = {one.oid: one.name for one in original.roles}
    members = {(there.get(one.role), there.get(one.member)) for one in original.memberships}
    return replace(
        copy,
        server=replace(original.server, database_owner=copy.server.database_owner),
        roles=tuple(
            replace(one, superuser=True) if one.name in superusers else one
            for one in copy.roles
            if one.name not in crew
        ),
        memberships=tuple(
            one
            for one in copy.memberships
            if crew.isdisjoint({names.get(one.role), names.get(one.member)})
            # A superuser of the database is a member of everything there instead.
            and (names.get(one.member) not in superusers or (names.get(one.role), names.get(one.member)) in members)
        ),
        blind=original.blind,
    )
