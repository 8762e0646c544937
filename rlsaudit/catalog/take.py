"""Take a snapshot: one statement for the catalog, a second where Supabase's storage is there."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Protocol

import msgspec
import psycopg

from rlsaudit.catalog.facts import Bucket, Snapshot
from rlsaudit.catalog.shared import with_shared_grants
from rlsaudit.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARAMETER_ACL = 15_00_00
_NO_PARAMETER_ACL = "(select null::text as parname, null::pg_catalog.aclitem[] as paracl where false)"

_BUCKET_COLUMNS = {("id", "text"), ("name", "text"), ("public", "boolean")}

_READABLE = """
select pg_catalog.has_schema_privilege({schema}::oid, 'USAGE')
  and pg_catalog.has_table_privilege({relation}::oid, 'SELECT')
  and not pg_catalog.row_security_active({relation}::oid)"""

_BUCKETS = """
select coalesce(pg_catalog.json_agg(
  pg_catalog.json_build_object('id', id, 'name', name, 'public', coalesce(public, false)) order by id), '[]')::text
from storage.buckets"""

# SQLSTATEs of what time mends, and how.
_STATEMENT_TIMEOUT = "57014"
_HINTS = {
    _STATEMENT_TIMEOUT: "It took longer than statements of ours may. Try again when the server is less busy.",
    "55P03": "Somebody holds a lock, a migration perhaps. Try again when it is done.",
    "42P01": "It was dropped meanwhile. Try again when nobody changes the schema.",
    "42704": "It was dropped meanwhile. Try again when nobody changes the schema.",
    "XX000": "It may have been dropped meanwhile. Try again when nobody changes the schema.",
    "42501": "Somebody has revoked what every role may read of the catalog. Connect as a superuser, or grant it back.",
}


class Connection(Protocol):
    """What a snapshot needs of a session: see `rlsaudit.connect.Session`."""

    @property
    def server_version_num(self) -> int:
        """The server's version, 150020 for 15.20."""
        ...

    def fetch_value(self, sql: str, params: Sequence[object] | None = None) -> object:
        """Runs one statement and returns the first column of its first row."""
        ...


def take(session: Connection) -> Snapshot:
    """Reads the catalog of the database that `session` is connected to, within the transaction that it is in.

    Raises:
        SnapshotError: the server refused the query, or answered what we do not understand.
    """
    query = resources.files(__package__).joinpath("snapshot.sql").read_text(encoding="utf-8")
    if session.server_version_num < _PARAMETER_ACL:
        query = query.replace("pg_catalog.pg_parameter_acl", _NO_PARAMETER_ACL)
    answer = _ask(session, query)
    try:
        snapshot = msgspec.json.decode(answer, type=Snapshot)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        msg = f"The catalog of this server has a shape that rlsaudit does not know: {error}."
        raise SnapshotError(
            msg,
            hint="Please report this with the server's version; nothing was audited.",
        ) from error
    return _with_buckets(session, with_shared_grants(snapshot))


def _ask(session: Connection, query: str) -> bytes:
    try:
        return str(session.fetch_value(query)).encode("utf-8", "backslashreplace")
    except psycopg.Error as error:
        msg = f"The catalog could not be read: {error.diag.message_primary or type(error).__name__}."
        hint = _HINTS.get(error.sqlstate or "", "The role needs no special right for this. Is the server still there?")
        raise SnapshotError(msg, hint=hint) from error


def _with_buckets(session: Connection, snapshot: Snapshot) -> Snapshot:
    schema = next((one.oid for one in snapshot.schemas if one.name == "storage"), None)
    relation = next((one for one in snapshot.relations if one.schema == schema and one.name == "buckets"), None)
    if relation is None:
        return snapshot
    unknown = replace(snapshot, blind=(*snapshot.blind, "storage.buckets has columns that rlsaudit does not know"))
    columns = {(one.name, one.type) for one in snapshot.columns if one.relation == relation.oid}
    # A view would run somebody's code with the rights of whoever audits.
    if not columns >= _BUCKET_COLUMNS or relation.kind not in "rp":
        return unknown
    if _ask(session, _READABLE.format(schema=schema, relation=relation.oid)) != b"True":
        return replace(snapshot, blind=(*snapshot.blind, "storage.buckets: this role may not read all of it"))
    try:
        buckets = msgspec.json.decode(_ask(session, _BUCKETS), type=tuple[Bucket, ...])
    except msgspec.ValidationError:  # somebody else's table, with ids or names that are null
        return unknown
    return replace(snapshot, buckets=buckets)
