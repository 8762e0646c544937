"""Proof against probe: what a probe saw counts, what it could not see changes nothing, and no reach is hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.matrix.agreement import with_probe
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.personas import built_in
from rlsaudit.probe import Outcome, Probe, Result
from rlsaudit.reach import Way

if TYPE_CHECKING:
    from rlsaudit.model import Cell

NONE, OWN, SOME, ALL = Reach.NONE, Reach.OWN, Reach.SOME, Reach.ALL
SQL_ERROR = "invalid input syntax for type uuid (22P02)"


def way(at_least: Reach, at_most: Reach) -> Way:
    return Way(at_least, at_most, EvidenceKind.PROOF, "policy")


def answer(
    outcome: Outcome, rows: int = 0, reason: str = "", operation: Operation = Operation.SELECT, name: str = "anon"
) -> Result:
    return Result(Probe(built_in(name), 1, operation, "select"), outcome, rows, reason)


def agreed(
    given: Way, result: Result, total: int | None = None, *, all_of_them: bool = True
) -> tuple[Reach, Reach, bool]:
    persona = result.probe.persona
    assert persona is not None
    found, contradiction = with_probe(given, persona, result, total, stands_for_all=all_of_them)
    return found.at_least, found.at_most, bool(contradiction)


@pytest.mark.parametrize(
    "reason",
    [
        "the statement ran into the time limit",
        "no time left: many probes are slow on this database",
        "not asked, for the server would go through a large table",
        "the relation is locked (55P03)",
        "canceling statement due to lock timeout (55P03)",
        "canceling statement due to statement timeout (57014)",
        "could not serialize access (40001)",
        "out of memory (53200)",
        "cannot execute INSERT in a read-only transaction (25006)",
    ],
)
@pytest.mark.parametrize("bounds", [(NONE, NONE), (OWN, OWN), (SOME, ALL), (ALL, ALL)])
def test_what_says_nothing_of_the_statement_changes_nothing(reason: str, bounds: tuple[Reach, Reach]) -> None:
    assert agreed(way(*bounds), answer(Outcome.INCONCLUSIVE, reason=reason)) == (*bounds, False)


@pytest.mark.parametrize("bounds", [(NONE, NONE), (OWN, OWN), (SOME, ALL), (ALL, ALL)])
def test_after_an_error_of_the_statement_nothing_is_certain_and_everything_possible_stays(
    bounds: tuple[Reach, Reach],
) -> None:
    assert agreed(way(*bounds), answer(Outcome.INCONCLUSIVE, reason=SQL_ERROR)) == (NONE, bounds[1], False)


@pytest.mark.parametrize("outcome", [Outcome.DENIED, Outcome.RECURSION])
def test_a_refusal_closes_the_way_where_it_stands_for_every_statement(outcome: Outcome) -> None:
    assert agreed(way(ALL, ALL), answer(outcome)) == (NONE, NONE, False)
    assert agreed(way(ALL, ALL), answer(outcome), all_of_them=False) == (NONE, ALL, False)


@pytest.mark.parametrize("at_most", [NONE, OWN])
def test_rows_that_were_read_are_reached_whatever_was_proved(at_most: Reach) -> None:
    assert agreed(way(NONE, at_most), answer(Outcome.ROWS, 2), 3) == (SOME, ALL, True)


@pytest.mark.parametrize("rows", [0, 2])
def test_fewer_rows_than_there_are_contradict_that_all_are_reached(rows: int) -> None:
    assert agreed(way(ALL, ALL), answer(Outcome.ROWS, rows), 3) == (SOME if rows else NONE, ALL, True)


def test_rows_raise_what_is_certain() -> None:
    assert agreed(way(NONE, ALL), answer(Outcome.ROWS, 3), 3) == (SOME, ALL, False)
    assert agreed(way(NONE, SOME), answer(Outcome.ROWS, 3), 3) == (SOME, SOME, False)
    assert agreed(way(SOME, SOME), answer(Outcome.ROWS, 0), 3) == (SOME, SOME, False)


def cell(cells: tuple[Cell, ...], relation: str, operation: Operation = Operation.SELECT) -> Cell:
    return next(
        one for one in cells if (one.persona, one.relation, one.operation) == ("authenticated", relation, operation)
    )


def test_a_lock_does_not_hide_an_open_table(supabase_database: str) -> None:
    with psycopg.connect(supabase_database) as owner:
        owner.execute("set role postgres")
        owner.execute("create table public.open (id int primary key)")
        owner.execute("insert into public.open values (1)")
        owner.commit()
        owner.execute("lock table public.open in access exclusive mode")
        with connect(supabase_database) as session:
            cells = audit(session, Options()).matrix
        owner.rollback()
    assert cell(cells, "public.open").reach is ALL
    assert cell(cells, "public.open").evidence is EvidenceKind.CATALOG


def test_a_policy_that_fails_on_a_row_is_undecided(supabase_database: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as owner:
        owner.execute("set role postgres")
        owner.execute("create table public.casts (id int primary key, owner text)")
        owner.execute("alter table public.casts enable row level security")
        owner.execute("create policy a on public.casts for select using (owner::uuid = auth.uid())")
        owner.execute("insert into public.casts values (1, 'nobody')")
    with connect(supabase_database) as session:
        probed = cell(audit(session, Options()).matrix, "public.casts")
        proved = cell(audit(session, Options(probe="none")).matrix, "public.casts")
    assert (probed.reach, probed.at_least, probed.at_most) == (Reach.UNKNOWN, NONE, proved.at_most)
    assert proved.at_least is not NONE


def test_a_column_of_a_view_that_is_closed_does_not_hide_one_that_is_open(supabase_database: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as owner:
        owner.execute("set role postgres")
        owner.execute("create table public.parts (id int primary key, body text)")
        owner.execute("revoke update on public.parts from authenticated")
        owner.execute("grant update (body) on public.parts to authenticated")
        owner.execute("create view public.shown with (security_invoker = on) as select * from public.parts")
    with connect(supabase_database) as session:
        found = cell(audit(session, Options()).matrix, "public.shown", Operation.UPDATE)
    assert (found.reach, found.at_most) == (Reach.UNKNOWN, ALL)


def test_rows_that_a_sample_does_not_show_contradict_nothing() -> None:
    sampled = replace(answer(Outcome.ROWS, 3), in_part=True)
    assert agreed(way(ALL, ALL), sampled, total=1_000) == (ALL, ALL, False)
    assert agreed(way(ALL, ALL), answer(Outcome.ROWS, 3), total=1_000) == (SOME, ALL, True)
    # What it shows is reached all the same.
    assert agreed(way(OWN, OWN), sampled, total=1_000) == (SOME, ALL, True)
    assert agreed(way(NONE, ALL), sampled, total=1_000) == (SOME, ALL, False)
    assert sampled.seen(1_000) == "3 rows of a sample"
