"""Two audits side by side where one of them has a persona that the other has not."""

from __future__ import annotations

import pytest

from rlsaudit.compare.cells import compare_cells
from rlsaudit.model import Cell, Direction, EvidenceKind, Operation, Reach

NONE, OWN, ALL = Reach.NONE, Reach.OWN, Reach.ALL


def cell(persona: str, reach: Reach, role: str = "authenticated") -> Cell:
    proof, select = EvidenceKind.PROOF, Operation.SELECT
    return Cell(persona, role, "public.t", "table", select, reach, reach, OWN, proof, "", None, reach, reach)


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [(OWN, OWN, None), (OWN, NONE, Direction.LESS), (OWN, ALL, Direction.MORE)],
)
def test_a_session_is_compared_with_its_role(before: Reach, after: Reach, direction: Direction | None) -> None:
    old, new = [cell("authenticated", before)], [cell("authenticated", before), cell("anonymous-sign-in", after)]
    found = [(one.persona, one.direction) for one in compare_cells(old, new)]
    assert found == ([] if direction is None else [("anonymous-sign-in", direction)])
    opposite = {Direction.LESS: Direction.MORE, Direction.MORE: Direction.LESS}
    back = [(one.persona, one.direction) for one in compare_cells(new, old)]
    assert back == ([] if direction is None else [("anonymous-sign-in", opposite[direction])])


def test_a_role_that_is_new_or_gone_has_nobody_to_be_compared_with() -> None:
    old, new = [cell("app", OWN, "app")], [cell("app", OWN, "app"), cell("worker", OWN, "worker")]
    assert [(one.persona, one.direction) for one in compare_cells(old, new)] == [("worker", Direction.MORE)]
    assert [(one.persona, one.direction) for one in compare_cells(new, old)] == [("worker", Direction.LESS)]
