"""One statement to the server: rows are thrown away as they come, and COPY's data goes in."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import generators
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.waiting import Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn

_BLOCK = 1 << 18
_PATIENCE = 5.0
_TICK = 0.5
_ERRORS = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)


def run(connection: psycopg.Connection[Any], sql: str, data: str | None = None, *, then: str = "") -> bytes:
    """Runs a statement to its end. A SELECT of a billion rows takes time, not memory.

    Args:
        connection: Where.
        sql: The statement.
        data: What follows a COPY FROM STDIN.
        then: What is asked behind it, in the same round trip; for where a transaction is open.

    Returns:
        The last value that was returned: the answer to `then`.

    Raises:
        psycopg.Error: the server refused it.
    """
    pgconn = connection.pgconn
    # The line break, for the statement may end in a comment.
    text = f"{sql}\n;{then}" if then else sql
    pgconn.send_query(text.encode("utf-8", "surrogatepass"))
    pgconn.set_single_row_mode()
    connection.wait(generators.send(pgconn))
    error: psycopg.Error | None = None
    answer = b""
    while (result := connection.wait(generators.fetch(pgconn))) is not None:
        status = result.status
        if status in _ERRORS:
            error = error or error_from_result(result)
        elif status == ExecStatus.COPY_IN:
            connection.wait(_feed(pgconn, data))
        elif status == ExecStatus.COPY_OUT:
            connection.wait(_drain(pgconn))
        elif result.ntuples:
            answer = (result.get_value(0, 0) or b"") if result.nfields else b""
    if error is not None:
        raise error
    return answer


def _feed(pgconn: PGconn, data: str | None) -> PQGen[None]:
    """Sends COPY's data. The results stay where they are: that of the next statement is behind that of this one."""
    for start in range(0, len(data or ""), _BLOCK):
        yield from generators.copy_to(pgconn, (data or "")[start : start + _BLOCK].encode("utf-8", "surrogatepass"))
    error = None if data is not None else b"there is no data in the file for this COPY"
    while pgconn.put_copy_end(error) == 0:
        yield Wait.W
    yield from generators.send(pgconn)


def _drain(pgconn: PGconn) -> PQGen[None]:
    """Throws away what COPY TO STDOUT sends."""
    while True:
        size, block = pgconn.get_copy_data(1)
        del block
        if size < 0:
            return
        if size == 0:
            yield Wait.R
            pgconn.consume_input()


class Watch:
    """Ends statements that take too long, whatever `statement_timeout` they set for themselves.

    `terminate` ends the backend of that process id: the cancellation before it can be caught by an exception handler.
    """

    def __init__(self, seconds: float, terminate: Callable[[int], None]) -> None:
        self.seconds = seconds
        self._terminate = terminate
        self._changed = threading.Condition()
        self._due: tuple[float, psycopg.Connection[Any]] | None = None
        self._closed = False
        self.fired = False
        self._thread = threading.Thread(target=self._watch, name="rlsaudit-watch", daemon=True)
        self._thread.start()

    @contextmanager
    def limit(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Gives what is done inside `seconds`."""
        with self._changed:
            self.fired = False
            # Nobody is woken for it: who watches looks up often enough.
            self._due = (time.monotonic() + self.seconds, connection)
        try:
            yield
        finally:
            with self._changed:
                self._due = None

    def close(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(_PATIENCE)

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                if self._due is None or self._due[0] > time.monotonic():
                    self._changed.wait(_TICK)
                    continue
                connection = self._due[1]
                self._due = (time.monotonic() + _PATIENCE, connection)
                again, self.fired = self.fired, True
                self._changed.release()
                try:
                    self._end(connection, force=again)
                finally:
                    self._changed.acquire()

    def _end(self, connection: psycopg.Connection[Any], *, force: bool) -> None:
        try:
            if force:
                self._terminate(connection.info.backend_pid)
            else:
                connection.cancel_safe(timeout=_PATIENCE)
        except psycopg.Error:
            return  # it has ended meanwhile
