"""The excerpts of docs/report.md are what the formats write: `<!-- sample: FORMAT PATH -->` stands before each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import report_samples as samples

from rlsaudit.report import formats, render

PAGE = (Path(__file__).parents[3] / "docs" / "report.md").read_text(encoding="utf-8")
EXCERPT = re.compile(r"<!-- sample: (\S+)(?: (\S+))? -->\n(`{3,})\w*\n(.*?)\n\3\n", re.DOTALL)
EXCERPTS = [(match[1], match[2] or "", match[4]) for match in EXCERPT.finditer(PAGE)]


@pytest.mark.parametrize(("format_name", "path", "excerpt"), EXCERPTS)
def test_excerpts_are_what_is_written(format_name: str, path: str, excerpt: str) -> None:
    written = render(samples.compared(), format_name, width=100, colour=False)
    if path:
        value = json.loads(written)
        for key in path.split("."):
            value = value[int(key) if key.isdecimal() else key]
        assert json.loads(excerpt) == value
    else:
        # An ellipsis on a line of its own stands for lines that are left out.
        parts = (re.escape(part.strip("\n")) for part in re.split(r"^…$", excerpt, flags=re.MULTILINE))
        assert re.fullmatch(r"\n(?:.*\n)*".join(parts), written.rstrip("\n"))


def test_every_format_has_a_section() -> None:
    assert {name for name in formats() if f"`{name}`" not in PAGE} == set()
    assert {name for name, _, _ in EXCERPTS} >= set(formats()) - {"json", "github-summary"}
