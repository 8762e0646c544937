"""Files put into folders of others, as the API of Supabase's Storage does: each is its uploader's, wherever it is put.

The API asks row-level security by an INSERT as the role of the request, with the `owner` and `owner_id` that the token
says, so a policy that looks at the owner alone lets anybody put files where those of others are looked for. Whose the
row is does not tell that; it is said beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import FILES
from rlsaudit.model import Operation
from rlsaudit.probe.attack.identities import OTHERS, ids_of
from rlsaudit.probe.attack.statements import insert
from rlsaudit.probe.outcome import Outcome, Probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.probe.attack.identities import Identity
    from rlsaudit.probe.outcome import Result
    from rlsaudit.probe.rows import Row

_OWNERS = ("owner", "owner_id")
_STRANGERS = frozenset(one.name for one in OTHERS)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is put into somebody else's folder of a bucket, by `by` and in its name."""

    probe: Probe
    by: Identity
    bucket: str


def uploads(catalog: Catalog, by: Identity, rows: Iterable[Row]) -> Iterator[Upload]:
    """Yields an upload for each bucket and each principal that has files in a folder there."""
    objects = catalog.relations_by_name.get(FILES)
    if objects is None:
        return
    there = {one.name for one in catalog.columns[objects.oid]}
    own = next(iter(ids_of(by.persona)), None)
    folders = dict.fromkeys(
        (bucket, folder)
        for row in rows
        if row.relation == objects.oid and row.owner in _STRANGERS
        if (bucket := row.values.get("bucket_id")) and (folder := (row.values.get("name") or "").rpartition("/")[0])
    )
    for bucket, folder in folders:
        file = {"bucket_id": bucket, "name": f"{folder}/uploaded.txt", "version": "1"}
        owner = {} if own is None else dict.fromkeys(_OWNERS, own)
        values = {column: value for column, value in (file | owner).items() if column in there}
        sql = insert(catalog.identity(objects), values, overriding=False)
        yield Upload(Probe(by.persona, objects.oid, Operation.INSERT, sql), by, bucket)


def told(tried: Sequence[tuple[Upload, Result]]) -> str:
    """Returns in words where files went; empty where none did."""
    buckets = dict.fromkeys(one.bucket for one, result in tried if result.outcome is Outcome.ROWS and result.rows)
    # Buckets that were made for the purpose stand for any that policies do not name.
    named = [one for one in buckets if not one.startswith(tuple(one.mark for one in OTHERS))]
    others = ["buckets that no policy names"] if len(named) < len(buckets) else []
    where = ", ".join((*(f'bucket "{one}"' for one in named), *others))
    return f"put files of its own into folders of others ({where})" if buckets else ""
