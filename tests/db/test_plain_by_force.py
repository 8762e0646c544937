"""Every cell of the matrix against what roles of a plain Postgres really reach, found out by force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from oracle.plain import PLAIN, forget_roles, judge_plain, read_plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rlsaudit.engine import Server


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    yield server.create_database("oracle_plain")
    server.drop_database("oracle_plain")
    forget_roles(server.create_database("oracle_plain_end"))
    server.drop_database("oracle_plain_end")


@pytest.mark.parametrize("name", sorted(one.stem for one in PLAIN.glob("*.sql")))
def test_what_roles_reach_lies_within_the_bounds(url: str, name: str, tmp_path: Path) -> None:
    plain = read_plain(name)
    judged = judge_plain(url, plain, tmp_path)
    assert judged.unlike(plain.world) == []
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.faults(judged.attacked) == []
    assert judged.faults(judged.empty) == []
    assert judged.inconsistent() == []
