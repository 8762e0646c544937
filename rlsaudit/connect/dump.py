"""The schema of a database, as `pg_dump` writes it down: in a READ ONLY transaction of its own, without a row.

The program is told where to connect by its environment and never on its command line, which others can see. It ends
with us, whatever ends us, and its query with it: its locks keep no migration waiting for an audit that is no more.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from psycopg import pq

from rlsaudit.connect.credentials import is_secret, mask, secrets_in
from rlsaudit.connect.program import run
from rlsaudit.connect.session import LOCK_TIMEOUT_MS, connect
from rlsaudit.errors import AuditError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rlsaudit.connect.session import Session

SECONDS = 300.0
_LINES = 5
_ARGUMENTS = (
    "--schema-only",
    "--no-password",
    "--no-comments",
    "--no-publications",
    "--no-security-labels",
    "--no-subscriptions",
    "--no-tablespaces",
    "--encoding=UTF8",
    # Where somebody holds a table's lock we give up: a migration must not queue up behind us.
    f"--lock-wait-timeout={LOCK_TIMEOUT_MS}",
)
_BACKEND = "select pg_catalog.pg_backend_pid()"


_HELD_HINT = "Somebody holds a lock on what it reads, a migration perhaps. Try again when it is done."
# It has locked every table by then, so whoever waits for one of those waits for as long as it does. Its own limit is
# for tables alone: it waits for a view, whose text the server writes out, for ever.
_WAITS = f"""
select exists (select from pg_catalog.pg_stat_activity one where one.datname = pg_catalog.current_database()
  and one.application_name = 'rlsaudit' and one.pid <> pg_catalog.pg_backend_pid() and one.wait_event_type = 'Lock'
  and one.query_start < pg_catalog.clock_timestamp() - interval '{LOCK_TIMEOUT_MS} ms')"""


def schema_of(
    conninfo: str,
    program: Path,
    *,
    without: Iterable[str] = (),
    seconds: float = SECONDS,
    session: Session | None = None,
) -> bytes:
    """Returns the database's schema as SQL.

    Args:
        conninfo: As `target_from` gives it.
        program: A `pg_dump` that is not older than the server.
        without: Relations to leave out, each as its quoted and qualified name.
        seconds: How long it may take.
        session: A session in the database, idle, to see by whether the program waits for a lock: then it is ended.

    Raises:
        AuditError: it failed; the lines that it said are shown without credentials.
    """

    def watch() -> None:
        if session is not None and _waits(session):
            raise AuditError("The schema could not be read: pg_dump waited for a lock.", hint=_HELD_HINT)

    left_out = [f"--exclude-table={one}" for one in without]
    try:
        done = run([program, *_ARGUMENTS, *left_out], _environment(conninfo), seconds, watch)
    except subprocess.TimeoutExpired:
        raise AuditError(
            f"The schema could not be read: pg_dump took longer than {seconds:.0f} seconds.",
            hint="Nothing was changed. Try again when the server is less busy, or use --probe read.",
        ) from None
    except OSError as error:
        raise AuditError(
            f"pg_dump does not run: {error.strerror}.", hint="`--pg-bin` names the directory of another one."
        ) from None
    if done.returncode != 0:
        said = mask(done.stderr.decode(errors="replace"), secrets_in(conninfo))
        # It waits for locks with a statement's time limit, and says only that.
        held = "timeout" in said and "LOCK TABLE" in said
        raise AuditError(
            "The schema could not be read: pg_dump failed.",
            hint=_HELD_HINT if held else "Nothing was changed. `--probe read` does without it.",
            details=tuple(line for line in said.splitlines() if line.strip())[:_LINES],
        )
    return done.stdout


def _waits(session: Session) -> bool:
    with session.read_only():
        return bool(session.fetch_value(_WAITS))


def shares_backends(session: Session, conninfo: str) -> bool:
    """Whether a transaction pooler is in between, which gives a backend to one client after the other.

    What `pg_dump` sets for its session would then be found by whoever comes next. There is one if a second connection
    meets the backend of the first, which is still open.
    """
    if session.connection.info.backend_pid == _backend(session):
        return False
    with connect(conninfo) as other:
        other.recorder = session.recorder
        return meets(session, other)


def meets(first: Session, second: Session) -> bool:
    """Whether two sessions that are both open, and do nothing, are served by the same backend."""
    return _backend(first) == _backend(second)


def _backend(session: Session) -> object:
    with session.read_only():
        return session.fetch_value(_BACKEND)


def _environment(conninfo: str) -> Mapping[str, str]:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["PGAPPNAME"] = "rlsaudit"
    for option in pq.Conninfo.parse(conninfo.encode()):
        if option.val is None:
            continue
        if option.envvar:
            environment[option.envvar.decode()] = option.val.decode()
        elif is_secret(option.keyword.decode()):
            raise UsageError(
                f"pg_dump cannot be given {option.keyword.decode()} out of others' sight.",
                hint="Use a login that does without it, or --probe read.",
            )
    return environment
