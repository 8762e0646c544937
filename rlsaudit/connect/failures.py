"""Why the server did not let us in, in words of our own, and what to do next.

libpq and the servers report most of this as text only: before a session exists, there is no SQLSTATE to go by. A text
that is not recognised, such as one in the server's own language, is repeated with the credentials masked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.connect import reasons
from rlsaudit.connect.credentials import mask
from rlsaudit.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

OLDEST_VERSION_NUM = 140_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_ATTEMPT = re.compile(r"(?:connection failed: )?connection to server .*? failed: ")


def check_version(version_num: int) -> None:
    """Refuses a server that is too old.

    Args:
        version_num: As in `server_version_num`, 150020 for 15.20.

    Raises:
        ConnectionFailedError: It is older than 14.
    """
    if version_num < OLDEST_VERSION_NUM:
        major, minor = divmod(version_num, 10_000)
        # Before 10 there were three numbers: 90624 is 9.6.24.
        found = f"{major}.{minor}" if major >= 10 else f"{major}.{minor // 100}"  # noqa: PLR2004
        message = f"The server is Postgres {found}; rlsaudit needs 14 or later."
        raise ConnectionFailedError(message, hint="Audit a copy of the database, restored on a newer Postgres.")


def check_server(info: psycopg.ConnectionInfo) -> None:
    """Refuses what speaks Postgres's protocol and is something else, before any query is sent to it.

    Raises:
        ConnectionFailedError: It is a pooler's console or another database system.
    """
    if "bouncer" in (info.parameter_status("server_version") or "").lower():
        message = "This is PgBouncer's admin console, not a database."
        raise ConnectionFailedError(message, hint="Name the database to audit in place of pgbouncer.")
    if info.parameter_status("crdb_version"):
        message = "This is CockroachDB, whose access rules are not those of Postgres."
        raise ConnectionFailedError(message, hint="rlsaudit audits Postgres 14 or later.")


def explain(
    error: psycopg.Error, options: Mapping[str, str], secrets: frozenset[str], *, connected: bool = False
) -> ConnectionFailedError:
    """What a driver's error means for the user, free of credentials.

    Args:
        error: From connecting, or from a query that nobody expected to fail.
        options: The parameters of the connection.
        secrets: What must not be shown.
        connected: Whether there was a session already.
    """
    said = str(error)
    names = {
        "place": _place(options),
        "user": _quoted(options.get("user"), "of the operating system"),
        "database": _quoted(options.get("dbname") or options.get("user"), "of the user's name"),
    }
    names = {key: mask(_printable(value), secrets) for key, value in names.items()}
    if reason := _reason(said, error.sqlstate, connected=connected):
        return ConnectionFailedError(reason.message.format(**names), hint=reason.hint)
    words = mask(_printable(_ATTEMPT.sub("", said)), secrets)
    if not connected:
        message = f"No session could be had at {names['place']}: {words}"
        return ConnectionFailedError(message, hint="Check that psql connects with the same connection string.")
    message = f"The server at {names['place']} refused a query of the audit ({error.sqlstate}): {words}"
    return ConnectionFailedError(message, hint="If nothing is wrong with the database, please report this as a bug.")


def _reason(said: str, sqlstate: str | None, *, connected: bool) -> reasons.Reason | None:
    said = said.lower()
    if connected and re.search(reasons.LOST.sign, said):
        return reasons.LOST
    for reason in reasons.QUERY:
        if sqlstate == reason.sign:
            return reason
    # A query's error, which has an SQLSTATE, may quote anything and say "certificate" or "timeout" of a table.
    if sqlstate is None or sqlstate.startswith(("08", "28", "3D", "53", "57P")):
        return next((reason for reason in reasons.CONNECTION if re.search(reason.sign, said)), None)
    return None


def _place(options: Mapping[str, str]) -> str:
    """Where the server is, as a person would write it; several hosts one after the other."""
    hosts = (options.get("host") or options.get("hostaddr") or "").split(",")
    ports = (options.get("port") or "5432").split(",")
    if hosts == [""]:
        return f"service {options['service']}" if "service" in options else "the local socket"
    places = []
    for index, host in enumerate(hosts):
        port = ports[index if index < len(ports) else -1] or "5432"
        places.append(f"{host} (port {port})" if host.startswith("/") else f"{host or 'localhost'}:{port}")
    return ", ".join(places)


def _quoted(name: str | None, otherwise: str) -> str:
    return f'"{name}"' if name else otherwise


def _printable(text: str) -> str:
    """One line without control characters: the text may come from a server that means no good to a terminal."""
    return _CONTROL.sub(" ", text).strip()
