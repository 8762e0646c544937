"""Whom the audit impersonates: the platform's own personas, roles that were asked for, and those of the intent."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform, is_platforms_role
from rlsaudit.catalog.settings import settings_read
from rlsaudit.errors import UsageError
from rlsaudit.model import STRANGER, UNSET, VARIES, Persona

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Role
    from rlsaudit.model import JsonObject

_SIGNED_UP: JsonObject = {
    "sub": STRANGER,
    "role": "authenticated",
    "aud": "authenticated",
    "email": "stranger@example.com",
    "is_anonymous": False,
    "aal": "aal1",
    "app_metadata": {"provider": "email", "providers": ["email"]},
    "user_metadata": {},
}
WITHOUT_ACCOUNT: JsonObject = {"email": "", "phone": "", "is_anonymous": True, "app_metadata": {}}
"""What the token of an anonymous sign-in says otherwise."""
_BY_CLAIM = {"is_anonymous": "anonymous-sign-in", "aal": "aal2"}
"""The personas that differ from `authenticated` in one claim: shown where something reads it, or the intent asks."""
_PREDEFINED = "pg_"


@dataclass(frozen=True, slots=True)
class Cast:
    """The personas of an audit, and in words what had to be assumed about them."""

    personas: tuple[Persona, ...]
    notes: tuple[str, ...]


def built_in(name: str) -> Persona | None:
    """Returns one of Supabase's personas, None for any other name.

    `anonymous-sign-in` and `aal2` are two more sessions of the role `authenticated`: of somebody without an account,
    and of somebody who gave a second factor.
    """
    match name:
        case "anon":
            return Persona(
                "anon", "anon", {"role": "anon"}, description="anybody who has the key in the browser's bundle"
            )
        case "authenticated":
            return Persona(name, name, dict(_SIGNED_UP), description="anybody who signed up, owning nothing")
        case "anonymous-sign-in":
            said = "anybody who signed in without an account, owning nothing"
            return Persona(name, "authenticated", {**_SIGNED_UP, **WITHOUT_ACCOUNT}, description=said)
        case "aal2":
            said = "anybody who signed up and gave a second factor, owning nothing"
            return Persona(name, "authenticated", {**_SIGNED_UP, "aal": "aal2"}, description=said)
        case _:
            return None


def choose(
    access: Access,
    platform: Platform,
    roles: tuple[str, ...],
    declared: tuple[Persona, ...],
    named: Collection[str] = (),
) -> Cast:
    """Returns the personas to audit.

    Args:
        access: The database's roles.
        platform: Supabase has personas of its own; elsewhere every role that an application could log in as is one.
        roles: Roles asked for by name; they replace the built-in ones.
        declared: The intent file's personas, which come on top.
        named: Of which personas the intent file says something: a built-in one is shown then.

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
        told_apart = [name for claim, name in _BY_CLAIM.items() if name in named or reads_claim(catalog, claim)]
        chosen = [one for name in ("anon", "authenticated", *told_apart) if (one := built_in(name))]
    else:
        chosen = [_of_role(role.name, platform, settings) for role in _application_roles(access)]
    chosen = [one for one in chosen if one.name not in {each.name for each in declared}]
    if settings and any(one.settings for one in chosen):
        named = ", ".join(settings)
        notes.append(f"assumed: {named} is set by the application, so its value is who a request belongs to")
    personas = (*chosen, *declared)
    without = _with_nothing_set(one for one in personas if not _is_let_past(access, one))
    return Cast((*personas, *without), tuple(notes))


def _with_nothing_set(personas: Iterable[Persona]) -> tuple[Persona, ...]:
    """The same roles in a request for which the application forgot to say whose it is.

    On a connection that was used before a setting is empty then, and not NULL.
    """
    listed = list(personas)
    found: dict[str, Persona] = {}
    for one in listed:
        varying = [name for name, value in one.settings.items() if value.startswith(VARIES)]
        name = f"{one.role}{UNSET}"
        if varying and name not in {each.name for each in listed}:
            known = found.get(name, replace(one, name=name, settings={}, description=""))
            said = f"{one.role} where the application did not set {', '.join(varying)}"
            found[name] = replace(known, settings={**known.settings, **dict.fromkeys(varying, "")}, description=said)
    return tuple(found.values())


def _is_let_past(access: Access, persona: Persona) -> bool:
    """Whether no policy binds the role: what was set says nothing about what it reaches then."""
    role = access.catalog.roles_by_name[persona.role]
    return role.superuser or role.bypass_rls


def is_unset(persona: Persona) -> bool:
    """Whether a persona is a role for which nothing was set of what policies read."""
    return persona.name == f"{persona.role}{UNSET}"


def owns_nothing(persona: Persona) -> bool:
    """Whether no row can be a persona's own, whatever rows there are: its claims say who it is, and that is nobody.

    Where they say no more than the role, and without any, the role is who somebody is, unless it is one that the API
    takes for everybody. What the server gives and the audit varies is nobody's.
    """
    if _is_its_role(persona):
        return False
    user = str(persona.claims.get("sub", STRANGER))
    return user == STRANGER or user.startswith(VARIES)


def _is_its_role(persona: Persona) -> bool:
    """Whether nothing but the name of its role tells who somebody is."""
    return not persona.claims or (set(persona.claims) <= {"role"} and not is_platforms_role(persona.role))


def names_of(access: Access, persona: Persona) -> frozenset[str]:
    """Returns the names by which rows may be tied to a persona: a user's id, or its role and what it belongs to."""
    if not _is_its_role(persona):
        return frozenset() if owns_nothing(persona) else frozenset({str(persona.claims["sub"])})
    role = access.catalog.roles_by_name[persona.role].oid
    belongs = access.roles.memberships(role)
    return frozenset(access.catalog.roles[one].name for one in belongs if one in access.catalog.roles)


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
    found = built_in(role)
    if found is not None and found.role == role:
        return found
    return Persona(role, role, claims, description="a role of this database")


def _application_roles(access: Access) -> Iterable[Role]:
    """Roles that an application could log in as, or become: not superusers, whom nothing stops."""
    roles = access.catalog.snapshot.roles
    logins = [one for one in roles if one.login and not one.superuser]
    reachable = {oid for one in logins for oid in access.roles.settable(one.oid)}
    return [one for one in roles if one.oid in reachable and not one.superuser and not one.name.startswith(_PREDEFINED)]


def reads_claim(catalog: Catalog, claim: str) -> bool:
    """Whether a policy, a view or a function of the project's may read a claim of the token, by its name.

    It stands in a text, by itself or in a document or path. One persona too many costs little.
    """
    named = re.compile(rf"'[^']*(?<!\w){re.escape(claim)}(?!\w)[^']*'")
    return any(named.search(text) for text in _texts(catalog))


def _settings_read(catalog: Catalog) -> Mapping[str, str]:
    """The custom settings that policies, views and the project's functions read, each as an identity that varies."""
    found = sorted(settings_read(_texts(catalog)))
    return {name: f"{VARIES}{name}" for name in found if not name.startswith("request.")}


def _texts(catalog: Catalog) -> Iterable[str]:
    """All SQL of the project's that may ask who is calling."""
    yield from (text for one in catalog.snapshot.policies for text in (one.using, one.check) if text)
    yield from (one.body for one in catalog.snapshot.functions if one.extension is None)
    yield from (one.definition for one in catalog.snapshot.relations if one.definition and one.extension is None)


def _must_exist(role: str, catalog: Catalog) -> None:
    if role in catalog.roles_by_name:
        return
    near = difflib.get_close_matches(role, catalog.roles_by_name, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"The database has: {', '.join(sorted(catalog.roles_by_name))}."
    msg = f"There is no role {role!r} in this database."
    raise UsageError(msg, hint=hint)
