from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import report_samples as samples

import rlsaudit.report
from rlsaudit.errors import UsageError
from rlsaudit.model import Severity
from rlsaudit.report import formats, render
from rlsaudit.report.order import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEW_FORMAT = """
from rlsaudit.report.format import Format

FORMAT = Format(name="count", summary="for tests", render=lambda report, screen: f"{len(report.findings)}\\n")
"""


@pytest.fixture
def fresh_formats() -> Iterator[None]:
    formats.cache_clear()
    yield
    formats.cache_clear()


def test_formats_are_found_and_named() -> None:
    known = {"github", "github-summary", "gitlab", "json", "junit", "markdown", "sarif", "text"}
    assert known <= set(formats())
    assert all(name == each.name and each.summary for name, each in formats().items())


def test_a_format_that_does_not_exist_is_a_usage_error_naming_those_that_do() -> None:
    with pytest.raises(UsageError) as raised:
        render(samples.correct(), "x\x1b[2Jml", width=80, colour=False)
    assert raised.value.message == r'there is no report format "x\x1b[2Jml"'
    assert "json" in raised.value.hint
    assert "text" in raised.value.hint


@pytest.mark.usefixtures("fresh_formats")
def test_a_new_module_is_a_new_format_without_registration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "count.py").write_text(NEW_FORMAT)
    monkeypatch.setattr(rlsaudit.report, "__path__", [*rlsaudit.report.__path__, str(tmp_path)])
    assert render(samples.flawed(), "count", width=80, colour=False) == "3\n"


@pytest.mark.usefixtures("fresh_formats")
def test_two_formats_of_one_name_are_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "impostor.py").write_text(NEW_FORMAT.replace("count", "text"))
    monkeypatch.setattr(rlsaudit.report, "__path__", [*rlsaudit.report.__path__, str(tmp_path)])
    with pytest.raises(RuntimeError, match="same name"):
        formats()


@pytest.mark.parametrize("format_name", formats())
@pytest.mark.parametrize(
    "sample",
    [samples.correct, samples.flawed, samples.compared, samples.many, samples.hostile, samples.report],
)
def test_a_report_ends_in_exactly_one_newline(format_name: str, sample: samples.Sample) -> None:
    printed = render(sample(), format_name, width=80, colour=False)
    assert printed.endswith("\n")
    assert not printed.endswith("\n\n")


@pytest.mark.parametrize("format_name", formats())
def test_the_order_of_what_was_found_does_not_show(format_name: str) -> None:
    report = samples.flawed()
    turned = samples.report(
        target=report.target,
        matrix=report.matrix[::-1],
        findings=report.findings[::-1],
        skipped=report.skipped[::-1],
        suppressed=report.suppressed[::-1],
    )
    assert render(turned, format_name, width=80, colour=False) == render(report, format_name, width=80, colour=False)


def test_findings_come_worst_first_and_personas_as_they_are_listed() -> None:
    ordered = in_order(samples.report(matrix=samples.flawed().matrix[::-1], findings=samples.flawed().findings))
    assert [each.severity for each in ordered.findings] == [Severity.CRITICAL, Severity.HIGH, Severity.INFO]
    assert [each.persona for each in ordered.matrix] == ["anon"] * 16 + ["authenticated"] * 16
    assert [each.operation.value for each in ordered.matrix[:4]] == ["select", "insert", "update", "delete"]
