"""Tables: tabulate lays them out, rich measures them.

tabulate counts characters and cannot break cells, but names may be wide (CJK), combining or long. So it lays out
stand-ins, each as many characters long as its cell is columns wide, and then the cells take their stand-ins' places.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.text import Text
from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_BETWEEN = 2
"""Columns that tabulate leaves between two columns of the table."""
_NARROWEST = 6

_STAND_IN = "\ue000"
"""For private use: `printable` lets no such character through, so no cell holds one."""


def layout(headers: Sequence[Text], rows: Sequence[Sequence[Text]], console: Console, width: int) -> list[Text]:
    """Lay a table out in at most `width` columns, as long as its columns are not narrower than can be.

    Args:
        headers: The headers; all empty for a table without.
        rows: The cells, as many in each row as there are headers.
        console: Measures and breaks text.
        width: Columns to fill at most.

    Returns:
        The lines of the table.
    """
    if not rows:
        return []
    natural = [max(cell.cell_len for cell in column) for column in zip(headers, *rows, strict=True)]
    widths = _fit(natural, width - _BETWEEN * (len(headers) - 1))
    titled = any(header.plain for header in headers)
    cells = [line for row in [*([headers] if titled else []), *rows] for line in _folded(row, widths, console)]
    drawn = tabulate(
        [[_STAND_IN * max(cell.cell_len, 1) for cell in row] for row in cells],
        tablefmt="plain",
        disable_numparse=True,
    ).split("\n")
    return [_replaced(line, row) for line, row in zip(drawn, cells, strict=True)]


def _fit(natural: Sequence[int], available: int) -> list[int]:
    """Take from the widest column until all fit."""
    widths = list(natural)
    while sum(widths) > available and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _folded(row: Sequence[Text], widths: Sequence[int], console: Console) -> list[list[Text]]:
    """Break the cells of a row, which makes it several lines."""
    columns = [list(cell.wrap(console, width, overflow="fold")) for cell, width in zip(row, widths, strict=True)]
    lines = [list(line) for line in zip_longest(*columns, fillvalue=Text())]
    for cell in (cell for line in lines for cell in line):
        cell.rstrip()
    return lines


def _replaced(drawn: str, cells: Sequence[Text]) -> Text:
    result, end = Text(), 0
    for place, cell in zip(re.finditer(f"{_STAND_IN}+", drawn), cells, strict=True):
        result.append(drawn[end : place.start()])
        result.append_text(cell if cell.cell_len else Text(" "))
        end = place.end()
    return result
