"""Names of the intent file that nothing in a database has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rlsaudit.errors import IntentError
from rlsaudit.intent import Names, load, refuse_unknown, unknown_names

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.intent import Intent

NAMES = Names(
    relations=("public.posts", 'public."My Posts"'),
    personas=("anon", "authenticated"),
    functions=("public.search(text)", "public.total(integer[])"),
    rules=("rls-off",),
)


def intent(tmp_path: Path, text: str) -> Intent:
    path = tmp_path / "rlsaudit.toml"
    path.write_text(text, "utf-8")
    return load(path, "supabase")


def test_what_is_there_is_not_unknown(tmp_path: Path) -> None:
    found = intent(
        tmp_path,
        """
        [[allow]]
        relation = ["public.posts", "public.My Posts", "public.*"]
        persona = ["anon", "auth*"]
        select = "all"
        [[function]]
        name = ["public.search", "public.total(integer[])"]
        callable_by = "anon"
        [[suppress]]
        rule = "rls-off"
        object = "anything"
        persona = "public"
        reason = "x"
        expires = 2027-01-01
        """,
    )
    assert unknown_names(found, NAMES) == ()


def test_plain_names_are_refused_together_each_with_its_place_and_the_nearest(tmp_path: Path) -> None:
    found = intent(
        tmp_path,
        """
        [[allow]]
        relation = ["public.posts", "public.psots", "gone.*"]
        persona = ["anon", "authentcated"]
        select = "all"
        [[function]]
        name = ["public.saerch", "public.search(int)"]
        callable_by = "anon"
        [[suppress]]
        rule = "rls-of"
        object = "x"
        reason = "x"
        expires = 2027-01-01
        """,
    )
    unknown = unknown_names(found, NAMES)
    assert [(one.kind, one.name, one.nearest) for one in unknown] == [
        ("relation", "public.psots", "public.posts"),
        ("relation", "gone.*", None),
        ("persona", "authentcated", "authenticated"),
        ("function", "public.saerch", "public.search"),
        ("function", "public.search(int)", "public.search(text)"),
        ("rule", "rls-of", "rls-off"),
    ]
    with pytest.raises(IntentError) as caught:
        refuse_unknown(unknown)
    path = tmp_path / "rlsaudit.toml"
    assert caught.value.message == f'{path}, [[allow]] 1: there is no relation "public.psots".'
    assert caught.value.hint == 'Did you mean "public.posts"? If it is gone for good, take it out.'
    assert len(caught.value.details) == 4
    assert caught.value.details[-1].endswith('[[suppress]] 1: there is no rule "rls-of". Did you mean "rls-off"?')


def test_patterns_alone_are_no_error(tmp_path: Path) -> None:
    found = intent(tmp_path, '[[allow]]\nrelation = "gone.*"\npersona = "anon"\nselect = "all"')
    assert [one.name for one in refuse_unknown(unknown_names(found, NAMES))] == ["gone.*"]


def test_packs_name_what_need_not_be_there() -> None:
    assert unknown_names(load(None, "supabase"), Names((), (), (), ())) == ()
