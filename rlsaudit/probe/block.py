"""A few hundred probes in one DO block and one round trip, each in a subtransaction of its own.

Inside the block each probe sets the request up, runs, and raises; the exception handler undoes all that it did, the
role and the locks included, and notes the answer. Whether the statement finished is kept in a variable, which a
rollback does not touch, so no error that a policy raises can pass for an answer.

Between the setting up and the undoing names are looked up as the persona's search_path says, where anybody may have put
a `->>` of their own: so the block evaluates nothing there but what it names in full.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from rlsaudit.probe.outcome import Outcome, Probe, Result
from rlsaudit.probe.request import COUNTER, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session

BATCH = 200
"""So many probes share a round trip and a statement_timeout."""
SECONDS_FOR_SLOW_PROBES = 60.0
"""So long probes are asked one by one that spoiled a batch, in all."""
_MOST_SAID = 500
_LOCKED = "55P03"
_REFUSED = "42501"
_RECURSION = "42P17"
_AFTER_POLICIES = frozenset({"23502", "23503", "23505", "23514", "23P01"})
"""What a table's own constraints raise. Postgres asks for them once row-level security has let the new row pass:
ExecInsert and ExecUpdateAct in src/backend/executor/nodeModifyTable.c."""
_BLOCK = """
discard plans;
{begin}
do {outer}
declare
  probe pg_catalog.json; made pg_catalog.json; statement pg_catalog.text; relation pg_catalog.int8;
  looked pg_catalog.text; step pg_catalog.text; gone pg_catalog.int8; asks pg_catalog.bool;
  me pg_catalog.text := pg_catalog.current_setting('role');
  done pg_catalog.bool; answer pg_catalog.text; state pg_catalog.text; said pg_catalog.text; place pg_catalog.text;
  broke pg_catalog.text; of_type pg_catalog.text; of_column pg_catalog.text;
  before pg_catalog.text; after pg_catalog.text;
  ready pg_catalog.bool; direct pg_catalog.bool; refused pg_catalog.bool; again pg_catalog.text;
  locked pg_catalog.int8[] := '{{}}'; noted pg_catalog.jsonb := '[]';
begin
  perform pg_catalog.set_config('client_min_messages', 'error', true);
  for probe in select one.value from pg_catalog.json_array_elements({inner}{probes}{inner}::pg_catalog.json) as one loop
    made := probe -> 'settings'; statement := probe ->> 'sql'; relation := probe ->> 'relation';
    looked := probe ->> 'look'; asks := statement like 'select %' or statement like 'explain %';
    ready := false; done := false; direct := false; refused := false;
    answer := null; state := null; said := null; place := null; again := null;
    broke := null; of_type := null; of_column := null; before := null; after := null;
    if relation = any (locked) then
      state := '{locked}'; said := 'the relation is locked';
    else
      begin
        if looked is not null then
          execute looked into before;
        end if;
        perform pg_catalog.set_config(
            one.value operator(pg_catalog.->>) 0, one.value operator(pg_catalog.->>) 1, true)
          from pg_catalog.json_array_elements(made) as one;
        for step in select one.value operator(pg_catalog.#>>) '{{}}'
            from pg_catalog.json_array_elements(probe operator(pg_catalog.->) 'first') as one loop
          perform pg_catalog.set_config('{counter}', '0', true);
          execute step;
          get diagnostics gone = row_count;
          if gone operator(pg_catalog.=) 0 then
            raise exception 'a step before it changed nothing';
          end if;
        end loop;
        perform pg_catalog.set_config('{counter}', '0', true);
        ready := true;
        if asks then
          execute statement into answer;
        else
          execute statement;
          get diagnostics answer = row_count;
        end if;
        done := true;
        if looked is not null then
          perform pg_catalog.set_config('role', me, true);
          perform pg_catalog.set_config('search_path', '', true);
          execute looked into after;
        end if;
        raise exception 'done';
      exception when others or assert_failure then
        if not done then
          get stacked diagnostics
            state := returned_sqlstate, said := message_text, place := pg_exception_context,
            broke := constraint_name, of_type := pg_datatype_name, of_column := column_name;
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
    if direct and state in ('{refused}', '{recursion}') then
      refused := true;
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
        refused := state = again;
      end if;
    end if;
    noted := noted || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
      'done', done, 'answer', answer, 'state', state, 'said', pg_catalog.left(said, {most_said}), 'direct', direct,
      'refused', refused, 'broke', pg_catalog.concat(broke, of_column), 'type', of_type,
      'stayed', before is not distinct from after));
  end loop;
  perform pg_catalog.set_config('rlsaudit.answers', noted::pg_catalog.text, true);
end
{outer};
{end}
select pg_catalog.current_setting('rlsaudit.answers')
"""


def ask(
    session: Session, catalog: Catalog, platform: Platform, probes: Sequence[Probe], *, savepoint: str = ""
) -> tuple[Result, ...]:
    """Runs the probes in one round trip, inside the transaction that is open, and returns their results in order.

    With the name of a `savepoint` that is set before, and where the block fails it is there to go back to.

    Raises:
        psycopg.Error: the batch ran into the time limit, the connection was lost, or the server refuses even the block.
    """
    asked = [
        {
            "sql": one.sql,
            "relation": one.relation,
            "look": one.look,
            "first": one.first,
            "settings": list(settings(catalog, platform, one.persona).items()) if one.persona else [],
        }
        for one in probes
    ]
    # Names in the statements are hostile: a tag that nobody could foresee keeps them inside their quotes.
    block = _BLOCK.format(
        outer=f"$o{secrets.token_hex(8)}$",
        inner=f"$i{secrets.token_hex(8)}$",
        probes=json.dumps(asked, ensure_ascii=False),
        locked=_LOCKED,
        refused=_REFUSED,
        recursion=_RECURSION,
        counter=COUNTER,
        most_said=_MOST_SAID,
        begin=f"savepoint {savepoint};" if savepoint else "",
        end=f"release savepoint {savepoint};" if savepoint else "",
    )
    cursor = session.execute(block)
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    answers: Sequence[dict[str, Any]] = json.loads(row[0]) if row else []
    return tuple(_understood(one, answer) for one, answer in zip(probes, answers, strict=True))


def batch(numbered: Sequence[tuple[int, Probe]], start: int) -> Sequence[tuple[int, Probe]]:
    """As many as go together from `start` on, of one persona: plans are dropped between two (CVE-2024-10976)."""
    end = start
    while end < len(numbered) and end - start < BATCH and numbered[end][1].persona == numbered[start][1].persona:
        end += 1
    return numbered[start:end]


def _understood(probe: Probe, answer: dict[str, Any]) -> Result:
    if answer["done"]:
        rows = int(answer["answer"]) if not probe.sql.startswith("explain ") else 0
        if rows and probe.look is not None and answer["stayed"]:
            # A trigger put back what was written, or wrote something else.
            return Result(probe, Outcome.INCONCLUSIVE, reason="the statement ran, and what it wrote is not there")
        return Result(probe, Outcome.ROWS, rows)
    state, said = answer["state"], f"{answer['said']} ({answer['state']})"
    if answer["refused"]:
        # Not from within a function, which may refuse on some data only, or on purpose and with any code.
        return Result(probe, Outcome.RECURSION if state == _RECURSION else Outcome.DENIED, reason=said)
    if answer["direct"] and probe.writes:
        if state == _REFUSED:
            return Result(probe, Outcome.BARRED, reason=said)
        # A domain's constraint is asked for before, and where no partition takes the row there is none to break.
        if state in _AFTER_POLICIES and answer["broke"] and not answer["type"]:
            return Result(probe, Outcome.PASSED, reason=said)
    return Result(probe, Outcome.INCONCLUSIVE, reason=said)
