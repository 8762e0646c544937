from __future__ import annotations

import json
import unicodedata

import pytest
import report_samples as samples

from rlsaudit.report.escape import printable, visible_json


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("public.notes", "public.notes"),
        ("two words", "two words"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x7f\x85\x9b1m", r"\x7f\x85\x9b1m"),
        ("sdrawkcab\u202e\u2066\u200f", r"sdrawkcab\u202e\u2066\u200f"),
        ("zero\u200bwidth\ufeff\u2060\u00ad", r"zero\u200bwidth\ufeff\u2060\xad"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("no-break\u00a0space\u3000", r"no-break\xa0space\u3000"),
        ("private\ue000\U000f0000", r"private\ue000\U000f0000"),
        ("half\ud83d", r"half\ud83d"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("no ink\u3164\u2800\ufe0f", r"no ink\u3164\u2800\ufe0f"),
        ("Größe.表.таблица.جدول", "Größe.表.таблица.جدول"),
        ("e\u0301", "e\u0301"),
        (r"regexp '\d+\n'", r"regexp '\d+\n'"),
    ],
)
def test_only_what_acts_or_is_not_seen_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert printable(shown) == shown


def test_marks_neither_pile_up_nor_sit_on_what_comes_before() -> None:
    assert printable("\u0338ok") == r"\u0338ok"
    assert printable('a "\u0338" \u0301 \x1b\u0301') == r'a "\u0338" \u0301 \x1b\u0301'
    assert printable("हिंदी") == "हिंदी"
    assert printable("a" + "\u0301" * 6) == "a" + "\u0301" * 4 + r"\u0301\u0301"


def test_nothing_in_unicode_that_is_not_seen_comes_through() -> None:
    every = "".join(map(chr, range(0x110000)))
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"} - {" "}
    left = [character for character in set(printable(every)) - {" "} if unicodedata.category(character) in hidden]
    assert left == []


def test_json_escapes_what_is_not_seen_and_means_the_same() -> None:
    value = {"name": "sdrawkcab\u202e \x7f\x9b \U000e0041 表"}
    document = json.dumps(value, ensure_ascii=False, indent=2)
    visible = visible_json(document)
    assert json.loads(visible) == value
    assert r"sdrawkcab\u202e \u007f\u009b \udb40\udc41 表" in visible
    assert visible.count("\n") == 2


def test_half_a_surrogate_pair_becomes_text_that_every_reader_accepts() -> None:
    visible = visible_json(json.dumps("half \ud83d", ensure_ascii=False))
    assert json.loads(visible) == r"half \ud83d"


def test_a_document_in_ascii_is_left_alone() -> None:
    document = json.dumps(samples.HOSTILE)
    assert visible_json(document) is document
