"""Tables: tabulate lays them out, rich measures them.

tabulate counts characters and cannot break cells, but names may be wide (CJK), combining or long. So it lays out
stand-ins, each as many characters long as its cell is columns wide, and then the cells take their stand-ins' places.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text
from tabulate import tabulate

from rlsaudit.report.text.wrap import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

_BETWEEN = 2
"""Columns that tabulate leaves between two columns of the table."""
_NARROWEST = 6

_STAND_IN = "\ue000"
"""For private use: `printable` lets no such character through, so no cell holds one."""


def layout(headers: Sequence[Text], rows: Sequence[Sequence[Text]], width: int) -> list[Text]:
    """Lay a table out in at most `width` columns, as long as its columns are not narrower than can be.

    Args:
        headers: The headers; all empty for a table without.
        rows: The cells, as many in each row as there are headers.
        width: Columns to fill at most.

    Returns:
        The lines of the table.
    """
    if not rows:
        return []
    columns = list(zip(headers, *rows, strict=True))
    natural = [max(cell.cell_len for cell in column) for column in columns]
    words = [max(map(_longest_word, column)) for column in columns]
    widths = _fit(natural, words, width - _BETWEEN * (len(headers) - 1))
    titled = any(header.plain for header in headers)
    cells = [line for row in [*([headers] if titled else []), *rows] for line in _folded(row, widths)]
    drawn = tabulate(
        [[_STAND_IN * max(cell.cell_len, 1) for cell in row] for row in cells],
        tablefmt="plain",
        disable_numparse=True,
    ).split("\n")
    return [_replaced(line, row) for line, row in zip(drawn, cells, strict=True)]


def _longest_word(cell: Text) -> int:
    return max(map(cell_len, cell.plain.split()), default=0)


def _fit(natural: Sequence[int], words: Sequence[int], available: int) -> list[int]:
    """Take from the widest column until all fit: first where words stay whole, and only then from the words."""
    widths = list(natural)
    for least in ([max(word, _NARROWEST) for word in words], [_NARROWEST] * len(widths)):
        while sum(widths) > available:
            wide = [place for place, width in enumerate(widths) if width > least[place]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _folded(row: Sequence[Text], widths: Sequence[int]) -> list[list[Text]]:
    """Break the cells of a row, which makes it several lines."""
    columns = [wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    return [list(line) for line in zip_longest(*columns, fillvalue=Text())]


def _replaced(drawn: str, cells: Sequence[Text]) -> Text:
    result, end = Text(), 0
    for place, cell in zip(re.finditer(f"{_STAND_IN}+", drawn), cells, strict=True):
        result.append(drawn[end : place.start()])
        result.append_text(cell if cell.cell_len else Text(" "))
        end = place.end()
    return result
