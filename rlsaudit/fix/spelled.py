r"""SQL with nothing in it that is not seen, for a file that is read before it is run.

Names are hostile input: one may hold a newline and then what looks like another fix, or a terminal's escapes. Quoted as
it is it does no harm to Postgres, and much to the reader. So it is spelled: `U&"a\000ab"` is the same name.
"""

from __future__ import annotations

import re

from rlsaudit.report.escape import printable

_QUOTED = re.compile(
    r"""
      (?P<comment> --[^\r\n]* | /\*.*?\*/ )
    | (?P<body>    (?<![\w$]) \$(?P<tag>(?:[^\W\d]\w*)?)\$ .*? \$(?P=tag)\$ )
    | (?P<escaped> (?<![\w$])[eE]'(?:\\.|''|[^'\\])*' )
    | (?P<string>  (?<![\w$&])'(?:[^']|'')*' )
    | (?P<name>    (?<![\w$&])"(?:[^"]|"")*" )
    """,
    re.VERBOSE | re.DOTALL,
)
_MAX_BMP = 0xFFFF


def spelled(sql: str) -> str:
    """Returns the same SQL, with names and strings written out in which something would not be seen as it is."""
    return _QUOTED.sub(_spelled, sql)


def _spelled(token: re.Match[str]) -> str:
    text = token[0]
    if printable(text) == text:
        return text
    match token.lastgroup:
        case "name":
            return f'U&"{"".join(map(_name, text[1:-1]))}"'
        case "string":
            return f"E'{''.join(map(_string, text[1:-1]))}'"
        case "escaped":
            return f"E'{''.join(one if _seen(one) else _string(one) for one in text[2:-1])}'"
        case _:
            return text


def _seen(character: str) -> bool:
    return character.isascii() and character.isprintable()


def _name(character: str) -> str:
    if _seen(character):
        return "\\\\" if character == "\\" else character
    code = ord(character)
    return f"\\{code:04x}" if code <= _MAX_BMP else f"\\+{code:06x}"


def _string(character: str) -> str:
    if _seen(character):
        return "\\\\" if character == "\\" else character
    code = ord(character)
    return f"\\u{code:04x}" if code <= _MAX_BMP else f"\\U{code:08x}"
