"""The receipt: what an audit did to the server, and whether what can be compared is as it was before.

It says that nothing changed because before and after were compared, not because transactions were rolled back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec
import psycopg

from rlsaudit.connect.recorder import Recorder
from rlsaudit.connect.state import PARTS, State, look
from rlsaudit.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rlsaudit.connect.session import Session

SCHEMA: Literal["rlsaudit.receipt/1"] = "rlsaudit.receipt/1"

_OTHERS = "others write too, so what differs need not be ours"
_STRENGTH = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)


@dataclass(frozen=True, slots=True)
class Server:
    """Where, and as whom."""

    version: str
    role: str
    database: str


@dataclass(frozen=True, slots=True)
class Statements:
    """What was sent: by kind as the server names them, `failed` being refusals; `for_the_receipt` come on top."""

    by_kind: Mapping[str, int]
    round_trips: int
    seconds: float
    slowest: float
    for_the_receipt: int


@dataclass(frozen=True, slots=True)
class Transactions:
    """All of them were rolled back; `looked_into` is how many were, just before that."""

    number: int
    longest: float
    looked_into: int


@dataclass(frozen=True, slots=True)
class Locks:
    """Locks that were held just before a rollback: the strongest mode, and at most how many of each.

    What a probe takes ends with its subtransaction, before that moment.
    """

    strongest: str | None
    most: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TransactionIds:
    """Those that our transactions were given (a transaction that writes nothing gets none), and the server's next."""

    ours: tuple[int, ...]
    next_before: int | None
    next_after: int | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One part of what was compared, at one moment. `values` are told of sequences only."""

    number: int
    digest: str
    values: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One part, before and after."""

    before: Moment
    after: Moment


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that is not as it was; values are told of sequences only, for others may be secret."""

    what: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Something of which it is not known whether it is as it was."""

    what: str
    reason: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `says` is for people; it is read off the rest."""

    schema: Literal["rlsaudit.receipt/1"] = SCHEMA
    tool: Mapping[str, str]
    server: Server
    mode: str
    began: str
    seconds: float
    statements: Statements
    transactions: Transactions
    locks: Locks
    transaction_ids: TransactionIds
    programs: tuple[str, ...]
    compared: Mapping[str, Compared]
    changed: tuple[Changed, ...]
    not_compared: tuple[NotCompared, ...]
    says: str


def unseen(_: Session) -> AbstractContextManager[None]:
    """What stands in the place of `receipted` where nobody wants a receipt."""
    return contextlib.nullcontext()


@contextlib.contextmanager
def receipted(session: Session, mode: str, tool: Mapping[str, str], put: Callable[[bytes], None]) -> Iterator[None]:
    """Records what `session` does until the context ends, however it ends, and then has the receipt put away.

    Args:
        session: A session that is in no transaction.
        mode: How the server is asked.
        tool: Whose receipt it is.
        put: Told the document, UTF-8. Where the audit failed as well, that is what is told of the two.
    """
    recorder = Recorder()
    session.recorder = recorder
    began, clock = datetime.now(UTC), time.monotonic()
    with recorder.aside():
        before = look(session)
    try:
        yield
    except BaseException:
        with contextlib.suppress(AuditError, psycopg.Error):
            put(_document(session, recorder, before, mode, tool, began, clock))
        raise
    put(_document(session, recorder, before, mode, tool, began, clock))


def _document(
    session: Session,
    recorder: Recorder,
    before: State,
    mode: str,
    tool: Mapping[str, str],
    began: datetime,
    clock: float,
) -> bytes:
    with recorder.aside():
        after = look(session)
    session.recorder = None
    changed, missing = tuple(_changed(before, after)), tuple(_not_compared(before, after))
    major, minor = divmod(session.server_version_num, 10_000)
    receipt = Receipt(
        tool=tool,
        server=Server(f"{major}.{minor}", session.user, session.database),
        mode=mode,
        began=began.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 3),
        statements=Statements(
            dict(sorted(recorder.kinds.items())),
            recorder.round_trips,
            round(recorder.seconds, 3),
            round(recorder.slowest, 3),
            recorder.own,
        ),
        transactions=Transactions(recorder.transactions, round(recorder.longest, 3), recorder.samples),
        locks=Locks(_strongest(recorder), dict(sorted(recorder.locks.items()))),
        transaction_ids=TransactionIds(tuple(recorder.used), before.next_transaction, after.next_transaction),
        programs=tuple(recorder.programs),
        compared={
            name: _compared(name, before, after) for name in PARTS if name in before.parts and name in after.parts
        },
        changed=changed,
        not_compared=missing,
        says=_words(recorder, before, after, changed, missing),
    )
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"


def _strongest(recorder: Recorder) -> str | None:
    known = [one for one in _STRENGTH if recorder.locks[one]]
    return known[-1] if known else None


def _compared(part: str, before: State, after: State) -> Compared:
    first, second = (
        Moment(
            len(one.parts[part]),
            one.digest(part),
            dict(sorted(one.parts[part].items())) if part == "sequences" else None,
        )
        for one in (before, after)
    )
    return Compared(first, second)


def _changed(before: State, after: State) -> Iterator[Changed]:
    for part in PARTS:
        if part not in before.parts or part not in after.parts:
            continue
        old, new = before.parts[part], after.parts[part]
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) == new.get(name):
                continue
            shown = (old.get(name), new.get(name)) if part == "sequences" else (None, None)
            verb = "changed" if name in old and name in new else "came" if name in new else "went"
            yield Changed(f"{_SINGULAR[part]} {name} {verb}", *shown)


_NEVER = {
    "passwords": "they are not read",
    "large objects, other catalogs, other databases": "they are not looked at",
    "rows": "they are not read; a transaction that changes one is given an id, and ours are listed",
}
_SINGULAR = {"sequences": "sequence", "settings": "setting", "roles": "role", "catalogs": "catalog"}


def _not_compared(before: State, after: State) -> Iterator[NotCompared]:
    for part in (*PARTS, "transaction ids"):
        reason = before.failed.get(part) or after.failed.get(part)
        if reason:
            yield NotCompared(part, reason)
    for name in sorted({*before.unread, *after.unread}):
        yield NotCompared(f"sequence {name}", "this role may not read it")
    for name, reason in _NEVER.items():
        yield NotCompared(name, reason)


def _words(
    recorder: Recorder, before: State, after: State, changed: tuple[Changed, ...], missing: tuple[NotCompared, ...]
) -> str:
    parts = [name for name in PARTS if name in before.parts and name in after.parts]
    if not parts:
        return "Nothing could be compared, so it is not known whether anything changed."
    if changed:
        words = [f"{len(changed)} of what was compared changed ({_OTHERS})."]
    else:
        words = [f"Nothing changed: {', '.join(parts)} were compared before and after."]
    if recorder.used:
        words.append(f"Our transactions used up {len(recorder.used)} or more transaction ids, which a rollback keeps.")
    elif recorder.samples == recorder.transactions:
        words.append("No transaction of ours was given an id, so none changed a row.")
    else:
        left = recorder.transactions - recorder.samples
        words.append(f"Of {left} transactions that failed it is not known whether they were given an id.")
    moved = (after.next_transaction or 0) - (before.next_transaction or 0)
    if before.next_transaction and after.next_transaction and moved > 0 and not recorder.used:
        words.append(f"Others wrote meanwhile: the server gave out {moved} transaction ids.")
    unread = len(missing) - len(_NEVER)
    if unread:
        words.append(f"Not compared: {unread}, listed with the reasons.")
    return " ".join(words)
