"""The demo app's faults: which of their fixes hold, and that the migration as a whole mends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from benches import supabase

from rlsaudit.demo import SCHEMA
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.fix import Outcome, mended, migration
from rlsaudit.model import Severity

if TYPE_CHECKING:
    from rlsaudit.engine import Server

LEFT = {
    # Whether people are to join circles by themselves is for the app to say.
    'public.circle_members."people join"': "could no longer insert rows of its own of public.circle_members",
    "public.circles": "it may be meant",
    "public.classes": "it may be meant",
}


def test_the_demo_is_mended(server: Server) -> None:
    with supabase(server, SCHEMA) as standing:
        done = mended(standing)
        outcomes = {one.finding.object.identity: one for one in done.tried}
        assert len(done.tried) == 17
        assert {name for name, one in outcomes.items() if one.outcome is not Outcome.VERIFIED} == set(LEFT)
        for name, why in LEFT.items():
            assert any(why in one for one in outcomes[name].because), outcomes[name].because
        # As the project's owner runs it.
        with psycopg.connect(server.dsn(standing.name)) as connection:
            grant_replay_rights(connection)
            connection.execute("set role postgres")
            connection.execute(migration(done).encode())
            connection.execute("reset role")
            revoke_replay_rights(connection)
        after = standing.again(standing.login).report
    left = {one.object.identity for one in after.findings if one.severity > Severity.INFO}
    assert left == set(LEFT)
