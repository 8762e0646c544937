from __future__ import annotations

import pytest

from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.report.schema import OPERATIONS
from rlsaudit.report.words import EVIDENCE, ability, count, intention, listed


@pytest.mark.parametrize(
    ("persona", "operation", "reach", "sentence"),
    [
        ("anon", "select", Reach.ALL, "anon can read any row"),
        ("anon", "select", Reach.NONE, "anon cannot read any row"),
        ("user A", "update", Reach.OWN, "user A can change only rows of its own"),
        ("user A", "delete", Reach.SOME, "user A can delete strangers' rows that meet a condition"),
        ("anon", "insert", Reach.ALL, "anon can insert rows in anybody's name"),
        ("anon", "select", Reach.UNKNOWN, "anon may be able to read rows: not decided"),
        ("anon", "all", Reach.ALL, "anon can read and write any row"),
        ("public", "all", Reach.NONE, "nobody can read or write any row"),
        ("public", "execute", Reach.ALL, "everybody can execute it"),
        ("anon", "truncate", Reach.ALL, "anon can empty it with truncate"),
        ("anon", "usage", Reach.NONE, "anon cannot use it"),
        ("anon", "create", Reach.UNKNOWN, "anon may be able to create objects in it: not decided"),
    ],
)
def test_who_can_do_what(persona: str, operation: str, reach: Reach, sentence: str) -> None:
    assert ability(persona, operation, reach) == sentence


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("reach", Reach)
def test_every_reach_of_every_operation_has_words(operation: str, reach: Reach) -> None:
    assert ability("anon", operation, reach).startswith("anon ")
    assert "{" not in ability("anon", operation, reach)
    assert intention(operation, reach)


def test_intent_is_told_in_rows_where_rows_are_meant() -> None:
    assert intention("select", Reach.NONE) == "none"
    assert intention(Operation.UPDATE, Reach.OWN) == "own rows"
    assert intention("execute", Reach.ALL) == "allowed"
    assert intention("execute", Reach.NONE) == "none"


def test_every_kind_of_evidence_has_words() -> None:
    assert set(EVIDENCE) == set(EvidenceKind)


def test_counts_and_lists() -> None:
    assert count(1, "verdict") == "1 verdict"
    assert count(0, "verdict") == "0 verdicts"
    assert count(2, "thing was", "things were") == "2 things were"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
