"""Makes an empty database look like a new Supabase project, as far as access control goes.

Every file of SQL here is our own: Supabase's repositories were read for facts, never copied. Bodies that policies
depend on work; the others are short and say so. `tests/engine/test_supabase_bootstrap.py` compares the
result with the facts.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from psycopg import sql

from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

__all__ = ["Era", "bootstrap", "grant_replay_rights", "revoke_replay_rights", "set_era"]

Era: TypeAlias = Literal["legacy", "explicit"]

# In this order; each as the role that owns most of what the file makes, so that default privileges apply as they did.
_STEPS = (
    ("02-schemas.sql", "supabase_admin"),
    ("03-defaults.sql", "supabase_admin"),
    ("04-auth.sql", "supabase_auth_admin"),
    ("05-storage.sql", "supabase_storage_admin"),
    ("06-realtime.sql", "supabase_admin"),
    ("07-vault.sql", "supabase_admin"),
    ("08-services.sql", "supabase_admin"),
)

# `postgres` gave these memberships up in April 2025. Supabase lets it alter the services' tables by other means since,
# means that a throwaway server does not have.
_ADMIN_ROLES = ("supabase_auth_admin", "supabase_storage_admin", "supabase_realtime_admin", "supabase_functions_admin")

# Some of what a hosted `postgres` may set although it is no superuser: the parameter by which data loads skip triggers,
# logging, and PostgREST's own, which ALTER ROLE authenticator SET writes down.
_PARAMETERS = (
    "session_replication_role",
    "log_min_messages",
    "log_statement",
    "pgaudit.log",
    "pgrst.db_aggregates_enabled",
    "pgrst.db_anon_role",
    "pgrst.db_channel",
    "pgrst.db_channel_enabled",
    "pgrst.db_extra_search_path",
    "pgrst.db_hoisted_tx_settings",
    "pgrst.db_max_rows",
    "pgrst.db_plan_enabled",
    "pgrst.db_pre_config",
    "pgrst.db_pre_request",
    "pgrst.db_root_spec",
    "pgrst.db_schemas",
    "pgrst.db_timezone_enabled",
    "pgrst.db_tx_end",
    "pgrst.db_use_legacy_gucs",
    "pgrst.jwt_aud",
    "pgrst.jwt_role_claim_key",
    "pgrst.jwt_secret",
    "pgrst.jwt_secret_is_base64",
    "pgrst.log_level",
    "pgrst.openapi_mode",
    "pgrst.openapi_security_active",
    "pgrst.openapi_server_proxy_uri",
    "pgrst.server_cors_allowed_origins",
    "pgrst.server_timing_enabled",
)

# The first version with GRANT ... ON PARAMETER, and the first where managing a role needs its ADMIN OPTION.
_PARAMETER_GRANTS = 15_00_00
_ADMIN_OPTION = 16_00_00


def bootstrap(connection: psycopg.Connection[Any], *, era: Era = "legacy") -> None:
    """Make the connection's database, which is empty, a new Supabase project.

    The session's user is a superuser called anything but `postgres`, which is none on Supabase. Roles are created or
    brought up to date for the whole cluster. The database then belongs to `postgres`; copies made with CREATE DATABASE
    ... TEMPLATE need `OWNER postgres`, because a template hands down neither its owner nor its settings.

    Raises:
        EngineError: the session's user is no superuser, or the server's superuser is called `postgres`.
    """
    _check_server(connection)
    with connection.transaction():
        # The session's own search_path and messages stay out of what is made here.
        connection.execute("set local search_path = ''")
        connection.execute("set local client_min_messages = warning")
        _run(connection, "01-roles.sql")
        for step, role in _STEPS:
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            _run(connection, step)
        connection.execute("set local role none")
        if era == "explicit":
            _run(connection, "era-explicit.sql")


def set_era(connection: psycopg.Connection[Any], era: Era) -> None:
    """Switch a bootstrapped database to an era. Objects that exist keep their grants, as in a real project."""
    with connection.transaction():
        _run(connection, f"era-{era}.sql")


def grant_replay_rights(connection: psycopg.Connection[Any], *, parameters: Iterable[str] = ()) -> None:
    """Let `postgres` do in this cluster what a hosted project's `postgres` may do while its migrations run.

    It gets the services' admin roles (policies on storage.objects, triggers on auth.users) and may write down
    settings: PostgREST's, and those named in `parameters` (`app.settings.secret`), since from 15 on only a superuser
    may store one that the server does not know. All of it is cluster-wide: one replay at a time, and then
    `revoke_replay_rights`.
    """
    version = connection.info.server_version
    with connection.transaction():
        for role in _ADMIN_ROLES:
            connection.execute(sql.SQL("grant {} to postgres").format(sql.Identifier(role)))
        if version >= _PARAMETER_GRANTS:
            for name in sorted({*_PARAMETERS, *parameters}):
                connection.execute(sql.SQL("grant set on parameter {} to postgres").format(_parameter(name)))
        if version >= _ADMIN_OPTION:
            # Only to manage the role, as CREATEROLE did by itself before; its rights do not come along.
            connection.execute("grant authenticator to postgres with admin option, inherit false, set false")


def revoke_replay_rights(connection: psycopg.Connection[Any]) -> None:
    """Take back what `grant_replay_rights` gave; harmless where nothing was given."""
    version = connection.info.server_version
    with connection.transaction():
        for role in _ADMIN_ROLES:
            connection.execute(sql.SQL("revoke {} from postgres").format(sql.Identifier(role)))
        if version >= _PARAMETER_GRANTS:
            granted = connection.execute(
                "select parname from pg_catalog.pg_parameter_acl, pg_catalog.aclexplode(paracl) as acl"
                " where acl.grantee = 'postgres'::regrole order by parname"
            ).fetchall()
            for (name,) in granted:
                connection.execute(sql.SQL("revoke all on parameter {} from postgres").format(_parameter(name)))
        if version >= _ADMIN_OPTION:
            connection.execute("revoke authenticator from postgres")


def _check_server(connection: psycopg.Connection[Any]) -> None:
    """Refuse what could not be finished, or would take something away, before anything has changed."""
    row = connection.execute(
        "select session_user::text,"
        " (select rolsuper from pg_catalog.pg_roles where rolname = session_user),"
        " exists (select from pg_catalog.pg_roles where rolname = 'postgres' and rolsuper)"
    ).fetchone()
    user, superuser, taken = row or ("?", False, False)
    if not superuser:
        message = f'The role "{user}" cannot set up a Supabase database: it is no superuser.'
        raise EngineError(message, hint="Connect as the superuser of a throwaway server.")
    if taken:
        message = 'This server has a superuser called "postgres", which is an ordinary role on Supabase.'
        raise EngineError(
            message,
            hint='Take a throwaway server whose superuser has another name, for example "supabase_admin".',
        )


def _run(connection: psycopg.Connection[Any], name: str) -> None:
    """Run one of the package's files."""
    connection.execute((files(__name__) / name).read_bytes())


def _parameter(name: str) -> sql.Composed:
    """Quote a parameter's name part by part: `"a.b"` would be one identifier, which is another name."""
    return sql.SQL(".").join(sql.Identifier(part) for part in name.split("."))
