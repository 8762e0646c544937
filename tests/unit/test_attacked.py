"""What attacks tell, in words."""

from __future__ import annotations

import pytest

from rlsaudit.model import Operation, Reach
from rlsaudit.probe.attack.attacked import Attacked


@pytest.mark.parametrize(
    ("rows", "there", "told"),
    [(2, 3, "read 2 of 3 rows, all of others"), (6, 0, "read 6 rows, all of others")],
)
def test_rows_that_were_not_counted_are_not_told_of(rows: int, there: int, told: str) -> None:
    assert Attacked(Reach.SOME, rows, there).told(Operation.SELECT) == told
