"""Signing up: what GoTrue does when somebody asks for an account, with all that triggers make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.probe.rows import introduction

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.connect import Session
    from rlsaudit.probe.rows import Principal

_USERS = ("auth", "users")
_SAVEPOINT = "rlsaudit_sign_up"
_SIGN_UP = """
insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
values (%s, 'authenticated', 'authenticated', %s, %s::pg_catalog.jsonb, %s::pg_catalog.jsonb,
  pg_catalog.now(), pg_catalog.now())
"""


def sign_up(session: Session, catalog: Catalog, newcomer: Principal) -> bool:
    """Makes an account in Supabase's `auth.users` and returns whether there is one; elsewhere there is none to make.

    A trigger of the project's may refuse it: then nobody can sign up, or not in this way. One that wants a name gets
    one.
    """
    if _USERS not in catalog.relations_by_name:
        return False
    given = json.dumps(newcomer.claims.get("app_metadata", {}))
    for said in dict.fromkeys(("{}", introduction(catalog, newcomer))):
        session.execute(f"savepoint {_SAVEPOINT}")
        try:
            session.execute(_SIGN_UP, [newcomer.user, newcomer.claims.get("email"), given, said])
        except psycopg.errors.DatabaseError:
            session.execute(f"rollback to savepoint {_SAVEPOINT}")
        else:
            session.execute(f"release savepoint {_SAVEPOINT}")
            return True
    return False
