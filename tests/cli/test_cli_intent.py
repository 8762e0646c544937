"""The intent file on the command line: what is set aside, what is refused, and what becomes of the exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from rlsaudit.report import formats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command import Answer

    Ask = Callable[..., Answer]

OPEN = "create table public.open (id int, email text); grant all on public.open to anon, authenticated"
SUPPRESS = """
[[suppress]]
rule = "rls-off"
object = "public.open"
reason = "the old app reads it"
expires = {day}
"""


def told(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings, but for those about the tests' own server, of whatever release that is."""
    return [one for one in report["findings"] if one["object"]["type"] != "server"]


@pytest.fixture
def url(supabase_database: str) -> str:
    with psycopg.connect(supabase_database, autocommit=True) as admin:
        admin.execute(OPEN)
    return supabase_database


def test_a_suppressed_finding_does_not_count_and_is_shown_in_every_format(ask: Ask, url: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(SUPPRESS.format(day="9999-12-31"), "utf-8")
    answer = ask("audit", url, "--intent", str(intent), "--fail-on", "high", "--format", "json")
    report = json.loads(answer.out)
    assert answer.code == 0
    assert told(report) == []
    assert [one["suppression"] for one in report["suppressed"]] == [
        {"reason": "the old app reads it", "expires": "9999-12-31"}
    ]
    assert report["summary"]["critical"] == 0
    for name in formats():
        printed = ask("audit", url, "--intent", str(intent), "--probe", "none", "--format", name)
        assert printed.code == 0, name
        assert "rls-off" in printed.out, name
        assert "the old app reads it" in printed.out, name


def test_an_expired_suppression_suppresses_nothing_and_is_a_finding(ask: Ask, url: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(SUPPRESS.format(day="2020-01-01"), "utf-8")
    answer = ask("audit", url, "--intent", str(intent), "--format", "json")
    found = {one["rule"]: one for one in told(json.loads(answer.out))}
    assert answer.code == 1
    assert set(found) == {"rls-off", "expired-suppression"}
    assert "[[suppress]] 1 held until 2020-01-01" in found["expired-suppression"]["message"]


def test_when_the_fault_is_mended_the_report_says_what_to_delete(ask: Ask, url: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(SUPPRESS.format(day="9999-12-31"), "utf-8")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("revoke all on public.open from anon, authenticated")
    answer = ask("audit", url, "--intent", str(intent), "--format", "json")
    (found,) = told(json.loads(answer.out))
    assert (answer.code, found["rule"], found["severity"]) == (0, "dead-suppression", "low")
    assert "[[suppress]] 1: there is no such finding any more" in found["message"]
    assert "take the entry out" in found["message"]


def test_a_misspelt_object_is_told_with_the_nearest(ask: Ask, url: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(SUPPRESS.format(day="9999-12-31").replace("public.open", "public.opne"), "utf-8")
    answer = ask("audit", url, "--intent", str(intent), "--format", "json")
    found = {one["rule"]: one for one in json.loads(answer.out)["findings"]}
    assert answer.code == 1
    assert 'Did you mean "public.open"?' in found["dead-suppression"]["message"]


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            '[[allow]]\nrelation = "public.opne"\npersona = "anon"\nselect = "all"',
            'no relation "public.opne"',
            '"public.open"',
        ),
        (
            '[[allow]]\nrelation = "public.open"\npersona = "annon"\nselect = "all"',
            'no persona "annon"',
            '"anon"',
        ),
        ('[[function]]\nname = "auth.uuid"\ncallable_by = "anon"', 'no function "auth.uuid"', '"auth.uid"'),
        (SUPPRESS.format(day="9999-12-31").replace("rls-off", "rls-of"), 'no rule "rls-of"', '"rls-off"'),
    ],
)
def test_a_name_that_nothing_has_is_refused(
    ask: Ask, url: str, tmp_path: Path, text: str, said: str, hint: str
) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(text, "utf-8")
    ask("audit", url, "--intent", str(intent)).refused(said, hint)


def test_a_role_that_is_no_persona_here_is_known(ask: Ask, url: str, tmp_path: Path) -> None:
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text('[[allow]]\nrelation = "public.open"\npersona = "authenticated"\nselect = "all"', "utf-8")
    assert ask("audit", url, "--intent", str(intent), "--role", "anon").code == 1


def test_comments_count_as_intent(ask: Ask, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("revoke all on public.open from anon, authenticated")
        admin.execute("grant select on public.open to anon, authenticated")
        admin.execute("comment on table public.open is 'Opening hours. @rlsaudit public-read'")
        admin.execute("create function public.hours() returns int language sql as 'select 1'")
        admin.execute("comment on function public.hours() is '@rlsaudit pubic'")
    report = json.loads(ask("audit", url, "--format", "json", "--fail-on", "info").out)
    intended = {one["intended"] for one in report["matrix"] if one["operation"] == "select"}
    assert "all" in intended
    assert "rls-off" not in {one["rule"] for one in report["findings"]}
    told = {one["what"]: one["reason"] for one in report["skipped"]}
    assert told["the comment on function public.hours()"] == 'the word "pubic" is unknown. Did you mean "public"?'


def test_comments_are_of_the_facts_that_are_saved(ask: Ask, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("comment on table public.open is '@rlsaudit owner'")
        admin.execute("comment on column public.open.email is '@rlsaudit public'")
        admin.execute("comment on table auth.users is '@rlsaudit public'")
    assert ask("snapshot", url, "-o", "facts.json").code == 0
    report = json.loads(ask("audit", "facts.json", "--format", "json").out)
    intended = {(one["persona"], one["relation"], one["operation"]): one["intended"] for one in report["matrix"]}
    assert intended["authenticated", "public.open", "select"] == "own"
    told = {one["what"]: one["reason"] for one in report["skipped"]}
    assert told["the comment on column public.open"] == "comments on columns say nothing; say it of the relation"
