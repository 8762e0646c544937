"""A server that the user gives for it, with a superuser's URL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rlsaudit.engine.model import OLDEST_MAJOR, Access, Candidate, EngineRequest
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS = "10"


class Url:
    """`--engine-url`."""

    name = "url"

    def find(self, request: EngineRequest) -> Iterator[Candidate]:
        """The server, if one was given."""
        if request.url is not None:
            yield self._candidate(request.url)

    @contextmanager
    def start(self, candidate: Candidate, request: EngineRequest) -> Iterator[Access]:
        """It runs already."""
        del candidate
        parameters = _parameters(request.url or "")
        if parameters is None:
            raise EngineError(_NOT_UNDERSTOOD, hint=_HINT)
        yield Access(parameters, shared=True, passwords="password" in parameters)

    def _candidate(self, url: str) -> Candidate:
        parameters = _parameters(url)
        if parameters is None:
            return Candidate(self.name, usable=False, reason=_NOT_UNDERSTOOD, explicit=True)
        try:
            with psycopg.connect(make_conninfo(**parameters)) as connection:
                number = connection.info.server_version
                row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
        except psycopg.Error as error:
            # The driver's words may repeat the URL; the class of what went wrong does not.
            state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
            return Candidate(self.name, usable=False, reason=f"--engine-url: no connection{state}", explicit=True)
        version, major = f"{number // 10000}.{number % 10000}", number // 10000
        reason, usable = "given by --engine-url", True
        if major < OLDEST_MAJOR:
            reason, usable = f"--engine-url: Postgres {version} is older than {OLDEST_MAJOR}", False
        elif not row or not row[0]:
            reason, usable = "--engine-url: the role is no superuser", False
        return Candidate(self.name, usable, reason, version, major, explicit=True)


_NOT_UNDERSTOOD = "--engine-url is not understood"
_HINT = (
    "Give a superuser's URL of a server that is meant to be thrown away: postgresql://user:password@host:5432/postgres"
)


def _parameters(url: str) -> dict[str, str] | None:
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        return None
    return {"connect_timeout": CONNECT_SECONDS, "dbname": "postgres", **given}
