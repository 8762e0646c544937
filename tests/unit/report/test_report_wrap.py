"""Lines are as wide as their column, whatever stands in them."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from rlsaudit.report.text.wrap import wrapped


@pytest.mark.parametrize(
    "text", [" " + "x" * 40, "  " + "x" * 39, "a " + "x" * 40, " a" + " " * 41 + "b", " " * 50, "測" * 30]
)
def test_no_line_is_wider_than_its_column(text: str) -> None:
    lines = wrapped(Text(text), 40)
    assert max(cell_len(line.plain) for line in lines) <= 40
    assert "".join(line.plain for line in lines).replace(" ", "") == text.replace(" ", "")
