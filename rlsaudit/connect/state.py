"""What an audit could leave behind, as this connection sees it: looked at before and after, and compared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.connect.session import Session

_NEXT = "select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text"
_SEQUENCES = """
select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
  case when pg_catalog.has_sequence_privilege(c.oid, 'SELECT,USAGE')
       then coalesce(pg_catalog.pg_sequence_last_value(c.oid)::text, '') end
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and not pg_catalog.pg_is_other_temp_schema(n.oid)"""
# Those with a dot are of libraries, and come as soon as a connection has loaded one. What is stored of them for a role
# or a database is in a catalog.
_SETTINGS = "select s.name, s.setting from pg_catalog.pg_settings s where s.name !~ '[.]'"
# Attributes and stored settings; the password is not among them.
_ROLES = """
select r.rolname::text, pg_catalog.md5(pg_catalog.concat(r::text, ' ', (
  select pg_catalog.string_agg(m::text, ' ' order by m::text)
  from pg_catalog.pg_auth_members m where m.member = r.oid)))
from pg_catalog.pg_roles r"""
_LASTING = "relpersistence <> 't'"
_CATALOGS = {
    "pg_class": f"select c.oid::text, c.xmin::text from pg_catalog.pg_class c where c.{_LASTING}",
    "pg_database": "select oid::text, xmin::text from pg_catalog.pg_database",
    "pg_type": "select t.oid::text, t.xmin::text from pg_catalog.pg_type t"
    " join pg_catalog.pg_namespace n on n.oid = t.typnamespace where n.nspname !~ '^pg_(toast_)?temp_'",
    "pg_enum": "select oid::text, xmin::text from pg_catalog.pg_enum",
    "pg_rewrite": f"select w.oid::text, w.xmin::text from pg_catalog.pg_rewrite w"
    f" join pg_catalog.pg_class c on c.oid = w.ev_class where c.{_LASTING}",
    "pg_index": "select i.indexrelid::text, i.xmin::text from pg_catalog.pg_index i"
    f" join pg_catalog.pg_class c on c.oid = i.indrelid where c.{_LASTING}",
    "pg_publication": "select oid::text, xmin::text from pg_catalog.pg_publication",
    "pg_publication_rel": "select oid::text, xmin::text from pg_catalog.pg_publication_rel",
    "pg_event_trigger": "select oid::text, xmin::text from pg_catalog.pg_event_trigger",
    "pg_foreign_server": "select oid::text, xmin::text from pg_catalog.pg_foreign_server",
    "pg_description": "select classoid::text || ' ' || objoid::text || ' ' || objsubid::text, xmin::text"
    " from pg_catalog.pg_description",
    "pg_attribute": "select a.attrelid::text || ' ' || a.attnum::text, a.xmin::text from pg_catalog.pg_attribute a"
    f" join pg_catalog.pg_class c on c.oid = a.attrelid where c.{_LASTING}",
    "pg_constraint": "select oid::text, xmin::text from pg_catalog.pg_constraint",
    "pg_db_role_setting": "select setdatabase::text || ' ' || setrole::text, xmin::text"
    " from pg_catalog.pg_db_role_setting",
    "pg_default_acl": "select oid::text, xmin::text from pg_catalog.pg_default_acl",
    "pg_extension": "select oid::text, xmin::text from pg_catalog.pg_extension",
    "pg_namespace": "select oid::text, xmin::text from pg_catalog.pg_namespace where nspname !~ '^pg_(toast_)?temp_'",
    "pg_policy": "select oid::text, xmin::text from pg_catalog.pg_policy",
    "pg_proc": "select oid::text, xmin::text from pg_catalog.pg_proc",
    "pg_trigger": "select oid::text, xmin::text from pg_catalog.pg_trigger",
}
# Which row was written by which transaction: any change makes another text.
_DIGEST = """
select '{name}', pg_catalog.count(*)::text || ' rows, ' || coalesce(pg_catalog.md5(
  pg_catalog.string_agg(w.key || ' ' || w.xmin, ',' order by w.key)), '')
from ({query}) w (key, xmin)"""


@dataclass(frozen=True, slots=True)
class State:
    """What was seen at one moment.

    Attributes:
        next_transaction: The id that the next transaction to write will get; None where that could not be asked.
        parts: By their names, what things there are and a text for each that changes with it.
        unread: Sequences that this role may not read.
        failed: Why a part could not be read.
    """

    next_transaction: int | None
    parts: Mapping[str, Mapping[str, str]]
    unread: tuple[str, ...]
    failed: Mapping[str, str]

    def digest(self, part: str) -> str:
        """A text that differs where anything in the part does."""
        said = "\n".join(f"{name}\t{text}" for name, text in sorted(self.parts[part].items()))
        return hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()


PARTS = {
    "sequences": _SEQUENCES,
    "settings": _SETTINGS,
    "roles": _ROLES,
    "catalogs": " union all ".join(_DIGEST.format(name=name, query=query) for name, query in _CATALOGS.items()),
}
"""What is compared, by its name, with the question for it."""


def look(session: Session) -> State:
    """Looks at the server, each part in a READ ONLY transaction of its own: what cannot be read spoils no other."""
    parts: dict[str, dict[str, str]] = {}
    failed: dict[str, str] = {}
    unread: list[str] = []
    for name, query in PARTS.items():
        rows = _rows(session, query)
        if isinstance(rows, str):
            failed[name] = rows
            continue
        parts[name] = {str(key): str(text) for key, text in rows if text is not None}
        if name == "sequences":
            unread = sorted(str(key) for key, text in rows if text is None)
    following = _rows(session, _NEXT)
    if isinstance(following, str):
        failed["transaction ids"] = following
    return State(None if isinstance(following, str) else int(following[0][0]), parts, tuple(unread), failed)


def _rows(session: Session, query: str) -> list[tuple[Any, ...]] | str:
    """The rows, or why there are none."""
    try:
        with session.read_only():
            return session.fetch_all(query)
    except psycopg.Error as error:
        return error.diag.message_primary or "the connection was lost"
