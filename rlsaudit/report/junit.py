"""JUnit's XML, as CI servers read it: what failed, what passed, and what nobody knows.

Five kinds of suites:

- `findings`: a case for each, which fails unless it is only worth knowing (info); those that are suppressed, or were
  there before, are skipped.
- a suite for each persona, with a case for each relation: it passes if everything is decided and within intent, and is
  skipped where a verdict is missing. Where reach goes beyond intent, the finding's case fails in its place; if there is
  no such finding, this one does.
- `changes`: where the report compares with a base, a case for each difference, which fails if it opens more than
  intended and is skipped if it cannot be compared.
- `not audited`: a skipped case for each thing that was left out.
- `audit`: a single case, skipped where the answer is not whole, so that no report is without a case.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from rlsaudit.model import Direction, Severity
from rlsaudit.report.changes import is_opening, step, subject
from rlsaudit.report.escape import printable
from rlsaudit.report.finding import about, plain, who
from rlsaudit.report.format import Format
from rlsaudit.report.set_aside import why
from rlsaudit.report.verdict import beyond_intent, headline, shortfall, undecided
from rlsaudit.report.words import brief, listed, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from junitparser.junitparser import FinalResult

    from rlsaudit.model import Cell, Finding, Report
    from rlsaudit.report.format import Screen

_TITLE = 300


def _render(report: Report, _: Screen) -> str:
    # Every string passes `printable`, which leaves nothing that XML forbids: controls, surrogates, non-characters.
    document = JUnitXml(printable(report.tool.name))
    suites = [_suite("audit", [_audit(report)]), _suite("findings", _findings(report))]
    for persona, cells in groupby(report.matrix, key=lambda cell: cell.persona):
        suites.append(_suite(f"access of {persona}", _access(report, persona, list(cells))))
    suites.append(_suite("changes", _changes(report)))
    suites.append(_suite("not audited", _skipped(report)))
    for suite in suites:
        if len(suite):
            document.append(suite)  # type: ignore[no-untyped-call]
    document.update_statistics()  # type: ignore[no-untyped-call]
    root = ET.fromstring(document.tostring())  # type: ignore[no-untyped-call]  # noqa: S314 -- our own
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"


def _suite(name: str, cases: Iterable[TestCase]) -> TestSuite:
    suite = TestSuite(_line(name))
    suite.add_testcases(list(cases))
    return suite


def _case(group: str, name: str, result: FinalResult | None = None, output: str = "") -> TestCase:
    case = TestCase(_line(name), f"rlsaudit.{_line(group)}", 0)
    if result:
        case.result = [result]
    if output:
        case.system_out = output
    return case


def _line(words: str) -> str:
    return shortened(printable(words), _TITLE)


def _audit(report: Report) -> TestCase:
    sentence = shortfall(report)
    return _case("audit", "the answer is whole", Skipped(_line(sentence)) if sentence else None, headline(report))


def _skipped(report: Report) -> Iterator[TestCase]:
    for skipped in report.skipped:
        yield _case("skipped", skipped.what, Skipped(_line(skipped.reason)))


def _findings(report: Report) -> Iterator[TestCase]:
    for finding in report.findings:
        result = None if finding.severity is Severity.INFO else _failure(finding)
        yield _case(finding.rule, f"{about(finding)}: {finding.title}", result, plain(finding))
    for finding in report.suppressed:
        yield _case(finding.rule, f"{about(finding)}: {finding.title}", _suppressed(finding), plain(finding))
    for finding in report.existing:
        yield _case(finding.rule, f"{about(finding)}: {finding.title}", Skipped("there before"), plain(finding))


def _suppressed(finding: Finding) -> Skipped:
    reason = why(finding)
    return Skipped(_line(f"suppressed {reason}" if reason else "suppressed"))


def _changes(report: Report) -> Iterator[TestCase]:
    for change in report.changes:
        result: FinalResult | None = None
        if is_opening(change):
            result = Failure(_line(f"opens more than intended: {step(change)}"), "beyond intent")
        elif change.direction is Direction.INCOMPARABLE:
            result = Skipped(_line(f"cannot be compared: {step(change)}"))
        yield _case(change.kind, subject(change), result, printable(step(change)))


def _failure(finding: Finding) -> Failure:
    failure = Failure(_line(f"{finding.severity.value}: {who(finding)}"), finding.severity.value)
    failure.text = _opened(finding)
    return failure


def _opened(finding: Finding) -> str:
    place = f"{finding.location.file}:{finding.location.line}" if finding.location else about(finding)
    return f"{printable(place)}\n{printable(finding.message or finding.title)}"


def _access(report: Report, persona: str, cells: Sequence[Cell]) -> Iterator[TestCase]:
    found, set_aside = _concerned(report.findings), _concerned((*report.suppressed, *report.existing))
    for relation, group in groupby(cells, key=lambda cell: cell.relation):
        verdicts = list(group)
        wider = [cell for cell in verdicts if beyond_intent(cell)]
        unknown = [cell for cell in verdicts if undecided(cell)]
        output = "\n".join(printable(_verdict(cell)) for cell in verdicts)
        result: FinalResult | None = None
        if wider and relation not in found | set_aside:
            result = Failure(_line(f"beyond intent: {listed([_verdict(cell) for cell in wider])}"), "beyond intent")
        elif unknown:
            deeds = listed([cell.operation.value for cell in unknown])
            result = Skipped(_line(f"not known, which does not count as safe: {deeds}: {brief(unknown[0].because)}"))
        elif wider and relation not in found:
            result = Skipped("beyond intent, and suppressed or there before")
        elif wider:
            continue
        yield _case(persona, relation, result, output)


def _concerned(findings: Iterable[Finding]) -> frozenset[str]:
    return frozenset(name for finding in findings for name in (*finding.relations, finding.object.identity))


def _verdict(cell: Cell) -> str:
    chained = cell.escalated.decided and cell.escalated is not cell.reach
    reach = f"{cell.reach}, {cell.escalated} by a chain of statements" if chained else cell.reach.value
    return f"{cell.operation} {reach}, intended {cell.intended}: {brief(cell.because)}"


FORMAT = Format(name="junit", summary="for CI servers: JUnit XML", render=_render)
