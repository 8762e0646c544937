"""The fixes of every rule's bad examples: each holds when it is tried, or it is known here why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benches import plain, supabase
from judged import BY_HAND, DRAFTS, GRAVE_BEFORE_16, SQL

from rlsaudit.catalog.platform import Platform
from rlsaudit.fix import Outcome, mended
from rlsaudit.migrations.split import split
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.fix import Mended
    from rlsaudit.rules import Example, Rule


_ADMIN_OPTION_ALONE = 16
"""Since when it takes ADMIN OPTION to grant a role."""


def _named(rule: Rule, example: Example) -> str:
    return f"{rule.id}: {example.name}"


def _examples(platform: Platform) -> list[object]:
    return [
        pytest.param(rule, example, id=_named(rule, example))
        for rule in all_rules().values()
        for example in rule.bad
        if example.platform is platform
    ]


@pytest.fixture
def intent(example: Example, tmp_path: Path) -> Path | None:
    """The intent file that goes with the example, where it has one."""
    if not example.intent:
        return None
    path = tmp_path / "rlsaudit.toml"
    path.write_text(example.intent, "utf-8")
    return path


@pytest.mark.parametrize(("rule", "example"), _examples(Platform.SUPABASE))
def test_the_fix_of_an_example_is_tried(server: Server, rule: Rule, example: Example, intent: Path | None) -> None:
    with supabase(server, example.sql, intent=intent, before=example.before, version=example.version) as standing:
        done = mended(standing, wanted=lambda one: one.rule == rule.id)
    _are_as_expected(server.major, rule, example, done)


@pytest.mark.parametrize(("rule", "example"), _examples(Platform.POSTGRES))
def test_the_fix_of_an_example_on_postgres_is_tried(
    server: Server, rule: Rule, example: Example, intent: Path | None
) -> None:
    with plain(server, example.sql, example.roles, intent=intent, before=example.before) as standing:
        done = mended(standing, wanted=lambda one: one.rule == rule.id)
    _are_as_expected(server.major, rule, example, done)


def _are_as_expected(major: int, rule: Rule, example: Example, done: Mended) -> None:
    name = _named(rule, example)
    by_hand = name in BY_HAND or rule.id in BY_HAND
    drafts = [one for one in done.tried if one.outcome is Outcome.DRAFT]
    assert done.tried
    if name in SQL:
        assert done.tried[0].finding.fix.sql.splitlines() == list(SQL[name])
    is_draft = name in DRAFTS and not (name in GRAVE_BEFORE_16 and major < _ADMIN_OPTION_ALONE)
    assert bool(drafts) is is_draft, [one.because for one in done.tried]
    for one in done.tried:
        without_sql = not any(split(one.finding.fix.sql))
        assert (one.outcome is Outcome.NONE) is without_sql, one.because
        assert not without_sql or by_hand or not one.finding.fix.sql
    for one in drafts:
        assert DRAFTS[name] in "; ".join(one.because)


def test_every_draft_is_of_an_example() -> None:
    named = {_named(rule, example) for rule in all_rules().values() for example in rule.bad}
    assert set(DRAFTS) | set(SQL) | GRAVE_BEFORE_16 <= named
    assert set(all_rules()) | named >= BY_HAND
