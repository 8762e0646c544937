from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import report_samples as samples

from rlsaudit.model import Location, ObjectRef, Reach, Report, Severity
from rlsaudit.report import render


def entries(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(report, "gitlab", width=80, colour=False))
    return found


def test_an_entry_has_what_gitlab_asks_for() -> None:
    report = replace(samples.correct(), findings=(samples.finding(location=Location("db/1.sql", 7)),))
    (entry,) = entries(report)
    assert entry.pop("fingerprint").isalnum()
    assert entry == {
        "description": "A view shows everybody's notes to anon. anon can read any row; intended: none.",
        "check_name": "definer-view",
        "severity": "blocker",
        "location": {"path": "db/1.sql", "lines": {"begin": 7}},
    }


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        (Severity.CRITICAL, "blocker"),
        (Severity.HIGH, "critical"),
        (Severity.MEDIUM, "major"),
        (Severity.LOW, "minor"),
        (Severity.INFO, "info"),
    ],
)
def test_severities_are_gitlabs(severity: Severity, word: str) -> None:
    assert entries(samples.report(findings=(samples.finding(severity),)))[0]["severity"] == word


def test_without_a_file_the_object_is_the_path_and_never_leads_elsewhere() -> None:
    about = ObjectRef("table", "public./../../etc/x")
    path = entries(samples.report(findings=(samples.finding(about=about),)))[0]["location"]["path"]
    assert path == "database/table public.%2F..%2F..%2Fetc%2Fx"


def test_fingerprints_are_unique_and_the_same_the_next_time() -> None:
    twice = samples.report(findings=(samples.finding(), samples.finding(persona="b")))
    fingerprints = [each["fingerprint"] for each in entries(twice)]
    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprints == [each["fingerprint"] for each in entries(twice)]


def test_an_empty_array_is_an_all_clear_and_nothing_else_is() -> None:
    assert entries(samples.correct()) == []
    for report in (
        samples.report(),
        samples.report(matrix=(samples.cell(reach=Reach.UNKNOWN),)),
        samples.report(matrix=(samples.cell(reach=Reach.ALL),)),
    ):
        (entry,) = entries(report)
        assert entry["check_name"] == "rlsaudit-incomplete"


def test_what_is_suppressed_is_an_entry_of_its_own() -> None:
    (entry,) = entries(samples.report(matrix=samples.correct().matrix, suppressed=samples.SUPPRESSED))
    assert (entry["check_name"], entry["severity"]) == ("rlsaudit-suppressed", "info")
    assert "1 finding (1 critical). critical: definer-view of view public.notes_view, until" in entry["description"]
