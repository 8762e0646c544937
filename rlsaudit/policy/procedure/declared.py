"""What a plpgsql body declares, from its own words: pglast's parser drops types, defaults and aliases.

The parser knows no types but the built-in ones either. So a body is rewritten for it: each type that only a database
knows becomes one that parses alike, and `return v` becomes `return (v)`, for of a lone variable it tells nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pglast

from rlsaudit.policy.procedure.names import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Token: TypeAlias = pglast.parser.Token

_STARTS = frozenset({"ASCII_59", "THEN", "ELSE", "BEGIN_P", "DECLARE"})
_STARTING_WORDS = frozenset({">>", "loop"})
"""What a statement may follow: tokens, and words that SQL does not know."""
_COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
_DEFAULTS = frozenset({"COLON_EQUALS", "ASCII_61", "DEFAULT"})
_AFTER_TYPE = _DEFAULTS | {"NOT", "COLLATE"}
_OPENS, _CLOSES = frozenset({"ASCII_40", "ASCII_91"}), frozenset({"ASCII_41", "ASCII_93"})
_BUILT_IN = frozenset(
    {
        "bigint", "bit", "bool", "boolean", "box", "bytea", "char", "character", "cidr", "circle", "date", "decimal",
        "double", "float", "float4", "float8", "inet", "int", "int2", "int4", "int8", "integer", "interval", "json",
        "jsonb", "jsonpath", "line", "lseg", "macaddr", "money", "name", "numeric", "oid", "path", "point", "polygon",
        "real", "refcursor", "regclass", "regproc", "regprocedure", "regrole", "regtype", "smallint", "text", "time",
        "timestamp", "timestamptz", "timetz", "tsquery", "tsvector", "uuid", "varbit", "varchar", "xml",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W\d][\w$]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: its type as written, whether that is a row (None: perhaps), and its default's SQL."""

    name: str
    type: str
    whole: bool | None
    not_null: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name for a variable, as it is written: `$1`."""

    name: str
    of: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """A bound cursor. `arguments` are names in its query."""

    name: str
    query: str
    arguments: tuple[str, ...]


Declaration: TypeAlias = Variable | Alias | Cursor


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A body that pglast parses, of the same lines, and what each of its blocks declares: by the line of BEGIN."""

    body: str
    blocks: tuple[tuple[int, tuple[Declaration, ...]], ...]


class NotReadError(Exception):
    """Declarations, or a body, that are not understood."""


def rewrite(body: str) -> Rewritten:
    """Returns the body for pglast, and what it declares.

    Raises:
        NotReadError: where its words are not understood.
    """
    options = OPTIONS.match(body)
    skipped = options.end() if options else 0
    try:
        tokens = [one for one in pglast.parser.scan(body[skipped:]) if one.name not in _COMMENTS]
    except (pglast.parser.ParseError, ValueError, RecursionError) as error:
        raise NotReadError("a body whose words cannot be told apart") from error
    return _Reader(body, skipped, tokens).read()


def folded(text: str) -> str:
    """Returns an identifier as the server reads it."""
    if text.startswith('"'):
        return text[1:-1].replace('""', '"')
    return re.sub("[A-Z]", lambda one: one[0].lower(), text)


def is_built_in(written: str) -> bool:
    """Whether a type, as the catalog or a body writes it, is a built-in one that is no row."""
    word = _WORD.match(written)
    return word is not None and word[0].lower() in _BUILT_IN and not written[word.end() :].startswith((".", "%"))


class _Reader:
    def __init__(self, body: str, skipped: int, tokens: Sequence[Token]) -> None:
        self._body = body
        self._skipped = skipped
        self._tokens = tokens
        self._blocks: list[tuple[int, tuple[Declaration, ...]]] = []
        self._edits: list[tuple[int, int, str]] = []

    def read(self) -> Rewritten:
        at = 0
        declarations: list[Declaration] = []
        while at < len(self._tokens):
            token = self._tokens[at]
            if token.name == "DECLARE" and self._starts(at):
                more, at = self._section(at + 1)
                declarations += more
                continue
            if token.name == "BEGIN_P" and self._starts(at):
                line = self._body.count("\n", 0, self._skipped + token.start) + 1
                self._blocks.append((line, tuple(declarations)))
                declarations = []
            if token.name == "RETURN" and self._starts(at):
                self._return(at + 1)
            at += 1
        return Rewritten(self._edited(), tuple(self._blocks))

    def _starts(self, at: int) -> bool:
        """Whether a statement starts with this token."""
        before = self._tokens[at - 1] if at else None
        return before is None or before.name in _STARTS or self._words([before]).lower() in _STARTING_WORDS

    def _return(self, at: int) -> None:
        if at < len(self._tokens) and self._tokens[at].name == "NEXT":
            at += 1
        end = next(iter(_outside(self._tokens, at, {"ASCII_59"})), at)
        value = self._tokens[at:end]
        named = all(one.name in {"IDENT", "PARAM"} or _WORD.fullmatch(self._words([one])) for one in value[::2])
        if value and named and all(one.name == "ASCII_46" for one in value[1::2]):
            first, last = self._span(value)
            self._edits.append((first, last, f"({self._body[first:last]})"))

    def _section(self, at: int) -> tuple[list[Declaration], int]:
        """The declarations from the token at `at` on, and where BEGIN stands."""
        found: list[Declaration] = []
        while at < len(self._tokens):
            if self._tokens[at].name == "BEGIN_P":
                return found, at
            if self._tokens[at].name == "DECLARE":
                at += 1
                continue
            end = next(iter(_outside(self._tokens, at, {"ASCII_59"})), None)
            if end is None:
                break
            found.append(self._declaration(self._tokens[at:end]))
            at = end + 1
        raise NotReadError("a declaration that does not end")

    def _declaration(self, tokens: Sequence[Token]) -> Declaration:
        if not tokens[1:] or tokens[0].kind == "RESERVED_KEYWORD" or tokens[0].name == "UIDENT":
            raise NotReadError("a declaration that is not understood")
        name = folded(self._words(tokens[:1]))
        if "." in name:
            raise NotReadError("a variable with a dot in its name")
        words = [self._words([one]).lower() for one in tokens]
        if words[1] == "alias" and words[2:3] == ["for"]:
            return Alias(name, self._words(tokens[3:]))
        if "cursor" in words[1:4] and words[1] in {"cursor", "scroll", "no"}:
            return self._cursor(name, tokens, words.index("cursor") + 1)
        first = 2 if words[1] == "constant" else 1
        last = next(iter(_outside(tokens, first, _AFTER_TYPE)), len(tokens))
        if last == first:
            raise NotReadError("a declaration without a type")
        assigned = next(iter(_outside(tokens, last, _DEFAULTS)), None)
        between = [one.name for one in tokens[last : len(tokens) if assigned is None else assigned]]
        whole = self._type(tokens[first:last])
        return Variable(
            name,
            self._words(tokens[first:last]),
            whole,
            not_null="NOT" in between,
            default=None if assigned is None else self._words(tokens[assigned + 1 :]),
        )

    def _type(self, tokens: Sequence[Token]) -> bool | None:
        """Whether the type is a row's, None where only the database knows. Writes one there that parses alike."""
        written = self._words(tokens)
        array = any(one.name in {"ASCII_91", "ARRAY"} for one in tokens)
        if folded(written) == "record":
            return True
        row = re.search(r"%\s*rowtype$", written, re.IGNORECASE) is not None
        plain = is_built_in(written)
        if plain and not array:
            return False
        start, end = self._span(tokens)
        # What has fields that are spoken of must parse as a record, and what is filled with others must not.
        self._edits.append((start, end, "record" if row or self._dotted(tokens) else "text"))
        if row:
            return True
        return False if array else None

    def _dotted(self, tokens: Sequence[Token]) -> bool:
        """Whether a field of the variable that is declared before these tokens is spoken of anywhere."""
        place = self._tokens.index(tokens[0])
        names = {folded(self._words([one])) for one in self._tokens[max(place - 2, 0) : place]}
        return any(
            after.name == "ASCII_46" and folded(self._words([one])) in names
            for one, after in zip(self._tokens, self._tokens[1:], strict=False)
        )

    def _cursor(self, name: str, tokens: Sequence[Token], at: int) -> Cursor:
        arguments: list[str] = []
        if tokens[at].name == "ASCII_40":
            close = next(iter(_outside(tokens, at + 1, {"ASCII_41"})), len(tokens))
            starts = [at + 1, *(one + 1 for one in _outside(tokens, at + 1, {"ASCII_44"}) if one < close)]
            arguments = [folded(self._words([tokens[one]])) for one in starts]
            at = close + 1
        if at + 1 >= len(tokens) or tokens[at].name not in {"FOR", "IS"}:
            raise NotReadError("a cursor that is not understood")
        return Cursor(name, self._words(tokens[at + 1 :]), tuple(arguments))

    def _words(self, tokens: Sequence[Token]) -> str:
        if not tokens:
            return ""
        start, end = self._span(tokens)
        return self._body[start:end]

    def _span(self, tokens: Sequence[Token]) -> tuple[int, int]:
        return self._skipped + tokens[0].start, self._skipped + tokens[-1].end + 1

    def _edited(self) -> str:
        text = self._body
        for start, end, new in sorted(self._edits, reverse=True):
            # The lines stay as they are.
            text = text[:start] + new + "\n" * text.count("\n", start, end) + text[end:]
        return text


def _outside(tokens: Sequence[Token], start: int, names: frozenset[str] | set[str]) -> Iterator[int]:
    """Yields where one of `names` stands outside of parentheses, from `start` on."""
    depth = 0
    for place in range(start, len(tokens)):
        name = tokens[place].name
        if depth <= 0 and name in names:
            yield place
        depth += (name in _OPENS) - (name in _CLOSES)
