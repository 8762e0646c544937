"""A running throwaway server, and the databases in it."""

from __future__ import annotations

import contextlib
import secrets
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine.model import Access

NAME_BYTES = 63


class Server:
    """A Postgres to do anything with; `start` in this package gives one, and takes it away.

    Attributes:
        version: its version, "17.10".
        major: the first part of it, 17.
        provider: the name of the provider it came from.
        stubs: the extensions that can be created but only stand in for the real ones.
        shared: whether it outlives us, and others may have databases and roles on it.
    """

    def __init__(self, access: Access, provider: str) -> None:
        self._access = access
        self._prefix = f"rlsaudit_{secrets.token_hex(4)}_" if access.shared else ""
        self._made: set[str] = set()
        self._passwords: dict[str, str] = {}
        self._supabase = threading.Lock()
        self.provider = provider
        self.stubs = access.stubs
        self.shared = access.shared
        with self._maintenance() as connection:
            number = connection.info.server_version
            self._roles_before = frozenset(oid for (oid,) in connection.execute("select oid from pg_authid"))
        self.major = number // 10000
        self.version = f"{self.major}.{number % 10000}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database, empty or as a copy of another one that this server made, its settings and grants included.

        Args:
            name: what to call it; on a server that was given by URL the real name is a longer one.
            template: the name of the database to copy. Nobody may be connected to it.

        Returns:
            The conninfo that connects to it as superuser.

        Raises:
            EngineError: the name is taken or too long, or the template is in use or missing.
        """
        real = self._real(name)
        source = self._real(template) if template is not None else "template1"
        try:
            with self._maintenance() as connection:
                connection.execute(
                    sql.SQL("create database {} template {}").format(sql.Identifier(real), sql.Identifier(source))
                )
                self._made.add(real)
                if template is not None:
                    _copy_properties(connection, source, real)
        except psycopg.Error as error:
            message = f"The database {name} could not be created: {error.diag.message_primary or 'the server is gone'}."
            raise EngineError(message, hint="Choose another name, or close the connections to the template.") from error
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database that this server made, connections to it included. One that is not there is fine."""
        real = self._real(name)
        with self._maintenance() as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(real)))
        self._made.discard(real)

    def dsn(self, database: str, *, user: str | None = None, loopback: bool = False) -> str:
        """The conninfo of a database that this server made, for a role (the superuser where none is named).

        On a server that asks for passwords, a role made here is given one of its own. With `loopback` it is the way
        for programs that know no sockets, where the server was asked for one and is not reached by TCP anyway.

        Raises:
            EngineError: passwords are asked for and the role was there before us.
        """
        # Empty, they keep out PGHOSTADDR, which would lead to another server altogether, and PGOPTIONS.
        other = self._access.loopback if loopback else {}
        parameters = {"hostaddr": "", "options": "", **self._access.parameters, **other, "dbname": self._real(database)}
        if user is not None and user != parameters.get("user"):
            parameters["user"] = user
            if self._access.passwords or other:
                parameters["password"] = self._password(user)
        return make_conninfo(**parameters)

    def renamed(self, superuser: str) -> None:
        """Take note of what the superuser is called now: databases are made and dropped as that one."""
        self._access = replace(self._access, parameters={**self._access.parameters, "user": superuser})

    def supabase_database(self, name: str, *, era: Literal["legacy", "explicit"] = "legacy") -> str:
        """Create a database like the one of a new Supabase project.

        Args:
            name: as for `create_database`.
            era: `legacy` for projects whose default privileges give new tables to the API's roles, `explicit` for those
                where they do not.

        Returns:
            The conninfo that connects to it as superuser.

        Raises:
            EngineError: as for `create_database`.
        """
        from rlsaudit.engine.supabase import bootstrap  # noqa: PLC0415  most servers never need it

        template = f"supabase_{era}"
        with self._supabase:
            if self._real(template) not in self._made:
                try:
                    with psycopg.connect(self.create_database(template)) as connection:
                        bootstrap(connection, era=era)
                except BaseException:
                    self.drop_database(template)  # half a project is no template
                    raise
        return self.create_database(name, template=template)

    def clean(self) -> None:
        """Undo what was made in a server that outlives us; the others go as a whole.

        Every database goes, connections to it included, then the roles that appeared since, unless somebody else needs
        one of them or another run is under way.
        """
        if not self._access.shared:
            return
        with contextlib.suppress(psycopg.Error), self._maintenance() as connection:
            for real in sorted(self._made):
                connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(real)))
            if not self._others(connection):
                self._drop_roles(connection)

    @contextlib.contextmanager
    def _maintenance(self) -> Iterator[psycopg.Connection]:
        parameters = {"hostaddr": "", "options": "", **self._access.parameters}
        with psycopg.connect(make_conninfo(**parameters), autocommit=True) as connection:
            yield connection

    def _real(self, name: str) -> str:
        real = self._prefix + name
        if len(real.encode()) > NAME_BYTES:
            message = f"The name of the database {name} is too long."
            raise EngineError(
                message, hint=f"Postgres keeps {NAME_BYTES} bytes, of which {len(self._prefix)} are ours."
            )
        return real

    def _password(self, user: str) -> str:
        """The same each time, so that a conninfo that was given before stays good."""
        password = self._passwords.setdefault(user, secrets.token_urlsafe(32))
        with self._maintenance() as connection:
            row = connection.execute("select oid from pg_authid where rolname = %s", [user]).fetchone()
            if row is None or row[0] in self._roles_before:
                message = f"There is no password for the role {user}."
                raise EngineError(message, hint="Only roles that were created in this server can be used to log in.")
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(user), sql.Literal(password)))
        return password

    def _others(self, connection: psycopg.Connection) -> bool:
        """Whether another run has databases in this server, and so may need the same roles."""
        row = connection.execute("select exists (select from pg_database where datname like 'rlsaudit\\_%')").fetchone()
        return row is None or bool(row[0])

    def _drop_roles(self, connection: psycopg.Connection) -> None:
        rows = connection.execute(
            "select rolname from pg_authid where oid <> all (%s::oid[])", [sorted(self._roles_before)]
        ).fetchall()
        if rows:
            roles = sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)
            connection.execute(sql.SQL("drop role {}").format(roles))


def _copy_properties(connection: psycopg.Connection, source: str, target: str) -> None:
    """What CREATE DATABASE leaves behind: owner, grants on the database, and settings of the database."""
    for (statement,) in connection.execute(_PROPERTIES, {"source": source, "target": target}).fetchall():
        connection.execute(statement)


_PROPERTIES = """
with source as (select * from pg_database where datname = %(source)s)
select format('alter database %%I owner to %%I', %(target)s::text, pg_get_userbyid(datdba)) from source
union all
select format('revoke all on database %%I from public', %(target)s::text) from source where datacl is not null
union all
select format('grant %%s on database %%I to %%s%%s', privilege_type, %(target)s::text,
              case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
              case when is_grantable then ' with grant option' else '' end)
from source, aclexplode(datacl)
union all
select format('alter %%s set %%s to %%s',
              case setrole when 0 then format('database %%I', %(target)s::text)
                           else format('role %%I in database %%I', pg_get_userbyid(setrole), %(target)s::text) end,
              (select string_agg(quote_ident(part), '.') from unnest(string_to_array(parameter, '.')) part),
              -- lists are kept as they are written, everything else as it is
              case when parameter in ('search_path', 'temp_tablespaces', 'session_preload_libraries')
                   then value else quote_literal(value) end)
from source join pg_db_role_setting on setdatabase = source.oid, unnest(setconfig) setting,
     lateral (select split_part(setting, '=', 1) parameter, substr(setting, strpos(setting, '=') + 1) as value) _
"""
