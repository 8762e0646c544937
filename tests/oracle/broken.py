"""An application that is right, as it is and broken in one place: what is found, and what force measures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from oracle.force import Force
from oracle.judged import PERSONAS
from oracle.mutants import mutants
from oracle.world import identities
from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import Operation, Reach, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TypeAlias

    from oracle.mutants import Mutant
    from oracle.world import World
    from rlsaudit.engine import Server
    from rlsaudit.model import Report

    Key: TypeAlias = tuple[str, str, Operation]

_DATABASE = "broken"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit with attacks says of an application, and what each persona reaches."""

    report: Report
    reaches: Mapping[Key, Reach]

    @property
    def grave(self) -> set[str]:
        return {f"{one.rule} {one.object.identity}" for one in self.report.findings if one.severity >= Severity.HIGH}

    def wider(self, right: Outcome) -> set[Key]:
        """What is reached further than in the application that is right, and further than is meant."""
        intended = {(one.persona, one.relation, one.operation): one.intended for one in right.report.matrix}
        return {
            key
            for key, reach in self.reaches.items()
            if reach > max(right.reaches.get(key, Reach.NONE), intended.get(key, Reach.NONE))
        }

    def tells(self, right: Outcome, keys: set[Key]) -> bool:
        """Whether a finding that was not there before speaks of what is wider, or of a view or table beside it."""
        known = {(one.fingerprint, one.severity) for one in right.report.findings}
        return bool(keys) and any(
            (one.fingerprint, one.severity) not in known and one.severity >= Severity.MEDIUM
            for one in self.report.findings
        )


def outcome(server: Server, world: World, intent: Path, mutant: Mutant | None = None) -> Outcome:
    """Makes the application, breaks it, audits it with attacks and measures it; the server needs `_DATABASE` free.

    Raises:
        psycopg.Error: it cannot be broken so.
    """
    url = server.supabase_database(_DATABASE)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            build(connection, world, mutant)
            with connect(url) as session:
                options = Options(probe="write", throwaway=True, intent=intent if intent.stat().st_size else None)
                report = audit(session, options)
            asked = replace(world, calls=(*world.calls, *mutant.calls)) if mutant is not None else world
            reaches: dict[Key, Reach] = {}
            for persona in PERSONAS:
                if persona not in {one.name for one in report.personas}:
                    continue
                force = Force(connection, asked, identities(persona, asked))
                for relation, table in force.tables.all.items():
                    if table.kind in "rp" and relation.startswith(("public.", "storage.")):
                        for operation in Operation:
                            reaches[persona, relation, operation] = force.reach(relation, operation).reach
            return Outcome(report, reaches)
    finally:
        server.drop_database(_DATABASE)


def breakable(server: Server, world: World) -> tuple[Mutant, ...]:
    """Returns all that can be broken in an application."""
    url = server.supabase_database(_DATABASE)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            build(connection, world)
            return mutants(connection)
    finally:
        server.drop_database(_DATABASE)


def build(connection: psycopg.Connection[tuple[object, ...]], world: World, mutant: Mutant | None = None) -> None:
    """Makes the application in a Supabase-like database as its owner would, with rows, and breaks it if told how."""
    grant_replay_rights(connection)
    connection.execute("set role postgres")
    connection.execute(world.schema.encode())
    connection.execute("reset role")
    connection.execute(world.seed.encode())
    if mutant is not None:
        connection.execute("set role postgres")
        connection.execute(mutant.statement.encode())
        connection.execute("reset role")
    revoke_replay_rights(connection)
