"""SQL to copy and paste: each statement on lines of its own, closed by a semicolon, no line forged by the database.

A newline between tokens is layout and stays, as does one in a dollar-quoted body. A newline inside a quoted name or
string may come from whoever named a table, and is shown escaped, like every other character that would act on the
terminal. Such lines do not run as they stand, and `Transcript.escaped` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.report.escape import printable, quiet

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\r\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<body>    (?<![\w$]) \$(?P<tag>(?:[^\W\d]\w*)?)\$ .*? (?:\$(?P=tag)\$|\Z) )
    | (?P<quoted>  (?<!\w)[eE]'(?:\\.|[^'\\])*(?:'|\Z) | '[^']*(?:'|\Z) | "[^"]*(?:"|\Z) )
    | (?P<code>    \w[\w$\u0080-\U0010ffff]* | \r\n | . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""As much of Postgres's lexer as tells layout from names. A doubled quote is two quoted tokens in a row: as good."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Lines to print unwrapped. `escaped` if a character was replaced, so that the lines do not run as they stand."""

    lines: tuple[str, ...]
    escaped: bool


def transcript(statements: Iterable[str]) -> Transcript:
    """Lay statements out, one after the other."""
    printed = [_statement(statement) for statement in statements]
    return Transcript(
        lines=tuple(line for each in printed for line in each.lines),
        escaped=any(each.escaped for each in printed),
    )


def _statement(sql: str) -> Transcript:
    parts: list[str] = []
    escaped = False
    last = last_code = ""
    for token in _TOKEN.finditer(sql.strip()):
        kind, text = token.lastgroup, token[0]
        lines = [text] if kind == "quoted" else _layout(text)
        safe = [printable(line) for line in lines]
        escaped = escaped or safe != lines
        parts.append("\n".join(safe))
        if text.strip():
            last, last_code = text, last_code if kind == "comment" else text
    if last_code and not last_code.endswith(";"):
        # Behind a line comment the semicolon would be part of it.
        parts.append("\n;" if last.startswith("--") else ";")
    printed = [line.rstrip() for line in "".join(parts).split("\n")]
    lines = [quiet(line) for line in printed]
    return Transcript(tuple(lines), escaped or lines != printed)


def _layout(text: str) -> list[str]:
    """Split our own lines, tabs expanded."""
    return text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
