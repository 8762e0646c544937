"""Which platform a database belongs to: Supabase has roles and functions of its own, and an API in front."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.catalog.index import Catalog


class Platform(enum.StrEnum):
    """What stands in front of the database, and so who its strangers are."""

    SUPABASE = "supabase"
    POSTGRES = "postgres"


SUPABASE_SYSTEM_SCHEMAS = frozenset(
    {
        "_analytics",
        "_realtime",
        "_supavisor",
        "auth",
        "cron",
        "extensions",
        "graphql",
        "graphql_public",
        "net",
        "pgbouncer",
        "pgmq",
        "pgsodium",
        "pgsodium_masks",
        "pgtle",
        "realtime",
        "storage",
        "supabase_functions",
        "supabase_migrations",
        "vault",
    }
)
"""Schemas whose objects are Supabase's own, not the project's."""

USERS = ("auth", "users")
"""Where Supabase's authentication keeps the accounts."""

FILES = ("storage", "objects")
"""Where Supabase's Storage keeps what files there are."""

API_LOGIN = "authenticator"
"""The role that Supabase's API logs in as, to take a request's role."""

_API_SCHEMAS = ("public", "graphql_public")
_ALWAYS_SERVED = ("storage",)


_OWN_ROLES = re.compile(
    r"postgres|anon|authenticated|service_role|authenticator|pgbouncer|dashboard_user|pgsodium_\w+|supabase_\w+|cli_login_\w+"
)
"""The roles that a Supabase project comes with, the temporary ones of its command line included."""


def is_platforms_role(name: str) -> bool:
    """Whether a role is Supabase's own, by its name."""
    return _OWN_ROLES.fullmatch(name) is not None


def platform_of(catalog: Catalog) -> Platform:
    """Returns SUPABASE where the API roles and `auth.uid()` are there, else POSTGRES."""
    roles = {"anon", "authenticated", "service_role"} <= catalog.roles_by_name.keys()
    return Platform.SUPABASE if roles and catalog.functions_by_name[("auth", "uid")] else Platform.POSTGRES


def exposed_schemas(
    catalog: Catalog, platform: Platform, declared: tuple[str, ...], configured: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], str]:
    """Returns the schemas that clients can address, and a sentence on how that is known.

    `declared` (the user's word) wins, then what is `configured` for Supabase's API, then PostgREST's `pgrst.db_schemas`
    of the role `authenticator`, then Supabase's default. Supabase's storage API serves `storage` whatever PostgREST
    serves. On plain Postgres a client speaks SQL, so every schema counts.
    """
    if declared:
        return declared, "as declared"
    if platform is Platform.POSTGRES:
        return tuple(sorted(one.name for one in catalog.snapshot.schemas)), "every schema: clients speak SQL"
    if configured:
        return configured, "[api].schemas of supabase/config.toml"
    authenticator = catalog.roles_by_name.get(API_LOGIN)
    for setting in catalog.snapshot.role_settings:
        if setting.name == "pgrst.db_schemas" and authenticator and setting.role == authenticator.oid and setting.value:
            served = [part.strip() for part in setting.value.split(",") if part.strip()]
            return tuple(dict.fromkeys([*served, *_ALWAYS_SERVED])), "pgrst.db_schemas of role authenticator"
    return (
        *_API_SCHEMAS,
        *_ALWAYS_SERVED,
    ), "Supabase's default, assumed: the database does not tell (pgrst.db_schemas)"
