"""An application that is right, as it is and broken in one place: what is found, and what force measures."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import psycopg

from oracle.force import SERVED, Force
from oracle.gained import gained
from oracle.judged import PERSONAS
from oracle.mutants import SUPABASE, mutants
from oracle.world import identities
from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import Operation, Reach, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    from oracle.mutants import Ground, Mutant
    from oracle.world import Identity, World
    from rlsaudit.engine import Server
    from rlsaudit.model import Report

    Key: TypeAlias = tuple[str, str, Operation]

_DATABASE = "broken"
_MAY = """
select attname::text from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and has_column_privilege(%s, attrelid, attnum, %s)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit with attacks says of an application, and what each persona reaches.

    `columns` are those that may be read or written of what is reached, a role, table, privilege and name each. `gained`
    is what a first statement opens for the next further than in the application that is right, and than is meant: it is
    looked for where the audit is alarmed and nothing else is wider. `breakable` is all that can be broken, of an
    application that is right.
    """

    report: Report
    reaches: Mapping[Key, Reach]
    columns: frozenset[tuple[str, str, str, str]] = frozenset()
    gained: frozenset[tuple[str, Operation]] = frozenset()
    breakable: tuple[Mutant, ...] = ()

    @property
    def grave(self) -> set[str]:
        return {f"{one.rule} {one.object.identity}" for one in self.report.findings if one.severity >= Severity.HIGH}

    def wider(self, right: Outcome) -> set[Key]:
        """What is reached further than in the application that is right, and further than is meant."""
        bounds = right.bounds()
        return {key for key, reach in self.reaches.items() if reach > bounds.get(key, Reach.NONE)}

    def bounds(self) -> Mapping[Key, Reach]:
        """How far may be reached: as far as it is, and as is meant."""
        intended = {(one.persona, one.relation, one.operation): one.intended for one in self.report.matrix}
        return {key: max(reach, intended.get(key, Reach.NONE)) for key, reach in self.reaches.items()}

    def is_false_alarm(self, right: Outcome) -> bool:
        """Whether it is alarmed although nothing opened: no further rows, no columns, by no first statement."""
        return bool(self.grave) and not self.wider(right) and not self.gained and self.columns <= right.columns

    def tells(self, right: Outcome, keys: set[Key] | None = None) -> bool:
        """Whether a finding that was not there before speaks of what is wider; of anything without `keys`."""
        known = {(one.fingerprint, one.severity) for one in right.report.findings}
        relations = {relation for _, relation, _ in keys or ()}
        return any(
            (one.fingerprint, one.severity) not in known
            and one.severity >= Severity.MEDIUM
            and (keys is None or not relations.isdisjoint({*one.relations, one.object.identity}))
            for one in self.report.findings
        )


class App(Protocol):
    """An application to break: what it stands on, how it is made, and who asks."""

    @property
    def world(self) -> World: ...

    @property
    def ground(self) -> Ground: ...

    @property
    def served(self) -> tuple[str, ...]:
        """What clients can address."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """What is audited besides what the platform and the intent say."""
        ...

    def database(self, server: Server, name: str) -> AbstractContextManager[str]:
        """Yields the conninfo, as superuser, of a database to make it in, and forgets what was made."""
        ...

    def build(self, connection: psycopg.Connection[tuple[object, ...]], mutant: Mutant | None) -> None:
        """Makes the application as its owner would, with rows, and breaks it if told how."""
        ...

    def asking(self, persona: str, world: World) -> tuple[Identity, ...]:
        """Returns everybody whom a persona stands for, in the world as it is when broken."""
        ...


@dataclass(frozen=True, slots=True)
class OnSupabase:
    """An application on Supabase."""

    world: World
    ground: Ground = SUPABASE
    served: tuple[str, ...] = SERVED
    roles: tuple[str, ...] = ()

    @contextmanager
    def database(self, server: Server, name: str) -> Iterator[str]:
        try:
            yield server.supabase_database(name)
        finally:
            server.drop_database(name)

    def build(self, connection: psycopg.Connection[tuple[object, ...]], mutant: Mutant | None = None) -> None:
        build(connection, self.world, mutant)

    def asking(self, persona: str, world: World) -> tuple[Identity, ...]:
        return identities(persona, world) if persona in PERSONAS else ()


def outcome(
    server: Server, app: App, intent: Path, mutant: Mutant | None = None, right: Outcome | None = None
) -> Outcome:
    """Makes the application, breaks it, audits it with attacks and measures it; the server needs `_DATABASE` free.

    `right` is what comes of it as it is, where it is broken.

    Raises:
        psycopg.Error: it cannot be broken so.
    """
    with app.database(server, _DATABASE) as url, psycopg.connect(url, autocommit=True) as connection:
        app.build(connection, mutant)
        breakable = mutants(connection, app.ground) if mutant is None else ()
        with connect(url) as session:
            said = intent if intent.stat().st_size else None
            report = audit(session, Options(roles=app.roles, probe="write", throwaway=True, intent=said))
        asked = app.world
        if mutant is not None:
            asked = replace(asked, calls=(*asked.calls, *mutant.calls), claims=(*asked.claims, *mutant.claims))
        asking = {one.name: people for one in report.personas if (people := app.asking(one.name, asked))}
        reaches: dict[Key, Reach] = {}
        for persona, people in asking.items():
            force = Force(connection, asked, people, app.served)
            for relation, table in force.tables.all.items():
                if table.kind in "rp" and relation.startswith(app.served):
                    for operation in Operation:
                        reaches[persona, relation, operation] = force.reach(relation, operation).reach
        found = Outcome(report, reaches, frozenset(_columns(connection, asking, reaches)), breakable=breakable)
        if mutant is None or mutant.widens or right is None or not found.is_false_alarm(right):
            return found
        bounds = right.bounds()
        chained = (gained(connection, app, asked, people, _of(persona, bounds)) for persona, people in asking.items())
        return replace(found, gained=next((one for one in chained if one), frozenset()))


def _columns(
    connection: psycopg.Connection[tuple[str, ...]],
    asking: Mapping[str, tuple[Identity, ...]],
    reaches: Mapping[Key, Reach],
) -> Iterator[tuple[str, str, str, str]]:
    for (persona, relation, operation), reach in reaches.items():
        if reach is not Reach.NONE and operation is not Operation.DELETE:
            role, privilege = asking[persona][0].role, operation.value
            for (column,) in connection.execute(_MAY, [relation, role, privilege]).fetchall():
                yield role, relation, privilege, column


def _of(persona: str, bounds: Mapping[Key, Reach]) -> Mapping[tuple[str, Operation], Reach]:
    return {(relation, operation): reach for (who, relation, operation), reach in bounds.items() if who == persona}


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
