"""What a session did to the server, written down while it does it."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.connect.session import Session

_NUMBERS = re.compile(r"(?: \d+)+$")
# Whose locks: of this backend, but for the one that every transaction has on its own number.
_SAMPLE = """
select pg_catalog.pg_current_xact_id_if_assigned()::text, coalesce((
  select pg_catalog.json_object_agg(held.mode, held.number)
  from (select l.mode, pg_catalog.count(*) as number from pg_catalog.pg_locks l
        where l.pid = pg_catalog.pg_backend_pid() and l.locktype not in ('virtualxid', 'transactionid')
        group by l.mode) held), '{}')::text"""


@dataclass(slots=True)
class Recorder:
    """What is known of a session's statements.

    Attributes:
        kinds: How many statements of each kind there were, by what the server calls them; `failed` are refusals.
        own: How many were sent for the record alone; the others do not count them.
        round_trips: How often the server was asked, its record aside.
        seconds: How long it was waited for.
        slowest: The longest that one question took.
        transactions: How many were rolled back; `longest` is how long the longest was open.
        samples: How many of them were looked into before; the others had failed by then.
        locks: By mode, how many locks there were at most at such a moment.
        used: Transaction ids that were assigned.
        programs: Other programs that were run.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    own: int = 0
    round_trips: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    transactions: int = 0
    longest: float = 0.0
    samples: int = 0
    locks: Counter[str] = field(default_factory=Counter)
    used: list[int] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    _aside: bool = False
    _began: float = 0.0

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """What is sent meanwhile is for the record."""
        before, self._aside = self._aside, True
        try:
            yield
        finally:
            self._aside = before

    def sent(self, tags: list[str], seconds: float, *, failed: bool) -> None:
        """Notes a question: the server's words for the statements in it that ran, and how long it took."""
        if self._aside:
            self.own += 1
            return
        self.round_trips += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)
        self.kinds.update(_NUMBERS.sub("", one).lower() for one in tags)
        if failed:
            self.kinds["failed"] += 1

    def begun(self) -> None:
        """Notes that a transaction was begun."""
        self._began = time.monotonic()

    def rolls_back(self, session: Session, *, intact: bool) -> None:
        """Looks at a transaction that is about to be rolled back; one that has failed shows nothing any more."""
        if self._aside:
            return
        self.transactions += 1
        self.longest = max(self.longest, time.monotonic() - self._began)
        if not intact:
            return
        with self.aside(), contextlib.suppress(psycopg.Error):
            (used, locks) = session.fetch_all(_SAMPLE)[0]
            self.samples += 1
            held: dict[str, Any] = json.loads(locks)
            self.locks |= Counter({mode: int(number) for mode, number in held.items()})
            if used is not None:
                self.used.append(int(used))
