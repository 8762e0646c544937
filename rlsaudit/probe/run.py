"""Runs probes: a few hundred in one DO block and one round trip, each in a subtransaction of its own.

Inside the block each probe sets the request up, runs, and raises; the exception handler undoes all that it did, the
role and the locks included, and notes the answer. Whether the statement finished is kept in a variable, which a
rollback does not touch, so no error that a policy raises can pass for an answer.

Between the setting up and the undoing names are looked up as the persona's search_path says, where anybody may have put
a `->>` of their own: so the block evaluates nothing there but what it names in full.
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
    from collections.abc import Callable, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session

BATCH = 200
"""So many probes share a round trip and a statement_timeout."""
_SECONDS_FOR_SLOW_PROBES = 60.0
_MOST_SAID = 500
_LOCKED = "55P03"
_BLOCK = """
discard plans;
do {outer}
declare
  probe pg_catalog.json; made pg_catalog.json; statement pg_catalog.text; relation pg_catalog.int8;
  done pg_catalog.bool; answer pg_catalog.text; state pg_catalog.text; said pg_catalog.text; place pg_catalog.text;
  ready pg_catalog.bool; direct pg_catalog.bool; again pg_catalog.text; locked pg_catalog.int8[] := '{{}}';
  noted pg_catalog.jsonb := '[]';
begin
  perform pg_catalog.set_config('client_min_messages', 'error', true);
  for probe in select one.value from pg_catalog.json_array_elements({inner}{probes}{inner}::pg_catalog.json) as one loop
    made := probe -> 'settings'; statement := probe ->> 'sql'; relation := probe ->> 'relation';
    ready := false; done := false; direct := false;
    answer := null; state := null; said := null; place := null; again := null;
    if relation = any (locked) then
      state := '{locked}'; said := 'the relation is locked';
    else
      begin
        perform pg_catalog.set_config(
            one.value operator(pg_catalog.->>) 0, one.value operator(pg_catalog.->>) 1, true)
          from pg_catalog.json_array_elements(made) as one;
        ready := true;
        execute statement into answer;
        done := true;
        raise exception 'done';
      exception when others or assert_failure then
        if not done then
          get stacked diagnostics
            state := returned_sqlstate, said := message_text, place := pg_exception_context;
        end if;
      end;
    end if;
    -- Two lines tell where a statement of ours failed, in whatever language; a function adds lines of its own.
    place := pg_catalog.replace(place, statement, '');
    direct := ready and pg_catalog.length(place)
      - pg_catalog.length(pg_catalog.replace(place, pg_catalog.chr(10), '')) <= 1;
    if state = '{locked}' and direct then
      locked := locked || relation;
    end if;
    if direct and state in ('42501', '42P17') then
      if statement not like 'explain %' then
        -- Asked for before any row, it is refused whatever the rows are, or the plan would be as well.
        begin
          perform pg_catalog.set_config(
              one.value operator(pg_catalog.->>) 0, one.value operator(pg_catalog.->>) 1, true)
            from pg_catalog.json_array_elements(made) as one;
          execute pg_catalog.concat('explain ', statement);
          raise exception 'done';
        exception when others or assert_failure then
          get stacked diagnostics again := returned_sqlstate;
        end;
        direct := state = again;
      end if;
    else
      direct := false;
    end if;
    noted := noted || pg_catalog.jsonb_build_array(
      pg_catalog.jsonb_build_array(done, answer, state, pg_catalog.left(said, {most_said}), direct));
  end loop;
  perform pg_catalog.set_config('rlsaudit.answers', noted::pg_catalog.text, true);
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

    All batches share one transaction, so that what a persona reads and what there is are counted at the same moment;
    locks end with each probe. A batch that runs into the time limit ends the transaction, and is asked probe by probe.

    `progress` is told how many probes each step has answered.

    Raises:
        psycopg.Error: the connection was lost, or refuses even the block.
    """
    return _Run(session, catalog, platform, progress).all(probes)


class _Run:
    def __init__(self, session: Session, catalog: Catalog, platform: Platform, progress: Callable[[int], None]) -> None:
        self._session = session
        self._catalog = catalog
        self._platform = platform
        self._progress = progress
        self._results: dict[int, Result] = {}
        self._slow: set[int] = set()
        self._slow_until: float | None = None

    def all(self, probes: Sequence[Probe]) -> tuple[Result, ...]:
        numbered = list(enumerate(probes))
        while numbered:
            # What ran into the time limit as one persona will as another: it waits, so as not to spoil a batch again.
            waiting = [one for one in numbered if one[1].relation in self._slow]
            quick = [one for one in numbered if one[1].relation not in self._slow]
            left = self._in_batches(quick)
            if not left and not quick:
                self._one_by_one(waiting)
                break
            numbered = sorted([*left, *waiting], key=lambda one: one[0])
        return tuple(self._results[number] for number in range(len(probes)))

    def _in_batches(self, numbered: Sequence[tuple[int, Probe]]) -> Sequence[tuple[int, Probe]]:
        """Asks batch after batch until one is slow; returns what has not been asked then."""
        if not numbered:
            return ()
        start, batch = 0, numbered[:0]
        try:
            with self._session.read_only():
                while start < len(numbered):
                    batch = _batch(numbered, start)
                    self._ask(batch)
                    start += len(batch)
        except psycopg.errors.QueryCanceled:
            if not batch:
                raise
            self._one_by_one(batch)
            start += len(batch)
        return numbered[start:]

    def _one_by_one(self, numbered: Sequence[tuple[int, Probe]]) -> None:
        if self._slow_until is None:
            self._slow_until = time.monotonic() + _SECONDS_FOR_SLOW_PROBES
        for number, probe in numbered:
            if time.monotonic() > self._slow_until:
                reason = "no time left: many probes are slow on this database"
                self._note(number, Result(probe, Outcome.INCONCLUSIVE, reason=reason))
                continue
            try:
                with self._session.read_only():
                    self._ask([(number, probe)])
            except psycopg.errors.QueryCanceled:
                self._slow.add(probe.relation)
                reason = "the statement ran into the time limit"
                self._note(number, Result(probe, Outcome.INCONCLUSIVE, reason=reason))

    def _ask(self, numbered: Sequence[tuple[int, Probe]]) -> None:
        asked = [
            {
                "sql": one.sql,
                "relation": one.relation,
                "settings": list(settings(self._catalog, self._platform, one.persona).items()) if one.persona else [],
            }
            for _, one in numbered
        ]
        # Names in the statements are hostile: a tag that nobody could foresee keeps them inside their quotes.
        block = _BLOCK.format(
            outer=f"$o{secrets.token_hex(8)}$",
            inner=f"$i{secrets.token_hex(8)}$",
            probes=json.dumps(asked, ensure_ascii=False),
            locked=_LOCKED,
            most_said=_MOST_SAID,
        )
        cursor = self._session.execute(block)
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        answers: Sequence[Sequence[Any]] = json.loads(row[0]) if row else []
        for (number, probe), answer in zip(numbered, answers, strict=True):
            self._note(number, _understand(probe, answer))

    def _note(self, number: int, result: Result) -> None:
        self._results[number] = result
        self._progress(1)


def _batch(numbered: Sequence[tuple[int, Probe]], start: int) -> Sequence[tuple[int, Probe]]:
    """As many as go together from `start` on, of one persona: plans are dropped between two (CVE-2024-10976)."""
    end = start
    while end < len(numbered) and end - start < BATCH and numbered[end][1].persona == numbered[start][1].persona:
        end += 1
    return numbered[start:end]


def _understand(probe: Probe, answer: Sequence[Any]) -> Result:
    done, value, state, said, direct = answer
    if done:
        return Result(probe, Outcome.ROWS, int(value) if probe.operation is Operation.SELECT else 0)
    outcome = Outcome.INCONCLUSIVE
    if direct:
        # Not from within a function, which may refuse on some data only, or on purpose and with any code.
        outcome = Outcome.RECURSION if state == "42P17" else Outcome.DENIED
    return Result(probe, outcome, reason=f"{said} ({state})")
