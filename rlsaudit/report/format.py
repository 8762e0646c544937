"""What a report format is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.model import Report


@dataclass(frozen=True, slots=True)
class Screen:
    """Where the report will be read: how many columns, and whether colours may be used."""

    width: int
    colour: bool


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a report out.

    `name` is what `--format` takes, `summary` a line of help. `render` gets the report in its fixed order (see
    `order.py`) and returns the whole text, ending in exactly one newline.
    """

    name: str
    summary: str
    render: Callable[[Report, Screen], str]
