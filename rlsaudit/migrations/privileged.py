"""What a hosted project's `postgres` may do although it is no superuser, and what only a real extension understands.

Supabase lets it create event triggers and foreign data wrappers and move extensions. Here a superuser does that for it,
once the server has refused: with names taken from the statement and quoted again, never with the statement itself, and
only if what would be run then belongs to a stub or does not run as a superuser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from rlsaudit.migrations.extensions import unquoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.migrations.ground import Ground

_NAME = r'(?:"[^"]{1,63}"|[A-Za-z_][\w$]{0,62})'
_QUALIFIED = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_DONE = "do $rlsaudit$begin end$rlsaudit$"
"""What is put in a statement's place: it does nothing wherever that one stood, in a body, in a string or alone."""
_FORBIDDEN = "42501"
_NO_OPTION = "22023"

_MOVE = rf"alter\s+extension\s+({_NAME})\s+set\s+schema\s+({_NAME})"
_WRAPPER = (
    rf"create\s+foreign\s+data\s+wrapper\s+({_NAME})\s+handler\s+({_QUALIFIED})(?:\s+validator\s+({_QUALIFIED}))?"
)
_TAGS = r"(?:\s+when\s+tag\s+in\s*\(([^()]*)\))?"
# Not login: that one would run in anybody's session.
_EVENTS: dict[str, LiteralString] = {
    "ddl_command_start": "ddl_command_start",
    "ddl_command_end": "ddl_command_end",
    "sql_drop": "sql_drop",
    "table_rewrite": "table_rewrite",
}
_EVENT = (
    rf"create\s+event\s+trigger\s+({_NAME})\s+on\s+({'|'.join(_EVENTS)}){_TAGS}"
    rf"\s+execute\s+(?:function|procedure)\s+({_QUALIFIED})\s*\(\s*\)"
)
_ABOUT_EVENT = rf"alter\s+event\s+trigger\s+({_NAME})\s+(enable|disable|owner\s+to\s+{_NAME})(?!\s*\w)"
_REMARK = rf"comment\s+on\s+event\s+trigger\s+({_NAME})\s+is\s+(?:'(?:[^']|'')*'|null)"
_NO_EVENT = rf"drop\s+event\s+trigger\s+(?:if\s+exists\s+)?({_NAME})(?:\s+(?:cascade|restrict))?"
_TAG = re.compile(r"\s*'([A-Z ]+)'\s*")

# An index method of a stub is one of Postgres's own, which takes no options of pgvector's.
_OPTIONS = re.compile(
    r"\bwith\s*\(\s*(?:lists|m|ef_construction)\s*=\s*'?\d+'?(?:\s*,\s*(?:lists|m|ef_construction)\s*=\s*'?\d+'?)*\s*\)",
    re.IGNORECASE,
)
_NOT_KNOWN = re.compile(r'unrecognized parameter "(?:lists|m|ef_construction)"')
# Nor has it the functions of a GiST index on shapes, so that is a hash index.
_NO_CLASS = "42704"
_NO_SHAPES = re.compile(
    r'data type (?:\w+\.)?geo\w+ has no default operator class for access method "(?:sp)?gist"'
    r'|operator class "(?:\w+\.)?\w*_geo\w+_ops\w*" does not exist for access method'
)
_METHOD = re.compile(r"\busing\s+(?:spgist|gist|brin)\b", re.IGNORECASE)

# No superuser must set off an event trigger, for its function would run as one. Sessions of ours switch triggers off;
# what is left are a superuser's rights lent to the migrations' own session: a trusted extension's script, a definer's.
# First by its name, and ALWAYS, so that session_replication_role does not switch it off.
_GUARD: LiteralString = " rlsaudit guard"
_REFUSE: LiteralString = """create or replace function rlsaudit_guard.refuse() returns event_trigger
language plpgsql as $$ begin
  if (select rolsuper from pg_catalog.pg_roles where rolname operator(pg_catalog.=) current_user)
    and not (select rolsuper from pg_catalog.pg_roles where rolname operator(pg_catalog.=) session_user)
  then
    raise exception 'rlsaudit: no superuser changes anything where there are event triggers'
      using errcode = 'insufficient_privilege';
  end if;
end $$"""
_MAKE_GUARD: tuple[LiteralString, ...] = (
    "create schema if not exists rlsaudit_guard",
    _REFUSE,
    f'create event trigger "{_GUARD}" on ddl_command_start execute function rlsaudit_guard.refuse()',
    f'alter event trigger "{_GUARD}" enable always',
)


class Privileged:
    """What is done for the owner of one database, and how a statement goes on without it."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._events: set[str] = set()

    def mended(
        self, error: psycopg.Error, statement: str, commit: Callable[[], None], ask: psycopg.Connection[Any]
    ) -> str:
        """Does what the server refused, if it is among these.

        Args:
            error: What the server said.
            statement: What it said that to, a DO block say.
            commit: Ends the owner's transaction, so that a superuser's session sees what is in it.
            ask: The owner's session, in which names are looked up.

        Returns:
            The statement without what has been done, or nothing where nothing was.
        """
        if error.sqlstate == _NO_OPTION and _NOT_KNOWN.fullmatch(error.diag.message_primary or ""):
            return _OPTIONS.sub("", statement) if "vector" in self._ground.extensions.stubs else ""
        if error.sqlstate == _NO_CLASS and _NO_SHAPES.match(error.diag.message_primary or ""):
            return _METHOD.sub("using hash", statement) if "postgis" in self._ground.extensions.stubs else ""
        if error.sqlstate != _FORBIDDEN or not self._ground.supabase:
            return ""
        for pattern, act in (
            (_MOVE, self._move),
            (_WRAPPER, self._wrapper),
            (_EVENT, self._event),
            (_ABOUT_EVENT, self._about_event),
            (_REMARK, self._remark),
            (_NO_EVENT, self._no_event),
        ):
            for match in re.finditer(pattern, statement, re.IGNORECASE):
                if not _is_about(error.diag.message_primary or "", unquoted(match.group(1))):
                    continue
                commit()
                if not act(match, ask):
                    return ""
                lines = "\n" * match.group().count("\n")
                return f"{statement[: match.start()]}{_DONE}{lines}{statement[match.end() :]}"
        return ""

    def _move(self, match: re.Match[str], _: psycopg.Connection[Any]) -> bool:
        self._ground.extensions.move(unquoted(match.group(1)), unquoted(match.group(2)))
        return True

    def _wrapper(self, match: re.Match[str], ask: psycopg.Connection[Any]) -> bool:
        name = sql.Identifier(unquoted(match.group(1)))
        handler = _function(ask, match.group(2), "")
        if not handler or not self._of_stub(handler[2]):
            return False
        parts = sql.SQL("create foreign data wrapper {} handler {}").format(name, sql.Identifier(*handler[:2]))
        if match.group(3):
            validator = _function(ask, match.group(3), "text[], oid")
            if not validator or not self._of_stub(validator[2]):
                return False
            parts += sql.SQL(" validator {}").format(sql.Identifier(*validator[:2]))
        owner = sql.Identifier(self._ground.owner)
        grant = sql.SQL("grant usage on foreign data wrapper {} to {} with grant option").format(name, owner)
        return self._do(parts, grant)

    def _event(self, match: re.Match[str], ask: psycopg.Connection[Any]) -> bool:
        name, event = unquoted(match.group(1)), match.group(2).lower()
        tags = [_TAG.fullmatch(one.upper()) for one in match.group(3).split(",")] if match.group(3) else []
        function = _function(ask, match.group(4), "")
        # A server of somebody's own may be visited by superusers who know nothing of this.
        if self._ground.server.provider == "url" or not function or not all(tags) or name <= "!":
            return False
        listed = sql.SQL(", ").join(sql.Literal(one.group(1)) for one in tags if one)
        when = sql.SQL(" when tag in ({})").format(listed) if tags else sql.SQL("")
        create = sql.SQL("create event trigger {} on {}{} execute function {}()").format(
            sql.Identifier(name), sql.SQL(_EVENTS[event]), when, sql.Identifier(*function[:2])
        )
        guard = () if self._events else tuple(sql.SQL(one) for one in _MAKE_GUARD)
        made = self._do(*guard, create)
        if made:
            self._events.add(name)
        return made

    def _about_event(self, match: re.Match[str], _: psycopg.Connection[Any]) -> bool:
        name, change = unquoted(match.group(1)), match.group(2).lower()
        if name not in self._events:
            return False
        if change.startswith("owner"):  # only a superuser can be it, on this server
            return True
        action = sql.SQL("enable") if change == "enable" else sql.SQL("disable")
        return self._do(sql.SQL("alter event trigger {} {}").format(sql.Identifier(name), action))

    def _remark(self, match: re.Match[str], _: psycopg.Connection[Any]) -> bool:
        return unquoted(match.group(1)) in self._events

    def _no_event(self, match: re.Match[str], _: psycopg.Connection[Any]) -> bool:
        name = unquoted(match.group(1))
        return name in self._events and self._do(sql.SQL("drop event trigger {}").format(sql.Identifier(name)))

    def _of_stub(self, function: int) -> bool:
        query = (
            "select from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid"
            " where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = %s and d.deptype = 'e'"
            " and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.extname = any (%s)"
        )
        stubs = list(self._ground.extensions.stubs)
        return self._ground.admin.execute(query, [function, stubs]).fetchone() is not None

    def _do(self, *statements: sql.SQL | sql.Composed) -> bool:
        try:
            with self._ground.admin.transaction():
                for one in statements:
                    self._ground.admin.execute(one)
        except psycopg.Error:
            return False
        return True


def _is_about(message: str, name: str) -> bool:
    """Whether a refusal is about this object. That of ALTER EXTENSION names it without quotes."""
    return f'"{name}"' in message or message.endswith(f" {name}")


def _function(ask: psycopg.Connection[Any], name: str, arguments: str) -> tuple[str, str, int] | None:
    """The schema, name and OID of a function, as the owner's session finds it."""
    try:
        row = ask.execute(
            "select n.nspname, p.proname, p.oid from pg_catalog.pg_proc p"
            " join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
            " where p.oid = pg_catalog.to_regprocedure(%s)",
            [f"{name}({arguments})"],
        ).fetchone()
    except psycopg.Error:
        return None
    return (row[0], row[1], row[2]) if row else None
