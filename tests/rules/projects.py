"""A project's schema, audited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.audit import Options, examine
from rlsaudit.catalog import take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.rules.releases import mended

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.connect import Session
    from rlsaudit.model import Finding, Report


def audited(session: Session, options: Options, version: int | None = None) -> Report:
    """Audits the database; its server is taken for one of `version`, else for one that has all fixes."""
    with session.read_only():
        snapshot = take(session)
    server = snapshot.server
    taken_for = version or max(mended(server.major) or 0, server.version_num)
    return examine(replace(snapshot, server=replace(server, version_num=taken_for)), options, session).report


def findings(url: str, schema: str, intent: Path | None = None) -> tuple[Finding, ...]:
    """Returns what is found in a Supabase database, after its owner ran `schema`."""
    with psycopg.connect(url) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    with connect(url) as session:
        return audited(session, Options(intent=intent)).findings
