"""The JSON report, version 1: `Report` written out key by key.

`docs/report.md` explains it to people, `schema.py` to machines.
"""

import json
from dataclasses import dataclass
from typing import Literal

import msgspec

from rlsaudit.model import Cell, Change, Finding, Persona, Report, Skipped, Summary, Target, Tool
from rlsaudit.report.escape import visible_json
from rlsaudit.report.format import Format, Screen

VERSION: Literal["rlsaudit.report/1"] = "rlsaudit.report/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Who can read or write what in a Postgres or Supabase database, and whether that was meant.

    Keys may be added within version 1, never removed or changed in meaning: readers ignore keys that they do not know.
    """

    schema: Literal["rlsaudit.report/1"]
    tool: Tool
    target: Target
    personas: tuple[Persona, ...]
    summary: Summary
    matrix: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    suppressed: tuple[Finding, ...]
    base: str | None = None
    existing: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    baseline: str | None = None


def _render(report: Report, _: Screen) -> str:
    document = Document(
        schema=VERSION,
        tool=report.tool,
        target=report.target,
        personas=report.personas,
        summary=report.summary,
        matrix=report.matrix,
        findings=report.findings,
        skipped=report.skipped,
        suppressed=report.suppressed,
        base=report.base,
        existing=report.existing,
        changes=report.changes,
        baseline=report.baseline,
    )
    # msgspec.json.encode would refuse half a surrogate pair, and a report must not be lost over a name.
    builtins = msgspec.to_builtins(document, order="deterministic", str_keys=True)
    return visible_json(json.dumps(builtins, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


FORMAT = Format(name="json", summary="for machines: the whole report, version 1", render=_render)
