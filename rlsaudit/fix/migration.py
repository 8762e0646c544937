"""The migration that comes of it: fixes that were kept, each below its finding, and drafts that nobody runs by mistake.

What the database named is in comments only as `printable` shows it, so that no name ends a comment.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rlsaudit.fix.model import Outcome
from rlsaudit.fix.spelled import spelled
from rlsaudit.report.escape import printable
from rlsaudit.report.sql import transcript
from rlsaudit.report.words import count, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.fix.model import Mended, Tried
    from rlsaudit.model import Change, Finding
    from rlsaudit.report.sql import Transcript

_WIDTH = 118
_CLAUSE = 300
_MOST = 6


def migration(done: Mended) -> str:
    """Returns the text of the migration, which is SQL to the end."""
    tool = done.report.tool
    if not done.tried:
        return f"-- Nothing was found by {tool.name} {tool.version}, so there is nothing to mend.\n"
    kept = [one for one in done.tried if one.outcome is Outcome.VERIFIED]
    spared = [one for one in done.tried if one.outcome is Outcome.SPARED]
    drafts = [one for one in done.tried if not one.is_mended]
    lines = [f"-- Fixes for {count(len(done.tried), 'finding')}, by {tool.name} {tool.version}.", "--"]
    lines += _said(
        f"{len(kept)} tried and verified: applied one after another to a copy in a throwaway Postgres, after which the "
        "finding was gone, no new one had come, and whoever reached rows as the intent allows still did. "
        f"{len(drafts)} not: they stand at the end, as comments, with what speaks against them. "
        "Nothing was applied to your database. Read this, then run it in one transaction as the owner of the objects."
    )
    for number, one in enumerate(kept, 1):
        lines += ["", *_headed(f"{number}.", one), *_closing(one.closed), *fix_lines(one.finding).lines]
    if spared:
        lines += ["", "-- Gone with these, without a fix of their own:"]
        lines += [line for one in spared for line in _said(f"{_title(one)}: {'; '.join(one.because)}", "  ")]
    for one in drafts:
        lines += ["", *_headed("DRAFT." if one.outcome is Outcome.DRAFT else "NO FIX.", one)]
        lines += [line for why in one.because for line in _said(f"{shortened(why, _CLAUSE)}.", "   ")]
        lines += [f"--    {line}".rstrip() for line in transcript([one.finding.fix.sql]).lines]
    return "\n".join(lines) + "\n"


def fix_lines(finding: Finding) -> Transcript:
    """Returns the lines that a finding's fix is in a migration."""
    return transcript([spelled(finding.fix.sql)])


def _headed(number: str, tried: Tried) -> Iterator[str]:
    yield from _said(f"{number} {_title(tried)}")
    finding = tried.finding
    if finding.location is not None:
        yield from _said(f"opened in {finding.location.file}:{finding.location.line}", "   ")


def _title(tried: Tried) -> str:
    return f"{tried.finding.severity}, {tried.finding.rule}: {tried.finding.title}"


def _closing(changes: Sequence[Change]) -> Iterator[str]:
    """What is closed by it: who reaches less of what."""
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for one in changes:
        rows.setdefault((one.persona, one.what, one.before, one.after), []).append(one.operation)
    said = [
        f"{persona}: {', '.join(operations)} {what}: {before} → {after}" if persona else f"{what}: {before} → {after}"
        for (persona, what, before, after), operations in rows.items()
    ]
    for line in said[:_MOST]:
        yield from _said(shortened(line, _CLAUSE), "   ")
    if len(said) > _MOST:
        yield f"--    and {len(said) - _MOST} more"


def _said(words: str, indent: str = "") -> list[str]:
    lines = textwrap.wrap(printable(words), _WIDTH - len(indent), break_on_hyphens=False)
    return [f"-- {indent}{line}" for line in lines]
