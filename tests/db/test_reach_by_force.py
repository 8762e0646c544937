"""Every cell of the matrix against what a persona really reaches, found out by force in many small worlds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.compare import compare
from oracle.force import Force
from oracle.world import WORLDS, World, read_world
from psycopg import sql

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.demo import SCHEMA, SEED
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.personas import STRANGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell

GROUP = "oracle_group"
"""A role of the worlds' own; roles are the whole server's, so it comes and goes with each test."""
PERSONAS = ("anon", "authenticated")
MARA, JONAS, THEO, INES = (f"a0000000-0000-4000-8000-00000000000{number}" for number in range(1, 5))
LEHM, OFEN = frozenset({"mara", "theo"}), frozenset({"jonas"})
# The support team's Priya is staff, and so no persona.
DEMO = World(
    "demo",
    SCHEMA,
    SEED,
    calls=(
        "select * from public.find_people('a')",
        "select public.create_studio('x')",
        "select public.studio_revenue('b0000000-0000-4000-8000-000000000001')",
        "select public.cancel_booking('e0000000-0000-4000-8000-000000000001')",
    ),
    claims=({"user_metadata": {"role": "staff"}},),
    people={"mara": MARA, "jonas": JONAS, "theo": THEO, "ines": INES},
    tied={
        MARA: frozenset({"mara"}),
        JONAS: frozenset({"jonas"}),
        THEO: frozenset({"theo"}),
        INES: frozenset({"ines"}),
        STRANGER: frozenset({"S"}),
        "b0000000-0000-4000-8000-000000000001": LEHM,
        "b0000000-0000-4000-8000-000000000002": OFEN,
        "d0000000-0000-4000-8000-000000000001": LEHM,
        "d0000000-0000-4000-8000-000000000002": LEHM,
        "d0000000-0000-4000-8000-000000000003": OFEN,
        "d0000000-0000-4000-8000-000000000004": OFEN,
        "f0000000-0000-4000-8000-000000000001": frozenset({"mara", "jonas"}),
        "f0000000-0000-4000-8000-000000000002": frozenset({"theo"}),
        "f0000000-0000-4000-8000-000000000003": frozenset({"theo"}),
    },
    # Of a circle that is not listed or a message of long ago all rows may be one's own.
    seeing_all=frozenset({"anon", "S"}),
    marks={"public.bookings": "id", "public.billing_accounts": "full_name"},
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A world's cells, as audited with probes and without, and what was measured for each persona."""

    cells: tuple[Cell, ...]
    unprobed: tuple[Cell, ...]
    measured: dict[str, Force]

    def faults(self, cells: tuple[Cell, ...]) -> list[str]:
        compared = [
            one
            for name, force in self.measured.items()
            for one in compare((x for x in cells if x.persona == name), force)
        ]
        assert compared
        return [one.fault for one in compared if one.fault]

    def unlike(self, world: World) -> list[str]:
        """Where force finds something else than the world says that it measures."""
        return [
            f"{persona} {operation.value} {relation}: {found.value}, not {reach.value}"
            for persona, relation, reaches in world.measures
            for operation, reach in reaches.items()
            if (found := self.measured[persona].reach(relation, operation).reach) is not reach
        ]

    def inconsistent(self) -> list[Cell]:
        """Cells whose evidence does not fit their verdict, or that probes and proof decide differently."""
        proved = {(one.persona, one.relation, one.operation): one for one in self.unprobed}
        found = []
        for one in (*self.cells, *self.unprobed):
            other = proved[one.persona, one.relation, one.operation]
            fits = (one.at_least is one.at_most is one.reach) if one.reach.decided else one.at_least < one.at_most
            told = (one.evidence is not EvidenceKind.NONE) is one.reach.decided
            agrees = other.reach is one.reach or not (other.reach.decided and one.reach.decided)
            if not (fits and told and agrees) or "a bug of rlsaudit" in one.because:
                found.append(one)
        return found + [one for one in self.unprobed if one.evidence is EvidenceKind.PROBE]


@pytest.fixture
def group(server: Server) -> Iterator[str]:
    with psycopg.connect(server.supabase_database("oracle"), autocommit=True) as connection:
        connection.execute(sql.SQL("create role {}").format(sql.Identifier(GROUP)))
    yield server.dsn("oracle")
    server.drop_database("oracle")
    with psycopg.connect(server.create_database("oracle_end"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(GROUP)))
    server.drop_database("oracle_end")


def judge(url: str, world: World) -> Judged:
    with psycopg.connect(url, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute(sql.SQL("grant {} to postgres").format(sql.Identifier(GROUP)))
        connection.execute("set role postgres")
        connection.execute(world.schema.encode())
        connection.execute("reset role")
        connection.execute(world.seed.encode())
        revoke_replay_rights(connection)
        with connect(url) as session:
            cells = audit(session, Options()).matrix
            unprobed = audit(session, Options(probe="none")).matrix
        return Judged(cells, unprobed, {one: Force(connection, world, one) for one in PERSONAS})


@pytest.mark.parametrize("name", sorted(one.stem for one in WORLDS.glob("*.sql")))
def test_what_is_measured_lies_within_the_bounds(group: str, name: str) -> None:
    world = read_world(name)
    judged = judge(group, world)
    assert judged.unlike(world) == []
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.inconsistent() == []


def test_the_demo_app_is_within_the_bounds(group: str) -> None:
    judged = judge(group, DEMO)
    assert judged.faults(judged.cells) == []
    assert judged.faults(judged.unprobed) == []
    assert judged.inconsistent() == []


def test_the_oracle_knows_a_wrong_verdict(group: str) -> None:
    """In a world of which everything is decided, every other verdict on a table is a fault."""
    judged = judge(group, read_world("own_rows"))
    assert all(one.reach.decided for one in judged.cells if one.relation.startswith("public."))
    cells = tuple(one for one in judged.cells if one.relation in judged.measured["anon"].tables.all)
    for reach in (Reach.NONE, Reach.OWN, Reach.SOME, Reach.ALL):
        wrong = tuple(replace(one, reach=reach, at_least=reach, at_most=reach) for one in cells if one.reach != reach)
        assert len(judged.faults(wrong)) == len(wrong)
    unfounded = tuple(replace(one, evidence=EvidenceKind.NONE) for one in cells)
    assert replace(judged, cells=unfounded).inconsistent() == list(unfounded)


def test_the_oracle_measures_what_is_written_down(group: str) -> None:
    judged = judge(group, read_world("own_rows"))
    found = {
        (persona, operation.value): judged.measured[persona].reach("public.notes", operation).reach.value
        for persona in PERSONAS
        for operation in Operation
    }
    assert found == {
        ("anon", "select"): "some",
        ("anon", "insert"): "none",
        ("anon", "update"): "none",
        ("anon", "delete"): "none",
        ("authenticated", "select"): "some",
        ("authenticated", "insert"): "own",
        ("authenticated", "update"): "own",
        ("authenticated", "delete"): "own",
    }
