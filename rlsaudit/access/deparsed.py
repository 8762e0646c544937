"""What a view's query, as the server writes it out, is sure to read.

`pg_depend` tells what a query mentions, not what for. Postgres asks for SELECT on a table of FROM or WHERE whatever the
caller picks of the view, but never plans a subquery in the output that nobody asks for, nor a CTE: nor does it ask for
SELECT there. The server writes keywords in capitals and quotes names that have any, so no grammar is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rlsaudit.names import ident

_TOKEN = re.compile(r"""\s+|"(?:[^"]|"")*"|'(?:[^']|'')*'|\w+|.""", re.DOTALL)


@dataclass(slots=True)
class _Level:
    """A pair of parentheses: whether what is in it may go unread, and which part of a query we are in."""

    optional: bool
    before_select: bool = True
    has_ctes: bool = False
    in_output: bool = False


def parts(definition: str) -> tuple[str, str]:
    """Returns what of a query runs whatever is picked of it, and what may not: each without the other."""
    sure: list[str] = []
    optional: list[str] = []
    levels = [_Level(optional=False)]
    last_word = ""
    for token in _TOKEN.findall(definition):
        level = levels[-1]
        (optional if level.optional else sure).append(token)
        if token == "(":  # noqa: S105  no password
            levels.append(_Level(level.optional or level.in_output or (level.has_ctes and level.before_select)))
        elif token == ")" and len(levels) > 1:  # noqa: S105
            levels.pop()
        elif token == "WITH" and level.before_select:  # noqa: S105
            level.has_ctes = True
        elif token == "SELECT":  # noqa: S105
            level.before_select, level.in_output = False, True
        elif token == "WHERE" or (token == "FROM" and last_word != "DISTINCT"):  # noqa: S105
            level.in_output = False
        if not token.isspace():
            last_word = token
    return "".join(sure), "".join(optional)


def is_source(schema: str, name: str, query: str) -> bool:
    """Whether the table stands in `query` as one to read, not in a cast or as the argument of `regclass`."""
    return re.search(rf"""(?<![\w$.:"']){_written(schema, name)}(?![\w$."'(])""", query) is not None


def is_type(schema: str, name: str, query: str, returned: frozenset[str]) -> bool:
    """Whether values of the table's row type may be in `query`, of which `returned` are the types of its functions."""
    written = _written(schema, name)
    cast = ")." in query or re.search(f"::{written}", query) is not None
    return cast or any(re.search(f"{written}$", one) for one in returned)


def _written(schema: str, name: str) -> str:
    # Unquoted, too, for an older server quotes fewer words.
    return r"\.".join(f"(?:{re.escape(ident(part))}|{re.escape(part)})" for part in (schema, name))
