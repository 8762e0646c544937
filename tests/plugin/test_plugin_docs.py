"""docs/pytest.md's example runs as it is printed, and fails as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "pytest.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w*\n(.*?)\n```\n", PAGE, re.DOTALL))
FAILURE = re.search(r"<!-- failure: (.*?) -->\n```text\n(.*?)\n```\n", PAGE, re.DOTALL)


def lay_out(place: Path) -> None:
    for name, content in FILES.items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n", encoding="utf-8")


def test_the_example_passes(pytester: pytest.Pytester) -> None:
    lay_out(pytester.path)
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


def test_the_example_fails_as_it_is_printed(pytester: pytest.Pytester) -> None:
    assert FAILURE is not None
    lay_out(pytester.path)
    (pytester.path / "supabase/migrations/20260102090000_open.sql").write_text(FAILURE[1], encoding="utf-8")
    ran = pytester.runpytest_subprocess("-k", "private")
    ran.assert_outcomes(failed=1)
    # An ellipsis on a line of its own stands for lines that are left out.
    parts = (re.escape(part.strip("\n")) for part in re.split(r"^…$", FAILURE[2], flags=re.MULTILINE))
    printed = re.sub(r" +$", "", str(ran.stdout), flags=re.MULTILINE)
    assert re.search(r"\n(?:.*\n)*?".join(parts), printed), printed
