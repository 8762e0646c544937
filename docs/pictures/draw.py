"""Draws the picture of a real run that README.md and the documentation show: `python docs/pictures/draw.py`.

It runs the demo and keeps the top of its text report as an SVG, with no font or style from elsewhere.
"""

from __future__ import annotations

import io
from pathlib import Path

import psycopg
from rich.console import Console
from rich.text import Text

from rlsaudit import demo
from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine import start
from rlsaudit.report import render

WIDTH = 100
LINES = 42
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="rlsaudit demo">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
<rect fill="#101418" x="0" y="0" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, 12)" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Runs the demo and writes `demo.svg` beside this file."""
    with start() as server:
        with psycopg.connect(server.supabase_database("kilnhouse"), autocommit=True) as connection:
            demo.load(connection)
        with connect(server.dsn("kilnhouse", user="postgres")) as session:
            report = audit(session, Options(throwaway=True))
    shown = render(report, "text", width=WIDTH, colour=True).splitlines()[:LINES]
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(["$ rlsaudit demo", "", *shown])))
    picture = console.export_svg(title="", code_format=FORMAT, unique_id="run")
    Path(__file__).with_name("demo.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
