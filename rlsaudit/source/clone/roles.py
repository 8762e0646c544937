"""The roles of a database, made in a server of their own: with their attributes and memberships, without passwords.

No superuser is among them. What a superuser owns is the database's own code, and would run with its rights: as a
program of ours. In its stead stands a role that bypasses row-level security and is a member of every other, so that it
is kept from no row and from nothing else.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.migrations.ground import FENCED, fence, grant_parameters, storable
from rlsaudit.model import Skipped
from rlsaudit.names import ident, literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Membership, Role, RoleSetting

_PREDEFINED = "pg_"
_OPTIONS = 16_00_00
"""The first version whose memberships have options of their own."""
_WITHHELD = frozenset({*FENCED, "pg_create_subscription"})
"""Predefined roles that nobody becomes a member of: they run programs, read files and connect to other servers."""
_EVERYTHING = ("pg_read_all_data", "pg_write_all_data")
_LISTS = frozenset({"search_path", "session_preload_libraries"})


@dataclass(frozen=True, slots=True)
class Crew:
    """Our own roles in the server: `admin` is its superuser, `builder` makes the objects, `first` came with it."""

    admin: str
    builder: str
    first: str

    @classmethod
    def named(cls) -> Crew:
        """Names that no role of the database's has."""
        mark = secrets.token_hex(4)
        return cls(f"rlsaudit_admin_{mark}", f"rlsaudit_builder_{mark}", f"rlsaudit_first_{mark}")

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.admin, self.builder, self.first})


def make_roles(admin: psycopg.Connection[Any], catalog: Catalog, crew: Crew) -> tuple[Skipped, ...]:
    """Makes every role that `catalog` tells of, and returns what of that could not be done."""
    fence(admin, up=True)
    ours = [one for one in catalog.snapshot.roles if not one.name.startswith(_PREDEFINED)]
    for one in ours:
        admin.execute(_role(one).encode())
    left = _memberships(admin, catalog)
    every = [one.name for one in ours]
    for one in ours:
        if one.superuser:
            _join(admin, one.name, [*_EVERYTHING, *(name for name in every if name != one.name)])
    _join(admin, crew.builder, [*_EVERYTHING, *every])
    # What functions set for their own time.
    settings = {one.partition("=")[0] for each in catalog.snapshot.functions for one in each.settings}
    grant_parameters(admin, "grant set on parameter {} to {}", storable(settings), crew.builder)
    for setting in catalog.snapshot.role_settings:
        _set(admin, catalog, setting)
    return left


def _role(role: Role) -> str:
    """The statement that makes a role."""
    flags = {
        "inherit": role.inherit,
        "createrole": role.create_role,
        "createdb": role.create_db,
        "login": role.login,
        "replication": role.replication,
        "bypassrls": role.bypass_rls or role.superuser,
    }
    attributes = " ".join(name if given else f"no{name}" for name, given in flags.items())
    return f"create role {ident(role.name)} nosuperuser {attributes}"


def _memberships(admin: psycopg.Connection[Any], catalog: Catalog) -> tuple[Skipped, ...]:
    """Who is a member of what. Whoever grants has to have been given the right first, so it is tried in rounds."""
    names = {one.oid: one.name for one in catalog.snapshot.roles}
    there = [one for one in catalog.snapshot.memberships if one.role in names and one.member in names]
    withheld = [one for one in there if names[one.role] in _WITHHELD]
    # Memberships of the predefined roles in one another are the server's own.
    open_ = [one for one in there if one not in withheld and not names[one.member].startswith(_PREDEFINED)]
    while open_:
        left = [one for one in open_ if not _done(admin, _grant(admin, one, names, by=True))]
        if len(left) == len(open_):
            left = [one for one in open_ if not _done(admin, _grant(admin, one, names, by=False))]
            withheld += left
            break
        open_ = left
    return tuple(
        Skipped(
            f"the membership of {names[one.member]} in {names[one.role]}",
            "the clone does without it: it runs programs, reads files or connects to other servers"
            if names[one.role] in _WITHHELD
            else "the clone's server refused it",
        )
        for one in withheld
    )


def _grant(admin: psycopg.Connection[Any], one: Membership, names: dict[int, str], *, by: bool) -> str:
    grant = f"grant {ident(names[one.role])} to {ident(names[one.member])}"
    if admin.info.server_version < _OPTIONS:
        return f"{grant} with admin option" if one.admin else grant
    # Before 16 a membership has no options: the member's own attribute decides, as it is when it is granted here.
    options = {"admin": one.admin} | {
        name: given for name, given in (("inherit", one.inherit), ("set", one.set)) if given is not None
    }
    listed = ", ".join(f"{name} {str(given).lower()}" for name, given in options.items())
    grantor = f" granted by {ident(names[one.grantor])}" if by and one.grantor in names else ""
    return f"{grant} with {listed}{grantor}"


def _join(admin: psycopg.Connection[Any], member: str, roles: Iterable[str]) -> None:
    """Makes somebody a member of each of these, where that is no circle."""
    for one in roles:
        options = " with inherit true, set true" if admin.info.server_version >= _OPTIONS else ""
        _done(admin, f"grant {ident(one)} to {ident(member)}{options}")


def _set(admin: psycopg.Connection[Any], catalog: Catalog, setting: RoleSetting) -> None:
    """Writes down a setting of a role's or the database's. One that is withheld, or refused, decides no access."""
    role = catalog.roles.get(setting.role)
    if setting.value is None or (setting.role and role is None):
        return
    database = ident(admin.info.dbname)
    holder = f"role {ident(role.name)}{f' in database {database}' if setting.this_database else ''}" if role else ""
    name = ".".join(ident(part) for part in setting.name.split("."))
    alter = f"alter {holder or f'database {database}'} set {name}"
    if setting.name not in _LISTS:
        _done(admin, f"{alter} to {literal(setting.value)}")
        return
    # What is stored of a list is the text between its commas, which is no literal and must not be taken for SQL.
    with contextlib.suppress(psycopg.Error), admin.transaction():
        admin.execute("select pg_catalog.set_config(%s, %s, true)", [setting.name, setting.value])
        admin.execute(f"{alter} from current".encode())


def _done(admin: psycopg.Connection[Any], statement: str) -> bool:
    try:
        admin.execute(statement.encode())
    except psycopg.Error:
        return False
    return True
