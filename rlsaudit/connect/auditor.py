"""The least role that an audit can be done with: it reads the catalog and may take the personas' places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.names import ident

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = """\
-- A role for rlsaudit. It owns nothing and holds nothing: the catalog is open to every role, and rows it only counts
-- as the personas whose place it may take, with their privileges and their policies.
-- Run this as a superuser, or as a role with CREATEROLE that may grant the roles below (on Supabase: postgres)."""
_LOGIN = "-- A password of your own, with psql's \\password {role} so that no log has it, or here:"
_LIMITS = """\
-- Unless it says otherwise its transactions are read only, and it neither waits nor runs for long."""
_PERSONAS = """\
-- To ask the server as these roles. NOINHERIT: until it takes their place it has none of their privileges."""
_EVERYTHING = """\
-- To count all rows, so that the evidence can say "3 of 3 rows", and to see which storage buckets are public. It may
-- then read every row. Up to Postgres 15 only a superuser can give BYPASSRLS."""
_NOT_EVERYTHING = """\
-- It cannot count the rows that are there beside those that a persona sees, nor read storage.buckets: the report says
-- so. With `rlsaudit auditor-role --bypass-rls` it could, and read everything else as well."""
_GONE = "-- To take it away again:"


def auditor_role(name: str, personas: Iterable[str], *, bypass_rls: bool) -> str:
    """Returns the SQL that creates the role, for any supported version, with what each statement is for.

    Args:
        name: What to call it.
        personas: The roles whose place it may take.
        bypass_rls: Whether it may read every row.
    """
    role = ident(name)
    lines = [
        _HEAD,
        f"create role {role} login noinherit nosuperuser nocreatedb nocreaterole noreplication connection limit 4;",
        "",
        _LOGIN.format(role=role),
        f"-- alter role {role} password '…';",
        "",
        _LIMITS,
        f"alter role {role} set default_transaction_read_only = on;",
        f"alter role {role} set statement_timeout = '60s';",
        f"alter role {role} set lock_timeout = '5s';",
        f"alter role {role} set idle_in_transaction_session_timeout = '60s';",
        "",
    ]
    granted = [f"grant {ident(one)} to {role};" for one in personas]
    if granted:
        lines += [_PERSONAS, *granted, ""]
    if bypass_rls:
        lines += [_EVERYTHING, f"alter role {role} bypassrls inherit;", f"grant pg_read_all_data to {role};", ""]
    else:
        lines += [_NOT_EVERYTHING, ""]
    lines += [_GONE, f"-- drop role {role};"]
    return "\n".join(lines) + "\n"
