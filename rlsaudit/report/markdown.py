"""Markdown for the comment on a pull or merge request: one comment, which the next run replaces.

Its first line is not seen: by it a script finds the comment that it wrote before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rlsaudit.report.format import Format
from rlsaudit.report.leaflet import leaflet

if TYPE_CHECKING:
    from rlsaudit.model import Report
    from rlsaudit.report.format import Screen

MARKER: Final = "<!-- rlsaudit -->"
LIMIT: Final = 65_536
"""What GitHub takes for a comment, in characters; GitLab takes more."""


def _render(report: Report, _: Screen) -> str:
    return leaflet(report, most=LIMIT, marker=MARKER)


FORMAT = Format(name="markdown", summary="for people: a comment on a pull request", render=_render)
