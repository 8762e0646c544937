"""Asks the server which values pass: without writing, and so without triggers, locks and numbers of transactions."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.names import ident
from rlsaudit.probe.block import SECONDS_FOR_SLOW_PROBES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rlsaudit.connect import Session

BATCH = 200
_BLOCK = """
do {outer}
declare
  item pg_catalog.json; tried pg_catalog.json; passed pg_catalog.bool; given pg_catalog.text[];
  found pg_catalog.int4; place pg_catalog.int4; enough pg_catalog.int4; noted pg_catalog.jsonb := '[]';
  passing pg_catalog.jsonb;
begin
  perform pg_catalog.set_config('client_min_messages', 'error', true);
  for item in select one.value from pg_catalog.json_array_elements({inner}{items}{inner}::pg_catalog.json) as one loop
    passing := null; found := 0; place := 0; enough := item ->> 'enough';
    begin
      execute item ->> 'at_once' into passing using item -> 'tried', enough;
    exception when others or assert_failure then
      -- One that fails fails for all: then each is asked by itself, which costs a subtransaction.
      passing := null;
    end;
    if passing is not null then
      found := enough;
    else
      passing := '[]';
    end if;
    for tried in select one.value from pg_catalog.json_array_elements(item -> 'tried') as one loop
      exit when found = enough;
      passed := false;
      begin
        given := array(select one.value from pg_catalog.json_array_elements_text(tried) as one);
        execute item ->> 'sql' into passed using given;
      exception when others or assert_failure then
        passed := false;
      end;
      if passed then
        passing := passing || pg_catalog.to_jsonb(place);
        found := found + 1;
      end if;
      place := place + 1;
    end loop;
    noted := noted || pg_catalog.jsonb_build_array(passing);
  end loop;
  perform pg_catalog.set_config('rlsaudit.answers', noted::pg_catalog.text, true);
end
{outer};
"""
_BEFORE = "rlsaudit_rows"
ANSWERS = f"""
release savepoint {_BEFORE};
select pg_catalog.current_setting('rlsaudit.answers')
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """Values that are tried for columns of a table, in order, until `enough` of them have passed its `checks`.

    `columns` are names and types; each of `tried` has a text for each of them, or None for NULL.
    """

    table: str
    columns: tuple[tuple[str, str], ...]
    checks: tuple[str, ...]
    tried: tuple[tuple[str | None, ...], ...]
    enough: int

    @property
    def sql(self) -> str:
        """The question: true for values that pass, with the values as an array of texts."""
        return self._passes("$1")

    @property
    def at_once(self) -> str:
        """The same for all that is tried, as JSON, up to so many that pass: a JSON array of their places."""
        given = "array(select each.value from pg_catalog.json_array_elements_text(tried.one) as each)"
        # Within the parentheses the table's own names come first, whatever they are.
        return (
            "select coalesce(pg_catalog.jsonb_agg(found.place), '[]') from (select tried.place - 1 as place"
            f" from pg_catalog.json_array_elements($1) with ordinality as tried (one, place)"
            f" where ({self._passes('given', f' from (select {given} as given offset 0) as g')}) limit $2) as found"
        )

    def _passes(self, values: str, source: str = "") -> str:
        given = ", ".join(
            f"({values})[{place}]::{of} as {ident(name)}" for place, (name, of) in enumerate(self.columns, start=1)
        )
        # NULL passes a CHECK.
        passes = " and ".join(f"{one} is not false" for one in self.checks) or "true"
        # What is not looked at is not computed, and no domain would be asked.
        looked_at = ", ".join(ident(name) for name, _ in self.columns)
        row = f"(select {given}{source} offset 0) as {ident(self.table)}"
        return f"select {passes} and pg_catalog.num_nulls({looked_at}) >= 0 from {row}"


def passing(session: Session, trials: Sequence[Trial]) -> tuple[tuple[int, ...], ...]:
    """Returns for each trial which of what it tries pass, by place."""
    until = time.monotonic() + SECONDS_FOR_SLOW_PROBES
    return tuple(tuple(one) for batch in _batches(trials) for one in _in_time(session, batch, until))


def _in_time(session: Session, batch: Sequence[Trial], until: float) -> Sequence[Sequence[int]]:
    """The answers. Where a condition takes too long, nothing is known to pass it; the others are asked in halves."""
    found = _asked(session, batch)
    if found is not None:
        return found
    if len(batch) == 1 or time.monotonic() > until:
        return [()] * len(batch)
    middle = len(batch) // 2
    return [*_in_time(session, batch[:middle], until), *_in_time(session, batch[middle:], until)]


def _asked(session: Session, batch: Sequence[Trial]) -> Sequence[Sequence[int]] | None:
    items = [{"sql": one.sql, "at_once": one.at_once, "tried": one.tried, "enough": one.enough} for one in batch]
    return run_block(session, _BLOCK + ANSWERS, items=json.dumps(items, ensure_ascii=False))


def run_block(session: Session, block: str, **filled: str) -> Sequence[Any] | None:
    """Runs a DO block that leaves its answers in a setting, and returns them; None where it took too long.

    The block is to end with what releases the savepoint that it begins with, and with the question for the answers.
    """
    # What is filled in holds names and values that are hostile: a tag that nobody could foresee keeps them inside.
    text = block.format(outer=f"$o{secrets.token_hex(8)}$", inner=f"$i{secrets.token_hex(8)}$", **filled)
    try:
        cursor = session.execute(f"savepoint {_BEFORE}; {text}")
    except psycopg.errors.QueryCanceled:
        # No handler within the block catches the time limit. What went before is still there.
        session.execute(f"rollback to savepoint {_BEFORE}; release savepoint {_BEFORE}")
        return None
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    answers: Sequence[Any] = json.loads(row[0]) if row else []
    return answers


def _batches(trials: Iterable[Trial]) -> Iterator[list[Trial]]:
    """So many together that one statement's time is enough: it is the values that cost."""
    batch: list[Trial] = []
    cost = 0
    for one in trials:
        if batch and (len(batch) >= BATCH or cost + len(one.tried) > 100 * BATCH):
            yield batch
            batch, cost = [], 0
        batch.append(one)
        cost += len(one.tried)
    if batch:
        yield batch
