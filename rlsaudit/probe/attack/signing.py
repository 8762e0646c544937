"""Signing up: what GoTrue does when somebody asks for an account, with all that triggers make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.catalog.platform import USERS
from rlsaudit.model import Operation
from rlsaudit.policy.effects import reason_not_to_write
from rlsaudit.probe.rows import introduction

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.connect import Session
    from rlsaudit.probe.rows import Principal

_SAVEPOINT = "rlsaudit_sign_up"
_SIGN_UP = """
insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at{columns})
values (%s, 'authenticated', 'authenticated', %s, %s::pg_catalog.jsonb, %s::pg_catalog.jsonb,
  pg_catalog.now(), pg_catalog.now(){values})
"""


def sign_up(session: Session, catalog: Catalog, newcomer: Principal) -> str:
    """Makes an account in Supabase's `auth.users`, that of an anonymous sign-in without an address; elsewhere none.

    Returns why there is none where one belongs: a trigger of the project's may refuse it, or do what a rollback does
    not undo. One that wants a name gets one.
    """
    users = catalog.relations_by_name.get(USERS)
    if users is None:
        return ""
    every = [one.number for one in catalog.columns[users.oid]]
    reason = reason_not_to_write(catalog, users, [Operation.INSERT], every, throwaway=True)
    if reason:
        return reason
    anonymous = newcomer.claims.get("is_anonymous") is True
    more = (", is_anonymous", ", true") if anonymous else ("", "")
    statement = _SIGN_UP.format(columns=more[0], values=more[1])
    given = json.dumps(newcomer.claims.get("app_metadata", {}))
    for said in dict.fromkeys(("{}", introduction(catalog, newcomer))):
        session.execute(f"savepoint {_SAVEPOINT}")
        try:
            session.execute(statement, [newcomer.user, newcomer.claims.get("email") or None, given, said])
        except psycopg.errors.DatabaseError as error:
            session.execute(f"rollback to savepoint {_SAVEPOINT}")
            reason = f"{error.diag.message_primary} ({error.sqlstate})"
        else:
            session.execute(f"release savepoint {_SAVEPOINT}")
            return ""
    return reason
