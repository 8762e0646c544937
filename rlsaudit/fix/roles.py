"""Roles, which are the whole server's and in no copy of a database: what they are, and back to what they were."""

from __future__ import annotations

import contextlib
from typing import Any, TypeAlias

import psycopg

from rlsaudit.errors import AuditError

Roles: TypeAlias = frozenset[tuple[str | None, str]]
"""For each membership, and for the attributes of each role, the statement that ends it and the one that makes it."""

_ROLES = """
select pg_catalog.format('revoke %I from %I granted by %I cascade', held.rolname, member.rolname, grantor.rolname),
  pg_catalog.format('grant %I to %I', held.rolname, member.rolname) || case
    when options ->> 'set_option' is not null then pg_catalog.format(' with admin %s, inherit %s, set %s',
      options ->> 'admin_option', options ->> 'inherit_option', options ->> 'set_option')
    when m.admin_option then ' with admin option' else '' end
  || pg_catalog.format(' granted by %I', grantor.rolname)
from pg_catalog.pg_auth_members m
cross join lateral pg_catalog.to_jsonb(m) options
join pg_catalog.pg_roles held on held.oid = m.roleid
join pg_catalog.pg_roles member on member.oid = m.member
join pg_catalog.pg_roles grantor on grantor.oid = m.grantor
union all
select null, pg_catalog.format('alter role %I %s', rolname, pg_catalog.concat_ws(' ',
  case when rolsuper then 'superuser' else 'nosuperuser' end,
  case when rolinherit then 'inherit' else 'noinherit' end,
  case when rolcreaterole then 'createrole' else 'nocreaterole' end,
  case when rolcreatedb then 'createdb' else 'nocreatedb' end,
  case when rolcanlogin then 'login' else 'nologin' end,
  case when rolreplication then 'replication' else 'noreplication' end,
  case when rolbypassrls then 'bypassrls' else 'nobypassrls' end,
  pg_catalog.format('connection limit %s', rolconnlimit)))
from pg_catalog.pg_roles
"""
# Which roles there are, and what is set for them elsewhere than in this database, is not put back.
_OTHER = """
select pg_catalog.md5(pg_catalog.string_agg(one, ',' order by one)) from (
  select pg_catalog.format('%s %s', oid, rolname) from pg_catalog.pg_roles
  union all select s::text from pg_catalog.pg_db_role_setting s where s.setdatabase is distinct from
    (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
) as every (one)
"""
_PASSES = 5
"""A grant may rest on another one: each pass makes those whose ground is there."""


def roles(connection: psycopg.Connection[Any]) -> Roles:
    """Returns what the server's roles are."""
    return frozenset(connection.execute(_ROLES).fetchall())


def other(connection: psycopg.Connection[Any]) -> object:
    """Returns a value that changes with what of roles, and of other databases, `put_back` does not put back."""
    row = connection.execute(_OTHER).fetchone()
    return row[0] if row else None


def put_back(connection: psycopg.Connection[Any], before: Roles) -> None:
    """Makes the server's roles what they were.

    Args:
        connection: A superuser's, that commits each statement.
        before: What they were, by `roles`.

    Raises:
        AuditError: they could not be put back.
    """
    for _ in range(_PASSES):
        now = roles(connection)
        if now == before:
            return
        undone = [undo for undo, _ in now - before if undo is not None]
        for statement in (*undone, *(redo for _, redo in before - now)):
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement.encode())
    message = "The roles of the throwaway server could not be put back after a fix had changed them."
    raise AuditError(message, hint="Run it again, on a server that is started for it.")
