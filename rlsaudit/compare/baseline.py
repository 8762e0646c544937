"""Findings that somebody knows of already, in a file: what is there is counted and left, what got worse is new."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from rlsaudit.compare.sides import counted, joined, opens
from rlsaudit.errors import BaselineError
from rlsaudit.model import Reach, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rlsaudit.model import Cell, Finding, Report

SCHEMA: Literal["rlsaudit.baseline/1"] = "rlsaudit.baseline/1"


class Opened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far somebody gets beyond intent, and which columns are reached, None where all are."""

    reach: Reach
    columns: tuple[str, ...] | None = None

    def is_more_than(self, was: Opened | None) -> bool:
        """Whether it opens something that another did not."""
        if was is None or self.reach > was.reach:
            return True
        return was.columns is not None and (self.columns is None or not set(self.columns) <= set(was.columns))


Reaches: TypeAlias = dict[str, dict[str, dict[str, Opened]]]
"""How far personas get beyond intent: by persona, relation and operation."""


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding that is known. `rule` and `object` are for people; `reaches` is what it opened then.

    `persona` is who needed the least for it, `relations` whose rows are concerned: None in files from before.
    """

    fingerprint: str
    rule: str
    object: str
    severity: Severity
    persona: str
    reaches: Reaches
    relations: tuple[str, ...] | None = None


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The findings that are known, ordered by object and rule so that two files compare line by line."""

    schema: Literal["rlsaudit.baseline/1"]
    findings: tuple[Known, ...]


def baseline_of(report: Report) -> Baseline:
    """Returns what is found in a report, whether it counts there or was there before; not what is suppressed."""
    found = (*report.findings, *report.existing)
    beyond = _beyond_intent(report)
    known = [
        Known(
            fingerprint=one.fingerprint,
            rule=one.rule,
            object=f"{one.object.type} {one.object.identity}",
            severity=one.severity,
            persona=one.persona,
            reaches=_reaches(one, beyond),
            relations=tuple(sorted(set(one.relations))),
        )
        for one in found
    ]
    return Baseline(schema=SCHEMA, findings=tuple(sorted(known, key=lambda one: (one.object, one.rule))))


def dump(baseline: Baseline) -> bytes:
    """Returns a baseline as a JSON document that is read and compared line by line, in ASCII, with a final newline."""
    # Names that are not UTF-8 are halves of surrogate pairs, which msgspec would refuse to write and to read.
    builtins = msgspec.to_builtins(baseline, order="deterministic", str_keys=True)
    return json.dumps(builtins, indent=2).encode("ascii") + b"\n"


def load(path: Path) -> Baseline:
    """Reads a baseline that `dump` wrote.

    Raises:
        BaselineError: the file cannot be read or is no baseline of a version that we know.
    """
    hint = "Write one with --baseline FILE --update-baseline."
    try:
        return msgspec.convert(json.loads(path.read_bytes()), Baseline)
    except OSError as error:
        raise BaselineError(f"The baseline {path} cannot be read: {error.strerror}.", hint=hint) from error
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise BaselineError(f"{path} is no baseline of rlsaudit: {error}.", hint=hint) from error


def without_known(report: Report, baseline: Baseline, name: str) -> Report:
    """Returns the report with what is new in it as its findings; `name` is what the baseline is called.

    New is what the baseline does not have, what is graver than it was, and what opens more than it did, or to more.
    """
    known = {one.fingerprint: one for one in baseline.findings}
    beyond = _beyond_intent(report)
    # Whoever is listed earlier needs less, and `public` are all of them.
    needs = {name: place for place, name in enumerate(("public", *(one.name for one in report.personas)))}
    new = tuple(one for one in report.findings if _is_new(one, known.get(one.fingerprint), beyond, needs))
    old = tuple(one for one in report.findings if one not in new)
    there = {one.fingerprint for one in (*report.findings, *report.existing, *report.suppressed)}
    gone = [one for one in baseline.findings if one.fingerprint not in there]
    return replace(
        report,
        baseline=name,
        findings=new,
        existing=(*report.existing, *old),
        summary=counted(report.summary, new),
        target=replace(report.target, notes=(*report.target.notes, *_told(gone, name))),
    )


def _told(gone: list[Known], name: str) -> Iterator[str]:
    if gone:
        listed = ", ".join(f"{one.rule} of {one.object}" for one in gone)
        yield f"no longer found, though {name} has it: {listed}; --update-baseline takes it out"


def _is_new(finding: Finding, known: Known | None, beyond: Mapping[str, list[Cell]], needs: Mapping[str, int]) -> bool:
    if known is None or finding.severity > known.severity:
        return True
    if known.relations is not None and joined(finding, known.relations):
        return True
    # Not all that is found is about cells: whom a function lets send requests no cell tells.
    if needs.get(finding.persona, len(needs)) < needs.get(known.persona, len(needs)):
        return True
    for persona, relations in _reaches(finding, beyond).items():
        for relation, operations in relations.items():
            was = known.reaches.get(persona, {}).get(relation, {})
            if any(opened.is_more_than(was.get(operation)) for operation, opened in operations.items()):
                return True
    return False


def _beyond_intent(report: Report) -> Mapping[str, list[Cell]]:
    """What is open further than is meant, by relation."""
    found: defaultdict[str, list[Cell]] = defaultdict(list)
    for one in report.matrix:
        if one.intended.decided and _widest(one) > one.intended:
            found[one.relation].append(one)
    return found


def _reaches(finding: Finding, beyond: Mapping[str, list[Cell]]) -> Reaches:
    """What is open of the relations that a finding is about, as far as it opens that."""
    found: Reaches = {}
    for one in (cell for relation in finding.relations for cell in beyond.get(relation, ())):
        if opens(finding, one.paths):
            opened = Opened(reach=_widest(one), columns=one.columns)
            found.setdefault(one.persona, {}).setdefault(one.relation, {})[one.operation.value] = opened
    return found


def _widest(cell: Cell) -> Reach:
    """How far a persona gets for certain, in whatever way."""
    certain = (cell.reach, cell.escalated, cell.at_least, cell.escalated_at_least)
    return max(one for one in certain if one.decided)
