"""Which database the user means: from the argument, the environment or libpq's own settings to a connection string."""

import re
from collections.abc import Mapping

from psycopg import Error, pq

from rlsaudit.errors import UsageError

HOW_TO_GIVE_ONE = (
    "Give a connection string, such as postgresql://user:password@host:5432/database, as the argument or in "
    "DATABASE_URL. On Supabase: the project's page, Connect, Session pooler."
)

_LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE")
_SHOWN_OPTIONS = frozenset({"connect_timeout", "dbname", "host", "hostaddr", "port", "service", "user"})
_URL = re.compile(r"(?i)^(postgres(?:ql)?)(?:\+\w+)?://(.*)$", re.DOTALL)
_OTHER_URL = re.compile(r"(?i)^([a-z][\w+.-]*)://")
_PLACEHOLDER = re.compile(r"(?i)\[your[-_ ]?(?:db[-_ ]?)?password\]")

_FOREIGN_PARAMETERS = frozenset(
    {
        "connection_limit",
        "pgbouncer",
        "pool_timeout",
        "preparethreshold",
        "schema",
        "statement_cache_size",
        "supa",
        "uselibpqcompat",
    },
)
"""What other drivers put into the same URL (Prisma, asyncpg, node-postgres, Vercel). None of them concerns TLS."""

_ENCODE_IT = "Percent-encode the characters of the password that a URL reserves: @ is %40, : %3A, / %2F, ? %3F, % %25."


def target_from(argument: str | None, environ: Mapping[str, str]) -> str:
    """The connection string to use.

    Args:
        argument: What the user gave on the command line: a URL or `key=value` pairs.
        environ: The environment. `DATABASE_URL` stands in for a missing argument; without it libpq's own variables
            and service file decide, and the connection string is empty.

    Raises:
        UsageError: Nothing names a database, or what does is not a connection string.
    """
    if argument is not None:
        return _normalised(argument, "The connection string")
    if url := environ.get("DATABASE_URL", "").strip():
        return _normalised(url, "DATABASE_URL")
    if any(environ.get(variable) for variable in _LIBPQ_VARIABLES):
        return ""
    message = "No database is given: there is no argument, and neither DATABASE_URL nor libpq's PGHOST is set."
    raise UsageError(message, hint=HOW_TO_GIVE_ONE)


def options_of(conninfo: str) -> dict[str, str]:
    """Where libpq will connect: the string's parameters over those of the environment and the service file.

    Only parameters that may be shown, when masked: no password.
    """
    options: dict[str, str] = {}
    for source in (pq.Conninfo.get_defaults, lambda: pq.Conninfo.parse(conninfo.encode())):
        try:
            parsed = source()
        except (Error, UnicodeEncodeError):
            continue
        options |= {option.keyword.decode(): option.val.decode(errors="replace") for option in parsed if option.val}
    return {key: value for key, value in options.items() if key in _SHOWN_OPTIONS}


def _normalised(text: str, what: str) -> str:
    """The connection string as libpq wants it. No message here repeats any part of it: that part may be a secret."""
    text = _unquoted(text.strip())
    if not text:
        message = f"{what} is empty."
        raise UsageError(message, hint=HOW_TO_GIVE_ONE)
    if _PLACEHOLDER.search(text):
        message = f"{what} still has a placeholder where the password belongs."
        raise UsageError(message, hint=f"Put the database password in its place. {_ENCODE_IT}")
    if url := _URL.match(text):
        text = _without_foreign_parameters(f"{url[1].lower()}://{url[2]}")
        _refuse_unencoded(text, what)
    elif other := _OTHER_URL.match(text):
        raise _other_scheme(other[1].lower(), what)
    elif "=" not in text:
        message = f"{what} is neither a postgresql:// URL nor a list of key=value pairs."
        raise UsageError(message, hint=HOW_TO_GIVE_ONE)
    _refuse_what_libpq_refuses(text, what)
    return text


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1].strip() if quoted else text


def _other_scheme(scheme: str, what: str) -> UsageError:
    if scheme in {"http", "https"}:
        message = f"{what} is a web address, not a connection string."
        return UsageError(message, hint=HOW_TO_GIVE_ONE)
    return UsageError(f"{what} is not for Postgres: its URL begins with another scheme.", hint=HOW_TO_GIVE_ONE)


def _after_credentials(url: str) -> int:
    """Where libpq takes the host to begin: after the first `@`, if no `/` comes before it."""
    start = url.index("://") + 3
    end = next((place for place in range(start, len(url)) if url[place] in "@/"), len(url))
    return end + 1 if url[end : end + 1] == "@" else start


def _without_foreign_parameters(url: str) -> str:
    place = url.find("?", _after_credentials(url))
    if place < 0:
        return url
    kept = [pair for pair in url[place + 1 :].split("&") if pair.partition("=")[0].lower() not in _FOREIGN_PARAMETERS]
    return f"{url[:place]}?{'&'.join(kept)}" if kept else url[:place]


def _refuse_unencoded(url: str, what: str) -> None:
    """A second `@` means that libpq would take a piece of the password for the host, and print it."""
    address = url[_after_credentials(url) :].partition("?")[0]
    if "@" in address:
        message = f"{what} has a user name or password with characters that mean something else in a URL."
        raise UsageError(message, hint=_ENCODE_IT)


def _refuse_what_libpq_refuses(conninfo: str, what: str) -> None:
    problem = _problem(conninfo)
    if problem is None:
        return
    reason, hint = next(
        ((said, hint) for sign, said, hint in _PARSE_ERRORS if problem.startswith(sign)), ("", HOW_TO_GIVE_ONE)
    )
    # libpq's error is left behind: it repeats the string, and a traceback would print it.
    message = f"{what} cannot be understood{reason}."
    raise UsageError(message, hint=hint)


def _problem(conninfo: str) -> str | None:
    """What libpq or the driver would stumble over, to be looked up and never shown."""
    if "\0" in conninfo:
        return "NUL"
    try:
        parsed = {option.keyword: option.val or b"" for option in pq.Conninfo.parse(conninfo.encode())}
    except (Error, UnicodeEncodeError) as error:
        return str(error)
    try:
        b"".join(parsed.values()).decode()
    except UnicodeDecodeError:
        return "UTF-8"
    if not all(port.isdigit() or not port for port in parsed.get(b"port", b"").split(b",")):
        return "port"
    return None


_PARSE_ERRORS = (
    ("NUL", ": it has a NUL character", HOW_TO_GIVE_ONE),
    ("UTF-8", ": a % is followed by what is no text", _ENCODE_IT),
    ("invalid percent-encoded", ": a % is not followed by two hexadecimal digits", _ENCODE_IT),
    ("port", ": its port is not a number", _ENCODE_IT),
    ("invalid URI query parameter", ": it has a parameter after the ? that libpq does not know", HOW_TO_GIVE_ONE),
    ("invalid connection option", ": it has a key that libpq does not know", HOW_TO_GIVE_ONE),
    ("unterminated quoted string", ": a quote is not closed", "Write a quote within a value as \\'."),
    ('missing "="', ": a word stands without an = sign", "Put a value with spaces between single quotes."),
)
