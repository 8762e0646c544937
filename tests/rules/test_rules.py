"""What holds for every rule: its name, its words, its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rlsaudit import rules
from rlsaudit.rules import Rule, Turn, all_rules
from rlsaudit.rules.document import pages

TOP = Path(__file__).parents[2]
FEWEST_BAD, FEWEST_GOOD = 2, 3


def test_ids_are_the_names_of_their_files() -> None:
    folder = Path(rules.__file__).parent
    texts = {one.stem: one.read_text("utf-8") for one in folder.glob("*.py")}
    holding = {
        name.replace("_", "-") for name, text in texts.items() if re.search(r"^RULE = Rule\(", text, re.MULTILINE)
    }
    assert holding == set(all_rules())
    for name, text in texts.items():
        identifier = name.replace("_", "-")
        if identifier in holding:
            assert f'id="{identifier}"' in text
            assert text.startswith(f'"""{identifier}: ')


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda one: str(one.id))
def test_a_rule_has_words_and_examples(rule: Rule) -> None:
    assert all((rule.summary, rule.why, rule.fix, rule.fine))
    assert rule.summary.endswith(".")
    names = [one.name for one in (*rule.bad, *rule.good)]
    assert len(set(names)) == len(names)
    assert len(rule.bad) >= FEWEST_BAD
    assert len(rule.good) >= FEWEST_GOOD
    for known in (known for one in (*rule.bad, *rule.good) for known in one.also):
        assert known in all_rules()


def test_only_what_is_left_over_is_told_last() -> None:
    assert [one.id for one in all_rules().values() if one.turn is Turn.REST] == ["beyond-intent", "locked-out"]


def test_the_pages_are_up_to_date() -> None:
    folder = TOP / "docs" / "rules"
    assert {one.name: one.read_text("utf-8") for one in folder.glob("*.md")} == pages(all_rules())
