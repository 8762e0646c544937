"""Where fixes are tried: copies of a database in its throwaway server, each kept or thrown away as a whole."""

from __future__ import annotations

import contextlib
import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.compare import Side
    from rlsaudit.source import Standing

_MILLISECONDS = 60_000
# A superuser walks on no search_path of the database's, and sets off none of its triggers.
_OWN_NAMES = "-c search_path=pg_catalog -c session_replication_role=replica"
# No names but those that are written out: what a migration is run with is not known.
_AS_IT_STANDS = f"-c statement_timeout={_MILLISECONDS} -c client_min_messages=error"
# Roles and what is set for them are the whole server's: no copy of a database holds them.
_SHARED = """
select pg_catalog.md5(pg_catalog.string_agg(one, ',' order by one)) from (
  select r::text from pg_catalog.pg_roles r
  union all select m::text from pg_catalog.pg_auth_members m
  union all select s::text from pg_catalog.pg_db_role_setting s
    where s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
) as every (one)
"""


class RefusedError(Exception):
    """A fix that could not be applied; its text says why."""


class Bench:
    """Databases with the fixes that were kept so far, and with one more.

    Leaving its context drops them. The one that it was made from stays as it is.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._names = (f"fixed_{number}" for number in itertools.count(1))
        self._role = conninfo_to_dict(standing.login)["user"]
        self._kept = standing.name
        self._tried: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()
        self._drop(self._kept)

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
        name = next(self._names)
        source = self._standing.name if afresh else self._kept
        server = self._standing.server
        server.create_database(name, template=source)
        self._tried = name
        try:
            self._apply(server.dsn(name, user=str(self._role)), sql)
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

    def undo(self) -> None:
        """Throws the last copy away, unless it was kept."""
        if self._tried is not None:
            self._drop(self._tried)
            self._tried = None

    def _drop(self, name: str) -> None:
        if name != self._standing.name:
            self._standing.server.drop_database(name)

    def _apply(self, login: str, sql: str) -> None:
        with self._hosted(), contextlib.closing(psycopg.connect(login, options=_AS_IT_STANDS)) as connection:
            try:
                with connection.transaction():
                    shared = _shared(connection)
                    connection.execute(sql.encode("utf-8", "surrogatepass"))
                    if _shared(connection) != shared:
                        message = "it changes roles, which are the whole server's, so that it cannot be tried on a copy"
                        raise RefusedError(message)
            except psycopg.Error as error:
                said = error.diag.message_primary or type(error).__name__
                raise RefusedError(f"the server refuses it: {' '.join(said.split())}") from None

    @contextmanager
    def _hosted(self) -> Iterator[None]:
        """What a hosted project's `postgres` may do besides, for as long as a fix is applied."""
        if not self._standing.hosted:
            yield
            return
        dsn = self._standing.server.dsn(self._standing.name if self._tried is None else self._tried)
        with contextlib.closing(psycopg.connect(dsn, autocommit=True, options=_OWN_NAMES)) as admin:
            grant_replay_rights(admin)
            try:
                yield
            finally:
                revoke_replay_rights(admin)


def _shared(connection: psycopg.Connection[Any]) -> object:
    row = connection.execute(_SHARED).fetchone()
    return row[0] if row else None
