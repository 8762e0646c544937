"""Statements that no attack sends, for they get no further than those that it sends: tried by force, in many worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.force import Force
from oracle.further import FurtherAttempts
from oracle.judged import PERSONAS
from oracle.world import identities, read_world

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oracle.world import World

    from rlsaudit.engine import Server

DATABASE = "further"
WORLDS = (
    "column_grants", "give_away", "half_policies", "members_joined", "moved_rows", "null_pitfalls", "own_rows",
    "partitions", "storage_objects", "triggers", "writes_need_more",
)  # fmt: skip
PREPARED = ("poses_trigger",)
"""Worlds where a trigger before the INSERT changes who asks."""


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    yield server.supabase_database(DATABASE)
    server.drop_database(DATABASE)


def _further(url: str, world: World) -> list[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(world.schema.encode())
        connection.execute("reset role")
        connection.execute(world.seed.encode())
        revoke_replay_rights(connection)
        found = []
        for persona in PERSONAS:
            asking = identities(persona, world)
            plain = Force(connection, world, asking)
            found += Force(connection, world, asking, attempts=FurtherAttempts).further(plain)
        return found


@pytest.mark.parametrize("name", WORLDS)
def test_statements_that_are_asked_for_more_get_no_further(url: str, name: str) -> None:
    assert _further(url, read_world(name)) == []


@pytest.mark.parametrize("name", PREPARED)
def test_but_where_a_trigger_comes_before_them(url: str, name: str) -> None:
    found = _further(url, read_world(name))
    assert found
    assert all("on conflict" in one for one in found)
