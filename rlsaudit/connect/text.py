"""Reads names and other text that is not UTF-8, which Postgres does not rule out.

A SQL_ASCII database holds any bytes and converts nothing. The names of roles and databases are shared by all databases
of a server whatever their encodings, so a role made in a LATIN1 database is no UTF-8 in any other.
"""

import codecs
import json
from typing import Any

from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader

ERRORS = "rlsaudit-bytes"

_TEXT_TYPES = (0, "text", "varchar", "bpchar", "name", '"char"')
"""0 stands for every type that psycopg does not know, such as `aclitem` and `regclass`, whose texts hold names too."""


def _show_bytes(error: UnicodeError) -> tuple[str, int]:
    r"""Shows a byte that is no UTF-8 as `<E9>`.

    Python's `surrogateescape` cannot be printed and its `backslashreplace` breaks JSON, in which `\x` is no escape.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"<{byte:02X}>" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(ERRORS, _show_bytes)


class LenientTextLoader(Loader):
    """Decodes text, and shows what is no UTF-8 byte by byte."""

    def load(self, data: Buffer) -> str:
        """The text."""
        return bytes(data).decode(errors=ERRORS)


class LenientJsonLoader(Loader):
    """Parses JSON whose strings may hold bytes that are no UTF-8."""

    def load(self, data: Buffer) -> Any:  # noqa: ANN401
        """The value."""
        return json.loads(bytes(data).decode(errors=ERRORS))


def register_text_loaders(adapters: AdaptersMap) -> None:
    """Makes a connection read any text without failing."""
    for kind in _TEXT_TYPES:
        adapters.register_loader(kind, LenientTextLoader)
    for kind in ("json", "jsonb"):
        adapters.register_loader(kind, LenientJsonLoader)
