"""A database, audited in a clone: its facts are its own, and whatever is asked is asked of the clone.

The database is only read: once by us, for its facts, and once by `pg_dump`, for its schema.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.access import Access
from rlsaudit.audit import Audited, examine
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.facts import Viewer
from rlsaudit.catalog.likeness import differences
from rlsaudit.catalog.renumbered import renumbered
from rlsaudit.compare import Side
from rlsaudit.connect import connect
from rlsaudit.connect.dump import schema_of, shares_backends
from rlsaudit.engine import start
from rlsaudit.engine.programs import dumper
from rlsaudit.errors import UsageError
from rlsaudit.model import Skipped
from rlsaudit.source.clone.build import built, engine_for
from rlsaudit.source.clone.doubts import doubted, unlike, with_doubts
from rlsaudit.source.clone.place import in_its_place
from rlsaudit.source.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.audit import Options
    from rlsaudit.catalog.facts import Snapshot
    from rlsaudit.connect import Session
    from rlsaudit.engine import EngineRequest
    from rlsaudit.source.clone.build import Clone

MODE = "clone"


def in_a_clone(session: Session, conninfo: str, request: EngineRequest, options: Options) -> Audited:
    """Audits the database that `session` is in, without asking it for more than its catalog.

    Args:
        session: A session in the database.
        conninfo: How it was opened, for `pg_dump`.
        request: Which throwaway Postgres to rebuild it in.
        options: What to audit, and how the clone is asked.

    Raises:
        AuditError: there is no `pg_dump` or no server for it, or the schema could not be read.
    """
    with cloned(session, conninfo, request, options) as standing:
        return Audited(standing.side.report, standing.side.case)


@contextmanager
def cloned(session: Session, conninfo: str, request: EngineRequest, options: Options) -> Iterator[Standing]:
    """Audits a database as `in_a_clone` does, and yields the result while the clone is still there.

    Raises:
        AuditError: there is no `pg_dump` or no server for it, or the schema could not be read.
    """
    with session.read_only():
        snapshot = take(session)
    catalog = Catalog(snapshot)
    engine = engine_for(snapshot.server.major, request)
    program = dumper(snapshot.server.major, request)
    if shares_backends(session, conninfo):
        raise UsageError(
            "A pooler is in between that gives a connection to one client after the other, and pg_dump needs its own.",
            hint="Take the direct connection or, on Supabase, the session pooler (port 5432).",
        )
    unlocked = _not_to_be_locked(catalog)
    dump = schema_of(conninfo, program.path, without=(name for name, _ in unlocked), session=session)
    if session.recorder is not None:
        session.recorder.programs.append(f"pg_dump {program.version}, in a READ ONLY transaction of its own")
    with start(engine) as server, built(server, catalog, dump) as clone:
        with connect(clone.login) as attacker:
            with attacker.read_only():
                copy = take(attacker)
            found = differences(snapshot, copy, apart_from=clone.crew.names)
            # Rows tell by an OID which partition they are in.
            facts = renumbered(replace(snapshot, viewer=_everybody(snapshot, copy)), copy)
            doubts = doubted(catalog, found)
            audited = examine(facts, replace(options, clone=True), attacker, doubts)
        note = (
            f"asked in a clone, on Postgres {server.version} from {server.provider}: the schema as pg_dump "
            f"{program.version} wrote it, and no rows but {_rows(snapshot, clone)}"
        )
        notes = [note, *clone.notes]
        if server.major != snapshot.server.major:
            notes.append(f"the clone is Postgres {server.major} and the database is {snapshot.server.major}")
        withheld = (Skipped(f"{name} in the clone", why) for name, why in unlocked)
        skipped = (*clone.skipped, *_servers(snapshot), *withheld, *unlike(found, clone.failures))
        report = with_doubts(audited.report, doubts, skipped)
        target = replace(report.target, probe=MODE, notes=(*report.target.notes, *notes))

        def again(login: str) -> Side:
            with connect(login) as attacker:
                with attacker.read_only():
                    copy = take(attacker)
                facts = replace(in_its_place(snapshot, copy, clone.crew.names), viewer=_everybody(snapshot, copy))
                found = examine(facts, replace(options, clone=True), attacker, doubts)
            return Side(found.report, found.case)

        side = Side(replace(report, target=target), audited.case)
        yield Standing(side, clone.login, server, clone.name, again, copied=True, doubts=doubts)


def _not_to_be_locked(catalog: Catalog) -> list[tuple[str, str]]:
    """Tables that `pg_dump` may not lock as this role, on which it would give up altogether."""
    access, viewer = Access(catalog), catalog.snapshot.viewer
    me = catalog.roles_by_name[viewer.name].oid
    return [
        (catalog.identity(one), f"{viewer.name} may not read it, so pg_dump leaves it out")
        for one in catalog.snapshot.relations
        if one.kind in "rp"
        and not (access.usage(me, catalog.schemas[one.schema]) and access.on_table(me, one, "SELECT"))
    ]


def _everybody(snapshot: Snapshot, copy: Snapshot) -> Viewer:
    """Whom the clone is asked as, in the database's own words: somebody who is kept from nothing.

    That is who is a superuser there, and none here: what is not understood may do here whatever it may.
    """
    there = {one.name for one in copy.roles}
    settable = frozenset(one.oid for one in snapshot.roles if one.name in there and not one.name.startswith("pg_"))
    name = next((one.name for one in snapshot.roles if one.superuser), snapshot.viewer.name)
    return Viewer(name, superuser=False, bypass_rls=True, settable=settable)


def _rows(snapshot: Snapshot, clone: Clone) -> str:
    kept = snapshot.buckets and not any("storage.buckets" in one.what for one in clone.skipped)
    return f"those of storage.buckets ({len(snapshot.buckets)}), which policies look up" if kept else "what was made up"


def _servers(snapshot: Snapshot) -> list[Skipped]:
    return [
        Skipped(f"what is behind the foreign server {one.name}", "a clone connects to nothing")
        for one in snapshot.foreign_servers
    ]
