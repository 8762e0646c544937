"""The objects of a database, made from the dump of its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.migrations import Failure
from rlsaudit.migrations.dumped import Part, dumped
from rlsaudit.migrations.errors import UnreadableError
from rlsaudit.migrations.reading import decode
from rlsaudit.migrations.split import split
from rlsaudit.migrations.touched import touched
from rlsaudit.migrations.wire import Watch, run
from rlsaudit.model import Location, Skipped
from rlsaudit.names import ident, literal, qualified

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Grant
    from rlsaudit.migrations.dumped import Dumped

SECONDS = 60.0
_DUMP = "the schema's dump"
_UNKNOWN_SETTING = ("42704", "22023")
_GRANTS = "grant {privilege} on database {database} to {grantee}{option}"


class Objects:
    """Makes objects in a clone.

    `admin` is a superuser's session, in which nothing of the database's runs; `builder` is a session of a role that is
    a member of every other and no superuser.
    """

    def __init__(self, admin: psycopg.Connection[Any], builder: psycopg.Connection[Any], catalog: Catalog) -> None:
        self._admin = admin
        self._builder = builder
        self._catalog = catalog
        self._granted: list[Dumped] = []
        self.failures: list[Failure] = []

    def schemas(self) -> None:
        """Makes the schemas; the builder's, for now."""
        builder = ident(self._builder.info.user)
        self._admin.execute(f"alter database {ident(self._admin.info.dbname)} owner to {builder}".encode())
        self._admin.execute(f"alter schema public owner to {builder}".encode())
        for one in self._catalog.snapshot.schemas:
            if one.extension is None and one.name != "public":
                self._admin.execute(f"create schema {ident(one.name)} authorization {builder}".encode())

    def load(self, dump: bytes) -> None:
        """Runs a dump, without its grants: they come last, with `grant`."""
        watch = Watch(SECONDS, self._terminate)
        try:
            for statement in split(decode(dump).content):
                if statement.kind == "psql":
                    self._fail(statement.line, statement.head, "", "commands of psql are not run", statement.sql)
                    continue
                one = dumped(statement)
                if one.part is Part.GRANTED:
                    self._granted.append(one)
                elif one.part is not Part.LEFT_OUT:
                    with watch.limit(self._builder):
                        self._run(one, self._admin if one.part is Part.OWNED else self._builder)
                if one.leakproof:
                    self._leakproof(one)
        except UnreadableError as error:
            self._fail(error.line, "", "", error.reason, "")
        finally:
            watch.close()

    def refresh(self) -> tuple[Skipped, ...]:
        """Fills materialized views, or they could not be asked; one that reads another comes after it."""
        identities = [self._catalog.identity(one) for one in self._catalog.snapshot.relations if one.kind == "m"]
        waiting = dict.fromkeys(identities, "")
        watch = Watch(SECONDS, self._terminate)
        try:
            while True:
                before = len(waiting)
                for name in list(waiting):
                    try:
                        with watch.limit(self._builder):
                            run(self._builder, f"refresh materialized view {name}")
                        del waiting[name]
                    except psycopg.Error as error:
                        waiting[name] = error.diag.message_primary or "the server ended the session"
                if not waiting or len(waiting) == before:
                    break
        finally:
            watch.close()
        return tuple(
            Skipped(f"the contents of {name} in the clone", f"it could not be filled: {why}")
            for name, why in waiting.items()
        )

    def grant(self) -> None:
        """Gives objects and schemas to whom the dump says."""
        for one in self._granted:
            self._run(one, self._admin)
        self._admin.execute("reset session authorization")
        public = next((one for one in self._catalog.snapshot.schemas if one.name == "public"), None)
        owner = self._catalog.roles.get(public.owner) if public else None
        if public is None:
            self._admin.execute("drop schema public")
        elif owner is not None:
            self._admin.execute(f"alter schema public owner to {ident(owner.name)}".encode())
        self._database()

    def buckets(self) -> tuple[Skipped, ...]:
        """Puts in storage's buckets, the one table of the platform's that policies look up and that is no data."""
        buckets = self._catalog.snapshot.buckets
        if not buckets:
            return ()
        rows = ", ".join(
            f"({literal(one.id).strip()}, {literal(one.name).strip()}, {str(one.public).lower()})" for one in buckets
        )
        try:
            self._builder.execute(f"insert into storage.buckets (id, name, public) values {rows}".encode())
        except psycopg.Error as error:
            return (Skipped("the rows of storage.buckets in the clone", error.diag.message_primary or "refused"),)
        return ()

    def _database(self) -> None:
        database, name = self._catalog.snapshot.database, ident(self._admin.info.dbname)
        self._admin.execute(f"revoke all on database {name} from public".encode())
        owner = self._catalog.roles.get(database.owner)
        if owner is not None:
            self._admin.execute(f"alter database {name} owner to {ident(owner.name)}".encode())
            self._admin.execute(f"revoke all on database {name} from {ident(owner.name)}".encode())
        for statement in self._on_database(database.acl, name):
            self._admin.execute(statement.encode())

    def _on_database(self, acl: Iterable[Grant], database: str) -> Iterable[str]:
        for one in acl:
            role = self._catalog.roles.get(one.grantee)
            if role is None and one.grantee:
                continue
            grantee = ident(role.name) if role else "public"
            option = " with grant option" if one.grantable and role else ""
            yield _GRANTS.format(privilege=one.privilege, database=database, grantee=grantee, option=option)

    def _run(self, one: Dumped, connection: psycopg.Connection[Any]) -> None:
        statement = one.statement
        try:
            run(connection, one.sql)
        except psycopg.Error as error:
            if statement.sql[:4].lower() == "set " and error.sqlstate in _UNKNOWN_SETTING:
                return  # a setting of a newer Postgres's, which the dump only sets for itself
            message = error.diag.message_primary or "the server ended the session"
            self._fail(statement.line, statement.head, error.sqlstate or "", message, statement.sql)
            if connection.closed:
                raise

    def _leakproof(self, one: Dumped) -> None:
        """Says of a function that it is leakproof, which a superuser has to do, and which calls nothing."""
        (ref, *_), _ = touched(one.sql)
        for function in self._catalog.snapshot.functions:
            name = qualified(self._catalog.schemas[function.schema].name, function.name)
            if name == ref.identity and function.leakproof:
                signature = f"{name}({function.arguments})"
                try:
                    self._admin.execute(f"alter routine {signature} leakproof".encode())
                except psycopg.Error:
                    continue  # an overload whose turn has not come

    def _fail(self, line: int, head: str, code: str, message: str, sql: str) -> None:
        objects, opaque = touched(sql) if sql.strip() else ((), True)
        why = " ".join(message.split())
        self.failures.append(Failure(Location(_DUMP, line), head, code, why, objects, opaque))

    def _terminate(self, backend: int) -> None:
        # While the builder is busy the superuser's session is not.
        self._admin.execute("select pg_catalog.pg_terminate_backend(%s)", [backend])
