"""A session in the database under audit: every statement in a transaction that is rolled back.

It works through a transaction pooler (PgBouncer, Supavisor), where two transactions may meet two server connections:
no startup options, no prepared statements, and every setting local to its transaction.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.pq import TransactionStatus

from rlsaudit.connect.credentials import secrets_in
from rlsaudit.connect.failures import check_server, check_version, explain
from rlsaudit.connect.target import options_of, target_from
from rlsaudit.connect.text import register_text_loaders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from rlsaudit.connect.recorder import Recorder

    Parameters = Sequence[Any] | Mapping[str, Any] | None

DEFAULT_CONNECT_TIMEOUT = 10
LOCK_TIMEOUT_MS = 2_000

_IDENTITY = """
select current_user::text, pg_catalog.current_database()::text,
       pg_catalog.current_setting('server_version_num')::int"""


class Session:
    """A connection and what is known about it. `connect` makes one; leaving its `with` block closes it.

    Statements raise the driver's errors, SQLSTATE and all. One that leaves the `with` block becomes an `AuditError`
    whose text holds no credential.

    Attributes:
        connection: The driver's connection, for what this class does not offer (a pipeline, say).
        user: The role that statements run as; behind a pooler not the name that one logs in with.
        database: The name of the database.
        server_version_num: As the server tells it, 150020 for 15.20.
        statement_timeout_ms: How long one statement may take, in milliseconds.
        round_trips: How often the server was asked and waited for. Whoever uses `connection` adds to it.
        recorder: Who writes down what is sent; nobody, unless a receipt is wanted.
    """

    __slots__ = (
        "_options",
        "_secrets",
        "connection",
        "database",
        "recorder",
        "round_trips",
        "server_version_num",
        "statement_timeout_ms",
        "user",
    )

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        *,
        options: Mapping[str, str],
        secrets: frozenset[str],
        statement_timeout_ms: int,
    ) -> None:
        self.connection = connection
        self.round_trips = 0
        self.recorder: Recorder | None = None
        self._options = options
        self._secrets = secrets
        self.statement_timeout_ms = statement_timeout_ms
        self.user: str
        self.database: str
        self.server_version_num: int
        self.user, self.database, self.server_version_num = self.fetch_all(_IDENTITY)[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, psycopg.Error):
            # Cut off from the driver's error, which a traceback would print with all it says.
            raise explain(error, self._options, self._secrets, connected=True) from None

    def __repr__(self) -> str:
        return f"<Session {self.user}@{self.database}>"

    def close(self) -> None:
        """Closes the connection; a transaction that is still open is rolled back by that."""
        self.connection.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed or not."""
        return self.connection.info.transaction_status in {
            TransactionStatus.ACTIVE,
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        }

    def read_only(self) -> contextlib.AbstractContextManager[Self]:
        """One transaction that sees one moment, writes nothing and is rolled back, whatever happens in it."""
        return self._transaction("repeatable read read only")

    def rolled_back(self) -> contextlib.AbstractContextManager[Self]:
        """One transaction that may write and is rolled back, whatever happens in it."""
        return self._transaction("read committed read write")

    def execute(self, sql: str, params: Parameters = None) -> psycopg.Cursor[Any]:
        """Runs a statement, or several without `params`, in one round trip."""
        self.round_trips += 1
        if self.recorder is None:
            # As bytes, for the driver would take a query for a SQL_ASCII database to be ASCII.
            return self.connection.execute(sql.encode(), params)
        return self._recorded(self.recorder, sql, params)

    def fetch_all(self, sql: str, params: Parameters = None) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.execute(sql, params).fetchall()

    def fetch_value(self, sql: str, params: Parameters = None) -> Any:  # noqa: ANN401
        """The first column of the first row; None if there is no row."""
        row = self.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def _recorded(self, recorder: Recorder, sql: str, params: Parameters) -> psycopg.Cursor[Any]:
        began = time.monotonic()
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql.encode(), params)
        except BaseException:
            recorder.sent([], time.monotonic() - began, failed=True)
            raise
        seconds = time.monotonic() - began
        # A result for each statement, with the server's word for it; whoever asked finds the first one, as without us.
        tags = [cursor.statusmessage or ""]
        while cursor.nextset():
            tags.append(cursor.statusmessage or "")
        cursor.set_result(0)
        recorder.sent(tags, seconds, failed=False)
        return cursor

    @contextlib.contextmanager
    def _transaction(self, mode: str) -> Iterator[Self]:
        if self.in_transaction:
            message = "a transaction is open already; they do not nest"
            raise RuntimeError(message)
        try:
            self.execute(f"begin isolation level {mode}; {self._local_settings()}")
            if self.recorder is not None:
                self.recorder.begun()
            yield self
        finally:
            # A running query is not an obstacle: interrupted by Ctrl-C, the driver has cancelled it by now.
            self._roll_back()

    def _roll_back(self) -> None:
        if not self.in_transaction:
            return
        try:
            if self.recorder is not None:
                intact = self.connection.info.transaction_status is TransactionStatus.INTRANS
                self.recorder.rolls_back(self, intact=intact)
            self.execute("rollback")
        except psycopg.Error:
            # Nothing can be said to such a connection any more, and closing it rolls back too. What went wrong before
            # is on its way to the caller and tells more than this error.
            self.connection.close()
        except BaseException:
            self.connection.close()
            raise

    def _local_settings(self) -> str:
        settings = {
            "statement_timeout": str(self.statement_timeout_ms),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            # A client that hangs must not hold the snapshot, which keeps VACUUM from cleaning up.
            "idle_in_transaction_session_timeout": str(max(60_000, 2 * self.statement_timeout_ms)),
            "search_path": "",
            "row_security": "on",
            # The login role or the database may set these otherwise, and then quoting and the catalogue's texts change.
            "standard_conforming_strings": "on",
            "quote_all_identifiers": "off",
            "bytea_output": "hex",
            "datestyle": "ISO, MDY",
            "intervalstyle": "postgres",
        }
        calls = ", ".join(f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in settings.items())
        return f"select {calls}"


def _open(
    conninfo: str, client_encoding: str, parameters: Mapping[str, str | int]
) -> psycopg.Connection[tuple[Any, ...]]:
    connection = psycopg.connect(
        conninfo,
        autocommit=True,
        prepare_threshold=None,
        client_encoding=client_encoding,
        **parameters,  # type: ignore[arg-type]  # they are libpq's, and none is psycopg's own
    )
    register_text_loaders(connection.adapters)
    return connection


def connect(
    conninfo: str,
    *,
    connect_timeout: int | None = None,
    statement_timeout_ms: int = 15_000,
    application_name: str = "rlsaudit",
) -> Session:
    """Opens a session.

    Args:
        conninfo: As `target_from` gives it.
        connect_timeout: Seconds for each address that is tried. None: what the connection string or
            PGCONNECT_TIMEOUT says, else 10.
        statement_timeout_ms: How long one statement may take, in milliseconds.
        application_name: The name under which the database's own monitoring shows us.

    Raises:
        UsageError: `conninfo` is no connection string.
        ConnectionFailedError: The server cannot be reached, refuses us, or is one that we cannot audit.
    """
    if conninfo:
        # Refused here if it cannot be understood, for libpq's own error repeats it.
        conninfo = target_from(conninfo, {})
    options = options_of(conninfo)
    secrets = secrets_in(conninfo)
    parameters: dict[str, str | int] = {
        "application_name": application_name,
        "connect_timeout": connect_timeout or options.get("connect_timeout") or DEFAULT_CONNECT_TIMEOUT,
    }
    connection: psycopg.Connection[tuple[Any, ...]] | None = None
    try:
        connection = _open(conninfo, "UTF8", parameters)
        check_server(connection.info)
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # Such a database holds any bytes, and its server would refuse to send those that are no UTF-8. To set this
            # now would not do: behind a transaction pooler, somebody else would have it next.
            connection.close()
            connection = _open(conninfo, "SQL_ASCII", parameters)
        session = Session(connection, options=options, secrets=secrets, statement_timeout_ms=statement_timeout_ms)
        check_version(session.server_version_num)
    except psycopg.Error as error:
        failure = explain(error, options, secrets)
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    else:
        return session
    if connection is not None:
        connection.close()
    # Raised outside the handler, so that the driver's error is not its context.
    raise failure
