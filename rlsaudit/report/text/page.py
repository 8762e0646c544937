"""A page as wide as the terminal, written line by line: prose is wrapped, SQL never is.

rich knows how wide a character is and how the terminal is told its colours. Its markup is switched off: data is data.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from rlsaudit.model import Severity
from rlsaudit.report.escape import printable
from rlsaudit.report.text.tables import layout
from rlsaudit.report.text.wrap import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.report.format import Screen

Fragment = str | tuple[str, str]
"""Words, or words and their style."""

HEADING = "bold underline"
STRONG = "bold"
QUIET = "dim"
ALARM = "bold red"
DOUBT = "yellow"
GOOD = "green"

SEVERITIES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: ALARM,
    Severity.MEDIUM: f"bold {DOUBT}",
    Severity.LOW: "bold cyan",
    Severity.INFO: STRONG,
}

NARROWEST = 40
"""Below this nothing can be laid out; the terminal wraps instead."""
_PROSE = 100
"""Longer lines of prose are hard to read, however wide the terminal is."""
_LABEL = 10


def shown(*fragments: Fragment) -> Text:
    """Make text for the page: the only door to it, and it disarms what the database named."""
    text = Text()
    for fragment in fragments:
        words, style = (fragment, "") if isinstance(fragment, str) else fragment
        text.append(printable(words), style)
    return text


def more(number: int, what: str) -> tuple[Fragment, ...]:
    """Say that a list was cut."""
    return ((f"… and {number} more {what} (use --format json)", QUIET),)


class Page:
    """Lines for a screen, in the order in which they are written."""

    def __init__(self, screen: Screen) -> None:
        self.width = max(screen.width, NARROWEST)
        self._blank = True
        self._file = io.StringIO()
        # Height and the rest are given so that rich asks neither the environment nor the terminal.
        self._console = Console(
            file=self._file,
            width=self.width,
            height=25,
            color_system="standard" if screen.colour else None,
            force_terminal=screen.colour,
            force_jupyter=False,
            no_color=not screen.colour,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def gap(self) -> None:
        """Leave one line blank, however often it is called."""
        if not self._blank:
            self._put(Text())

    def heading(self, words: str) -> None:
        """Begin a section."""
        self.gap()
        self.prose((words, HEADING))
        self.gap()

    def prose(self, *fragments: Fragment, indent: int = 0, lead: Fragment = "", gap: int = 0) -> None:
        """Write a paragraph, indented; if there is a lead, then in a column beside it, after a gap."""
        margin = shown(" " * indent, lead, " " * gap)
        for line in wrapped(shown(*fragments), min(self.width, _PROSE) - margin.cell_len):
            self._put(margin + line)
            margin = Text(" " * margin.cell_len)

    def labelled(self, label: str, *fragments: Fragment, indent: int = 2) -> None:
        """Write a label and, in a column beside it, a paragraph."""
        self.prose(*fragments, indent=indent, lead=(f"{label:<{_LABEL}}", QUIET))

    def code(self, lines: Iterable[str], *, indent: int = 4) -> None:
        """Write lines to copy and paste: as they are, however long."""
        for line in lines:
            self._put(shown(" " * indent, line))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Fragment]], *, indent: int = 2) -> None:
        """Write a table; cells that are too long go on below."""
        cells = [[shown(cell) for cell in row] for row in rows]
        for line in layout([shown((name, QUIET)) for name in headers], cells, self.width - indent):
            self._put(Text(" " * indent) + line)

    def text(self) -> str:
        """Take the page as text, ending in one newline."""
        return self._file.getvalue().rstrip("\n") + "\n"

    def _put(self, line: Text) -> None:
        line.rstrip()
        self._blank = not line.plain
        if line.plain.lstrip().startswith("::"):
            # As `quiet` does: one character for another, so that no line grows wider than it was laid out.
            column = line.plain.index("::")
            line = line[:column] + Text("\\") + line[column + 1 :]
        self._console.print(line, soft_wrap=True)
