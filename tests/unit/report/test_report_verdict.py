from __future__ import annotations

from dataclasses import replace

import pytest
import report_samples as samples

from rlsaudit.model import Reach, Report, Severity, Skipped
from rlsaudit.report.verdict import beyond_intent, clean, headline, incompleteness, missing, undecided

UNKNOWN = samples.report(matrix=(samples.cell(reach=Reach.UNKNOWN),))
SKIPPED = replace(
    samples.correct(),
    skipped=(Skipped("schema cron", "no USAGE"),),
    summary=replace(samples.correct().summary, skipped=1),
)


def test_safety_is_spoken_of_where_nothing_is_missing() -> None:
    assert clean(samples.correct())
    assert headline(samples.correct()) == "No access beyond intent: 8 verdicts, none missing, nothing skipped."
    assert incompleteness(missing(samples.correct())) == ""


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(samples.report(), id="nothing audited"),
        pytest.param(UNKNOWN, id="unknown"),
        pytest.param(SKIPPED, id="skipped"),
        pytest.param(replace(UNKNOWN, summary=replace(UNKNOWN.summary, unknown=0)), id="summary denies the unknown"),
        pytest.param(replace(SKIPPED, summary=replace(SKIPPED.summary, skipped=0)), id="summary denies the skipped"),
        pytest.param(replace(UNKNOWN, matrix=()), id="matrix denies the unknown"),
        pytest.param(samples.report(matrix=(samples.cell(intended=Reach.UNKNOWN),)), id="intent unknown"),
        pytest.param(samples.report(matrix=(samples.cell(reach=Reach.OWN),)), id="beyond intent"),
        pytest.param(samples.report(matrix=(samples.cell(),), findings=(samples.finding(Severity.INFO),)), id="info"),
        pytest.param(samples.many(), id="many"),
    ],
)
def test_safety_is_never_spoken_of_otherwise(report: Report) -> None:
    assert not clean(report)
    assert "No access beyond intent" not in headline(report)


def test_what_was_found_is_counted_worst_first() -> None:
    assert headline(samples.flawed()) == "Access goes beyond intent: 3 findings (1 critical, 1 high, 1 info)."
    harmless = samples.report(findings=(samples.finding(Severity.LOW), samples.finding(Severity.INFO)))
    assert headline(harmless) == "No finding above low: 2 findings (1 low, 1 info)."


def test_what_is_missing_is_counted_with_its_reasons() -> None:
    gaps = missing(samples.flawed())
    assert (gaps.verdicts, gaps.of, gaps.skipped) == (4, 32, 2)
    assert gaps.reasons == ((samples.WHY, 4),)
    sentence = (
        "Incomplete: 4 of 32 verdicts are missing and 2 things were skipped. What is not known does not count as safe."
    )
    assert incompleteness(gaps) == sentence


def test_suppressed_findings_do_not_make_reach_intended() -> None:
    report = samples.report(matrix=(samples.cell(reach=Reach.ALL),), suppressed=(samples.finding(),))
    assert headline(report) == "No finding, but 1 verdict goes beyond intent."


def test_the_wider_of_reach_and_escalation_is_compared_with_intent() -> None:
    assert beyond_intent(samples.cell(reach=Reach.OWN, intended=Reach.OWN, escalated=Reach.ALL))
    assert not beyond_intent(samples.cell(reach=Reach.OWN, intended=Reach.SOME))


def test_what_is_unknown_may_still_be_known_to_go_beyond_intent() -> None:
    assert beyond_intent(samples.cell(reach=Reach.UNKNOWN, at_least=Reach.SOME, intended=Reach.OWN))
    assert not beyond_intent(samples.cell(reach=Reach.UNKNOWN, intended=Reach.OWN))
    assert undecided(samples.cell(reach=Reach.UNKNOWN))
