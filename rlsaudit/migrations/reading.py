"""Bytes to text: SQL files come in whatever an editor left behind."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.migrations.errors import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 512 * 1024 * 1024
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says. `note` is empty unless the bytes had to be guessed at."""

    content: str
    note: str = ""


def read(path: Path) -> Text:
    """Reads a file of SQL. Line ends stay as they are: they may be part of a literal or of a function's body.

    Raises:
        UnreadableError: there is no such file, it is a directory, too large, or binary.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableError(1, f"the file is larger than {MOST_BYTES >> 20} MiB")
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableError(1, f"the file cannot be read: {error.strerror}") from None
    return decode(raw)


def decode(raw: bytes) -> Text:
    """Decodes SQL: UTF-8 or what a byte order mark says, else Latin-1 with a note.

    Raises:
        UnreadableError: it holds a NUL, which no SQL does.
    """
    encoding, mark = next(((name, mark) for mark, name in _MARKS if raw.startswith(mark)), ("utf-8", b""))
    note = ""
    try:
        content = raw[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        note = f"line {line} is not UTF-8, so the file was read as Latin-1"
        content = raw.decode("latin-1")
    nul = content.find("\0")
    if nul >= 0:
        raise UnreadableError(content.count("\n", 0, nul) + 1, "the file holds a NUL byte, so it is no SQL")
    return Text(content, note)
