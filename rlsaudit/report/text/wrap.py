"""Lines as wide as a column: prose breaks between words, a name that is too long where its parts meet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

_WORD = re.compile(r" *\S+|\s+\Z")
_JOINTS = frozenset("._-,/(")
"""A name may be broken behind these."""


def wrapped(text: Text, width: int) -> list[Text]:
    """Break text into lines of at most `width` columns; at least one."""
    lines = list(text.divide(_breaks(text.plain, max(width, 1))))
    for number, line in enumerate(lines):
        line.rstrip()
        if number:
            # The spaces at which a line was broken belong to neither.
            del_spaces = len(line.plain) - len(line.plain.lstrip(" "))
            lines[number] = line[del_spaces:] if del_spaces else line
    return lines


def _breaks(plain: str, width: int) -> Iterator[int]:
    """Yields the offsets at which lines begin, the first one aside."""
    column = 0
    for match in _WORD.finditer(plain):
        spaces = len(match[0]) - len(match[0].lstrip())
        word, start = match[0][spaces:], match.start() + spaces
        if column + spaces + cell_len(word) <= width:
            column += spaces + cell_len(word)
            continue
        if column or spaces:
            # Spaces that a text begins with are a line of their own where the word behind them leaves no room.
            yield start
        column = 0
        while cell_len(word) > width:
            end = _piece(word, width)
            word, start = word[end:], start + end
            yield start
        column = cell_len(word)


def _piece(word: str, width: int) -> int:
    """Returns how much of a word that is too long goes on a line: up to its last joint that fits, or all that fits."""
    end = columns = 0
    for character in word:
        columns += cell_len(character)
        if columns > width:
            break
        end += 1
    end = max(end, 1)
    # A joint far to the left would waste the column.
    return next((place for place in range(end, end // 2, -1) if word[place - 1] in _JOINTS), end)
