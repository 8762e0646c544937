"""Whom the audit impersonates: the platform's own personas, roles that were asked for, and those of the intent."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform, is_platforms_role
from rlsaudit.catalog.settings import settings_read
from rlsaudit.errors import UsageError
from rlsaudit.model import Persona

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Role

STRANGER = "0f7a1c52-5d3e-4b8a-9c61-8e2d4f90b7a3"
"""The user id of somebody who just signed up and owns nothing. Nobody's: it was drawn once, at random."""

_PREDEFINED = "pg_"


@dataclass(frozen=True, slots=True)
class Cast:
    """The personas of an audit, and in words what had to be assumed about them."""

    personas: tuple[Persona, ...]
    notes: tuple[str, ...]


def built_in(name: str) -> Persona | None:
    """Returns Supabase's persona `anon` or `authenticated`, None for any other name."""
    if name == "anon":
        return Persona("anon", "anon", {"role": "anon"}, description="anybody who has the key in the browser's bundle")
    if name == "authenticated":
        claims = {
            "sub": STRANGER,
            "role": "authenticated",
            "aud": "authenticated",
            "email": "stranger@example.com",
            "is_anonymous": False,
            "aal": "aal1",
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {},
        }
        return Persona("authenticated", "authenticated", claims, description="anybody who signed up, owning nothing")
    return None


def choose(access: Access, platform: Platform, roles: tuple[str, ...], declared: tuple[Persona, ...]) -> Cast:
    """Returns the personas to audit.

    Args:
        access: The database's roles.
        platform: Supabase has personas of its own; elsewhere every role that an application could log in as is one.
        roles: Roles asked for by name; they replace the built-in ones.
        declared: The intent file's personas, which come on top.

    Raises:
        UsageError: a role does not exist.
    """
    catalog = access.catalog
    roles = tuple(dict.fromkeys(roles))
    for role in (*roles, *(one.role for one in declared)):
        _must_exist(role, catalog)
    notes: list[str] = []
    settings = _settings_read(catalog) if platform is Platform.POSTGRES else {}
    if roles:
        chosen = [_of_role(role, platform, settings) for role in roles]
    elif platform is Platform.SUPABASE:
        chosen = [one for one in (built_in("anon"), built_in("authenticated")) if one]
    else:
        chosen = [_of_role(role.name, platform, settings) for role in _application_roles(access)]
    chosen = [one for one in chosen if one.name not in {each.name for each in declared}]
    if settings and any(one.settings for one in chosen):
        named = ", ".join(settings)
        notes.append(f"assumed: {named} is set by the application, so its value is who a request belongs to")
    return Cast((*chosen, *declared), tuple(notes))


def served_to(
    access: Access, platform: Platform, role: str, schemas: Iterable[str], *, declared: bool
) -> frozenset[str]:
    """Returns the schemas that `role` can address: `schemas`, or every one where somebody speaks SQL as it.

    That is whoever logs in as the role itself, or, of a project's own role, as one that can become it or inherits from
    it. What the user `declared` holds for everybody.
    """
    if declared or platform is Platform.POSTGRES or not speaks_sql(access, role):
        return frozenset(schemas)
    return frozenset(one.name for one in access.catalog.snapshot.schemas)


def speaks_sql(access: Access, role: str) -> bool:
    """Whether somebody sends SQL of their own as `role`: it logs in, or a login of the project's can act as it."""
    found = access.catalog.roles_by_name.get(role)
    if found is None or found.login:
        return found is not None
    return not is_platforms_role(role) and any(
        _logs_in_as(access, one, found.oid) for one in access.catalog.snapshot.roles
    )


def _logs_in_as(access: Access, login: Role, role: int) -> bool:
    """Whether a login of the project's own has the privileges of `role`, or can come to have them by SET ROLE."""
    if not login.login or login.superuser or is_platforms_role(login.name):
        return False
    return access.roles.acts_as(login.oid, role) or role in access.roles.settable(login.oid)


def _of_role(role: str, platform: Platform, settings: Mapping[str, str]) -> Persona:
    if platform is Platform.POSTGRES:
        return Persona(role, role, settings=dict(settings), description="a role of this database")
    claims = {"role": role}
    return built_in(role) or Persona(role, role, claims, description="a role of this database")


def _application_roles(access: Access) -> Iterable[Role]:
    """Roles that an application could log in as, or become: not superusers, whom nothing stops."""
    roles = access.catalog.snapshot.roles
    logins = [one for one in roles if one.login and not one.superuser]
    reachable = {oid for one in logins for oid in access.roles.settable(one.oid)}
    return [one for one in roles if one.oid in reachable and not one.superuser and not one.name.startswith(_PREDEFINED)]


def _settings_read(catalog: Catalog) -> Mapping[str, str]:
    """The custom settings that policies, views and the project's functions read, each as an identity that varies."""
    texts = [text for one in catalog.snapshot.policies for text in (one.using, one.check) if text]
    texts += [one.body for one in catalog.snapshot.functions if one.extension is None]
    texts += [one.definition for one in catalog.snapshot.relations if one.definition and one.extension is None]
    return {name: f"${name}" for name in sorted(settings_read(texts)) if not name.startswith("request.")}


def _must_exist(role: str, catalog: Catalog) -> None:
    if role in catalog.roles_by_name:
        return
    near = difflib.get_close_matches(role, catalog.roles_by_name, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"The database has: {', '.join(sorted(catalog.roles_by_name))}."
    msg = f"There is no role {role!r} in this database."
    raise UsageError(msg, hint=hint)
