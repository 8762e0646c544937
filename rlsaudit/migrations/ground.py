"""The database that migrations are run in: made for them, and owned by a role that is no superuser.

A superuser could run programs as the server's account and read its files. `postgres` of a Supabase project is none, and
elsewhere we make an owner that is none.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, LiteralString

import psycopg
from psycopg import sql

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.migrations.extensions import Extensions, mentioned, unquoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.engine import Server

_OWNER = "rlsaudit_owner"
# Whatever search_path the migrations give the database, a superuser does not walk on it, and sets off none of their
# triggers, event triggers above all.
_OWN_NAMES = "-c search_path=pg_catalog -c session_replication_role=replica"
_NAME = r'(?:"[^"]{1,63}"|[A-Za-z_]\w{0,62})'
_OWNED = re.compile(rf"\bowner\s+to\s+({_NAME})\s*;", re.IGNORECASE)
_PARAMETER = re.compile(
    r"""\balter\s+(?:database|role|user)\s+\S+(?:\s+in\s+database\s+\S+)?\s+set\s+
    ((?:"[\w.]+"|\w+)(?:\.(?:"[\w.]+"|\w+))*)""",
    re.IGNORECASE | re.VERBOSE,
)
# What a function sets of pgvector's. Its library makes them known where it is loaded.
_VECTOR = re.compile(r"\bset\s+((?:hnsw|ivfflat)\.\w+)", re.IGNORECASE)
# A procedural language's own parameters name code that it runs.
_CODE = re.compile(r"(?i)(?:pl|auto_explain|session_|shared_|local_)")
# Up to 15 CREATEROLE is enough to become a member of any role, these included, which run programs and read files; of
# any but a superuser's. So superusers they are, in a server to throw away: then only a superuser can give them away.
FENCED = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")
_ADMIN_OPTION = 16_00_00
_PG_DATABASE_OWNER = 14_00_00
_PARAMETER_GRANTS = 15_00_00


@dataclass(slots=True)
class Ground:
    """A database ready for migrations. `admin` is a superuser's session, `login` the conninfo of their owner.

    `parameters` are settings that the owner may write down while this lasts.
    """

    server: Server
    name: str
    dsn: str = field(repr=False)
    login: str = field(repr=False)
    owner: str
    admin: psycopg.Connection[Any]
    extensions: Extensions
    supabase: bool
    parameters: tuple[str, ...]
    databases: frozenset[str]
    roles: list[str] = field(default_factory=list)

    @property
    def real_name(self) -> str:
        """What the server calls the database."""
        return self.admin.info.dbname

    def invent(self, role: str) -> bool:
        """Creates a role that a statement names and no file creates; False where it may not exist."""
        if role.startswith("pg_") or role.lower() == "public" or not role:
            return False
        try:
            self.admin.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
            self.admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(self.owner)))
        except psycopg.Error:
            return False
        self.roles.append(role)
        return True

    def terminate(self, backend: int) -> None:
        """Ends a session that does not listen."""
        with psycopg.connect(self.dsn, autocommit=True, options=_OWN_NAMES) as connection:
            connection.execute("select pg_catalog.pg_terminate_backend(%s)", [backend])

    def leave(self) -> None:
        """Takes back what was given for the replay alone, and what must not stay in a server that outlives us."""
        if self.supabase:
            revoke_replay_rights(self.admin)
        else:
            grant_parameters(self.admin, "revoke set on parameter {} from {}", self.parameters, self.owner)
        for one in _databases(self.admin) - self.databases:
            self.admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(one)))
        if self.server.provider == "url":
            fence(self.admin, up=False)  # elsewhere it stays: functions that the migrations made are called later
        self.admin.close()


def prepare(
    server: Server,
    name: str,
    platform: Literal["supabase", "postgres"],
    era: Literal["legacy", "explicit"],
    texts: Iterable[str],
) -> Ground:
    """Makes the database. `texts` are the scripts: what they will need that only a superuser can give is given now.

    Raises:
        EngineError: it could not be made.
    """
    wanted: list[tuple[str, str | None]] = []
    parameters: set[str] = set()
    owners: Counter[str] = Counter()
    for text in texts:
        wanted += mentioned(text)
        parameters |= {one.replace('"', "") for one in (*_PARAMETER.findall(text), *_VECTOR.findall(text))}
        owners.update(unquoted(one) for one in _OWNED.findall(text))
    supabase = platform == "supabase"
    dsn = server.supabase_database(name, era=era) if supabase else server.create_database(name)
    admin = psycopg.connect(dsn, autocommit=True, options=_OWN_NAMES)
    try:
        fence(admin, up=True)
        extensions = Extensions(admin)
        stored = storable(parameters)
        owner = "postgres" if supabase else _make_owner(admin, owners)
        if supabase:
            grant_replay_rights(admin, parameters=stored)
        else:
            grant_parameters(admin, "grant set on parameter {} to {}", stored, owner)
        extensions.prepare(wanted)
        login = server.dsn(name, user=owner)
        return Ground(server, name, dsn, login, owner, admin, extensions, supabase, stored, _databases(admin))
    except BaseException:
        admin.close()
        raise


def _make_owner(admin: psycopg.Connection[Any], owners: Counter[str]) -> str:
    """The role that owns the database: called as a dump calls the owner of most of its objects."""
    taken = {name for (name,) in admin.execute("select rolname from pg_catalog.pg_roles").fetchall()}
    named = (name for name, _ in owners.most_common() if name not in taken and not name.startswith("pg_"))
    owner = next(named, _OWNER)
    if owner not in taken:
        # As the owner of an application's database is: it makes roles and databases, and no policy is void for it.
        admin.execute(sql.SQL("create role {} login createrole createdb").format(sql.Identifier(owner)))
    database = sql.Identifier(admin.info.dbname)
    admin.execute(sql.SQL("alter database {} owner to {}").format(database, sql.Identifier(owner)))
    if admin.info.server_version >= _PG_DATABASE_OWNER:
        admin.execute("alter schema public owner to pg_database_owner")
    return owner


def fence(admin: psycopg.Connection[Any], *, up: bool) -> None:
    """Keeps whoever may create roles from the predefined ones that run programs and read files, or lets them again."""
    if admin.info.server_version < _ADMIN_OPTION:
        query = "update pg_catalog.pg_authid set rolsuper = %s where rolname = any (%s) and rolsuper <> %s"
        admin.execute(query, [up, list(FENCED), up])


def storable(names: Iterable[str]) -> tuple[str, ...]:
    """Those of these settings that the server does not know, and that name no code to run."""
    return tuple(sorted(one for one in set(names) if "." in one and not _CODE.match(one)))


def grant_parameters(
    admin: psycopg.Connection[Any], statement: LiteralString, names: Iterable[str], owner: str
) -> None:
    """Grants or revokes the right to store settings that the server does not know; before 15 there is none."""
    if admin.info.server_version < _PARAMETER_GRANTS:
        return
    for name in names:
        parameter = sql.SQL(".").join(sql.Identifier(part) for part in name.split("."))
        admin.execute(sql.SQL(statement).format(parameter, sql.Identifier(owner)))


def _databases(admin: psycopg.Connection[Any]) -> frozenset[str]:
    return frozenset(name for (name,) in admin.execute("select datname from pg_catalog.pg_database").fetchall())
