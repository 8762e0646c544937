"""The replay: migrations in a database of their own, statement by statement, with somebody watching."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

from rlsaudit.migrations.blame import blame_of
from rlsaudit.migrations.ground import prepare
from rlsaudit.migrations.layouts.layout import content
from rlsaudit.migrations.model import Replayed
from rlsaudit.migrations.observe import Observer
from rlsaudit.migrations.session import Session, connect
from rlsaudit.migrations.wire import Watch

if TYPE_CHECKING:
    from rlsaudit.engine import Server
    from rlsaudit.migrations.model import Project

SECONDS = 60.0
_numbers = itertools.count(1)


def replay(
    server: Server,
    project: Project,
    *,
    era: Literal["legacy", "explicit"] | None = None,
    continue_: bool = False,
    seeds: bool = False,
    name: str | None = None,
    seconds: float = SECONDS,
) -> Replayed:
    """Runs a project's migrations in a new database of a throwaway server.

    They run as a role that is no superuser. What they make of the server's roles is for the whole server, so each
    replay is best given one of its own.

    Args:
        server: Where.
        project: What `find` returned.
        era: How new tables of Supabase's are granted; the project's own word where it is left out.
        continue_: Whether to go on after a statement that fails.
        seeds: Whether to run the seeds, so that there are rows to ask for. Their failures are notes.
        name: What to call the database.
        seconds: How long one statement may take.

    Raises:
        EngineError: the database could not be made.
    """
    scripts = [one for one in project.scripts if seeds or one.role != "seed"]
    ground = prepare(
        server,
        name or f"replay_{next(_numbers)}",
        project.platform,
        era or project.settings.era,
        (content(one.path) for one in scripts),
    )
    try:
        watch = Watch(seconds, ground.terminate)
        try:
            connection = connect(ground, seconds)
            observer = Observer(connection, supabase=ground.supabase)
            session = Session(ground, connection, observer, watch, go_on=continue_)
            try:
                complete = all(session.run(one) for one in scripts)  # up to the first that is the end
                session.make(project.settings.buckets)
            finally:
                session.close()
        finally:
            watch.close()
        notes = [*project.notes, *ground.extensions.notes, *session.notes]
        if ground.roles:
            notes.append(f"roles that no file creates were made up, without rights: {', '.join(ground.roles)}")
        return Replayed(
            dsn=ground.dsn,
            login=ground.login,
            owner=ground.owner,
            statements=session.statements,
            failures=tuple(session.failures),
            complete=complete,
            notes=tuple(notes),
            stubs=tuple(sorted(ground.extensions.stubs)),
            roles=tuple(ground.roles),
            blame=blame_of(ground.admin, observer.events),
        )
    finally:
        ground.leave()
