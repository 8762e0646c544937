"""The database, asked by a test as a persona, in a transaction that is rolled back whatever happens in it."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.errors import UsageError
from rlsaudit.migrations.errors import UnreadableError
from rlsaudit.migrations.split import first_words, split
from rlsaudit.names import ident
from rlsaudit.personas import built_in, choose
from rlsaudit.probe.request import settings as request_settings
from rlsaudit.probe.request import transcript
from rlsaudit.pytest_plugin.failing import guarded
from rlsaudit.pytest_plugin.refusal import By, by_named, refused_by, told
from rlsaudit.report.escape import printable
from rlsaudit.report.sql import transcript as printed
from rlsaudit.report.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from uuid import UUID

    from rlsaudit.connect import Session
    from rlsaudit.model import Persona
    from rlsaudit.pytest_plugin.assertions import Audited

    Parameters = Sequence[Any] | Mapping[str, Any] | None

_SAVEPOINT = "rlsaudit_test"
# Whatever ends the transaction or its savepoints: PREPARE TRANSACTION is among them.
_NOT_TO_BE_SENT = frozenset({"abort", "begin", "commit", "end", "prepare", "release", "rollback", "savepoint", "start"})


class Asking:
    """One transaction, in which statements are sent as a persona. `as_persona` gives one.

    Each statement runs in a savepoint: one that fails leaves the transaction as it was before.
    """

    def __init__(self, session: Session, audited: Audited) -> None:
        self._session = session
        self._audited = audited
        self._persona: Persona
        self._settings: dict[str, str] = {}
        self._before: tuple[str, ...] = ()
        """What went through so far, as SQL that replays it."""
        self._made_before: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"<asking as {self._persona.name}>"

    def become(
        self,
        name: str,
        *,
        sub: str | UUID | None = None,
        claims: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Goes on as another persona, in the same transaction; the arguments are those of `as_persona`."""
        __tracebackhide__ = True
        with guarded(where=True):
            case = self._audited.case
            persona = Given(sub, claims, settings).put_on(self._named(name), case.platform)
            self._make(request_settings(case.catalog, case.platform, persona) | dict(settings or {}))
        self._persona = persona

    def _named(self, name: str) -> Persona:
        """A persona of the audit, one that is built in, or a role as it is."""
        case = self._audited.case
        known = next((one for one in case.personas if one.name == name), None)
        if known is None and case.platform is Platform.SUPABASE and name not in case.catalog.roles_by_name:
            known = built_in(name)
        return known or choose(case.access, case.platform, (name,), ()).personas[0]

    def execute(self, sql: str, params: Parameters = None) -> psycopg.Cursor[Any]:
        """Sends a statement as the persona, with parameters as psycopg takes them. Its errors are psycopg's."""
        __tracebackhide__ = True
        with guarded(where=True):
            (statement,) = _statements(sql, most=1)
        return self._sent(statement, params, self._settings)

    def rows(self, sql: str, params: Parameters = None) -> list[tuple[Any, ...]]:
        """Returns the rows that a query gives to the persona."""
        __tracebackhide__ = True
        cursor = self.execute(sql, params)
        with guarded(where=True):
            if cursor.description is None:
                raise UsageError("This statement returns no rows.", hint="Use `execute`, or RETURNING.")
        return cursor.fetchall()

    def given(self, sql: str, params: Parameters = None) -> psycopg.Cursor[Any]:
        """Sends statements as the connection itself, whom policies are not for: puts in what the test is about.

        Several may stand in one text, if they have no parameters.
        """
        __tracebackhide__ = True
        with guarded(where=True):
            statements = _statements(sql, most=None if params is None else 1)
        with self._as_the_connection():
            made = {"search_path": self._settings["search_path"]} | _quiet(self._settings)
            *first, last = statements
            for one in first:
                self._sent(one, None, made)
            return self._sent(last, params, made)

    def refuses(self, sql: str, params: Parameters = None, *, by: str | None = None) -> bool:
        """Asserts that the persona is refused a statement, for want of a privilege or by row-level security.

        That no row comes back, or none is changed, counts if the connection itself finds some with the same statement.

        Args:
            sql: The statement.
            params: Its parameters.
            by: Who has to refuse it: `grant`, `policy`, `constraint` or `code`; by default one of the first two.
        """
        __tracebackhide__ = True
        with guarded(where=True):
            accepted = by_named(by)
            (statement,) = _statements(sql, most=1)
        found, said = self._outcome(statement, params)
        if found in accepted:
            return True
        if found is By.NOBODY:
            why = said
        elif by is None:
            why = f"it was stopped by {_SHOWN[found]}: {said} (`by={found.value!r}` if that is meant)"
        else:
            why = f"it was refused by {_SHOWN[found]}: {said}"
        wanted = " or ".join(_SHOWN[one] for one in accepted)
        replay = printed(("begin", *self._replay(statement, params, self._settings), "rollback")).lines
        lines = "\n".join(f"  {one}" for one in replay)
        said = printable(f"{self._persona.name} was to be refused by {wanted}: {why}.")
        raise AssertionError(f"{said}\n\nreplayed by\n{lines}")

    def _outcome(self, statement: str, params: Parameters) -> tuple[By, str]:
        """Who refuses the statement, and in what words; nobody, where it is not refused. Nothing of it stays."""
        try:
            touched = self._tried(statement, params)
        except psycopg.Error as error:
            return refused_by(error), told(error)
        if touched:
            what = count(touched, "row") if touched > 0 else "it ran"
            return By.NOBODY, f"it went through ({what})"
        try:
            with self._as_the_connection(only_role=True):
                there = self._tried(statement, params)
        except psycopg.Error as error:
            return By.NOBODY, f"it found no row, and whether there is one is not known: {told(error)}"
        if there > 0:
            return By.POLICY, f"it found no row, of {count(there, 'row')} that there {'is' if there == 1 else 'are'}"
        return By.NOBODY, (
            "it found no row, but neither does the connection itself, so nothing was refused "
            "(put a row in first, with `given`)"
        )

    def _tried(self, statement: str, params: Parameters) -> int:
        """How many rows the statement returns or changes, -1 where it says nothing of rows; undone at once."""
        self._session.execute(f"savepoint {_SAVEPOINT}")
        try:
            return self._session.execute(statement, params).rowcount
        finally:
            self._undone()

    def _sent(self, statement: str, params: Parameters, made: Mapping[str, str]) -> psycopg.Cursor[Any]:
        __tracebackhide__ = True
        self._session.execute(f"savepoint {_SAVEPOINT}")
        try:
            cursor = self._session.execute(statement, params)
        except psycopg.Error as error:
            self._undone()
            # The test's own line and the server's words: the frames between are of no use to whoever reads them.
            raise error.with_traceback(None) from None
        self._session.execute(f"release savepoint {_SAVEPOINT}")
        self._before = self._replay(statement, params, made)
        self._made_before = made
        return cursor

    def _replay(self, statement: str, params: Parameters, made: Mapping[str, str]) -> tuple[str, ...]:
        """What went through so far and then the statement, sent with these settings, as SQL that replays it."""
        plain = psycopg.ClientCursor(self._session.connection).mogrify(statement.encode(), params)
        # Of the words that `transcript` puts around, the caller has its own.
        _, *sets, _, _ = transcript(made, plain)
        return (*self._before, *(sets if made != self._made_before else ()), plain)

    def _undone(self) -> None:
        if not self._session.connection.closed:
            self._session.execute(f"rollback to savepoint {_SAVEPOINT}; release savepoint {_SAVEPOINT}")

    @contextmanager
    def _as_the_connection(self, *, only_role: bool = False) -> Iterator[None]:
        """Drops the persona, and takes it up as it was: it may have changed its settings itself."""
        kept = {one: self._current(one) for one in self._settings if one == "role" or not only_role}
        self._set(_quiet(kept))
        try:
            yield
        finally:
            if not self._session.connection.closed:
                self._set(kept)

    def _current(self, name: str) -> str:
        return str(self._session.fetch_value("select pg_catalog.current_setting(%s, true)", [name]) or "")

    def _make(self, made: dict[str, str]) -> None:
        """Sets a request up. What the one before it had set and this one does not is gone."""
        self._set(_quiet({"role": "none"} | self._settings))
        self._settings = made
        try:
            if not self._made(made):
                self._obtain(made["role"])
                self._set(made)
        except psycopg.Error as error:
            said = error.diag.message_primary or type(error).__name__
            raise UsageError(
                f"The request cannot be set up: {said}.", hint="Check the names of the settings."
            ) from None

    def _made(self, made: Mapping[str, str]) -> bool:
        """Makes settings; False, and nothing is made, where the role among them may not be taken."""
        self._session.execute(f"savepoint {_SAVEPOINT}")
        try:
            self._set(made)
        except psycopg.errors.InsufficientPrivilege:
            self._undone()
            return False
        self._session.execute(f"release savepoint {_SAVEPOINT}")
        return True

    def _obtain(self, role: str) -> None:
        """On a server of our own the migrations' owner makes itself a member of roles that they made."""
        hint = f"Grant it: grant {ident(role)} to {ident(self._session.user)};"
        failure = UsageError(f"{self._session.user} may not SET ROLE {ident(role)}.", hint=hint)
        if not self._audited.throwaway:
            raise failure
        try:
            self._session.execute(f"grant {ident(role)} to {ident(self._session.user)}")
        except psycopg.Error:
            raise failure from None

    def _set(self, made: Mapping[str, str]) -> None:
        # Plans that are kept may be another role's: CVE-2024-10976.
        self._session.execute("discard plans")
        calls = ", ".join(["pg_catalog.set_config(%s, %s, true)"] * len(made))
        self._session.execute(f"select {calls}", [text for pair in made.items() for text in pair])


def _quiet(made: Iterable[str]) -> dict[str, str]:
    """Settings as they are where there is no request: of the server's own only the role, for names mean the same."""
    return {one: "none" if one == "role" else "" for one in made if one == "role" or "." in one}


_SHOWN = {
    By.GRANT: "a missing grant",
    By.POLICY: "row-level security",
    By.CONSTRAINT: "a constraint",
    By.CODE: "RAISE in a function or trigger",
}


class Opening:
    """A transaction as a persona, opened by `with`. No `@contextmanager`, whose own frames pytest would show."""

    def __init__(self, audited: Audited, name: str, given: Given) -> None:
        self._audited = audited
        self._name = name
        self._given = given
        self._open = ExitStack()

    def __enter__(self) -> Asking:
        __tracebackhide__ = True
        with guarded(where=True):
            # Each on a connection of its own: a setting that was once made is never unset again, only empty.
            session = connect(self._audited.conninfo)
            self._open.callback(session.close)
            self._open.enter_context(session.rolled_back())
        db = Asking(session, self._audited)
        try:
            db.become(self._name, sub=self._given.sub, claims=self._given.claims, settings=self._given.settings)
        except BaseException:
            self._open.close()
            raise
        return db

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


@dataclass(frozen=True, slots=True)
class Given:
    """What a test says of whoever asks, in place of what the persona has."""

    sub: str | UUID | None
    claims: Mapping[str, Any] | None
    settings: Mapping[str, str] | None

    def put_on(self, persona: Persona, platform: Platform) -> Persona:
        """Returns the persona with these claims.

        Raises:
            UsageError: it has no such thing.
        """
        if platform is Platform.POSTGRES and (self.sub is not None or self.claims is not None):
            raise UsageError(
                "On plain Postgres there are no claims: nothing would read them.",
                hint="Give what the application sets: settings={'app.user_id': '…'}.",
            )
        if self.sub is not None and "sub" not in persona.claims:
            raise UsageError(
                f"The persona {persona.name} is nobody in particular, so it has no sub.", hint="Leave it out."
            )
        given = {**persona.claims, **({} if self.sub is None else {"sub": str(self.sub)}), **(self.claims or {})}
        if not all(isinstance(one, str) for one in (self.settings or {}).values()):
            raise UsageError("A setting's value is a text.", hint="Write it as the application does: '7' and not 7.")
        try:
            json.dumps(given)
        except (TypeError, ValueError):
            raise UsageError("The claims are no JSON.", hint="Give texts, numbers, lists and dicts.") from None
        return replace(persona, claims=given)


def asking_in(audited: Audited) -> Callable[..., Opening]:
    """Returns what opens transactions in the database of an audit."""

    def as_persona(
        name: str,
        *,
        sub: str | UUID | None = None,
        claims: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Opening:
        """Opens a transaction as a persona of the audit, or as a role; it is rolled back in the end.

        Args:
            name: The persona, or a role of the database.
            sub: The id of the user who asks; without it somebody who has just signed up.
            claims: Further claims of the token, in place of the persona's.
            settings: Settings that the application makes, in place of the persona's.
        """
        return Opening(audited, name, Given(sub, claims, settings))

    return as_persona


def _statements(sql: str, *, most: int | None = None) -> list[str]:
    """The statements of a text, of which none may end the transaction.

    Raises:
        UsageError: one does, or there are more than asked for, or none.
    """
    try:
        found = [one.sql for one in split(sql)]
    except UnreadableError as error:
        raise UsageError(f"This is no SQL: {error.reason} (line {error.line}).", hint="Mend it.") from None
    if not found or (most is not None and len(found) > most):
        raise UsageError(f"There are {len(found)} statements, where one is sent.", hint="Send one after the other.")
    for one in found:
        words = first_words(one, 1)
        if words and words[0] in _NOT_TO_BE_SENT:
            raise UsageError(
                f"{words[0].upper()} is not sent: the transaction is rolled back in the end, and nothing else ends it.",
                hint="Each statement has a savepoint already: one that fails leaves what was before.",
            )
    return found
