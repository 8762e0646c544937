from __future__ import annotations

import re
from dataclasses import replace

import pytest
import report_samples as samples

from rlsaudit.model import Fix, Location, ObjectRef, Reach, Report, Severity
from rlsaudit.report import render

COMMAND = re.compile(r"::(?P<kind>\w+) (?P<properties>[^:\r\n]*)::(?P<message>[^\r\n]*)")
"""As the runner reads a line: the first `::` behind the properties ends them."""


def lines(report: Report) -> list[str]:
    return render(report, "github", width=80, colour=False).removesuffix("\n").split("\n")


def unescaped(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def annotated(report: Report) -> list[tuple[str, dict[str, str], str]]:
    found = [match for match in map(COMMAND.fullmatch, lines(report)) if match]
    return [
        (
            match["kind"],
            {
                name: unescaped(value)
                for name, _, value in (each.partition("=") for each in match["properties"].split(","))
            },
            unescaped(match["message"]),
        )
        for match in found
    ]


def test_a_finding_is_shown_at_its_line() -> None:
    found = samples.finding(location=Location("supabase/migrations/a,b:c%.sql", 12))
    ((kind, properties, message),) = annotated(replace(samples.correct(), findings=(found,)))
    assert kind == "error"
    assert properties == {
        "file": "supabase/migrations/a,b:c%.sql",
        "line": "12",
        "title": "critical: A view shows everybody's notes to anon (definer-view)",
    }
    assert message.startswith("anon can read any row; intended: none.\npublic.notes_view runs")
    assert message.endswith("\nalter view public.notes_view set (security_invoker = on);")


def test_a_finding_without_a_file_belongs_to_the_job() -> None:
    ((_, properties, _),) = annotated(replace(samples.correct(), findings=(samples.finding(),)))
    assert list(properties) == ["title"]


@pytest.mark.parametrize(
    ("severity", "kind"),
    [
        (Severity.CRITICAL, "error"),
        (Severity.HIGH, "error"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "notice"),
        (Severity.INFO, "notice"),
    ],
)
def test_kinds(severity: Severity, kind: str) -> None:
    ((found, _, _),) = annotated(replace(samples.correct(), findings=(samples.finding(severity),)))
    assert found == kind


def test_no_more_are_made_than_are_shown_and_the_rest_is_counted() -> None:
    kinds = [kind for kind, _, _ in annotated(samples.many())]
    assert {kind: kinds.count(kind) for kind in kinds} == {"error": 10, "warning": 10, "notice": 10}
    assert lines(samples.many())[-4:] == [
        "rlsaudit: 70 more findings of the kind error without an annotation: GitHub shows 10 of a kind.",
        "rlsaudit: 31 more findings of the kind warning without an annotation: GitHub shows 10 of a kind.",
        "rlsaudit: 71 more findings of the kind notice without an annotation: GitHub shows 10 of a kind.",
        "rlsaudit: Access goes beyond intent: 200 findings (40 critical, 40 high, 40 medium, 40 low, 40 info).",
    ]


def test_what_is_suppressed_is_named_in_a_notice() -> None:
    ((kind, properties, message),) = annotated(
        samples.report(matrix=samples.correct().matrix, suppressed=samples.SUPPRESSED)
    )
    assert (kind, properties) == ("notice", {"title": "rlsaudit: suppressed"})
    assert message == (
        "Suppressed and not counted: 1 finding (1 critical).\n"
        "critical: definer-view of view public.notes_view, until 2027-03-31: the old app reads it"
    )


def test_what_is_missing_is_a_warning() -> None:
    report = samples.report(matrix=(samples.cell(reach=Reach.UNKNOWN),))
    ((kind, properties, message),) = annotated(report)
    assert (kind, properties) == ("warning", {"title": "rlsaudit: incomplete"})
    assert message.startswith("Incomplete: 1 of 1 verdict is missing.")
    assert annotated(samples.correct()) == []


@pytest.mark.parametrize(
    "word", ["\n::stop-commands::x", "\r\n::error::x", "%0A::error::x", "##[add-mask]x", "::x,y=z::"]
)
def test_no_name_is_an_order(word: str) -> None:
    found = samples.finding(
        title=word, message=word, persona=word, rule=word, about=ObjectRef("table", word), location=Location(word, 1)
    )
    report = replace(samples.correct(), findings=(found,))
    assert len(lines(report)) == 2
    ((kind, properties, message),) = annotated(report)
    assert (kind, list(properties)) == ("error", ["file", "line", "title"])
    assert "##[" not in message


@pytest.mark.parametrize("format_name", ["text", "json", "sarif", "gitlab", "junit", "github"])
def test_no_format_gives_orders_to_the_log_that_it_is_printed_to(format_name: str) -> None:
    word = "##[group]x ##vso[task.x]y ##teamcity[z] ::stop-commands::x"
    found = samples.finding(title=word, message=word, persona=word, fix=Fix(f"select 1\n::{word};"))
    report = samples.report(
        findings=(found,), matrix=(samples.cell(word, word, reach=Reach.UNKNOWN, because=f"{'x' * 90} {word}"),)
    )
    for width in (40, 80, 100):
        printed = render(report, format_name, width=width, colour=False)
        assert not re.search(r"##\w*\[", printed)
        orders = [line for line in printed.split("\n") if line.lstrip().startswith("::")]
        assert all(COMMAND.fullmatch(line) for line in orders)
        assert not orders or format_name == "github"
