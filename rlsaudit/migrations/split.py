r"""Text to statements, as psql splits it.

Not by Postgres's grammar: which statements are valid is for the server to say, whose version is not our parser's. So
this knows what psql's own scanner knows: quotes, comments, parentheses, the body of a function between BEGIN ATOMIC and
END, COPY's data, and that a backslash outside of all these begins a command of psql's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rlsaudit.migrations.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `line` is where its first word is; `data` what follows a COPY FROM STDIN."""

    sql: str
    line: int
    kind: Literal["sql", "psql"] = "sql"
    data: str | None = None

    @property
    def head(self) -> str:
        """Its first line, shortened, for people."""
        first = self.sql.split("\n", 1)[0].strip()
        return first if len(first) <= MOST_SHOWN else first[: MOST_SHOWN - 1] + "…"


MOST_SHOWN = 160

_DOLLAR = r"(?<![\w$])\$(?:[^\W\d]\w*)?\$"
# Possessive, so that nothing is tried twice: a file may be hostile, and 50 MB long. Of single characters only: up to
# Python 3.11.4 a possessive group may match what it should not (gh-106052).
_ESCAPED = r"(?<![\w$])[eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*'(?!')"
_QUIET = rf"""--[^\r\n]*+|/\*|{_ESCAPED}|'[^']*+'|"[^"]*+"|{_DOLLAR}"""
# Everything up to the next token that matters, whole strings and comments included, in one step of the matcher.
_DULL = rf"""(?:[^;'"$\\/\-eE]++|'[^']*+'|{_ESCAPED}|(?<=[\w$])[eE$]|[eE](?!')|"[^"]*+"|--[^\r\n]*+|-(?!-)|/(?!\*)
|(?!{_DOLLAR})\$)*""".replace("\n", "")
_SKIPPED = re.compile(_DULL, re.DOTALL)
_LIGHT = re.compile(rf"""(/\*|[eE]?'|"|{_DOLLAR}|[;\\])""", re.DOTALL)
_FULL = re.compile(rf"""((?:{_QUIET})|['"]|[;\\()]|[^\W\d][\w$]*+)""", re.DOTALL)
# What is left of a string or of a quoted name that never ends.
_OPEN = frozenset({"'", "e'", "E'", '"'})
_LEAD = re.compile(r"(?:\s++|--[^\r\n]*+)*")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_WORDS = re.compile(r"[^\W\d]\w*")
# Where a semicolon does not end the statement: between parentheses of a rule, in the body of a function in SQL.
_NESTING = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure|rule)\b", re.IGNORECASE)
_COPY = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_END_OF_DATA = re.compile(r"^\\\.\r?$", re.MULTILINE)
# Newer dumps have them around, against the very danger that psql's commands are; `\.` is a stray end of data.
_HARMLESS = re.compile(r"\\(?:(?:un)?restrict\b|\.\s*$)")


def split(text: str) -> Iterator[Statement]:
    """Yields the statements of a file, in time linear in its length.

    Raises:
        UnreadableError: a quote, a comment or COPY's data never ends. What came before has been yielded by then.
    """
    position, line, counted = 0, 1, 0
    while True:
        start = _skip(text, position)
        line += text.count("\n", counted, start)
        counted = start
        if start >= len(text):
            return
        end, ending = _end(text, start)
        if ending == "\\":
            rest = _end_of_line(text, end)
            command = text[end:rest].strip()
            if text[start:end].strip() or not _HARMLESS.match(command):
                yield Statement(text[start:rest].strip(), line, "psql")
            position = rest
            continue
        position = end + 1
        sql = text[start:end].rstrip()
        if not sql:
            continue
        data = None
        if sql[:4].lower() == "copy" and _COPY.match(sql):
            data, position = _data(text, end)
        yield Statement(sql, line, data=data)


def _skip(text: str, position: int) -> int:
    """The place of the next character that is neither space nor comment."""
    while True:
        match = _LEAD.match(text, position)
        position = match.end() if match else position
        if not text.startswith("/*", position):
            return position
        position = _end_of_comment(text, position)


def _light(text: str, position: int) -> re.Match[str] | None:
    """The next token that matters. In two steps: in one, a file that ends here would be searched again from behind."""
    skipped = _SKIPPED.match(text, position)
    return _LIGHT.match(text, skipped.end() if skipped else position)


def _end(text: str, start: int) -> tuple[int, str]:
    """Where the statement that begins at `start` ends, and by what: `;`, a backslash, or nothing: the file's end."""
    nesting = _NESTING.match(text, start) is not None
    find = _FULL.search if nesting else _light
    parentheses = blocks = 0
    position = start
    while match := find(text, position):
        found, began = match.group(1), match.start(1)
        position = match.end()
        if found == ";":
            if parentheses <= 0 and blocks == 0:
                return began, ";"
        elif found == "\\":
            return began, "\\"
        elif found == "/*":
            position = _end_of_comment(text, began)
        elif found in _OPEN:
            what = "a quoted name" if found == '"' else "a string"
            raise UnreadableError(_line(text, began), f"{what} begins here and never ends")
        elif found.startswith("$"):
            position = text.find(found, position) + len(found)
            if position < len(found):
                raise UnreadableError(_line(text, began), f"the quote {found} begins here and never ends")
        elif nesting and found == "(":
            parentheses += 1
        elif nesting and found == ")":
            parentheses -= 1
        elif nesting and parentheses == 0:
            blocks += _step(found.lower(), blocks)
    return len(text), ""


def _step(word: str, blocks: int) -> int:
    """How much deeper a word leads into the body of a function in SQL, as psql counts it."""
    if word == "begin" or (word == "case" and blocks):
        return 1
    return -1 if word == "end" and blocks else 0


def _end_of_comment(text: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise UnreadableError(_line(text, start), "a comment begins here and never ends")


def _data(text: str, end: int) -> tuple[str, int]:
    """COPY's data, and where SQL goes on; it begins on the line after the statement."""
    first = _end_of_line(text, end) + 1
    last = _END_OF_DATA.search(text, first)
    if last is None:
        raise UnreadableError(_line(text, end), "the data of this COPY never ends: there is no line with \\. alone")
    return text[first : last.start()], last.end()


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def first_words(sql: str, count: int = 4) -> tuple[str, ...]:
    """The first words of a statement in lower case, without its comments."""
    words: list[str] = []
    position = _skip(sql, 0)
    while len(words) < count and (match := _WORDS.match(sql, position)):
        words.append(match.group().lower())
        position = _skip(sql, match.end())
    return tuple(words)
