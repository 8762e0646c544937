"""What every format says of a comparison with a base."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import report_samples as samples

from rlsaudit.model import Change, Direction, Report
from rlsaudit.report import render
from rlsaudit.report.changes import counted, left_alone, step, subject
from rlsaudit.report.order import in_order
from rlsaudit.report.verdict import clean, headline, shortfall

SAME = replace(samples.correct(), base="origin/main")
OPENED = Change("cell", "public.t", Direction.MORE, "none", "all", "anon", "select", allowed=False)


def printed(report: Report, format_name: str) -> str:
    return render(report, format_name, width=100, colour=False)


def results(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(printed(report, "sarif"))["runs"][0]["results"]
    return found


def test_what_was_opened_beyond_intent_comes_first() -> None:
    assert [(change.direction.value, change.kind) for change in in_order(samples.compared()).changes] == [
        ("more", "cell"),
        ("more", "publication"),
        ("incomparable", "function"),
        ("less", "cell"),
    ]


def test_changes_in_words() -> None:
    opened, _, function, _ = in_order(samples.compared()).changes
    assert (subject(opened), step(opened)) == ("anon: select on public.notes", "none -> all")
    assert (subject(function), step(function)) == ("function public.search(text)", "its body changed")
    assert counted(samples.compared()) == "Access changed: 2 more (1 beyond intent), 1 less, 1 that cannot be compared."
    assert counted(SAME) == "Access is the same as in the base."
    assert counted(samples.correct()) == ""
    assert left_alone(samples.compared()) == "There before, and left alone: 1 finding."


def test_the_headline_speaks_of_what_is_new() -> None:
    assert headline(samples.compared()) == (
        "Access goes beyond intent: 1 new finding (1 critical), and 1 change opens more than intended."
    )
    before = replace(SAME, existing=(samples.finding(),))
    assert headline(before) == "No new finding, and no new access beyond intent."
    assert not clean(before)
    assert headline(SAME) == "No access beyond intent: 8 verdicts, none missing, nothing skipped."
    unknown = replace(samples.flawed(), findings=(), summary=samples.report().summary, base="main")
    assert headline(unknown) == "No new finding, and no new access beyond intent, but part of the answer is missing."


def test_an_opening_without_a_finding_is_no_all_clear() -> None:
    report = replace(SAME, changes=(OPENED,))
    assert headline(report) == "Access goes beyond intent: 1 change opens more than intended."
    assert not clean(report)
    assert shortfall(report).startswith("Access goes beyond intent")
    assert json.loads(printed(report, "gitlab"))[0]["check_name"] == "rlsaudit-incomplete"
    assert printed(report, "github").splitlines()[:2] == [
        "::error title=rlsaudit%3A 1 change opens more than intended::anon: select on public.t: none -> all",
        "rlsaudit: Access goes beyond intent: 1 change opens more than intended.",
    ]


def test_text_tells_the_changes_and_what_was_there_before() -> None:
    text = printed(samples.compared(), "text")
    assert re.search(r"^  \+ !  anon: select on public.notes +none -> all$", text, re.MULTILINE)
    assert re.search(r"^  - +authenticated: delete on public.notes +all -> own$", text, re.MULTILINE)
    assert "\n  Compared with origin/main. Access changed: 2 more (1 beyond intent)" in text
    assert "THERE BEFORE: 1 finding\n" in text
    assert "ACCESS CHANGES" not in printed(samples.correct(), "text")
    assert "Compared with origin/main. Access is the same as in the base." in printed(SAME, "text")


def test_text_cuts_a_long_list_of_changes_but_nothing_that_was_opened() -> None:
    opened = tuple(replace(OPENED, what=f"public.t{number}") for number in range(40))
    closed = tuple(replace(each, direction=Direction.LESS) for each in opened)
    text = printed(replace(SAME, changes=(*closed, *opened)), "text")
    assert len(re.findall(r"^  \+ !", text, re.MULTILINE)) == 40
    assert "… and 40 more changes (use --format json)" in text


def test_markdown_shows_the_changes_as_a_table() -> None:
    markdown = printed(samples.compared(), "markdown")
    assert (
        "| | who or what | before | after |\n|---|---|---|---|\n| 🔓 | anon: select on public.notes | none | all |\n\n"
    ) in markdown
    assert "<b>Other changes of access</b>, compared with origin/main</summary>" in markdown
    assert "| &#43; | publication supabase&#95;realtime | nothing | public.posts |" in markdown
    assert "There before, and left alone: 1 finding." in markdown


def test_markdown_cuts_changes_for_which_there_is_no_room() -> None:
    changes = tuple(replace(OPENED, what=f"public.t{number}{'x' * 90}") for number in range(900))
    markdown = printed(replace(SAME, changes=changes), "markdown")
    assert len(markdown.encode()) <= 65_536
    assert " more changes, for which there is no room here.**" in markdown


def test_code_scanning_gets_the_old_findings_too_lest_it_closes_them() -> None:
    assert [(each["ruleId"], each["baselineState"]) for each in results(samples.compared())] == [
        ("definer-view", "new"),
        ("rls-off", "unchanged"),
    ]
    assert "baselineState" not in results(samples.flawed())[0]
    suppressed = replace(samples.compared(), suppressed=(samples.finding(),))
    assert all("baselineState" in each for each in results(suppressed))


def test_gitlab_gets_the_old_findings_too_for_it_compares_itself() -> None:
    names = [each["check_name"] for each in json.loads(printed(samples.compared(), "gitlab"))]
    assert names == ["definer-view", "rls-off"]


def test_junit_fails_for_what_was_opened() -> None:
    root = ET.fromstring(printed(samples.compared(), "junit"))  # noqa: S314 -- our own
    cases = {each.get("name"): each for each in root.findall("testsuite[@name='changes']/testcase")}
    kinds = {name: [below.tag for below in case if below.tag != "system-out"] for name, case in cases.items()}
    assert kinds == {
        "anon: select on public.notes": ["failure"],
        "publication supabase_realtime": [],
        "function public.search(text)": ["skipped"],
        "authenticated: delete on public.notes": [],
    }
    old = root.find("testsuite[@name='findings']/testcase[@classname='rlsaudit.rls-off']/skipped")
    assert old is not None
    assert old.get("message") == "there before"


def test_github_annotates_what_was_opened_and_counts_the_rest() -> None:
    many = tuple(replace(OPENED, what=f"public.t{number:02}") for number in range(12))
    lines = printed(replace(samples.compared(), changes=many), "github").splitlines()
    assert lines[0].startswith("::error title=rlsaudit%3A 12 changes open more than intended::anon: select on ")
    assert lines[0].endswith("%0Aand 2 more")
    assert lines[1].startswith("::error file=supabase/migrations/2_open.sql,line=3,title=")
    assert lines[-1] == "rlsaudit: There before, and left alone: 1 finding."
