"""What is proved does not depend on what was asked before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from oracle.world import read_world

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, Platform, take
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import Operation
from rlsaudit.personas import built_in
from rlsaudit.policy.decide import Bounds, decide
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona

WORLDS = ("attributes", "null_pitfalls", "shared_values")
"""Worlds of which some is decided by which of many states the solver finds first."""


@pytest.mark.parametrize("name", WORLDS)
def test_the_same_conditions_are_decided_alike_in_any_order(supabase_database: str, name: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(read_world(name).schema.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
    with connect(supabase_database) as session, session.read_only():
        catalog = Catalog(take(session))
    asked = [
        (persona, relation)
        for persona in map(built_in, ("anon", "authenticated"))
        if persona is not None
        for relation in catalog.snapshot.relations
        if catalog.policies[relation.oid] and catalog.schema_name(relation) == "public"
    ]
    assert len(asked) > len(WORLDS)
    forth, back, again = (_decided(catalog, one) for one in (asked, asked[::-1], asked))
    assert forth == back == again


def _decided(
    catalog: Catalog, asked: list[tuple[Persona, Relation]]
) -> Mapping[tuple[str, str, Operation], tuple[Bounds, ...]]:
    """Decides by proofs that nobody made before."""
    predicates = Predicates(Access(catalog), Platform.SUPABASE)
    return {
        (persona.name, relation.name, operation): tuple(
            decide(each(persona, catalog.roles_by_name[persona.role].oid, relation, operation))
            for each in (predicates.using, predicates.check)
        )
        for persona, relation in asked
        for operation in Operation
    }
