from __future__ import annotations

import json
from dataclasses import replace
from email.message import Message
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import report_samples as samples
from jsonschema import Draft4Validator

from rlsaudit.model import Location, Reach, Report, Severity, Skipped
from rlsaudit.report import render
from rlsaudit.report.sarif.descriptors import describe, project_url
from rlsaudit.rules import all_rules

SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
DESCRIPTORS = "rlsaudit.report.sarif.descriptors"
VALIDATOR = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)


def run(report: Report) -> dict[str, Any]:
    log = json.loads(render(report, "sarif", width=80, colour=False))
    VALIDATOR.validate(log)
    first: dict[str, Any] = log["runs"][0]
    return first


def notified(report: Report) -> list[tuple[str, str]]:
    (invocation,) = run(report)["invocations"]
    assert invocation["executionSuccessful"] is True
    return [
        (each["descriptor"]["id"], each["message"]["text"]) for each in invocation["toolConfigurationNotifications"]
    ]


@pytest.mark.parametrize("sample", [samples.correct, samples.flawed, samples.compared, samples.many, samples.hostile])
def test_it_is_valid_by_the_standards_own_schema(sample: samples.Sample) -> None:
    assert run(sample())["columnKind"] == "unicodeCodePoints"


def test_a_result_points_at_the_line_that_opened_the_door() -> None:
    (result,) = [each for each in run(samples.flawed())["results"] if each["ruleId"] == "insert-check-true"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {
            "uri": "supabase/migrations/20240105120000_organisations.sql",
            "uriBaseId": "%SRCROOT%",
        },
        "region": {"startLine": 41},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": 'public.org_members."join"', "kind": "policy"}]


def test_without_a_file_the_object_stands_in_and_says_so() -> None:
    """GitHub refuses the whole file for one result that has no physical location."""
    printed = run(samples.report(findings=(samples.finding(),)))
    (location,) = printed["results"][0]["locations"]
    artifact = {"uri": "view%20public.notes_view", "uriBaseId": "DATABASE"}
    assert location["physicalLocation"] == {"artifactLocation": artifact, "region": {"startLine": 1}}
    assert "not files" in printed["originalUriBaseIds"]["DATABASE"]["description"]["text"]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/ü#?.sql", "a%20b/%C3%BC%23%3F.sql"),
        ("c:\\x.sql", "c%3A%5Cx.sql"),
        ("latin\udcfc.sql", "latin%FC.sql"),
        ("half\ud800.sql", "half%5Cud800.sql"),
    ],
)
def test_file_names_become_addresses(file: str, uri: str) -> None:
    printed = run(samples.report(findings=(samples.finding(location=Location(file, 1)),)))
    assert printed["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_levels_and_fingerprints() -> None:
    results = run(samples.flawed())["results"]
    assert [each["level"] for each in results] == ["error", "error", "note", "warning"]
    fingerprint = "3f9a0c51d2e87b64"
    wanted = {"rlsaudit/v1": fingerprint, "primaryLocationLineHash": f"{fingerprint}:1"}
    assert all(each["partialFingerprints"] == wanted for each in results)


def test_suppressed_findings_are_results_that_say_so_and_the_others_say_that_they_are_not() -> None:
    suppressions = [each["suppressions"] for each in run(samples.flawed())["results"]]
    assert suppressions == [[], [], [], [{"kind": "external", "status": "accepted"}]]


def test_a_suppression_has_the_day_and_the_reason() -> None:
    (result,) = run(samples.report(suppressed=samples.SUPPRESSED))["results"]
    justification = "until 2027-03-31: the old app reads it"
    assert result["suppressions"] == [{"kind": "external", "status": "accepted", "justification": justification}]


def test_every_rule_is_described_with_help() -> None:
    rules = {each["id"]: each for each in run(samples.flawed())["tool"]["driver"]["rules"]}
    assert set(all_rules()) | {"insert-check-true", "rls-no-policy", "public-read"} == set(rules)
    for rule in all_rules().values():
        described = rules[rule.id]
        assert described["shortDescription"]["text"] == rule.summary
        assert rule.fix in described["help"]["text"]
        assert "**How to mend it.**" in described["help"]["markdown"]
        assert "helpUri" not in described


def test_results_name_their_rules() -> None:
    printed = run(samples.flawed())
    rules = printed["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in printed["results"])


@pytest.mark.parametrize(
    ("severity", "number"),
    [(Severity.CRITICAL, "9.5"), (Severity.HIGH, "8.0"), (Severity.MEDIUM, "5.5"), (Severity.LOW, "2.0")],
)
def test_github_is_told_how_grave_a_rule_is(severity: Severity, number: str) -> None:
    rules = run(samples.report(findings=(samples.finding(severity, "strange"),)))["tool"]["driver"]["rules"]
    (strange,) = [each for each in rules if each["id"] == "strange"]
    assert strange["properties"]["security-severity"] == number


def test_what_is_only_worth_knowing_has_no_gravity() -> None:
    rules = run(samples.report(findings=(samples.finding(Severity.INFO, "strange"),)))["tool"]["driver"]["rules"]
    assert "security-severity" not in next(each for each in rules if each["id"] == "strange")["properties"]


def test_addresses_of_help_are_those_that_the_package_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{DESCRIPTORS}.project_url", lambda label: f"https://example.org/{label}/")
    described = {each.id: each for each in describe(())}
    assert described["rls-off"].help_uri == "https://example.org/Documentation/rules/rls-off/"


def test_no_address_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Message()
    declared["Project-URL"] = "Homepage, https://example.org"
    monkeypatch.setattr(f"{DESCRIPTORS}.metadata", lambda _: declared)
    assert project_url("Homepage") == "https://example.org"
    assert project_url("Documentation") == ""


def test_a_package_that_is_not_installed_declares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(f"{DESCRIPTORS}.metadata", missing)
    assert project_url("Homepage") == ""


def test_the_message_shows_evidence_and_fix() -> None:
    message = run(samples.flawed())["results"][0]["message"]
    for words in message["text"], message["markdown"]:
        assert "select count(*) from public.notes_view;" in words
        assert "alter view public.notes_view set (security_invoker = on);" in words
        assert "3 of 3 rows" in words


def test_plain_text_holds_no_link() -> None:
    """SARIF's plain text has links: `[words](target)`."""
    forged = samples.finding(title="[click](https://a.b)", message="[here](1)")
    assert "](" not in run(samples.report(findings=(forged,)))["results"][0]["message"]["text"]


def test_an_empty_list_of_results_is_no_all_clear_where_something_is_missing() -> None:
    unknown = samples.report(
        matrix=(samples.cell(reach=Reach.UNKNOWN, because="why"),), skipped=(Skipped("schema cron", "no USAGE"),)
    )
    assert notified(unknown) == [
        (
            "incomplete",
            "Incomplete: 1 of 1 verdict is missing and 1 thing was skipped. What is not known does not count as safe.",
        ),
        ("unknown-verdicts", "1 verdict is missing: why"),
        ("skipped", "Skipped schema cron: no USAGE"),
    ]
    assert [kind for kind, _ in notified(samples.report())] == ["incomplete"]
    assert notified(samples.correct()) == []


def test_verdicts_beyond_intent_without_a_finding_are_told() -> None:
    report = samples.report(matrix=(samples.cell(reach=Reach.ALL),))
    assert notified(report) == [("incomplete", "Beyond intent: 1 of 1 verdict.")]


def test_assumptions_are_told() -> None:
    noted = replace(samples.correct(), target=replace(samples.TARGET, notes=("stubs stand in",)))
    assert notified(noted) == [("assumption", "stubs stand in")]
