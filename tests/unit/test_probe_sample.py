"""Texts that regular expressions match, and combinations of possibilities."""

from __future__ import annotations

import itertools
import re

import pytest

from rlsaudit.probe.rows.combine import nearest
from rlsaudit.probe.rows.sample import sample


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z0-9]+(-[a-z0-9]+)*$",
        r"^https?://(www\.|mobile\.)?(x\.com|twitter\.com)/[A-Za-z0-9_]{1,15}/?$",
        r"^\+[1-9]\d{1,14}$",
        r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
        r"^(?!x)v\d+(\.\d+){2}$",
        r"^[]a]x?$",
        r"^([01]\d|2[0-3]):[0-5]\d$",
    ],
)
def test_a_text_matches_the_pattern_that_it_is_made_for(pattern: str) -> None:
    made = sample(pattern)
    assert made is not None
    assert re.search(pattern, made)


@pytest.mark.parametrize("pattern", ["(", "[", "\\", "a{9999999}", "(" * 1_000, "a" * 1_000, "(a{99}){99}"])
def test_what_is_not_understood_or_too_long_has_no_sample(pattern: str) -> None:
    assert sample(pattern) is None


def test_combinations_come_by_distance_and_each_once() -> None:
    axes = [range(3), range(2), range(3)]
    found = list(nearest(axes, 100))
    assert sorted(found) == sorted(itertools.product(*axes))
    assert [sum(one) for one in found] == sorted(sum(one) for one in found)
    assert len(list(nearest([range(100)] * 20, 50))) == 50
    assert list(nearest([], 5)) == [()]
    assert list(nearest([range(2), ()], 5)) == []
