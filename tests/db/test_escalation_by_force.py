"""What chains of statements gain, against what a stranger really gains who tries everything on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.chained import CHAINS, Chained, Chains, read_chained
from oracle.chained_worlds import random_chained

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import STRANGER, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell

DATABASE = "chained"
PERSONAS = ("anon", "authenticated")
RANDOM_WORLDS = 16
_TABLES = """
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and (n.nspname = 'public' or n.nspname = 'auth' and c.relname = 'users')
"""


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    yield server.supabase_database(DATABASE)
    server.drop_database(DATABASE)


@pytest.mark.parametrize("name", sorted(one.stem for one in CHAINS.glob("*.sql")))
def test_what_a_chain_gains_is_what_force_gains(url: str, name: str) -> None:
    world = read_chained(name)
    cells, measured = _judged(url, world, PERSONAS)
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
    # With rows attacked, chains that were executed among them, the verdicts are the same, or one that was open.
    attacked = _attacked(url)
    assert [one for one in attacked.values() if "a bug of rlsaudit" in one.because + one.escalated_because] == []
    unlike = [
        (key, cell.escalated, attacked[key].escalated, attacked[key].chain)
        for key, cell in cells.items()
        if cell.escalated.decided and attacked[key].escalated is not cell.escalated
    ]
    assert unlike == []
    beyond = [
        (key, cell.escalated, cell.chain)
        for key, cell in attacked.items()
        if key[1] in measured[key[0]].marked and not _agree(cell, measured[key[0]].reach(*key[1:]))
    ]
    assert beyond == []


def _attacked(url: str) -> Mapping[tuple[str, str, Operation], Cell]:
    """The cells of the world that is there, with rows attacked as on a throwaway server.

    Its stranger has signed up, and so has rows: an audit's has none.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for (table,) in connection.execute(_TABLES).fetchall():
            connection.execute(f"delete from {table} as t where t::text like '%{STRANGER}%'".encode())
    with connect(url) as session:
        matrix = audit(session, Options(probe="write", throwaway=True)).matrix
    return {(one.persona, one.relation, one.operation): one for one in matrix}


@pytest.mark.parametrize("seed", range(RANDOM_WORLDS))
def test_no_single_step_gains_more_than_is_said(url: str, seed: int) -> None:
    """In worlds made at random; what takes two steps is left to those that were thought up."""
    world = random_chained(seed)
    cells, measured = _judged(url, world, ("authenticated",), longest=1)
    faults = [
        f"{operation.value}: {cell.escalated}, measured {reach} in {world.schema}"
        for operation in Operation
        if (cell := cells["authenticated", "public.docs", operation]).escalated.decided
        and (reach := measured["authenticated"].reach("public.docs", operation)) > max(cell.escalated, Reach.OWN)
    ]
    assert faults == []


def _judged(
    url: str, world: Chained, personas: tuple[str, ...], longest: int = 2
) -> tuple[Mapping[tuple[str, str, Operation], Cell], Mapping[str, Chains]]:
    """The cells of a world, and what was measured in it for each persona."""
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
        return cells, {one: Chains(connection, world, one, longest) for one in personas}


def _agree(cell: Cell, measured: Reach) -> bool:
    """Whether a verdict fits what was measured, where `own` stands for no stranger's row."""
    if not cell.escalated.decided:
        return not cell.reach.decided or measured >= max(cell.reach, Reach.OWN)
    return max(cell.escalated, Reach.OWN) is measured
