"""Conditions of one table as those of another: nothing but its name changes."""

from __future__ import annotations

import pytest

from rlsaudit.policy.formula import And, Atom, AtomKind, Not
from rlsaudit.policy.renamed import in_words, mentions, nameless, with_name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(m.org = tasks.org)", "(m.org = notes.org)"),
        ("tasks.a = tasks.b", "notes.a = notes.b"),
        ("subtasks.a = my_tasks.a", "subtasks.a = my_tasks.a"),
        ("public.tasks.a", "public.tasks.a"),
        ("tasks.tasks.a", "notes.tasks.a"),
        ("a = 'tasks.a'", "a = 'tasks.a'"),
        ("a = 'it''s tasks.a' and tasks.b", "a = 'it''s tasks.a' and notes.b"),
        ('"tasks.a" = "x "" tasks.a" or tasks.b', '"tasks.a" = "x "" tasks.a" or notes.b'),
        ("exists (select from tasks t where t.a = tasks.a)", "exists (select from tasks t where t.a = notes.a)"),
    ],
)
def test_only_the_name_before_a_column_is_another(text: str, told: str) -> None:
    assert with_name(text, "tasks", "notes") == told
    assert nameless(text, "tasks") == nameless(told, "notes" if "notes." in told else "tasks")


def test_a_name_that_takes_quotes_stays() -> None:
    assert nameless('"Tasks".a = 1', "Tasks") == '"Tasks".a = 1'


def test_other_words_mean_the_same() -> None:
    opaque = Atom(AtomKind.OPAQUE, "x", occurrence=2)
    formula = And((Not(Atom(AtomKind.TIE, "tasks.owner = 1", frozenset({1}))), opaque))
    told = in_words(formula, lambda text: with_name(text, "tasks", "notes"))
    assert told == And((Not(Atom(AtomKind.TIE, "notes.owner = 1", frozenset({1}))), opaque))
    assert mentions(formula, "tasks")
    assert not mentions(told, "tasks")
