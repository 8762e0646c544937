"""Runs probes: a few hundred in one DO block and one round trip, each in a subtransaction of its own.

Inside the block each probe sets the request up, runs, and raises; the exception handler undoes all that it did,
the role included, and notes the answer. Whether the statement finished is kept in a variable, which a rollback does not
touch, so no error that a policy raises can pass for an answer. A block that times out is run again probe by probe.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.model import Operation
from rlsaudit.probe.outcome import Outcome, Probe, Result
from rlsaudit.probe.request import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session

_BATCH = 200
_SECONDS_FOR_SLOW_PROBES = 60.0
_BLOCK = """
discard plans;
do {outer}
declare
  probe json; setting json; answer text; done boolean; state text; said text; place text; noted jsonb := '[]';
begin
  for probe in select value from json_array_elements({inner}{probes}{inner}::json) loop
    done := false; answer := null; state := null; said := null; place := null;
    begin
      for setting in select value from json_array_elements(probe -> 'settings') loop
        perform pg_catalog.set_config(setting ->> 0, setting ->> 1, true);
      end loop;
      execute probe ->> 'sql' into answer;
      done := true;
      raise exception 'done';
    exception when others then
      if not done then
        get stacked diagnostics
          state := returned_sqlstate, said := message_text, place := pg_exception_context;
      end if;
    end;
    noted := noted || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(done, answer, state, said, place));
  end loop;
  perform pg_catalog.set_config('rlsaudit.answers', noted::text, true);
end
{outer};
select pg_catalog.current_setting('rlsaudit.answers')
"""


def run(
    session: Session,
    catalog: Catalog,
    platform: Platform,
    probes: Sequence[Probe],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Runs every probe in READ ONLY transactions and returns the results, in order.

    `progress` is told how many probes each step has answered.

    Raises:
        psycopg.Error: the connection was lost, or refuses even the block.
    """
    results: list[Result] = []
    slow_until: float | None = None
    for batch in _batches(probes):
        try:
            with session.read_only():
                answers = _ask(session, catalog, platform, batch)
            results.extend(_understand(probe, answer) for probe, answer in zip(batch, answers, strict=True))
        except psycopg.errors.QueryCanceled:
            slow_until = slow_until or time.monotonic() + _SECONDS_FOR_SLOW_PROBES
            results.extend(_one_by_one(session, catalog, platform, batch, slow_until))
        progress(len(batch))
    return tuple(results)


def _batches(probes: Sequence[Probe]) -> Iterator[Sequence[Probe]]:
    """Batches of one persona each: plans made for one role are dropped before the next (CVE-2024-10976)."""
    start = 0
    while start < len(probes):
        end = start
        while end < len(probes) and end - start < _BATCH and probes[end].persona == probes[start].persona:
            end += 1
        yield probes[start:end]
        start = end


def _ask(session: Session, catalog: Catalog, platform: Platform, batch: Sequence[Probe]) -> Sequence[Sequence[Any]]:
    asked = [
        {
            "sql": one.sql,
            "settings": list(settings(catalog, platform, one.persona).items()) if one.persona else [],
        }
        for one in batch
    ]
    # Names in the statements are hostile: a tag that nobody could foresee keeps them inside their quotes.
    outer, inner = f"$o{secrets.token_hex(8)}$", f"$i{secrets.token_hex(8)}$"
    cursor = session.execute(_BLOCK.format(outer=outer, inner=inner, probes=json.dumps(asked, ensure_ascii=False)))
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    answers: Sequence[Sequence[Any]] = json.loads(row[0]) if row else []
    return answers


def _one_by_one(
    session: Session, catalog: Catalog, platform: Platform, batch: Sequence[Probe], until: float
) -> Iterator[Result]:
    for probe in batch:
        if time.monotonic() > until:
            yield Result(probe, Outcome.INCONCLUSIVE, reason="no time left: many probes are slow on this database")
            continue
        try:
            with session.read_only():
                yield _understand(probe, _ask(session, catalog, platform, [probe])[0])
        except psycopg.errors.QueryCanceled:
            yield Result(probe, Outcome.INCONCLUSIVE, reason="the statement ran into the time limit")


def _understand(probe: Probe, answer: Sequence[Any]) -> Result:
    done, value, state, said, place = answer
    if done:
        rows = int(value) if probe.operation is Operation.SELECT else 0
        return Result(probe, Outcome.ROWS, rows)
    outcome = Outcome.INCONCLUSIVE
    if state == "42P17":
        outcome = Outcome.RECURSION
    elif state == "42501" and not _inside_a_function(place or ""):
        # In a function a privilege may be asked for only on some data; outside, the executor asks before any row.
        outcome = Outcome.DENIED
    return Result(probe, outcome, reason=f"{said} ({state})")


def _inside_a_function(place: str) -> bool:
    lines = [line for line in place.splitlines() if "inline_code_block" not in line]
    return any(line.startswith(("PL/pgSQL function", "SQL function")) for line in lines)
