"""Where fixes are tried: copies of a database in its throwaway server, each kept or thrown away as a whole."""

from __future__ import annotations

import contextlib
import itertools
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.errors import AuditError
from rlsaudit.fix.roles import other, put_back, roles
from rlsaudit.migrations.split import split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.compare import Side
    from rlsaudit.fix.roles import Roles
    from rlsaudit.source import Standing

_MILLISECONDS = 60_000
# A superuser walks on no search_path of the database's, and sets off none of its triggers.
_OWN_NAMES = "-c search_path=pg_catalog -c session_replication_role=replica"
# No names but those that are written out: what a migration is run with is not known.
_AS_IT_STANDS = f"-c statement_timeout={_MILLISECONDS} -c client_min_messages=error"
_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_EXTENSION = re.compile(rf"(?:alter extension {_NAME} set schema|drop extension) {_NAME}")
"""What runs no script: that of an extension could fall into a trap that the database has for superusers."""
_OF_THE_SERVER = "it changes roles, which are the whole server's, so that it cannot be tried on a copy"


class RefusedError(Exception):
    """A fix that could not be applied; its text says why."""


class Bench:
    """Databases with the fixes that were kept so far, and with one more, and the server's roles as they are with it.

    Leaving its context drops them. The one that it was made from stays as it is, and so do the roles.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._names = (f"fixed_{number}" for number in itertools.count(1))
        self._role = conninfo_to_dict(standing.login)["user"]
        self._kept = standing.name
        self._tried: str | None = None
        self._kept_roles = self._first_roles = self._roles_of(standing.name)
        self._changed_roles = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()
        self._drop(self._kept)
        if self._kept_roles != self._first_roles:
            self._put_back(self._first_roles)

    def before(self) -> Side:
        """Returns the audit of the database as it is, before anything is changed."""
        standing = self._standing
        return standing.again(standing.login) if standing.copied else standing.side

    def attempt(self, sql: str, *, afresh: bool = False) -> Side:
        """Audits a copy to which `sql` was applied, on top of what was kept; `afresh`: to the database as it was.

        Raises:
            RefusedError: the server did not take it, or it could not be audited; there is no copy then.
        """
        self.undo()
        if afresh and self._kept_roles != self._first_roles:
            self._put_back(self._first_roles)
            self._changed_roles = True
        name = next(self._names)
        source = self._standing.name if afresh else self._kept
        server = self._standing.server
        server.create_database(name, template=source)
        self._tried = name
        try:
            with self._hosted():
                for as_superuser, part in self._parts(sql):
                    self._apply(name, part, as_superuser=as_superuser)
            return self._standing.again(server.dsn(name, user=str(self._role)))
        except RefusedError:
            self.undo()
            raise
        except AuditError as error:
            # The intent file names what the fix takes away, say.
            self.undo()
            raise RefusedError(f"there is no audit of it: {error.message}") from None

    def keep(self) -> None:
        """Goes on from the last copy."""
        if self._tried is not None:
            self._drop(self._kept)
            self._kept, self._tried = self._tried, None
            if self._changed_roles:
                self._kept_roles = self._roles_of(self._kept)
                self._changed_roles = False

    def undo(self) -> None:
        """Throws the last copy away, unless it was kept."""
        if self._tried is not None:
            self._drop(self._tried)
            self._tried = None
        if self._changed_roles:
            self._put_back(self._kept_roles)
            self._changed_roles = False

    def _drop(self, name: str) -> None:
        if name != self._standing.name:
            self._standing.server.drop_database(name)

    def _parts(self, sql: str) -> Iterator[tuple[bool, str]]:
        """What to run one after another, and whether as superuser: on Supabase extensions are moved by one."""
        if not self._standing.hosted or not _EXTENSION.search(sql):
            yield False, sql
            return
        for of_extension, group in itertools.groupby(split(sql), lambda one: bool(_EXTENSION.fullmatch(one.sql))):
            yield of_extension, ";\n".join(one.sql for one in group)

    def _apply(self, name: str, sql: str, *, as_superuser: bool) -> None:
        login = self._standing.server.dsn(name, user=None if as_superuser else str(self._role))
        options = f"{_AS_IT_STANDS} {_OWN_NAMES}" if as_superuser else _AS_IT_STANDS
        with contextlib.closing(psycopg.connect(login, options=options)) as connection:
            try:
                with connection.transaction():
                    stays, was = other(connection), roles(connection)
                    connection.execute(sql.encode("utf-8", "surrogatepass"))
                    changed = roles(connection) != was
                    if other(connection) != stays or (changed and self._standing.server.shared):
                        raise RefusedError(_OF_THE_SERVER)
                self._changed_roles = self._changed_roles or changed
            except psycopg.Error as error:
                said = error.diag.message_primary or type(error).__name__
                raise RefusedError(f"the server refuses it: {' '.join(said.split())}") from None

    def _roles_of(self, name: str) -> Roles:
        with self._admin(name) as admin:
            return roles(admin)

    def _put_back(self, wanted: Roles) -> None:
        with self._admin(self._standing.name) as admin:
            put_back(admin, wanted)

    @contextmanager
    def _admin(self, name: str) -> Iterator[psycopg.Connection[Any]]:
        dsn = self._standing.server.dsn(name)
        with contextlib.closing(psycopg.connect(dsn, autocommit=True, options=_OWN_NAMES)) as admin:
            yield admin

    @contextmanager
    def _hosted(self) -> Iterator[None]:
        """What a hosted project's `postgres` may do besides, for as long as a fix is applied."""
        if not self._standing.hosted:
            yield
            return
        with self._admin(self._standing.name if self._tried is None else self._tried) as admin:
            grant_replay_rights(admin)
            try:
                yield
            finally:
                revoke_replay_rights(admin)
