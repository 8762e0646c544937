"""Keeps credentials out of whatever is printed.

A password turns up in other people's messages in many spellings: as it is, percent-encoded in part or in whole, with
backslashes, as a fragment of a URL that was cut at the wrong place. `secrets_in` finds it in a connection string,
understood or not, and `mask` finds its spellings in a text.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from psycopg import Error, pq

MASK = "***"

_SECRET_OPTIONS = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"},
)
_ASSIGNED = re.compile(r"(?i)(?:password|client_secret|scram_\w+_key)\s*=\s*('(?:[^'\\]|\\.)*'?|[^\s&]+)")
_AUTHORITY = re.compile(r"(?i)^\s*['\"]?[a-z][\w+.-]*://(.*)$", re.DOTALL)
_SIMPLE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def secrets_in(conninfo: str) -> frozenset[str]:
    """Every text that is or may be a credential: in the connection string, the environment and the service file."""
    found = {*_understood(conninfo), *_defaults(), *_looks_like(conninfo)}
    decoded = {unquote(secret) for secret in found}
    return frozenset(secret for secret in found | decoded if secret)


def is_secret(option: str) -> bool:
    """Whether a parameter of libpq's is a credential."""
    return option in _SECRET_OPTIONS


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every spelling of every secret replaced by `***`."""
    # The longest first: one secret may be a part of another, whose rest would be left over.
    spellings = [_spellings(secret) for secret in sorted(set(secrets), key=len, reverse=True) if secret]
    return re.sub("|".join(spellings), MASK, text) if spellings else text


def _understood(conninfo: str) -> set[str]:
    """The secrets that libpq itself reads in a connection string."""
    try:
        options = pq.Conninfo.parse(conninfo.encode())
    except (Error, UnicodeEncodeError):
        return set()
    return _values(options)


def _defaults() -> set[str]:
    """What libpq adds from PGPASSWORD and from the service that PGSERVICE names."""
    try:
        return _values(pq.Conninfo.get_defaults())
    except Error:
        return set()


def _values(options: list[pq.ConninfoOption]) -> set[str]:
    return {
        option.val.decode(errors="replace")
        for option in options
        if option.val and option.keyword.decode() in _SECRET_OPTIONS
    }


def _looks_like(conninfo: str) -> set[str]:
    """What a human would take for a password, in a string that libpq may refuse or cut at the wrong `@`, `/` or `:`."""
    found: set[str] = set()
    for assigned in _ASSIGNED.finditer(conninfo):
        value = assigned[1]
        found |= {value, re.sub(r"\\(.)", r"\1", value[1:].removesuffix("'")) if value.startswith("'") else value}
    if (authority := _AUTHORITY.match(conninfo)) and "@" in authority[1]:
        widest, narrowest = authority[1].rpartition("@")[0], authority[1].partition("@")[0]
        found |= {userinfo.partition(":")[2] for userinfo in (widest, narrowest)}
    return found


def _spellings(secret: str) -> str:
    """A pattern for the secret with any of its characters percent-encoded or behind a backslash."""
    return "".join(_spelling(character) for character in secret)


def _spelling(character: str) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in character.encode(errors="surrogateescape"))
    # The encoded form comes first, for a percent sign is itself and the beginning of its own encoding.
    plain = character if character in _SIMPLE else rf"\\?{re.escape(character)}"
    space = r"|\+" if character == " " else ""
    return f"(?:(?i:{encoded})|{plain}{space})"
