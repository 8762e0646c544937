from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import report_samples as samples

from rlsaudit.model import Location, Reach, Report, Severity, Skipped
from rlsaudit.report import render


def document(report: Report) -> ET.Element:
    return ET.fromstring(render(report, "junit", width=80, colour=False))  # noqa: S314 -- our own


def cases(report: Report, suite: str) -> dict[str, str]:
    """Returns how each case of a suite came out: `passed`, or what is below it and its message."""
    found = document(report).findall(f"testsuite[@name='{suite}']/testcase")
    return {each.get("name", ""): outcome(each) for each in found}


def outcome(case: ET.Element) -> str:
    for kind in ("failure", "error", "skipped"):
        below = case.find(kind)
        if below is not None:
            return f"{kind}: {below.get('message')}"
    return "passed"


def test_a_finding_is_a_case_that_fails_with_evidence_and_fix() -> None:
    found = samples.finding(location=Location("supabase/migrations/1.sql", 3))
    report = samples.report(findings=(found, samples.finding(Severity.INFO, "worth-knowing", title="Known")))
    assert cases(report, "findings") == {
        "view public.notes_view: A view shows everybody's notes to anon": (
            "failure: critical: anon can read any row; intended: none"
        ),
        "view public.notes_view: Known": "passed",
    }
    failing = document(report).find("testsuite/testcase[@classname='rlsaudit.definer-view']")
    assert failing is not None
    assert (failing.findtext("failure") or "").startswith("supabase/migrations/1.sql:3\n")
    assert "select count(*) from public.notes_view;" in (failing.findtext("system-out") or "")
    assert "alter view public.notes_view set (security_invoker = on);" in (failing.findtext("system-out") or "")


def test_a_relation_within_intent_passes_and_one_that_is_not_decided_is_skipped() -> None:
    assert cases(samples.flawed(), "access of anon") == {
        "public.billing": (f"skipped: not known, which does not count as safe: insert: {samples.WHY}"),
        "public.org_members": "passed",
        "public.posts": "passed",
    }
    assert cases(samples.correct(), "access of authenticated") == {"public.notes": "passed"}


def test_reach_beyond_intent_without_a_finding_fails_where_it_is() -> None:
    report = samples.report(matrix=samples.row("anon", "public.notes", (Reach.ALL, *(Reach.NONE,) * 3)))
    assert cases(report, "access of anon") == {
        "public.notes": "failure: beyond intent: select all, intended none: no policy applies"
    }


def test_what_is_suppressed_is_skipped() -> None:
    matrix = samples.row("anon", "public.notes", (Reach.ALL, *(Reach.NONE,) * 3))
    report = samples.report(matrix=matrix, suppressed=(samples.finding(),))
    assert cases(report, "access of anon") == {"public.notes": "skipped: beyond intent, and suppressed or there before"}
    assert list(cases(report, "findings").values()) == ["skipped: suppressed"]


def test_a_suppression_has_the_day_and_the_reason() -> None:
    report = samples.report(suppressed=samples.SUPPRESSED)
    told = "skipped: suppressed until 2027-03-31: the old app reads it"
    assert list(cases(report, "findings").values()) == [told]


def test_escalation_is_told() -> None:
    cell = samples.cell(reach=Reach.OWN, intended=Reach.OWN, escalated=Reach.ALL)
    (told,) = cases(samples.report(matrix=(cell,)), "access of anon").values()
    assert "select own, all by a chain of statements, intended own" in told


def test_what_was_left_out_is_skipped() -> None:
    report = samples.report(skipped=(Skipped("schema cron", "no USAGE"),))
    assert cases(report, "not audited") == {"schema cron": "skipped: no USAGE"}


def test_no_report_is_without_a_case_and_only_a_whole_one_is_green() -> None:
    assert cases(samples.correct(), "audit") == {"the answer is whole": "passed"}
    for report in (samples.report(), samples.flawed()):
        assert cases(report, "audit")["the answer is whole"].startswith("skipped: ")


@pytest.mark.parametrize("sample", [samples.correct, samples.flawed, samples.compared, samples.many, samples.hostile])
def test_counts_are_those_of_the_cases(sample: samples.Sample) -> None:
    root = document(sample())
    for part in (root, *root.findall("testsuite")):
        every = list(part.iter("testcase"))
        assert part.get("tests") == str(len(every))
        for attribute, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert part.get(attribute) == str(sum(each.find(kind) is not None for each in every))


def test_personas_whose_names_look_the_same_keep_their_cases() -> None:
    matrix = (samples.cell("a\n"), samples.cell("a\\n"))
    report = replace(samples.report(matrix=matrix), personas=())
    assert len(document(report).findall("testsuite[@name='access of a\\n']/testcase")) == 2
