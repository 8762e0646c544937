"""The summary of a step on GitHub: what is appended to the file that $GITHUB_STEP_SUMMARY names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rlsaudit.report.format import Format
from rlsaudit.report.leaflet import leaflet

if TYPE_CHECKING:
    from rlsaudit.model import Report
    from rlsaudit.report.format import Screen

LIMIT: Final = 1_048_576
"""Bytes that a step may write there; GitHub drops all of it beyond that."""
_ELSE = 1024
"""Left for what else the step writes there."""


def _render(report: Report, _: Screen) -> str:
    return leaflet(report, most=LIMIT - _ELSE)


FORMAT = Format(name="github-summary", summary="for GitHub Actions: $GITHUB_STEP_SUMMARY, in Markdown", render=_render)
