"""Migrations that only their own tool can run: Alembic, Django, Rails, Prisma, whatever takes a database's address.

The tool runs as a command, in a database of its own whose owner is no superuser, as in a replay. What it ran nobody
sees, so no finding has a line.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.errors import AuditError, UsageError
from rlsaudit.migrations.command import execute
from rlsaudit.migrations.config import read_config
from rlsaudit.migrations.ground import prepare
from rlsaudit.migrations.layouts.layout import Platform, content
from rlsaudit.migrations.layouts.supabase import home_of
from rlsaudit.migrations.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg

    from rlsaudit.engine import Server
    from rlsaudit.migrations.command import Command

# Where a tool's migrations may say `create extension`, which is looked for, since a superuser has to do it beforehand.
_SOURCES = frozenset(
    {".sql", ".py", ".rb", ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".go", ".php", ".ex", ".exs", ".rs", ".cs"}
    | {".java", ".kt", ".xml", ".yml", ".yaml", ".sh"}
)
_NOT_OURS = frozenset({"node_modules", "site-packages", "vendor", "venv", "dist", "build", "target", "__pycache__"})
_LARGEST = 1 << 20

_STATE = """
select pg_catalog.md5(pg_catalog.string_agg(one, ',' order by one)) from (
  select 'c' || oid || '.' || xmin from pg_catalog.pg_class where oid >= 16384
  union all select 'p' || oid || '.' || xmin from pg_catalog.pg_proc where oid >= 16384
  union all select 'l' || oid || '.' || xmin from pg_catalog.pg_policy
  union all select 'n' || oid || '.' || xmin from pg_catalog.pg_namespace where nspname !~ '^pg_(temp|toast)'
) as every (one)
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it. `login` is the conninfo as the owner, to audit through; `settings` are a Supabase project's."""

    login: str = field(repr=False)
    settings: Settings
    notes: tuple[str, ...]


def settings_at(path: Path) -> tuple[Platform, Settings, tuple[str, ...]]:
    """Returns what a directory says of itself: Supabase where it has its files, else nothing that could be known.

    Raises:
        UsageError: it is no directory, or `config.toml` cannot be understood.
    """
    if not path.is_dir():
        hint = "With --apply, PATH is the directory that the command is run in."
        raise UsageError(f"{path} is no directory.", hint=hint)
    home = home_of(path.resolve())
    if home is None:
        return "postgres", Settings(), ()
    config = read_config(home / "config.toml", path.resolve())
    return "supabase", config.settings, config.notes


@contextmanager
def applied(
    server: Server,
    path: Path,
    command: Command,
    *,
    platform: Platform | None = None,
    era: Literal["legacy", "explicit"] | None = None,
    name: str,
) -> Iterator[Applied]:
    """Runs a command in `path` against a new database of a throwaway server, and yields what there is then.

    Args:
        server: Where; asked for with `loopback`, since few tools can do with a socket.
        path: The directory.
        command: What applies the migrations.
        platform: What the database looks like before; by default as `settings_at` says.
        era: How new tables of Supabase's are granted; the project's own word where it is left out.
        name: What to call the database.

    Raises:
        AuditError: the command failed, took too long, or left the database as it was.
    """
    guessed, settings, notes = settings_at(path)
    platform = platform or guessed
    ground = prepare(server, name, platform, era or settings.era, map(content, _sources(path)))
    try:
        before = _state(ground.admin)
        execute(command, path.resolve(), _environment(server.dsn(name, user=ground.owner, loopback=True)))
        if _state(ground.admin) == before:
            raise AuditError(
                f"{command.shown} succeeded and made nothing in the throwaway database, so there is nothing to audit.",
                hint="Does it take its database from DATABASE_URL? What it was applied to then was another one.",
            )
        told = (
            *notes,
            *ground.extensions.notes,
            f"findings name no file and no line: {command.shown} ran the statements, and nobody watched",
        )
    finally:
        ground.leave()
    yield Applied(ground.login, settings, told)


def _environment(dsn: str) -> dict[str, str]:
    """Ours, with nothing left in it that leads libpq elsewhere, and the throwaway database as the one there is."""
    libpq = {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    kept = {key: value for key, value in os.environ.items() if key not in libpq and key not in _ELSEWHERE}
    one = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value not in {None, ""}}
    named = {variable: one[key] for variable, key in _VARIABLES.items() if key in one}
    return {**kept, **named, "DATABASE_URL": _url(one)}


# Besides what libpq calls an option of a connection.
_ELSEWHERE = frozenset({"PGSERVICEFILE", "PGPASSFILE", "PGSYSCONFDIR"})
_VARIABLES = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
    "PGSSLMODE": "sslmode",
}


def _url(one: Mapping[str, str]) -> str:
    """The address as a URL. A socket's directory cannot be the host of one, so it follows the question mark."""
    password = f":{quote(one['password'], safe='')}" if "password" in one else ""
    host, port = one.get("host", "localhost"), one.get("port", "5432")
    query = {"sslmode": one["sslmode"]} if "sslmode" in one else {}
    if host.startswith("/"):
        query["host"] = host
        host = ""
    place = f"{host}:{port}" if host else f"localhost:{port}"
    end = f"?{urlencode(query)}" if query else ""
    return f"postgresql://{quote(one['user'], safe='')}{password}@{place}/{quote(one['dbname'], safe='')}{end}"


def _state(admin: psycopg.Connection[Any]) -> object:
    """Something that differs when anything has been made or changed that access could be about."""
    return admin.execute(_STATE).fetchone()


def _sources(directory: Path) -> Iterator[Path]:
    for here, below, names in os.walk(directory):
        below[:] = sorted(one for one in below if one not in _NOT_OURS and not one.startswith("."))
        for one in sorted(names):
            path = Path(here, one)
            if path.suffix in _SOURCES and path.is_file() and path.stat().st_size <= _LARGEST:
                yield path
