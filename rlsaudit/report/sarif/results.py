"""Findings as results: where they are, what they say, and by what they are known again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from rlsaudit.report.escape import printable
from rlsaudit.report.finding import about, careful, evidence_sql, fix_sql, known, mending, plain, who
from rlsaudit.report.markup import entities, fenced, prose, span
from rlsaudit.report.place import uri
from rlsaudit.report.sarif.descriptors import LEVELS
from rlsaudit.report.sarif.log import (
    Artifact,
    Location,
    LogicalLocation,
    Message,
    PhysicalLocation,
    Region,
    Result,
    Suppression,
)
from rlsaudit.report.set_aside import why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.model import Finding
    from rlsaudit.report.sql import Transcript

Baseline = Literal["new", "unchanged"]

SOURCE, DATABASE = "%SRCROOT%", "DATABASE"
BASES = {
    SOURCE: Artifact(description=Message(text="The directory of the project whose migrations were audited.")),
    DATABASE: Artifact(
        description=Message(text="No directory: the audited database. What is below it are its objects, not files.")
    ),
}
"""Where relative addresses begin."""

_LINK = re.compile(r"\](?=\()")
"""In SARIF's plain text `[words](target)` is a link, which nobody but us may make."""


def result(
    finding: Finding, places: Mapping[str, int], *, suppressed: bool = False, baseline: Baseline | None = None
) -> Result:
    """Make the result for a finding; `places` says where in the list of rules each is."""
    rule = printable(finding.rule)
    fingerprint = printable(finding.fingerprint)
    return Result(
        rule_id=rule,
        rule_index=places[rule],
        level=LEVELS[finding.severity],
        message=Message(text=unlinked(plain(finding)), markdown=_markdown(finding)),
        locations=[_location(finding)],
        # GitHub knows results again by the second alone; without it, it would count lines.
        partial_fingerprints={"rlsaudit/v1": fingerprint, "primaryLocationLineHash": f"{fingerprint}:1"},
        baseline_state=baseline,
        suppressions=[_suppression(finding)] if suppressed else [],
        properties={
            "severity": finding.severity.value,
            "persona": printable(finding.persona),
            "operation": finding.operation,
            "reach": finding.reach.value,
            "intended": finding.intended.value,
            "evidence": finding.evidence.kind.value,
            "relations": [printable(relation) for relation in finding.relations],
        },
    )


def _suppression(finding: Finding) -> Suppression:
    return Suppression(kind="external", status="accepted", justification=why(finding) or None)


def unlinked(text: str) -> str:
    """Keep plain text from making links."""
    return _LINK.sub("] ", text)


def _location(finding: Finding) -> Location:
    """Make the location: the line that opened the door, and the object.

    Without a file the object stands in for one, below a base that says so: GitHub refuses a whole file of SARIF for a
    single result that has a logical location alone ("expected a physical location").
    """
    place = finding.location
    if place:
        artifact = Artifact(uri=uri(place.file), uri_base_id=SOURCE)
        physical = PhysicalLocation(artifact_location=artifact, region=Region(start_line=max(place.line, 1)))
    else:
        artifact = Artifact(uri=uri(printable(about(finding)).replace("/", "%2F")), uri_base_id=DATABASE)
        physical = PhysicalLocation(artifact_location=artifact, region=Region(start_line=1))
    logical = LogicalLocation(fully_qualified_name=printable(finding.object.identity), kind=finding.object.type)
    return Location(physical_location=physical, logical_locations=[logical])


def _markdown(finding: Finding) -> str:
    paragraphs = [f"**What:** {prose(finding.title, code=span)}", f"**Who:** {prose(who(finding), code=span)}."]
    if finding.message not in {"", finding.title}:
        paragraphs.append(prose(finding.message, code=span))
    paragraphs += [f"**Evidence:** {prose(known(finding), code=span)}", *_block(evidence_sql(finding))]
    paragraphs += [f"**Fix:** {entities(mending(finding.fix))}", *_block(fix_sql(finding))]
    return "\n\n".join(paragraphs)


def _block(printed: Transcript) -> list[str]:
    note = careful(printed)
    return [*([fenced(printed.lines)] if printed.lines else []), *([note] if note else [])]
