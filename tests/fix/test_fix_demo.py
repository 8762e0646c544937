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

MENDED = {
    ("child-direct", "public.messages_current"),
    ("definer-view", "public.open_bookings"),
    ("policy-but-rls-off", "public.invoices"),
    ("rls-off", "public.clients"),
    ("tautology", 'public.waivers."Enable read access for all users"'),
    ("tautology", 'public.waivers."Enable update for all users"'),
    ("any-authenticated", 'public.orders."customers see orders"'),
}


def test_the_demo_is_mended(server: Server) -> None:
    with supabase(server, SCHEMA) as standing:
        done = mended(standing)
        verified = {
            (one.finding.rule, one.finding.object.identity) for one in done.tried if one.outcome is Outcome.VERIFIED
        }
        assert verified >= MENDED
        assert all(one.because for one in done.tried if one.outcome is not Outcome.VERIFIED)
        # As the project's owner runs it.
        with psycopg.connect(server.dsn(standing.name)) as connection:
            grant_replay_rights(connection)
            connection.execute("set role postgres")
            connection.execute(migration(done).encode())
            connection.execute("reset role")
            revoke_replay_rights(connection)
        after = standing.again(standing.login).report
    left = {one.fingerprint for one in after.findings if one.severity > Severity.INFO}
    assert left <= {one.finding.fingerprint for one in done.tried if not one.is_mended}
