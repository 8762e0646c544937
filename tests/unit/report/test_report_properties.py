"""Whatever the database names, the report stays a report."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator
from markdown_reading import LINKED, MARKED, TAGS, markup, outside_code, seen
from report_samples import HOSTILE
from rich.cells import cell_len

from rlsaudit.model import (
    Cell,
    Change,
    Direction,
    Evidence,
    EvidenceKind,
    Finding,
    Fix,
    Location,
    ObjectRef,
    Operation,
    Persona,
    Reach,
    Report,
    Severity,
    Skipped,
    Summary,
    Target,
    Tool,
)
from rlsaudit.report import render
from rlsaudit.report.escape import printable
from rlsaudit.report.json_v1 import Document
from rlsaudit.report.markdown import LIMIT
from rlsaudit.report.markup import prose
from rlsaudit.report.order import in_order
from rlsaudit.report.schema import OBJECT_TYPES, OPERATIONS, json_schema

SGR = re.compile(r"\x1b\[[0-9;]*m")
SARIF = Draft4Validator(
    json.loads((Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
)
VALIDATOR = Draft202012Validator(json_schema())

NASTY = st.sampled_from(
    [
        *(HOSTILE, "\x1b]8;;https://a.b\x07", "\r", "\u202e", "\u2028", "\u0338" * 9, "表" * 30, "'\"$$--/*"),
        *("\n::error::x", "##[group]", "@all #1", "https://a.b", "www.a.b", ":tada:", "`" * 5, "| --- |", "</details>"),
        *("<img src=x>", "<!-- -->", "]]>", "&lt;", "\uffff", "\x00", "[a](b)", "**b**", "~~~", "    - x", "1. x"),
    ]
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | NASTY
ANY_WORDS = WORDS | st.text(st.characters(categories=["Cs", "Cf", "Cc", "Co"]), max_size=6)


def some(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


def reports(words: st.SearchStrategy[str]) -> st.SearchStrategy[Report]:
    """Make reports with those words in every field that takes words."""
    reach, count = st.sampled_from(Reach), st.integers(0, 5)
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | words,
        lambda below: st.lists(below, max_size=2) | st.dictionaries(words, below, max_size=2),
        max_leaves=4,
    )
    cells = st.builds(
        Cell,
        persona=words,
        role=words,
        relation=words,
        kind=words,
        operation=st.sampled_from(Operation),
        reach=reach,
        escalated=reach,
        intended=reach,
        evidence=st.sampled_from(EvidenceKind),
        because=words,
        columns=st.none() | some(words),
        at_least=reach,
        at_most=reach,
        paths=some(words),
    )
    findings = st.builds(
        Finding,
        rule=words,
        severity=st.sampled_from(Severity),
        title=words,
        message=words,
        object=st.builds(ObjectRef, st.sampled_from(OBJECT_TYPES), words),
        relations=some(words),
        persona=words,
        operation=st.sampled_from(OPERATIONS),
        reach=reach,
        intended=reach,
        evidence=st.builds(Evidence, st.sampled_from(EvidenceKind), some(words), words),
        fix=st.builds(Fix, words, st.booleans()),
        fingerprint=words,
        location=st.none() | st.builds(Location, words, st.integers(1, 9)),
    )
    return st.builds(
        Report,
        tool=st.builds(Tool, words, words),
        target=st.builds(Target, words, words, words, some(words), words, some(words)),
        personas=some(
            st.builds(
                Persona,
                words,
                words,
                st.dictionaries(words, json_values, max_size=2),
                st.dictionaries(words, words, max_size=2),
                words,
            )
        ),
        summary=st.builds(Summary, count, count, count, count, count, count, count, count),
        matrix=some(cells),
        findings=some(findings),
        skipped=some(st.builds(Skipped, words, words)),
        suppressed=some(findings),
        base=st.none() | words,
        existing=some(findings),
        changes=some(
            st.builds(Change, words, words, st.sampled_from(Direction), words, words, words, words, st.booleans())
        ),
    )


@given(report=reports(ANY_WORDS), width=st.integers(0, 200))
@settings(deadline=None, max_examples=50)
def test_text_holds_nothing_that_acts_on_the_terminal(report: Report, width: int) -> None:
    plain = render(report, "text", width=width, colour=False)
    assert [character for character in set(plain) if character != "\n" and not character.isprintable()] == []
    assert all(printable(line) == line for line in plain.split("\n"))
    assert SGR.sub("", render(report, "text", width=width, colour=True)) == plain


@given(report=reports(ANY_WORDS), width=st.integers(40, 200))
@settings(deadline=None, max_examples=50)
def test_text_without_sql_fits_the_terminal(report: Report, width: int) -> None:
    bare = tuple(replace(each, evidence=replace(each.evidence, sql=()), fix=Fix("")) for each in report.findings)
    printed = render(replace(report, findings=bare), "text", width=width, colour=False)
    assert max(map(cell_len, printed.split("\n"))) <= width


@given(report=reports(WORDS))
@settings(deadline=None, max_examples=50)
def test_json_fits_the_schema_is_visible_and_reads_back(report: Report) -> None:
    printed = render(report, "json", width=80, colour=False)
    assert printed.replace("\n", "").isprintable()
    VALIDATOR.validate(json.loads(printed))
    read = msgspec.json.decode(printed, type=Document)
    again = Report(**{name: getattr(read, name) for name in Report.__dataclass_fields__})
    assert again == in_order(report)


@given(report=reports(ANY_WORDS))
@settings(deadline=None, max_examples=50)
def test_json_is_json_whatever_the_words_are(report: Report) -> None:
    printed = render(report, "json", width=80, colour=False)
    VALIDATOR.validate(json.loads(printed))
    msgspec.json.decode(printed, type=Document)


@given(report=reports(ANY_WORDS))
@settings(deadline=None, max_examples=30)
def test_sarif_is_sarif_whatever_the_words_are(report: Report) -> None:
    printed = render(report, "sarif", width=80, colour=False)
    assert printed.replace("\n", "").isprintable()
    log = json.loads(printed)
    SARIF.validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(report.findings) + len(report.existing) + len(report.suppressed)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert "](" not in result["message"]["text"]
        kinds, tags = markup(result["message"]["markdown"])
        assert not tags
        assert not (MARKED - {"code_inline"}) & set(kinds)
        assert not LINKED.search(outside_code(result["message"]["markdown"]))


@given(report=reports(ANY_WORDS))
@settings(deadline=None, max_examples=50)
def test_junit_is_xml_whatever_the_words_are(report: Report) -> None:
    root = ET.fromstring(render(report, "junit", width=80, colour=False))  # noqa: S314 -- our own
    assert {each.tag for each in root.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"),
    }
    number = len(report.findings) + len(report.existing) + len(report.suppressed)
    assert len(root.findall("testsuite[@name='findings']/testcase")) == number


@given(report=reports(ANY_WORDS))
@settings(deadline=None, max_examples=50)
def test_every_line_for_github_is_a_command_of_ours_or_words_of_ours(report: Report) -> None:
    printed = render(report, "github", width=80, colour=False)
    commands = [line for line in printed.splitlines() if not line.startswith("rlsaudit: ")]
    assert all(re.fullmatch(r"::(error|warning|notice) [^:,]*(,[^:,]*)*::.*", line) for line in commands)
    assert len(commands) - len(report.findings) in {0, 1, 2, 3}
    assert "##[" not in printed


@given(report=reports(ANY_WORDS))
@settings(deadline=None, max_examples=50)
def test_gitlab_gets_an_entry_for_each_finding_with_a_path_below_the_project(report: Report) -> None:
    entries = json.loads(render(report, "gitlab", width=80, colour=False))
    assert len(entries) - len(report.findings) - len(report.existing) - bool(report.suppressed) in {0, 1}
    assert len({each["fingerprint"] for each in entries}) == len(entries)
    for entry, finding in zip(entries, in_order(report).findings, strict=False):
        if finding.location is None:
            assert re.fullmatch(r"database/[^/]+", entry["location"]["path"])


@given(report=reports(ANY_WORDS), format_name=st.sampled_from(["markdown", "github-summary"]))
@settings(deadline=None, max_examples=60)
def test_markdown_holds_no_markup_but_ours_whatever_the_words_are(report: Report, format_name: str) -> None:
    printed = render(report, format_name, width=80, colour=False)
    kinds, tags = markup(printed)
    assert all(map(TAGS.fullmatch, tags))
    assert not MARKED & set(kinds)
    assert not LINKED.search(outside_code(printed))
    assert tags.count("<details>") == tags.count("</details>")
    assert len(printed.encode()) <= LIMIT


@given(words=ANY_WORDS)
def test_prose_shows_every_word(words: str) -> None:
    assert html.unescape(seen(f"x {prose(words, 10_000)}")).split() == ["x", *printable(words).split()]
