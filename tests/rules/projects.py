"""A project's schema, audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.model import Finding


def findings(url: str, schema: str, intent: Path | None = None) -> tuple[Finding, ...]:
    """Returns what is found in a Supabase database, after its owner ran `schema`."""
    with psycopg.connect(url) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    with connect(url) as session:
        return audit(session, Options(intent=intent)).findings
