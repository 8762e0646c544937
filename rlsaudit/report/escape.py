r"""Names from the database are hostile input: whoever may create a table may try to talk to the reader's terminal.

A table's name can hold ESC sequences that move the cursor, newlines that forge a line of the report, overrides that
turn the direction of the text, or characters that are not seen at all. What is printed for people goes through
`printable`, what is printed for machines through `visible_json`.

Whatever is printed may also end in the log of a CI job, where some lines are orders: a line that begins with `::` on
GitHub Actions, and `##[`, `##vso[`, `##teamcity[` anywhere in a line there, on Azure Pipelines and on TeamCity.
`printable` and `visible_json` break the latter; that no line begins with `::` is the business of who puts lines
together (`quiet`).
"""

from __future__ import annotations

import re
import unicodedata

_SHORT = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}

_UNSEEN = frozenset(
    map(
        chr,
        (
            0x034F,  # combining grapheme joiner
            *(0x115F, 0x1160, 0x3164, 0xFFA0),  # Hangul fillers: letters without ink
            *(0x17B4, 0x17B5),  # Khmer inherent vowels
            *range(0x180B, 0x1810),  # Mongolian variation selectors
            0x2800,  # Braille blank
            *range(0xFE00, 0xFE10),  # variation selectors
            *range(0xE0100, 0xE01F0),  # more of them
        ),
    )
)
"""Characters that Python calls printable and nobody sees (mostly Unicode's Default_Ignorable_Code_Point)."""

_MARKS = frozenset({"Mn", "Me"})
_BASES = frozenset("LNM")
"""Letters, numbers and spacing marks carry marks. On a space or a quote they would sit on what surrounds a name."""
_MARKS_IN_A_ROW = 4
"""More combining marks on one letter than any script needs: they pile up over the lines above."""

_MAX_BYTE = 0xFF
_MAX_BMP = 0xFFFF


_ORDER = re.compile(r"##(?=\w*\[)")


def printable(text: str) -> str:
    r"""Replace what would act on a terminal or in a log, or would not be seen, by a visible escape: `\n`, `\u202e`.

    Letters of every script stay; a backslash stays single, so that regular expressions in policies remain readable.
    Applying it twice changes nothing.
    """
    return _ORDER.sub(r"#\\x23", _visible(text))


def quiet(line: str) -> str:
    r"""Keep a line from being an order in the log of a CI job: `::stop-commands::` becomes `\:stop-commands::`."""
    line = _ORDER.sub(r"#\\x23", line)
    text = line.lstrip()
    return f"{line[: len(line) - len(text)]}\\{text[1:]}" if text.startswith("::") else line


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    result: list[str] = []
    room = 0  # for marks; none at the beginning, where they would sit on whatever we print before
    for character in text:
        category = unicodedata.category(character)
        marks = category in _MARKS
        if _seen(character) and (room or not marks):
            result.append(character)
            room = room - 1 if marks else _MARKS_IN_A_ROW * (category[0] in _BASES)
        else:
            result.append(_escape(character))
            room = 0
    return "".join(result)


def visible_json(document: str) -> str:
    r"""Escape what is not seen, in a JSON text, as JSON does it: `\u202e`. The values stay the same.

    Newlines between the tokens are kept: inside strings JSON has escaped them already. Half of a surrogate pair is no
    character and strict readers refuse its escape, so it becomes the six visible characters that would be its escape.
    """
    document = _ORDER.sub(r"#\\u0023", document)
    if document.isascii() and document.replace("\n", "").isprintable():
        return document
    return _NOT_ASCII_TEXT.sub(lambda match: match[0] if _seen(match[0]) else _json_escape(match[0]), document)


_NOT_ASCII_TEXT = re.compile(r"[^\n -~]")


def _seen(character: str) -> bool:
    # isprintable is false for every character of Unicode's "Other" and "Separator" categories (Cc, Cf, Cs, Co, Cn, Zl,
    # Zp, Zs) but the ordinary space, which is what we want.
    return character.isprintable() and character not in _UNSEEN


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code <= _MAX_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _MAX_BMP else f"\\U{code:08x}"


def _json_escape(character: str) -> str:
    code = ord(character)
    if unicodedata.category(character) == "Cs":
        return f"\\\\u{code:04x}"
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
