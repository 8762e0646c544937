"""Roles: whose privileges a role has without asking (inheritance), and which roles it can become (SET ROLE).

Rests on `roles_is_member_of` in Postgres's src/backend/utils/adt/acl.c: since 16 each membership says whether
it is inherited; before, the member's own INHERIT attribute does.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC, Membership

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.catalog import Catalog

_DATABASE_OWNER = "pg_database_owner"
_MEMBERSHIPS_HAVE_OPTIONS = 16


class Roles:
    """The membership graph of one snapshot. Roles are given by OID."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._memberships: defaultdict[int, list[Membership]] = defaultdict(list)
        for membership in (*catalog.snapshot.memberships, *_implied(catalog)):
            self._memberships[membership.member].append(membership)
        self._inherited: dict[int, frozenset[int]] = {}
        self._settable: dict[int, frozenset[int]] = {}

    def inherited(self, role: int) -> frozenset[int]:
        """Returns every grantee whose privileges `role` has: itself, inherited roles, and `PUBLIC`.

        A superuser passes every check instead: ask `is_superuser` first.
        """
        if role not in self._inherited:
            self._inherited[role] = self._closure(role, self._is_inherited) | {PUBLIC}
        return self._inherited[role]

    def settable(self, role: int) -> frozenset[int]:
        """Returns every role that a session of `role` can become by SET ROLE, itself included."""
        if role not in self._settable:
            if self.is_superuser(role):
                self._settable[role] = frozenset(self._catalog.roles)
            else:
                self._settable[role] = self._closure(role, lambda membership: membership.set is not False)
        return self._settable[role]

    def path(self, role: int, grantee: int) -> tuple[int, ...]:
        """Returns by which memberships `role` inherits from `grantee`: a shortest chain, both ends in it.

        Empty where it does not; PUBLIC is everybody's, directly.
        """
        if grantee == PUBLIC:
            return (role, PUBLIC)
        chains: dict[int, tuple[int, ...]] = {role: (role,)}
        waiting = [role]
        for current in waiting:
            if current == grantee:
                return chains[current]
            for one in sorted(one.role for one in self._memberships[current] if self._is_inherited(one)):
                if one not in chains:
                    chains[one] = (*chains[current], one)
                    waiting.append(one)
        return ()

    def memberships(self, role: int) -> frozenset[int]:
        """Returns every role that `role` is a member of, through others as well, itself included.

        As `pg_has_role(…, 'MEMBER')` says up to 15, for any role but a superuser.
        """
        return self._closure(role, lambda _: True)

    def administrable(self, role: int) -> frozenset[int]:
        """Returns every role whose membership `role` may give away: with ADMIN OPTION, its own or that of a membership.

        As `pg_has_role(…, 'MEMBER WITH ADMIN OPTION')` says, but for what a session may do with its own role up to 15.
        """
        if self.is_superuser(role):
            return frozenset(self._catalog.roles)
        return frozenset(one.role for each in self.memberships(role) for one in self._memberships[each] if one.admin)

    def obtainable(self, role: int) -> frozenset[int]:
        """Returns every role that `role` can come to act as by SET ROLE and by grants that it may give to itself.

        Up to 15, CREATEROLE is enough to grant any role but a superuser (https://www.postgresql.org/docs/15/role-attributes.html).
        """
        found, waiting = set[int](), [role]
        while waiting:
            current = waiting.pop()
            if current in found:
                continue
            found.add(current)
            waiting.extend(self.settable(current) | self.administrable(current))
            known = self._catalog.roles.get(current)
            if known and known.create_role and self._catalog.snapshot.server.major < _MEMBERSHIPS_HAVE_OPTIONS:
                waiting.extend(one.oid for one in self._catalog.snapshot.roles if not one.superuser)
        return frozenset(found)

    def is_superuser(self, role: int) -> bool:
        """Whether no check applies to `role`."""
        found = self._catalog.roles.get(role)
        return found is not None and found.superuser

    def acts_as(self, role: int, other: int) -> bool:
        """Whether `role` has the privileges of role `other`, as `has_privs_of_role` says."""
        return self.is_superuser(role) or other in self.inherited(role)

    def _is_inherited(self, membership: Membership) -> bool:
        if membership.inherit is not None:
            return membership.inherit
        member = self._catalog.roles.get(membership.member)
        return member is not None and member.inherit

    def _closure(self, role: int, follows: Callable[[Membership], bool]) -> frozenset[int]:
        found, waiting = {role}, [role]
        while waiting:
            current = waiting.pop()
            reached = {one.role for one in self._memberships[current] if follows(one)}
            waiting.extend(reached - found)
            found |= reached
        return frozenset(found)


def _implied(catalog: Catalog) -> tuple[Membership, ...]:
    """The membership that no row tells of: the owner of the database is a member of `pg_database_owner`.

    Before 16 a NOINHERIT owner has to `SET ROLE` for it, as for any other; since then it is always inherited.
    """
    role = catalog.roles_by_name.get(_DATABASE_OWNER)
    if role is None:
        return ()
    server = catalog.snapshot.server
    always = True if server.major >= _MEMBERSHIPS_HAVE_OPTIONS else None
    return (Membership(role.oid, server.database_owner, role.oid, admin=False, inherit=always, set=always),)
