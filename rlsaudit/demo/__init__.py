"""Kilnhouse, the demo app: believable, small, and open in fourteen ways that docs/demo.md tells one by one."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights

if TYPE_CHECKING:
    import psycopg

__all__ = ["SCHEMA", "SEED", "load"]

SCHEMA: Final = (files(__name__) / "schema.sql").read_text("utf-8")
"""The app's one migration, for the role `postgres`."""

SEED: Final = (files(__name__) / "seed.sql").read_text("utf-8")
"""Its rows, for a superuser."""


def load(connection: psycopg.Connection[Any]) -> None:
    """Create the app and its rows, all or nothing, in a database that `rlsaudit.engine.supabase.bootstrap` made.

    The session's user is a superuser; the app belongs to `postgres`, as if a Supabase project had run its migration.
    """
    with connection.transaction():
        grant_replay_rights(connection)
        connection.execute("set local role postgres")
        connection.execute(SCHEMA.encode())
        connection.execute("set local role none")
        connection.execute(SEED.encode())
        revoke_replay_rights(connection)
