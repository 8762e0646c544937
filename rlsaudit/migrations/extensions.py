"""Extensions: `postgres` may create most of them on Supabase and, being no superuser, few of them here.

They are made by the superuser, and only before any foreign statement has run: an extension's script resolves names in
schemas that foreign statements could have filled with traps. So one that is dropped to be created again later stays.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = r'(?:"[^"]{1,63}"|[A-Za-z_][\w$-]{0,62})'
_CREATE = re.compile(
    rf"\bcreate\s+extension\s+(?:if\s+not\s+exists\s+)?({_NAME})(?:\s+with)?(?:\s+schema\s+({_NAME}))?", re.IGNORECASE
)
_DROP = re.compile(
    rf"drop\s+extension\s+(?:if\s+exists\s+)?({_NAME}(?:\s*,\s*{_NAME})*)\s*(cascade|restrict)?\s*", re.IGNORECASE
)
_MOVE = re.compile(rf"alter\s+extension\s+({_NAME})\s+set\s+schema\s+({_NAME})\s*", re.IGNORECASE)
_UPDATE = re.compile(rf"alter\s+extension\s+{_NAME}\s+update\b", re.IGNORECASE)

# Languages that run anything as the server's account, and functions that read its files.
_REFUSED = re.compile(r"(?:pl\w+u|\w+_pl\w+u|plsh|plr|pljava|file_fdw|adminpack|pg_file\w*|pg_execute\w*|multicorn)")
_CONNECTING = frozenset({"dblink", "http", "pg_net"})
"""Where the real one is there, its functions would reach other servers, with whatever password the SQL gives them."""
_STUB = "rlsaudit stub"


def unquoted(name: str) -> str:
    """The name that an identifier in SQL stands for."""
    return name[1:-1] if name.startswith('"') else name.lower()


def mentioned(text: str) -> list[tuple[str, str | None]]:
    """The extensions that a text creates, wherever in it, with the schema that it says, if any."""
    return [(unquoted(one.group(1)), one.group(2) and unquoted(one.group(2))) for one in _CREATE.finditer(text)]


class Extensions:
    """The extensions of one database; `connection` is a superuser's."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.notes: list[str] = []
        self.stubs: set[str] = set()
        self._to_come: Counter[str] = Counter()
        self._kept: set[str] = set()

    def prepare(self, wanted: list[tuple[str, str | None]]) -> None:
        """Creates what can be created; the rest is left to fail where it is created."""
        self._to_come.update(name for name, _ in wanted)
        for name, schema in wanted:
            if not self._schema(name) and self._create(name, schema):
                self._quiet(name)

    def _create(self, name: str, schema: str | None) -> bool:
        """Creates an extension; False: the server does not have it, or it is one that is never created here."""
        if _REFUSED.fullmatch(name):
            return False
        row = self._connection.execute(
            "select comment from pg_catalog.pg_available_extensions where name = %s", [name]
        ).fetchone()
        if row is None:
            return False
        create = sql.SQL("create extension if not exists {}").format(sql.Identifier(name))
        attempts = [create + sql.SQL(" cascade")]
        if schema is not None and self._is_schema(schema):
            # Its own control file may insist on another one.
            attempts.insert(0, create + sql.SQL(" schema {} cascade").format(sql.Identifier(schema)))
        reason: str | None = None
        for attempt in attempts:
            try:
                with self._connection.transaction():
                    self._connection.execute("set local search_path = public")
                    self._connection.execute("set local client_min_messages = error")
                    self._connection.execute(attempt)
            except psycopg.Error as error:
                reason = error.diag.message_primary
            else:
                if (row[0] or "").startswith(_STUB):
                    self.stubs.add(name)
                return True
        self.notes.append(f"the extension {name} could not be created: {reason}")
        return False

    def handle(self, statement: str) -> bool | None:
        """Does what a statement about extensions asks for.

        Returns:
            Whether it was done; None: it is for the server to answer.

        Raises:
            psycopg.Error: the server refused it.
        """
        if match := _CREATE.match(statement):
            name, schema = unquoted(match.group(1)), match.group(2) and unquoted(match.group(2))
            there = self._schema(name)
            if there is None:
                return None
            wanted = schema or ("public" if name in self._kept else there)
            self._kept.discard(name)
            if wanted != there:
                self.move(name, wanted)
            return True
        if match := _DROP.fullmatch(statement):
            self._drop([unquoted(one) for one in re.findall(_NAME, match.group(1))], match.group(2))
            return True
        if match := _MOVE.fullmatch(statement):
            self.move(unquoted(match.group(1)), unquoted(match.group(2)))
            return True
        return True if _UPDATE.match(statement) else None

    def is_idle(self, statement: str) -> bool:
        """Whether nothing has to be done, for the extension is there already, and where it is wanted."""
        match = _CREATE.match(statement)
        if match is None:
            return _UPDATE.match(statement) is not None
        name = unquoted(match.group(1))
        self._to_come[name] -= 1
        there = self._schema(name)
        return (
            there is not None and name not in self._kept and (not match.group(2) or unquoted(match.group(2)) == there)
        )

    def _drop(self, names: Iterable[str], behaviour: str | None) -> None:
        for name in names:
            if name == "plpgsql":
                continue
            if self._to_come[name] > 0:
                self._kept.add(name)
                self.notes.append(f"the extension {name} was kept when it was dropped, for it is created again later")
                continue
            self._connection.execute(
                sql.SQL("drop extension if exists {} {}").format(
                    sql.Identifier(name), sql.SQL("cascade" if (behaviour or "").lower() == "cascade" else "")
                )
            )

    def move(self, name: str, schema: str) -> None:
        """Moves an extension to a schema; where it cannot go it stays, and there is a note."""
        try:
            self._connection.execute(
                sql.SQL("alter extension {} set schema {}").format(sql.Identifier(name), sql.Identifier(schema))
            )
        except psycopg.Error as error:
            self.notes.append(
                f"the extension {name} stayed in the schema {self._schema(name)}: {error.diag.message_primary}"
            )

    def _schema(self, name: str) -> str | None:
        row = self._connection.execute(
            "select extnamespace::pg_catalog.regnamespace::text from pg_catalog.pg_extension where extname = %s", [name]
        ).fetchone()
        return unquoted(row[0]) if row else None

    def _is_schema(self, name: str) -> bool:
        found = self._connection.execute("select from pg_catalog.pg_namespace where nspname = %s", [name]).fetchone()
        return found is not None

    def _quiet(self, name: str) -> None:
        """Keeps what would connect to other servers from being called, if it is the real one."""
        if name not in _CONNECTING or name in self.stubs:
            return
        rows = self._connection.execute(
            "select p.oid::pg_catalog.regprocedure::text, array(select case a.grantee when 0 then 'public'"
            "   else a.grantee::pg_catalog.regrole::text end from pg_catalog.aclexplode(coalesce(p.proacl,"
            "   pg_catalog.acldefault('f', p.proowner))) a where a.grantee <> p.proowner)"
            " from pg_catalog.pg_proc p join pg_catalog.pg_depend d"
            " on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'"
            " and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
            " join pg_catalog.pg_extension e on e.oid = d.refobjid where e.extname = %s",
            [name],
        ).fetchall()
        for function, grantees in rows:
            for grantee in grantees:
                self._connection.execute(f"revoke execute on function {function} from {grantee}")
        self.notes.append(f"nobody may call the functions of {name} here: they would connect to other servers")
