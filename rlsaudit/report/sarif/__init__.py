"""SARIF 2.1.0, for code scanning on GitHub and whatever else reads it.

An array of results that is empty passes for an all-clear. So whatever was not decided or left out is a notification of
the invocation, and so is an audit in which nothing was compared with intent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from rlsaudit.report.changes import openings, step, subject
from rlsaudit.report.escape import printable, visible_json
from rlsaudit.report.format import Format
from rlsaudit.report.sarif.descriptors import describe, project_url
from rlsaudit.report.sarif.log import (
    SCHEMA,
    Component,
    Descriptor,
    Invocation,
    Log,
    Message,
    Notification,
    Reference,
    Result,
    Run,
    Tool,
)
from rlsaudit.report.sarif.results import BASES, result, unlinked
from rlsaudit.report.verdict import beyond, missing, shortfall
from rlsaudit.report.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.model import Report
    from rlsaudit.report.format import Screen

_INCOMPLETE, _UNKNOWN, _SKIPPED, _NOTE, _OPENED = "incomplete", "unknown-verdicts", "skipped", "assumption", "opened"
_KINDS = [
    Descriptor(id=_INCOMPLETE, short_description=Message(text="The absence of results is no all-clear.")),
    Descriptor(id=_UNKNOWN, short_description=Message(text="Verdicts are missing, which does not count as safe.")),
    Descriptor(id=_SKIPPED, short_description=Message(text="Something was not audited.")),
    Descriptor(id=_OPENED, short_description=Message(text="A change opens more than the intent allows.")),
    Descriptor(id=_NOTE, short_description=Message(text="The audit assumed something.")),
]


def _render(report: Report, _: Screen) -> str:
    log = Log(schema=SCHEMA, version="2.1.0", runs=[_run(report)])
    builtins = msgspec.to_builtins(log, str_keys=True)
    return visible_json(json.dumps(builtins, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _run(report: Report) -> Run:
    rules = describe([*report.findings, *report.existing, *report.suppressed])
    driver = Component(
        name=printable(report.tool.name),
        version=printable(report.tool.version),
        information_uri=project_url("Homepage") or None,
        rules=rules,
        notifications=_KINDS,
    )
    target = report.target
    return Run(
        tool=Tool(driver=driver),
        # The audit took place, or there would be no report; what it could not see is told by the notifications.
        invocations=[
            Invocation(execution_successful=True, tool_configuration_notifications=list(_notifications(report)))
        ],
        original_uri_base_ids=BASES,
        results=list(_results(report, {rule.id: place for place, rule in enumerate(rules)})),
        column_kind="unicodeCodePoints",
        properties={
            "database": printable(target.database),
            "platform": printable(target.platform),
            "serverVersion": printable(target.server_version),
            "schemas": [printable(schema) for schema in target.schemas],
            "probe": printable(target.probe),
            "verdicts": max(report.summary.cells, len(report.matrix)),
        },
    )


def _results(report: Report, places: Mapping[str, int]) -> Iterator[Result]:
    """Yields all results, those of the base as well: code scanning compares for itself, and closes what is not there.

    Where one has a state towards the base, the standard wants all to have one. Of suppressed ones it is not known, and
    what is set aside is not new to anybody.
    """
    compared = report.only_new
    for finding in report.findings:
        yield result(finding, places, baseline="new" if compared else None)
    for finding in report.existing:
        yield result(finding, places, baseline="unchanged" if compared else None)
    for finding in report.suppressed:
        yield result(finding, places, suppressed=True, baseline="unchanged" if compared else None)


def _notifications(report: Report) -> Iterator[Notification]:
    if sentence := shortfall(report):
        yield _notification(_INCOMPLETE, sentence)
    elif report.findings and (sentence := beyond(report)):
        yield _notification(_NOTE, sentence, note=True)
    gaps = missing(report)
    for reason, number in gaps.reasons:
        yield _notification(_UNKNOWN, f"{count(number, 'verdict is', 'verdicts are')} missing: {reason}")
    for skipped in report.skipped:
        yield _notification(_SKIPPED, f"Skipped {skipped.what}: {skipped.reason}")
    for change in openings(report):
        yield _notification(_OPENED, f"{subject(change)}: {step(change)}")
    for note in report.target.notes:
        yield _notification(_NOTE, note, note=True)


def _notification(kind: str, words: str, *, note: bool = False) -> Notification:
    return Notification(
        descriptor=Reference(id=kind),
        level="note" if note else "warning",
        message=Message(text=unlinked(printable(words))),
    )


FORMAT = Format(name="sarif", summary="for code scanning: SARIF 2.1.0", render=_render)
