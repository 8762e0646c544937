"""Names of database objects in SQL: hostile input, quoted here and nowhere else."""

from __future__ import annotations

import re

from pglast.keywords import COL_NAME_KEYWORDS, RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_KEYWORDS = frozenset(COL_NAME_KEYWORDS) | frozenset(RESERVED_KEYWORDS) | frozenset(TYPE_FUNC_NAME_KEYWORDS)


def ident(name: str) -> str:
    """Returns `name` as a SQL identifier, quoted where the newest Postgres's own `quote_ident` would quote it.

    Older ones quote fewer words: what has become a keyword since. A NUL byte cannot be part of a name and raises
    ValueError.
    """
    if "\0" in name:
        message = "a Postgres name holds no NUL byte"
        raise ValueError(message)
    if _PLAIN.fullmatch(name) and name not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(*names: str) -> str:
    """Returns the dotted identifier of `names`, each quoted where needed: `public."Order"`."""
    return ".".join(ident(name) for name in names)


def literal(value: str) -> str:
    """Returns `value` as a SQL string literal that means the same whatever `standard_conforming_strings` says.

    Like Postgres's `quote_literal`. A NUL byte cannot be part of any Postgres string and raises ValueError.
    """
    if "\0" in value:
        message = "a Postgres string holds no NUL byte"
        raise ValueError(message)
    quoted = "'" + value.replace("'", "''").replace("\\", "\\\\") + "'"
    return " E" + quoted if "\\" in value else quoted


def remark(*lines: str) -> str:
    """Returns lines as a comment, which no name in them ends: what breaks a line is a space there."""
    return "\n".join(f"-- {' '.join(line.splitlines())}" for line in lines)


def text_or_null(text: str | None) -> str:
    """Returns a text as a literal, or NULL."""
    return "null" if text is None else literal(text).strip()
