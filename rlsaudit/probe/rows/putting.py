"""Puts rows in: a few hundred in one DO block, each in a subtransaction, with its owner's claims set.

An insert comes with others to try in its place; the first that the server takes counts. One that puts no row in, for a
trigger swallows it, is undone. One that runs into the time limit ends the block, and what went before it stays. Between
setting the claims and taking them back, names are looked up as the search_path of a request says, where anybody may
have put a function or an operator: so nothing is evaluated there but what is named in full.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.probe.block import PART_OF_THE_LIMIT
from rlsaudit.probe.rows.passing import ANSWERS, BATCH, run_block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.connect import Session

_BLOCK = """
do {outer}
declare
  item pg_catalog.json; attempt pg_catalog.json; answer pg_catalog.text; place pg_catalog.int4; at pg_catalog.int8;
  state pg_catalog.text; said pg_catalog.text; first_state pg_catalog.text; first_said pg_catalog.text;
  relation pg_catalog.int8; locked pg_catalog.int8[] := '{{}}';
  began pg_catalog.timestamptz := pg_catalog.clock_timestamp();
  noted pg_catalog.jsonb := '[]'; quiet pg_catalog.json := {inner}{quiet}{inner}::pg_catalog.json;
begin
  perform pg_catalog.set_config('client_min_messages', 'error', true);
  for item in select one.value from pg_catalog.json_array_elements({inner}{items}{inner}::pg_catalog.json) as one loop
    exit when pg_catalog.clock_timestamp() - began > '{milliseconds} milliseconds' and noted <> '[]';
    answer := null; place := -1; at := 0; state := null; first_state := null; first_said := null;
    relation := item ->> 'relation';
    if relation = any (locked) then
      first_state := '{locked}'; first_said := 'the relation is locked';
    end if;
    for attempt in select one.value from pg_catalog.json_array_elements(item -> 'attempts') as one loop
      exit when relation = any (locked);
      begin
        perform pg_catalog.set_config(
            one.value operator(pg_catalog.->>) 0, one.value operator(pg_catalog.->>) 1, true)
          from pg_catalog.json_array_elements(item operator(pg_catalog.->) 'settings') as one;
        execute attempt operator(pg_catalog.->>) 0 into answer;
        if answer is null then
          raise exception using errcode = 'P0002', message = 'no row';
        end if;
        perform pg_catalog.set_config(
            one.value operator(pg_catalog.->>) 0, one.value operator(pg_catalog.->>) 1, true)
          from pg_catalog.json_array_elements(quiet) as one;
        place := at;
      exception when others or assert_failure or query_canceled then
        get stacked diagnostics state := returned_sqlstate, said := message_text;
        answer := null; place := -1;
        if state = '{too_long}' then
          first_state := state; first_said := '{time_limit}';
        elsif first_state is null then
          first_state := state; first_said := said;
        end if;
        if state = '{locked}' then
          locked := locked || relation;
        end if;
      end;
      -- The time limit fires once for the block: nothing may run after it.
      exit when place >= 0 or state = '{too_long}';
      at := at + 1;
    end loop;
    noted := noted || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(
      place, answer, first_state, pg_catalog.left(first_said, 500)));
    exit when state = '{too_long}' and place < 0;
  end loop;
  perform pg_catalog.set_config('rlsaudit.answers', noted::pg_catalog.text, true);
end
{outer};
"""
_TOO_LONG = "57014"
_LOCKED = "55P03"
_TIME_LIMIT = "a statement ran into the time limit"
_Answer: TypeAlias = tuple[int, str | None, str | None, str | None]
_SLOW: _Answer = (-1, None, _TOO_LONG, _TIME_LIMIT)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Statements of which the first that works counts, each returning the row of `relation` as a JSON text.

    They run with these settings.
    """

    relation: int
    statements: tuple[str, ...]
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an attempt: which statement worked (-1: none), the row, and what the first one met with."""

    place: int
    values: Mapping[str, str | None] | None
    stored: int
    state: str
    said: str


def put(session: Session, attempts: Sequence[Attempt], before: Mapping[str, str]) -> tuple[Came, ...]:
    """Runs the attempts in order. `before` is what the settings are outside of them.

    Where one waited in vain for a lock or for the end of its time, the others of its relation are not run.
    """
    found: dict[int, _Answer] = {}
    vain: dict[int, _Answer] = {}
    waiting, most = list(range(len(attempts))), BATCH
    while waiting:
        batch = waiting[:most]
        answers = _answers(session, [attempts[one] for one in batch], before)
        if answers is None and len(batch) > 1:
            # The time was up between two of them.
            most = len(batch) // 2
            continue
        most = BATCH
        for number, answer in zip(batch, answers or [_SLOW], strict=False):
            found[number] = answer
            if answer[0] < 0 and answer[2] in {_TOO_LONG, _LOCKED}:
                # The next would wait as long.
                vain[attempts[number].relation] = answer
        waiting = [one for one in waiting if one not in found]
        found |= {one: vain[attempts[one].relation] for one in waiting if attempts[one].relation in vain}
        waiting = [one for one in waiting if one not in found]
    return tuple(_came(*found[number]) for number in range(len(attempts)))


def _came(place: int, answer: str | None, state: str | None, said: str | None) -> Came:
    row = json.loads(answer) if answer else None
    stored = int(row.pop("")) if row else 0
    return Came(place, row, stored, state or "", said or "")


def _answers(session: Session, batch: Sequence[Attempt], before: Mapping[str, str]) -> list[_Answer] | None:
    items = [
        {
            "relation": one.relation,
            "attempts": [[sql] for sql in one.statements],
            "settings": list(one.settings.items()),
        }
        for one in batch
    ]
    answers = run_block(
        session,
        _BLOCK + ANSWERS,
        items=json.dumps(items, ensure_ascii=False),
        quiet=json.dumps(list(before.items()), ensure_ascii=False),
        locked=_LOCKED,
        too_long=_TOO_LONG,
        time_limit=_TIME_LIMIT,
        milliseconds=str(session.statement_timeout_ms // PART_OF_THE_LIMIT),
    )
    return None if answers is None else list(answers)
