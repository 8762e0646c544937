"""What chains of statements gain, against what a stranger really gains who tries everything on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.chained import CHAINS, Chains, read_chained

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import Operation, Reach
from rlsaudit.personas import STRANGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell

DATABASE = "chained"
PERSONAS = ("anon", "authenticated")


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    yield server.supabase_database(DATABASE)
    server.drop_database(DATABASE)


@pytest.mark.parametrize("name", sorted(one.stem for one in CHAINS.glob("*.sql")))
def test_what_a_chain_gains_is_what_force_gains(url: str, name: str) -> None:
    world = read_chained(name)
    with psycopg.connect(url, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(world.schema.encode())
        connection.execute("reset role")
        connection.execute("insert into auth.users (id, email) values (%s, 's@example.com')", [STRANGER])
        connection.execute(world.seed.encode())
        revoke_replay_rights(connection)
        with connect(url) as session:
            matrix = audit(session, Options(probe="none")).matrix
        cells = {(one.persona, one.relation, one.operation): one for one in matrix}
        measured = {one: Chains(connection, world, one) for one in PERSONAS}
    found = {
        (persona, relation, operation): cells[persona, relation, operation].escalated
        for persona, relation, reaches in world.expected
        for operation in reaches
    }
    assert found == {
        (persona, relation, operation): reach
        for persona, relation, reaches in world.expected
        for operation, reach in reaches.items()
    }
    faults = [
        f"{persona} {operation.value} {relation}: {cell.escalated} by {cell.chain}, measured {reach}"
        for persona, force in measured.items()
        for relation in force.marked
        for operation in Operation
        if not _agree(cell := cells[persona, relation, operation], reach := force.reach(relation, operation))
    ]
    assert faults == []


def _agree(cell: Cell, measured: Reach) -> bool:
    """Whether a verdict fits what was measured, where `own` stands for no stranger's row."""
    if not cell.escalated.decided:
        return not cell.reach.decided or measured >= max(cell.reach, Reach.OWN)
    return max(cell.escalated, Reach.OWN) is measured
