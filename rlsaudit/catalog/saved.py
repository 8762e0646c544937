"""A snapshot as a file: JSON, versioned, for audits without a server and for comparing two moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from rlsaudit.catalog.facts import Snapshot
from rlsaudit.catalog.shared import with_shared_grants
from rlsaudit.errors import SnapshotError

if TYPE_CHECKING:
    from pathlib import Path


SCHEMA: Literal["rlsaudit.snapshot/1"] = "rlsaudit.snapshot/1"


class _Saved(msgspec.Struct, frozen=True, kw_only=True):
    schema: Literal["rlsaudit.snapshot/1"]
    snapshot: Snapshot


def dump(snapshot: Snapshot) -> bytes:
    """Returns `snapshot` as a JSON document, UTF-8, with a final newline.

    It holds names, definitions and grants, never a row; values of settings and options that may be secret are left out.
    """
    return msgspec.json.encode(_Saved(schema=SCHEMA, snapshot=snapshot), order="deterministic") + b"\n"


def load(path: Path) -> Snapshot:
    """Reads a snapshot that `dump` wrote.

    Raises:
        SnapshotError: the file cannot be read or is no snapshot of a version that we know.
    """
    hint = "Write one with `rlsaudit snapshot URL -o facts.json`."
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"The snapshot {path} cannot be read: {error.strerror}."
        raise SnapshotError(msg, hint=hint) from error
    try:
        snapshot = msgspec.json.decode(content, type=_Saved).snapshot
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path} is no snapshot of rlsaudit: {error}."
        raise SnapshotError(msg, hint=hint) from error
    if not _is_whole(snapshot):
        msg = f"{path} is no snapshot of rlsaudit: it names objects that it does not describe."
        raise SnapshotError(msg, hint=hint)
    return with_shared_grants(snapshot)


def _is_whole(snapshot: Snapshot) -> bool:
    """Whether what the indexes join is all there, as it is in one moment of a catalog."""
    schemas = {one.oid for one in snapshot.schemas}
    relations = {one.oid for one in snapshot.relations}
    return (
        {one.schema for one in snapshot.relations} <= schemas
        and {one.schema for one in snapshot.functions} <= schemas
        and {one.relation for one in snapshot.columns} <= relations
        and {one.relation for one in snapshot.policies} <= relations
        and {one.relation for one in snapshot.rewrites} <= relations
        and {one.relation for one in snapshot.triggers} <= relations
        and {one.relation for one in snapshot.constraints} <= relations
    )
