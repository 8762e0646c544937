"""Running scripts statement by statement, each script as its tool would run it."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.migrations.errors import UnreadableError
from rlsaudit.migrations.model import Failure
from rlsaudit.migrations.privileged import Privileged
from rlsaudit.migrations.reading import read
from rlsaudit.migrations.split import Statement, first_words, split
from rlsaudit.migrations.touched import rows_only, touched
from rlsaudit.migrations.transaction import Transaction
from rlsaudit.model import Location
from rlsaudit.names import literal

if TYPE_CHECKING:
    from rlsaudit.migrations.ground import Ground
    from rlsaudit.migrations.model import Bucket, Script
    from rlsaudit.migrations.observe import Observer
    from rlsaudit.migrations.wire import Watch

_CONTROL = frozenset({"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"})
_ALONE = frozenset({"25001", "2D000"})
"""No transaction may be around the statement: CREATE INDEX CONCURRENTLY, VACUUM, a procedure that commits."""
_RESET = "reset session authorization; reset role; reset all"
_ENTRY = "insert into supabase_migrations.schema_migrations (version) values (%s) on conflict do nothing"
_CANCELLED = "57014"
_NO_OBJECT = "42704"
_MISSING_ROLE = re.compile(r'role "(.+)" does not exist')
_DATABASE = re.compile(r'\b(database\s+)(?:"[^"]+"|\w+)', re.IGNORECASE)
_ABOUT_DATABASE = frozenset({"alter", "grant", "revoke", "comment"})
_MOST_ROLES = 100


class Session:
    """The session in which the migrations run, as the owner of the database and never as superuser."""

    def __init__(
        self, ground: Ground, connection: psycopg.Connection[Any], observer: Observer, watch: Watch, *, go_on: bool
    ) -> None:
        self.statements = 0
        self.failures: list[Failure] = []
        self.notes: dict[str, None] = {}
        self._ground = ground
        self._privileged = Privileged(ground)
        self._observer = observer
        self._watch = watch
        self._go_on = go_on
        self._transaction = Transaction(connection, observer)

    def run(self, script: Script) -> bool:
        """Runs a script; False: it failed, and that is the end. A seed's failures are no end, and notes only."""
        before = len(self.failures)
        try:
            went = self._run(script)
        except UnreadableError as error:
            self._fail(Location(script.name, error.line), "", "", error.reason)
            went = False
        if len(self.failures) == before or self._go_on or script.role == "seed":
            went = self._committed(Location(script.name, 1)) and went
        else:
            self._transaction.roll_back()
        if script.version and (went or self._go_on):
            self._enter(script.version)
        if script.role == "seed":
            for failure in self.failures[before:]:
                self.notes[f"in the seed: {failure}"] = None
            del self.failures[before:]
            return True
        return went or self._go_on

    def make(self, buckets: tuple[Bucket, ...]) -> None:
        """Makes the buckets that the configuration declares. As the owner, for there may be triggers on them."""
        before = len(self.failures)
        for one in buckets:
            self._transaction.connection.execute(_RESET)
            name, public = literal(one.name).strip(), str(one.public).lower()
            insert = f"insert into storage.buckets (id, name, public) values ({name}, {name}, {public})"
            self._statement(Statement(f"{insert} on conflict do nothing", one.location.line), one.location)
            self._committed(one.location)
        for failure in self.failures[before:]:
            self.notes[f"a bucket could not be made: {failure}"] = None
        del self.failures[before:]

    def _enter(self, version: str) -> None:
        """Writes into the tool's books that a file has run: later ones may ask whether those that they need have."""
        connection = self._transaction.connection
        connection.execute(_RESET)
        with contextlib.suppress(psycopg.Error):  # where a migration has done away with the books
            connection.execute(_ENTRY, [version])

    def _run(self, script: Script) -> bool:
        text = read(script.path)
        if text.note:
            self.notes[f"{script.name}: {text.note}"] = None
        content = script.cut(text.content) if script.cut else text.content
        transaction = script.transaction
        self._transaction.one = transaction(text.content) if callable(transaction) else transaction
        # As Supabase's command line does between files; and a role that was set is no setting.
        self._transaction.connection.execute(_RESET)
        went = True
        for statement in split(content):
            if not self._statement(statement, Location(script.name, statement.line)):
                went = False
                if not self._go_on and script.role != "seed":
                    return False
        return went

    def _statement(self, statement: Statement, location: Location) -> bool:
        words = first_words(statement.sql, 3)
        if statement.kind == "psql":
            why = "commands of psql are not run: they could run programs and read files"
            return self._fail(location, statement.head, "", why, sql=statement.sql.split("\\", 1)[0])
        if words[:2] == ("drop", "database"):
            return self._fail(location, statement.head, "", "no database is dropped here")
        if words[:2] == ("create", "database"):
            self.notes["CREATE DATABASE was left out: everything goes into one database"] = None
            return True
        connection = self._transaction.connection
        try:
            with self._watch.limit(connection):
                if "extension" in words[1:] and self._extension(statement.sql, location):
                    pass
                elif words[:1] and words[0] in _CONTROL:
                    self._transaction.control(statement.sql, words)
                else:
                    self._attempt(statement, location, words)
        except psycopg.Error as error:
            return self._refused(error, statement, location)
        self.statements += 1
        if connection.info.parameter_status("client_encoding") != "UTF8":
            # The text is UTF-8 by now, whatever the file was that says so.
            connection.execute("set client_encoding = 'UTF8'")
        return True

    def _attempt(self, statement: Statement, location: Location, words: tuple[str, ...]) -> None:
        """Runs a statement, again where its first failure is one that is ours to mend."""
        sql = statement.sql
        if self._ground.supabase and words[:1] and words[0] in _ABOUT_DATABASE:
            # A project's database is always called so.
            sql = re.sub(r'(?i)\b(database\s+)"?postgres"?(?=\s|;|$)', rf'\1"{self._ground.real_name}"', sql, count=1)
        for _ in range(_MOST_ROLES):
            try:
                return self._transaction.execute(sql, statement.data, location)
            except psycopg.Error as error:
                sql = self._mended(error, sql, words, location)
                if not sql:
                    raise
                if error.sqlstate in _ALONE:
                    if self._transaction.one:
                        self.notes[f"{location.file}: what cannot be in its transaction ran outside of it"] = None
                    return self._transaction.execute_outside(sql, statement.data, location)
        return None

    def _mended(self, error: psycopg.Error, sql: str, words: tuple[str, ...], location: Location) -> str:
        """The statement to try next; empty where there is nothing to be done about it."""
        if self._transaction.connection.closed:
            return ""
        self._transaction.undo()
        message = error.diag.message_primary or ""
        if error.sqlstate in _ALONE:
            return sql
        if error.sqlstate == _NO_OBJECT and (match := _MISSING_ROLE.fullmatch(message)):
            if match.group(1) and self._ground.invent(match.group(1)):
                return sql
        elif error.sqlstate == "3D000" and not self._ground.supabase and words[:1] and words[0] in _ABOUT_DATABASE:
            return _DATABASE.sub(rf'\1"{self._ground.real_name}"', sql, count=1)
        mended = self._privileged.mended(error, sql, self._transaction.commit, self._transaction.connection)
        if mended and self._transaction.idle():
            self._observer.look_everywhere(location)
        return mended

    def _extension(self, sql: str, location: Location) -> bool:
        extensions = self._ground.extensions
        words = first_words(sql, 6)
        if words[:3] == ("comment", "on", "extension"):
            return True
        if words[1] != "extension":
            return False
        if not extensions.is_idle(sql):
            # What it needs, a schema say, may not have been committed yet.
            self._transaction.commit()
            if not extensions.handle(sql):
                return False
            self._observer.look_everywhere(location)
        name = next((one for one in words[2:] if one not in {"if", "not", "exists"}), "")
        self._observer.relocated(location, "extension", words[0], name)
        return True

    def _refused(self, error: psycopg.Error, statement: Statement, location: Location) -> bool:
        message = error.diag.message_primary or "the server ended the session"
        if error.sqlstate == _CANCELLED and self._watch.fired:
            message = f"the statement took longer than {self._watch.seconds:.0f} s"
        if self._transaction.connection.closed:
            self._transaction.go_on(connect(self._ground, self._watch.seconds))
        else:
            self._transaction.undo()
        return self._fail(location, statement.head, error.sqlstate or "", message, sql=statement.sql)

    def _committed(self, location: Location) -> bool:
        """Ends the transaction that is open, as the tool does at the end of the file."""
        try:
            with self._watch.limit(self._transaction.connection):
                self._transaction.commit()
        except psycopg.Error as error:
            why = f"the file's transaction could not be committed: {error.diag.message_primary}"
            if self._transaction.connection.closed:
                self._transaction.go_on(connect(self._ground, self._watch.seconds))
            return self._fail(location, "", error.sqlstate or "", why)
        return True

    def _fail(self, location: Location, head: str, code: str, message: str, *, sql: str = "") -> bool:
        objects, opaque = touched(sql) if sql.strip() else ((), True)
        why = " ".join(message.split())
        self.failures.append(Failure(location, head, code, why, objects, opaque, rows_only(sql)))
        return False

    def close(self) -> None:
        """Ends the session."""
        self._transaction.connection.close()


def connect(ground: Ground, seconds: float) -> psycopg.Connection[Any]:
    """Opens a session of the owner. Its limits are also what RESET ALL goes back to."""
    limit = int(seconds * 1000)
    # Older migrations delete files and buckets, which was allowed when they were written.
    platform = " -c storage.allow_delete_query=true" if ground.supabase else ""
    return psycopg.connect(
        ground.login,
        autocommit=True,
        prepare_threshold=None,
        client_encoding="UTF8",
        application_name="rlsaudit replay",
        options=f"-c statement_timeout={limit} -c lock_timeout={min(limit, 10_000)} -c client_min_messages=error"
        + platform,
    )
