"""Suppressions: what they fit, until when, and what is no suppression."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from rlsaudit.errors import IntentError
from rlsaudit.intent import SuppressRule, load
from rlsaudit.model import Evidence, EvidenceKind, Finding, Fix, ObjectRef, Reach, Severity

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = """
[[suppress]]
rule = ["rls-off", "definer-rpc"]
object = ["public.legacy*", "public.search"]
reason = "the old app \\n reads it"
expires = 2027-03-31
"""


def finding(rule: str = "rls-off", identity: str = "public.legacy_1", persona: str = "anon") -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.CRITICAL,
        title="",
        message="",
        object=ObjectRef("table", identity),
        relations=(),
        persona=persona,
        operation="all",
        reach=Reach.ALL,
        intended=Reach.NONE,
        evidence=Evidence(EvidenceKind.CATALOG),
        fix=Fix(""),
        fingerprint="3f9a0c51d2e87b64",
    )


def loaded(tmp_path: Path, text: str) -> tuple[SuppressRule, ...]:
    path = tmp_path / "rlsaudit.toml"
    path.write_text(text, "utf-8")
    return load(path, "supabase").suppressions


def test_rule_and_object_have_to_fit(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path, ENTRY)
    assert rule.fits(finding())
    assert rule.fits(finding("definer-rpc", "public.search(text)"))
    assert not rule.fits(finding("tautology"))
    assert not rule.fits(finding(identity="public.other"))
    assert rule.reason == "the old app reads it"
    assert rule.place == f"{tmp_path / 'rlsaudit.toml'}, [[suppress]] 1"


def test_persona_and_fingerprint_narrow_it(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path, ENTRY + 'persona = "authenticated"')
    assert rule.fits(finding(persona="authenticated"))
    assert not rule.fits(finding())
    (rule,) = loaded(tmp_path, ENTRY + 'fingerprint = "3f9a0c51d2e87b64"')
    assert rule.fits(finding())
    (rule,) = loaded(tmp_path, ENTRY + 'fingerprint = "0000000000000000"')
    assert not rule.fits(finding())


def test_the_last_day_counts(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path, ENTRY)
    assert rule.in_force(date(2027, 3, 31))
    assert not rule.in_force(date(2027, 4, 1))


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("expires = 2027-03-31", "", 'the key "expires" is missing', "Keys here"),
        ("2027-03-31", '"2027-03-31"', "expires: expected date, got text", "expires = 2027-03-31."),
        ("2027-03-31", "2027-03-31T10:00:00", "expires: expected date", "without quotes"),
        ("the old app \\n reads it", " ", "the reason is empty", ""),
        ('["rls-off", "definer-rpc"]', '"*"', '"*" is a pattern; name each rule', ""),
        ('["rls-off", "definer-rpc"]', "[]", "an empty list names nothing", ""),
        ("rls-off", "expired-suppression", "cannot be suppressed", ""),
        ("reason =", "resaon =", 'the key "resaon" is unknown', '"reason"'),
    ],
)
def test_what_is_no_suppression(tmp_path: Path, old: str, new: str, message: str, hint: str) -> None:
    with pytest.raises(IntentError) as caught:
        loaded(tmp_path, ENTRY.replace(old, new))
    assert "[[suppress]] 1" in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint
