"""In what order probes are asked, and when that ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.model import Operation, Persona
from rlsaudit.probe import Outcome, Probe, Result
from rlsaudit.probe.block import BATCH, TIME_LIMIT
from rlsaudit.probe.pace import NO_TIME, paced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SLOW = 15.0


def probes(*relations: int) -> list[Probe]:
    return [Probe(None, relation, Operation.SELECT, f"select {number}") for number, relation in enumerate(relations)]


class Asked:
    """Answers as a server would on which some relations are slow."""

    def __init__(self, slow: Callable[[int], bool] = lambda _: False, most: int = BATCH) -> None:
        self.slow, self.most = slow, most
        self.batches: list[list[int]] = []
        self.limits: list[int | None] = []

    def __call__(self, some: Sequence[Probe], limit_ms: int | None) -> tuple[Result, ...]:
        self.batches.append([one.relation for one in some])
        self.limits.append(limit_ms)
        if len(some) > self.most:
            raise psycopg.errors.QueryCanceled
        found: list[Result] = []
        for one in some:
            if self.slow(one.relation):
                seconds = SLOW if limit_ms is None else limit_ms / 1_000
                return (*found, Result(one, Outcome.INCONCLUSIVE, reason=TIME_LIMIT, seconds=seconds))
            found.append(Result(one, Outcome.ROWS, one.relation))
        return tuple(found)


def test_a_batch_that_is_cancelled_as_a_whole_is_halved() -> None:
    ask = Asked(most=3)
    found = paced(probes(*range(20)), ask, progress=lambda _: None)
    assert [one.rows for one in found] == list(range(20))
    assert [len(one) for one in ask.batches][:4] == [20, 10, 5, 2]


def test_what_is_cancelled_by_itself_is_left() -> None:
    found = paced(probes(1, 2), Asked(most=0), progress=lambda _: None)
    assert [one.reason for one in found] == [TIME_LIMIT] * 2


def test_what_is_slow_waits() -> None:
    ask = Asked(slow=lambda relation: relation == 1)
    found = paced(probes(0, 1, 2, 1, 3), ask, progress=lambda _: None)
    assert [one.reason for one in found] == ["", TIME_LIMIT, "", TIME_LIMIT, ""]
    assert ask.batches == [[0, 1, 2, 1, 3], [2, 3], [1]]


@pytest.mark.parametrize("relations", [10, 1_000])
def test_what_is_slow_has_its_time_and_then_little_of_it(relations: int) -> None:
    ask = Asked(slow=lambda relation: relation % 2 == 0)
    told: list[int] = []
    found = paced(probes(*range(relations), *range(relations)), ask, progress=told.append)
    assert len(found) == sum(told) == 2 * relations
    slow = sum(one.seconds for one in found)
    assert slow <= 2 * 60 + SLOW
    # While there is time, what is quick is answered, whatever was slow before it.
    answered = [one for one in found if one.outcome is Outcome.ROWS]
    assert {one.reason for one in found} <= {"", TIME_LIMIT, NO_TIME}
    assert all(one.outcome is Outcome.ROWS for one in found[1 : min(relations, 60) : 2])
    assert answered
    assert set(ask.limits) == {None, 1_000}


def test_probes_of_a_persona_go_together() -> None:
    a, b = Persona("a", "a"), Persona("b", "b")
    turns = zip(probes(0, 1, 2, 3), (a, b, a, b), strict=True)
    # Equal, and not the same.
    given = [replace(one, persona=Persona(who.name, who.role)) for one, who in turns]
    ask = Asked()
    found = paced(given, ask, progress=lambda _: None)
    assert [one.rows for one in found] == [0, 1, 2, 3]
    assert ask.batches == [[0, 2], [1, 3]]
