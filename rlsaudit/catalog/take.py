"""Take a snapshot: one statement for the catalog, a second where Supabase's storage is there."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Protocol

import msgspec
import psycopg

from rlsaudit.catalog.facts import Bucket, Snapshot
from rlsaudit.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUCKETS = "select pg_catalog.json_agg(pg_catalog.json_build_object('id', id, 'name', name, 'public', public) order by id)::text from storage.buckets"  # noqa: E501 — one statement, one line in the server's log


class Connection(Protocol):
    """What a snapshot needs of a session: see `rlsaudit.connect.Session`."""

    def fetch_value(self, sql: str, params: Sequence[object] | None = None) -> object:
        """Runs one statement and returns the first column of its first row."""
        ...


def take(session: Connection) -> Snapshot:
    """Reads the catalog of the database that `session` is connected to, within the transaction that it is in.

    Raises:
        SnapshotError: the server refused the query, or answered what we do not understand.
    """
    query = resources.files(__package__).joinpath("snapshot.sql").read_text(encoding="utf-8")
    try:
        answer = session.fetch_value(query)
    except psycopg.Error as error:
        msg = f"The catalog could not be read: {error.diag.message_primary or type(error).__name__}."
        raise SnapshotError(
            msg,
            hint="The role needs no special right for this. If the server is busy, raise --statement-timeout.",
        ) from error
    try:
        snapshot = msgspec.json.decode(str(answer).encode("utf-8", "backslashreplace"), type=Snapshot)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        msg = f"The catalog of this server has a shape that rlsaudit does not know: {error}."
        raise SnapshotError(
            msg,
            hint="Please report this with the server's version; nothing was audited.",
        ) from error
    return _with_buckets(session, snapshot)


def _with_buckets(session: Connection, snapshot: Snapshot) -> Snapshot:
    schema = next((one.oid for one in snapshot.schemas if one.name == "storage"), None)
    if not any(one.schema == schema and one.name == "buckets" for one in snapshot.relations):
        return snapshot
    columns = {"id", "name", "public"}
    relation = next(one.oid for one in snapshot.relations if one.schema == schema and one.name == "buckets")
    if not columns <= {one.name for one in snapshot.columns if one.relation == relation}:
        return replace(snapshot, blind=(*snapshot.blind, "storage.buckets has columns that rlsaudit does not know"))
    readable = session.fetch_value(
        "select pg_catalog.has_schema_privilege('storage', 'USAGE')"
        " and pg_catalog.has_table_privilege('storage.buckets', 'SELECT')"
        " and not pg_catalog.row_security_active('storage.buckets')"
    )
    if readable is not True:
        return replace(snapshot, blind=(*snapshot.blind, "storage.buckets: this role may not read all of it"))
    answer = session.fetch_value(_BUCKETS)
    buckets = msgspec.json.decode(str(answer or "[]"), type=tuple[Bucket, ...])
    return replace(snapshot, buckets=buckets)
