"""Puts rows in: a few hundred in one DO block, each in a subtransaction, with its owner's claims set.

An insert comes with others to try in its place; the first that the server takes counts. One that puts no row in, for a
trigger swallows it, is undone. Between setting the claims and taking them back, names are looked up as the search_path
of a request says, where anybody may have put a function or an operator: so nothing is evaluated there but what is named
in full.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
  noted pg_catalog.jsonb := '[]'; quiet pg_catalog.json := {inner}{quiet}{inner}::pg_catalog.json;
begin
  perform pg_catalog.set_config('client_min_messages', 'error', true);
  for item in select one.value from pg_catalog.json_array_elements({inner}{items}{inner}::pg_catalog.json) as one loop
    answer := null; place := -1; at := 0; first_state := null; first_said := null; relation := item ->> 'relation';
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
      exception when others or assert_failure then
        get stacked diagnostics state := returned_sqlstate, said := message_text;
        answer := null;
        if first_state is null then
          first_state := state; first_said := said;
        end if;
        if state = '{locked}' then
          locked := locked || relation;
        end if;
      end;
      exit when place >= 0;
      at := at + 1;
    end loop;
    noted := noted || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(
      place, answer, first_state, pg_catalog.left(first_said, 500)));
  end loop;
  perform pg_catalog.set_config('rlsaudit.answers', noted::pg_catalog.text, true);
end
{outer};
"""
_TOO_LONG = "57014"
_LOCKED = "55P03"


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
    """Runs the attempts in order. `before` is what the settings are outside of them."""
    found: list[Came] = []
    slow = set[int]()
    for start in range(0, len(attempts), BATCH):
        batch = attempts[start : start + BATCH]
        answers = _answers(session, batch, before)
        if answers is None:
            answers = []
            for one in batch:
                alone = None if one.relation in slow else _answers(session, [one], before)
                if alone is None:
                    slow.add(one.relation)
                answers += alone or [(-1, None, _TOO_LONG, "a statement ran into the time limit")]
        for place, answer, state, said in answers:
            row = json.loads(answer) if answer else None
            stored = int(row.pop("")) if row else 0
            found.append(Came(place, row, stored, state or "", said or ""))
    return tuple(found)


def _answers(session: Session, batch: Sequence[Attempt], before: Mapping[str, str]) -> list[Any] | None:
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
    )
    return None if answers is None else list(answers)
