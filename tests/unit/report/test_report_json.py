from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import report_samples as samples
from jsonschema import Draft202012Validator

from rlsaudit.model import Operation, Persona, Reach, Report, Severity
from rlsaudit.report import render
from rlsaudit.report.json_v1 import Document
from rlsaudit.report.order import in_order
from rlsaudit.report.schema import json_schema, main

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "report.schema.json"
VALIDATOR = Draft202012Validator(json_schema())

FIRST_REPORT: dict[str, Any] = {
    "schema": "rlsaudit.report/1",
    "tool": {"name": "rlsaudit", "version": "0.1.0"},
    "target": {
        "platform": "supabase",
        "server_version": "15.20",
        "database": "app",
        "schemas": ["public", "storage"],
        "probe": "read",
    },
    "personas": [{"name": "anon", "role": "anon", "claims": {}}],
    "summary": {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 2, "cells": 96, "unknown": 0, "skipped": 0},
    "matrix": [
        {
            "persona": "authenticated",
            "role": "authenticated",
            "relation": "public.notes",
            "kind": "table",
            "operation": "select",
            "reach": "own",
            "escalated": "own",
            "intended": "own",
            "evidence": "probe",
            "because": 'policy "own notes": user_id = auth.uid()',
            "columns": None,
        }
    ],
    "findings": [
        {
            "rule": "definer-view",
            "severity": "high",
            "title": "…",
            "message": "…",
            "object": {"type": "view", "identity": "public.notes_view"},
            "relations": ["public.notes"],
            "persona": "anon",
            "operation": "select",
            "reach": "all",
            "intended": "none",
            "evidence": {
                "kind": "probe",
                "sql": ["begin", "set local role anon", "select …", "rollback"],
                "result": "3 of 3 rows",
            },
            "fix": {"sql": "alter view public.notes_view set (security_invoker = on);", "verified": True},
            "fingerprint": "…",
            "location": {"file": "supabase/migrations/…", "line": 12},
        }
    ],
    "skipped": [{"what": "…", "reason": "…"}],
    "suppressed": [],
}
"""The example of the contract, with the keys that version 1 began with."""


def printed(report: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(report, "json", width=80, colour=True))
    return document


@pytest.mark.parametrize(
    "sample", [samples.correct, samples.flawed, samples.compared, samples.many, samples.hostile, samples.report]
)
def test_reports_fit_the_schema(sample: samples.Sample) -> None:
    VALIDATOR.validate(printed(sample()))


def test_keys_come_in_the_order_of_the_contract() -> None:
    document = printed(samples.flawed())
    assert list(document) == [*FIRST_REPORT, "base", "existing", "changes", "baseline"]
    for part in ("matrix", "findings"):
        first = list(FIRST_REPORT[part][0])
        assert list(document[part][0])[: len(first)] == first
    assert document["schema"] == "rlsaudit.report/1"


def test_values_without_an_answer_are_null_and_not_absent() -> None:
    document = printed(samples.flawed())
    assert document["findings"][0]["location"] is None
    assert document["matrix"][0]["columns"] is None


def test_a_report_can_be_read_back() -> None:
    report = in_order(samples.flawed())
    document = msgspec.convert(printed(report), Document)
    assert [document.matrix, document.findings, document.skipped] == [report.matrix, report.findings, report.skipped]
    assert document.personas == report.personas


def test_claims_are_written_in_one_order() -> None:
    claims = [{"sub": "a", "aal": "aal1"}, {"aal": "aal1", "sub": "a"}]
    texts = {
        render(samples.report(personas=(Persona("a", "a", each),)), "json", width=80, colour=False) for each in claims
    }
    assert len(texts) == 1


def test_what_is_not_seen_is_escaped() -> None:
    text = render(samples.hostile(), "json", width=80, colour=False)
    assert text.replace("\n", "").isprintable()
    assert printed(samples.hostile())["target"]["database"] == samples.HOSTILE


def test_half_a_surrogate_pair_does_not_lose_the_report() -> None:
    document = printed(samples.report(personas=(Persona("a\udc80", "a", {"k\udc80": "v\udc80"}),)))
    assert document["personas"][0]["name"] == r"a\udc80"
    assert document["personas"][0]["claims"] == {r"k\udc80": r"v\udc80"}


def test_the_schema_is_a_schema_and_the_one_that_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    Draft202012Validator.check_schema(json_schema())
    main()
    assert capsys.readouterr().out == SCHEMA_FILE.read_text(encoding="utf-8")


def test_the_first_report_stays_valid() -> None:
    VALIDATOR.validate(FIRST_REPORT)


def test_keys_may_be_added_anywhere() -> None:
    def grown(value: Any) -> Any:  # noqa: ANN401 -- any JSON
        if isinstance(value, dict):
            return {**{key: grown(each) for key, each in value.items()}, "added later": 1}
        return [grown(each) for each in value] if isinstance(value, list) else value

    VALIDATOR.validate(grown(FIRST_REPORT))


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:  # noqa: ANN401 -- any JSON
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [path] if path and isinstance(path[-1], str) else []
    return here + [each for key, below in items for each in paths(below, (*path, key))]


@pytest.mark.parametrize("path", paths(FIRST_REPORT), ids=lambda path: ".".join(map(str, path)))
def test_keys_of_the_first_report_are_required(path: tuple[str | int, ...]) -> None:
    document = json.loads(json.dumps(FIRST_REPORT))
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    ("part", "key"),
    [
        *[("matrix", key) for key in ("operation", "reach", "escalated", "intended", "evidence")],
        *[("findings", key) for key in ("severity", "operation", "reach", "intended")],
    ],
)
def test_words_are_those_of_the_contract(part: str, key: str) -> None:
    row = {**FIRST_REPORT[part][0], key: "maybe"}
    assert not VALIDATOR.is_valid({**FIRST_REPORT, part: [row]})


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("Reach", Reach),
        ("Severity", Severity),
        ("Operation", Operation),
    ],
)
def test_enumerations_are_complete(definition: str, words: type[Reach | Severity | Operation]) -> None:
    assert set(json_schema()["$defs"][definition]["enum"]) == set(words)


def test_object_types_are_those_of_the_contract() -> None:
    assert json_schema()["$defs"]["ObjectRef"]["properties"]["type"]["enum"] == [
        *("table", "view", "materialized_view", "foreign_table", "column", "function", "policy", "schema", "sequence"),
        *("role", "bucket", "publication", "extension", "trigger", "server", "intent"),
    ]
