"""A clone: the schema of a database, rebuilt in a throwaway server from its facts and from what `pg_dump` wrote."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.engine import candidates
from rlsaudit.engine.model import SUPERUSER
from rlsaudit.errors import UsageError
from rlsaudit.migrations.extensions import Extensions
from rlsaudit.model import Skipped
from rlsaudit.names import ident
from rlsaudit.source.clone.objects import Objects
from rlsaudit.source.clone.roles import Crew, make_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Catalog
    from rlsaudit.engine import EngineRequest, Server
    from rlsaudit.migrations import Failure

_DATABASE = "clone"
# A superuser walks on no search_path of the database's, and sets off none of its triggers.
_OWN_NAMES = "-c search_path=pg_catalog -c session_replication_role=replica"
_QUIET = "-c client_min_messages=error"


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone. `login` is the conninfo to attack it through: as a role that is kept from no row.

    `name` is what the server calls the database, to which nobody is connected: it may be copied. `failures` are
    statements that did not run, `skipped` what else is not there, `notes` what had to be put in the place of something.
    """

    login: str = field(repr=False)
    name: str
    crew: Crew
    failures: tuple[Failure, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


def engine_for(major: int, request: EngineRequest) -> EngineRequest:
    """Which Postgres to rebuild a database of this major in: of the same, or else of the next one that there is.

    Raises:
        UsageError: the server that is asked for belongs to somebody.
    """
    if request.url is not None or request.provider == "url":
        raise UsageError(
            "A clone needs a server of its own: its roles are for the whole server.",
            hint="Leave out --engine-url; `rlsaudit engine` shows what would be taken then.",
        )
    if request.major is not None or request.pg_bin is not None:
        return request
    majors = {one.major for one in candidates(request) if one.usable and one.major is not None and one.major >= major}
    return replace(request, major=min(majors)) if majors else request


@contextlib.contextmanager
def built(server: Server, catalog: Catalog, dump: bytes) -> Iterator[Clone]:
    """Rebuilds a database until the context ends."""
    crew = Crew.named()
    with contextlib.closing(_admin(server, crew)) as admin:
        login = server.dsn(_DATABASE, user=crew.builder)
        # The database may have a role of that name, which is to be no superuser here; and no dump can know the new one.
        admin.execute(f"alter role {ident(SUPERUSER)} rename to {ident(crew.first)}".encode())
        server.renamed(crew.first)
        skipped = [*make_roles(admin, catalog, crew)]
        with contextlib.closing(psycopg.connect(login, autocommit=True, options=_QUIET)) as builder:
            objects = Objects(admin, builder, catalog)
            objects.schemas()
            extensions = Extensions(admin)
            extensions.prepare([(one.name, catalog.schemas[one.schema].name) for one in _wanted(catalog)])
            skipped += _missing(admin, catalog)
            objects.load(dump)
            skipped += [*objects.refresh(), *objects.buckets()]
            objects.grant()
        notes = list(extensions.notes)
        if extensions.stubs:
            notes.append(f"in the clone stubs stand in for these extensions: {', '.join(sorted(extensions.stubs))}")
    yield Clone(login, _DATABASE, crew, tuple(objects.failures), tuple(skipped), tuple(notes))


def _admin(server: Server, crew: Crew) -> psycopg.Connection[Any]:
    """A superuser's session, not that of the server's first superuser, whose name may be needed."""
    with psycopg.connect(server.create_database(_DATABASE), autocommit=True) as first:
        first.execute(f"create role {ident(crew.admin)} superuser login".encode())
        first.execute(f"create role {ident(crew.builder)} login bypassrls".encode())
    return psycopg.connect(server.dsn(_DATABASE, user=crew.admin), autocommit=True, options=f"{_OWN_NAMES} {_QUIET}")


def _wanted(catalog: Catalog) -> Iterator[Any]:
    # A schema that is no part of the snapshot is the system's, where no extension is put but the server's own language.
    return (one for one in catalog.snapshot.extensions if one.schema in catalog.schemas)


def _missing(admin: psycopg.Connection[Any], catalog: Catalog) -> list[Skipped]:
    there = {name for (name,) in admin.execute("select extname from pg_catalog.pg_extension").fetchall()}
    return [
        Skipped(f"the extension {one.name} in the clone", "this Postgres does not have it, and there is no stub for it")
        for one in catalog.snapshot.extensions
        if one.name not in there
    ]
