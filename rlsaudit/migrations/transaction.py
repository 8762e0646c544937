"""Transactions of a script: the one that its tool runs it in, those that it begins itself, and a savepoint in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from rlsaudit.migrations.split import first_words
from rlsaudit.migrations.wire import run

if TYPE_CHECKING:
    from rlsaudit.migrations.observe import Observer
    from rlsaudit.model import Location

_STEP = "release savepoint rlsaudit; savepoint rlsaudit; "


class Transaction:
    """Where a session is between BEGIN and COMMIT. What is rolled back, the observer forgets.

    Attributes:
        connection: The session.
        one: Whether the script is run in one transaction, rather than each statement in its own.
    """

    def __init__(self, connection: psycopg.Connection[Any], observer: Observer) -> None:
        self.connection = connection
        self.one = False
        self._observer = observer
        self._saved = False
        self._marks: dict[str, int] = {}
        self._began = 0

    def execute(self, sql: str, data: str | None, location: Location) -> None:
        """Runs a statement in a transaction: the script's, its own, or one that an earlier statement began."""
        alone = False
        if self.idle():
            self._begin()
            alone = not self.one
        if not alone and not self._saved:
            self.connection.execute("savepoint rlsaudit")
            self._saved = True
        then = (_STEP if self._saved else "") + self._observer.question
        self._observer.look(location, run(self.connection, sql, data, then=then))
        if alone:
            self.connection.execute("commit")
            self._settle()

    def execute_outside(self, sql: str, data: str | None, location: Location) -> None:
        """Runs a statement around which there must not be a transaction; what was done until then stays."""
        self.commit()
        run(self.connection, sql, data)
        self._observer.look_everywhere(location)
        self._settle()

    def control(self, sql: str, words: tuple[str, ...]) -> None:
        """BEGIN, COMMIT, SAVEPOINT and the like: the script's own, as they are."""
        if self._saved and not self.idle():
            self.connection.execute("release savepoint rlsaudit")
        self._saved = False
        if self.idle() and (self.one or words[0] in {"begin", "start"}):
            self._begin()
        run(self.connection, sql)
        if words[0] == "savepoint":
            self._marks[words[-1]] = len(self._observer.events)
        elif words[0] in {"rollback", "abort"}:
            there = self._began if self.idle() else self._marks.get(first_words(sql, 5)[-1], self._began)
            self._forget(there)
        if self.idle():
            self._settle()

    def undo(self) -> None:
        """Goes back to where the statement that failed began; that may be where the transaction did."""
        if self.connection.closed:
            return
        if self._saved and not self.idle():
            self.connection.execute("rollback to savepoint rlsaudit")
            return
        if not self.idle():
            self.connection.execute("rollback")
        self._forget(self._began)
        self._settle()

    def commit(self) -> None:
        """Ends the transaction that is open, if one is.

        Raises:
            psycopg.Error: it could not be committed, and what was done in it is undone: a deferred constraint, say.
        """
        if self.connection.closed or self.idle():
            return
        try:
            self.connection.execute("commit")
        except psycopg.Error:
            self._forget(self._began)
            raise
        finally:
            self._settle()

    def roll_back(self) -> None:
        """Undoes the transaction that is open, if one is."""
        if not self.connection.closed and not self.idle():
            self._saved = False
            self.undo()

    def go_on(self, connection: psycopg.Connection[Any]) -> None:
        """Goes on in a new session; what was open is gone with the old one."""
        self.connection = connection
        self._observer.attach(connection)
        self._forget(self._began)
        self._settle()

    def idle(self) -> bool:
        """Whether no transaction is open."""
        return self.connection.info.transaction_status == TransactionStatus.IDLE

    def _begin(self) -> None:
        self.connection.execute("begin")
        self._settle()
        self._observer.begin()

    def _forget(self, number: int) -> None:
        if number < len(self._observer.events):
            self._observer.forget(number)

    def _settle(self) -> None:
        """From here on nothing is open that could be undone."""
        self._saved = False
        self._marks.clear()
        self._began = len(self._observer.events)
