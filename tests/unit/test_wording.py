"""How findings say who can do what."""

from __future__ import annotations

from rlsaudit.model import Cell, EvidenceKind, Operation, Reach
from rlsaudit.rules.wording import who_can


def cell(relation: str, operation: Operation, reach: Reach) -> Cell:
    return Cell(
        persona="anon",
        role="anon",
        relation=relation,
        kind="table",
        operation=operation,
        reach=reach,
        escalated=reach,
        intended=Reach.NONE,
        evidence=EvidenceKind.CATALOG,
        because="",
        at_least=reach,
        at_most=reach,
    )


def test_what_holds_of_several_relations_is_said_once() -> None:
    cells = [
        cell("public.a", Operation.DELETE, Reach.ALL),
        cell("public.a", Operation.SELECT, Reach.SOME),
        cell("public.b", Operation.SELECT, Reach.ALL),
        cell("public.b", Operation.DELETE, Reach.ALL),
    ]
    assert who_can(cells) == "anon can read and delete any row and read rows of strangers"
