"""A thousand probes in one DO block and one round trip, each in a subtransaction of its own.

Inside the block each probe sets the request up, runs, and raises; the exception handler undoes all that it did, the
role and the locks included, and notes the answer. Whether the statement finished is kept in a variable, which a
rollback does not touch, so no error that a policy raises can pass for an answer.

The time limit is one for the whole block, and fires once. So the handler takes a cancellation for the answer of the
probe that it met, and the block ends there: what was answered before is kept, and nothing runs without a limit. No
probe begins after a part of the time, so that the one which is cancelled had most of it to itself.

What only reads says what else would do where the server would go through a large table: a sample of it. The plan tells,
and is asked for in the same block.

Between the setting up and the undoing names are looked up as the persona's search_path says, where anybody may have put
a `->>` of their own: so the block evaluates nothing there but what it names in full.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from rlsaudit.probe.outcome import Outcome, Probe, Result
from rlsaudit.probe.request import COUNTER, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.platform import Platform
    from rlsaudit.connect import Session

BATCH = 1_000
"""So many probes share a round trip and a statement_timeout."""
_MOST_TEXT = 1_000_000
"""So many characters of statements are sent together, but for a single one that is longer."""
SECONDS_FOR_SLOW_PROBES = 60.0
"""So long slow probes have in all; twice as long those of relations that were not known to be."""
TIME_LIMIT = "the statement ran into the time limit"
TOO_MUCH = "not asked, for the server would go through a large table"
_COSTLY = 10_000
"""What Postgres reckons to cost so much, in the planner's units, is asked of a sample: half a million short rows."""
_TOO_COSTLY = 100_000
"""What it reckons to cost so much is not asked."""
_MANY_PAGES = 1_000
"""Tables of fewer pages are no large ones: to go through them may cost much for the sake of a function only."""
_PAGES = 200
"""So many pages are in a sample, more or less."""
PART_OF_THE_LIMIT = 5
"""This part of the time limit is for all but the last probe of a batch."""
_MOST_SAID = 500
_CANCELED = "57014"
_NOT_SUPPORTED = "0A000"
_LOCKED = "55P03"
_REFUSED = "42501"
_RECURSION = "42P17"
_AFTER_POLICIES = frozenset({"23502", "23503", "23505", "23514", "23P01"})
"""What a table's own constraints raise. Postgres asks for them once row-level security has let the new row pass:
ExecInsert and ExecUpdateAct in src/backend/executor/nodeModifyTable.c."""
_COST = """
greatest((plan operator(pg_catalog.#>>) '{0,Plan,Total Cost}')::pg_catalog.float8, (
  select pg_catalog.sum(one::pg_catalog.float8) from pg_catalog.jsonb_path_query(
    plan, 'strict $.**?(@."Node Type" == "Seq Scan" && exists(@."Filter"))."Total Cost"') as one))"""
"""What a plan costs, also where no row meets a condition and so no LIMIT ends the scan."""
_SCANNED = """
select pg_catalog.sum(pg_catalog.pg_relation_size(c.oid))
from pg_catalog.jsonb_path_query(plan, 'strict $.**?(@."Node Type" == "Seq Scan")') as one
join pg_catalog.pg_namespace as n on n.nspname operator(pg_catalog.=) (one operator(pg_catalog.->>) 'Schema')
join pg_catalog.pg_class as c on c.relnamespace operator(pg_catalog.=) n.oid
  and c.relname operator(pg_catalog.=) (one operator(pg_catalog.->>) 'Relation Name')"""
"""The bytes of the tables that a plan goes through."""
_OWN = """
with recursive parts(oid) as (
  select relation::pg_catalog.oid
  union select i.inhrelid from pg_catalog.pg_inherits as i
  join parts as p on i.inhparent operator(pg_catalog.=) p.oid
)
select pg_catalog.sum(pg_catalog.pg_relation_size(p.oid)) from parts as p"""
"""The bytes of the relation that is asked about, with its parts."""
_WRITTEN = """
select pg_catalog.array_agg(pg_catalog.concat_ws('/',
  pg_catalog.pg_stat_get_xact_tuples_inserted(one.oid), pg_catalog.pg_stat_get_xact_tuples_updated(one.oid),
  pg_catalog.pg_stat_get_xact_tuples_deleted(one.oid), pg_catalog.pg_relation_filenode(one.oid)) order by one.number)
from pg_catalog.unnest(watched) with ordinality as one (oid, number)"""
"""What has been written to the tables that are watched, and where their rows are, which TRUNCATE changes."""
_BLOCK = """
discard plans;
{begin}
do {outer}
declare
  began pg_catalog.timestamptz := pg_catalog.clock_timestamp(); started pg_catalog.timestamptz;
  enough pg_catalog.interval := '{milliseconds} milliseconds';
  made pg_catalog.json := {inner}{settings}{inner}::pg_catalog.json;
  probe pg_catalog.json; statement pg_catalog.text; relation pg_catalog.int8;
  looked pg_catalog.text; step pg_catalog.text; gone pg_catalog.int8; asks pg_catalog.bool;
  me pg_catalog.text := pg_catalog.current_setting('role');
  done pg_catalog.bool; answer pg_catalog.text; state pg_catalog.text; said pg_catalog.text; place pg_catalog.text;
  ended pg_catalog.text; broke pg_catalog.text; of_type pg_catalog.text; of_column pg_catalog.text;
  before pg_catalog.text; after pg_catalog.text;
  instead pg_catalog.json; plan pg_catalog.jsonb; cost pg_catalog.float8; pages pg_catalog.numeric;
  page pg_catalog.numeric := pg_catalog.current_setting('block_size');
  part pg_catalog.text; spared pg_catalog.bool;
  ready pg_catalog.bool; direct pg_catalog.bool; refused pg_catalog.bool; raised pg_catalog.bool;
  again pg_catalog.text;
  watch pg_catalog.json := {inner}{watch}{inner}::pg_catalog.json;
  watched pg_catalog.oid[] := array(
    select (one.value operator(pg_catalog.->>) 0)::pg_catalog.oid
    from pg_catalog.json_array_elements(watch) with ordinality as one (value, number) order by one.number);
  were pg_catalog.text[]; are pg_catalog.text[]; there pg_catalog.json; seen pg_catalog.jsonb;
  locked pg_catalog.int8[] := '{{}}'; noted pg_catalog.jsonb[] := '{{}}';
begin
  perform pg_catalog.set_config('client_min_messages', 'error', true);
  perform pg_catalog.set_config('enable_seqscan', 'on', true);
  for probe in select one.value from pg_catalog.json_array_elements({inner}{probes}{inner}::pg_catalog.json) as one loop
    started := pg_catalog.clock_timestamp();
    exit when started - began > enough and noted <> '{{}}';
    statement := probe ->> 'sql'; relation := probe ->> 'relation';
    looked := probe ->> 'look'; asks := statement like 'select %' or statement like 'explain %';
    instead := probe -> 'instead'; part := null; spared := false;
    ready := false; done := false; direct := false; refused := false;
    answer := null; state := null; said := null; place := null; again := null; seen := null;
    broke := null; of_type := null; of_column := null; before := null; after := null;
    if relation = any (locked) then
      state := '{locked}'; said := 'the relation is locked';
    else
      begin
        for step in select one.value operator(pg_catalog.#>>) '{{}}'
            from pg_catalog.json_array_elements(probe operator(pg_catalog.->) 'stage') as one loop
          execute step;
        end loop;
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
        while instead is not null loop
          execute pg_catalog.concat('explain (verbose, format json) ', statement) into plan;
          cost := {cost};
          exit when cost operator(pg_catalog.<=) {costly};
          pages := ({scanned}) operator(pg_catalog./) page;
          exit when pages operator(pg_catalog.<=) {many_pages} or pages is null;
          pages := ({own}) operator(pg_catalog./) page;
          if part is null and pg_catalog.json_array_length(instead) operator(pg_catalog.>) 0
              and pages operator(pg_catalog.>) {many_pages} then
            part := pg_catalog.concat(
              instead operator(pg_catalog.->>) 0, 100.0 operator(pg_catalog.*) {pages} operator(pg_catalog./) pages,
              instead operator(pg_catalog.->>) 1);
            statement := part;
          elsif cost operator(pg_catalog.>) {too_costly} then
            spared := true;
            raise exception 'too much';
          else
            exit;
          end if;
        end loop;
        if watched operator(pg_catalog.<>) '{{}}' then
          were := ({written});
        end if;
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
        if watched operator(pg_catalog.<>) '{{}}' then
          perform pg_catalog.set_config('role', me, true);
          perform pg_catalog.set_config('search_path', '', true);
          are := ({written});
          plan := '{{}}';
          for number in 1 .. pg_catalog.cardinality(watched) loop
            continue when were[number] is not distinct from are[number];
            execute watch -> (number - 1) ->> 1 into there;
            plan := plan || pg_catalog.jsonb_build_object(watched[number], there);
          end loop;
          seen := plan;
        end if;
        raise exception 'done';
      exception when others or assert_failure or query_canceled then
        get stacked diagnostics ended := returned_sqlstate;
        done := done and ended <> '{canceled}';
        if not done then
          get stacked diagnostics
            state := returned_sqlstate, said := message_text, place := pg_exception_context,
            broke := constraint_name, of_type := pg_datatype_name, of_column := column_name;
        end if;
      end;
    end if;
    -- A function that refuses in its own words says so first of all.
    raised := coalesce(pg_catalog.split_part(place, pg_catalog.chr(10), 1) like '% RAISE', false);
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
        exception when others or assert_failure or query_canceled then
          get stacked diagnostics again := returned_sqlstate;
        end;
        refused := state = again;
      end if;
    end if;
    noted := pg_catalog.array_append(noted, pg_catalog.jsonb_build_array(
      done, answer, state, pg_catalog.left(said, {most_said}), direct, refused,
      pg_catalog.concat(broke, of_column), of_type, before is not distinct from after, part, spared, seen, raised,
      pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - started)));
    exit when state = '{canceled}' or again = '{canceled}';
  end loop;
  perform pg_catalog.set_config('rlsaudit.answers', pg_catalog.array_to_json(noted)::pg_catalog.text, true);
end
{outer};
{end}
select pg_catalog.current_setting('rlsaudit.answers')
"""


class _Answer(NamedTuple):
    """What the block notes of a probe."""

    done: bool
    answer: str | None
    state: str | None
    said: str | None
    direct: bool
    refused: bool
    broke: str
    type: str | None
    stayed: bool
    part: str | None
    spared: bool
    seen: dict[str, Any] | None
    raised: bool
    seconds: float


def ask(
    session: Session,
    catalog: Catalog,
    platform: Platform,
    probes: Sequence[Probe],
    *,
    limit_ms: int | None = None,
    savepoint: str = "",
) -> tuple[Result, ...]:
    """Runs probes of one persona in one round trip, inside the transaction that is open.

    Returns the results of the first of them, in order, of at least one: the rest was not asked, for the time was up.

    Args:
        session: The session.
        catalog: The facts.
        platform: Whose requests are set up.
        probes: What is asked.
        limit_ms: The time limit, in milliseconds; None for the session's own.
        savepoint: The name of one to set before. Where the block fails it is there to go back to.

    Raises:
        psycopg.Error: the connection was lost, or the server refuses even the block. `QueryCanceled`, of which no probe
            is known to be the cause: the time was up between two of them.
    """
    block = _block(session, catalog, platform, probes, limit_ms=limit_ms, savepoint=savepoint)
    cursor = session.execute(block)
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    answers = [_Answer(*one) for one in json.loads(row[0])] if row else []
    return tuple(_understood(one, answer) for one, answer in zip(probes, answers, strict=False))


def _block(
    session: Session,
    catalog: Catalog,
    platform: Platform,
    probes: Sequence[Probe],
    *,
    limit_ms: int | None = None,
    savepoint: str = "",
) -> str:
    persona, own = probes[0].persona, session.statement_timeout_ms
    begin = [f"savepoint {savepoint};"] if savepoint else []
    end = [f"release savepoint {savepoint};"] if savepoint else []
    if limit_ms is not None and limit_ms != own:
        begin.append(f"set local statement_timeout = {limit_ms};")
        end.insert(0, f"set local statement_timeout = {own};")
    asked = [
        {
            "sql": one.sql,
            "relation": one.relation,
            **({"look": one.look} if one.look is not None else {}),
            **({"first": one.first} if one.first else {}),
            **({"stage": one.stage} if one.stage else {}),
            **({"instead": one.instead} if one.instead is not None else {}),
        }
        for one in probes
    ]
    # Names in the statements are hostile: a tag that nobody could foresee keeps them inside their quotes.
    return _BLOCK.format(
        outer=f"$o{secrets.token_hex(8)}$",
        inner=f"$i{secrets.token_hex(8)}$",
        probes=json.dumps(asked, ensure_ascii=False),
        settings=json.dumps(list(settings(catalog, platform, persona).items()) if persona else [], ensure_ascii=False),
        milliseconds=(limit_ms or own) // PART_OF_THE_LIMIT,
        cost=_COST,
        scanned=_SCANNED,
        own=_OWN,
        costly=_COSTLY,
        too_costly=_TOO_COSTLY,
        many_pages=_MANY_PAGES,
        pages=_PAGES,
        canceled=_CANCELED,
        locked=_LOCKED,
        refused=_REFUSED,
        recursion=_RECURSION,
        counter=COUNTER,
        most_said=_MOST_SAID,
        watch=json.dumps(probes[0].watch, ensure_ascii=False),
        written=_WRITTEN,
        begin=" ".join(begin),
        end=" ".join(end),
    )


def batch(numbered: Sequence[tuple[int, Probe]], most: int = BATCH) -> Sequence[tuple[int, Probe]]:
    """The first `most` that go together: of one persona, for plans are dropped between two (CVE-2024-10976).

    And they watch the same.
    """
    end, length = 0, 0
    for _, one in numbered[:most]:
        length += len(one.sql) + len(one.look or "") + sum(map(len, (*one.first, *one.stage)))
        if (one.persona, one.watch) != (numbered[0][1].persona, numbered[0][1].watch) or (end and length > _MOST_TEXT):
            break
        end += 1
    return numbered[:end]


def _understood(probe: Probe, answer: _Answer) -> Result:
    outcome, rows, reason = _outcome(probe, answer)
    if answer.part is not None:
        probe = replace(probe, sql=answer.part)
    return Result(
        probe,
        outcome,
        rows,
        reason,
        in_part=answer.part is not None,
        seconds=answer.seconds,
        told=(answer.answer or "") if probe.tells and answer.done else "",
        raised=answer.raised,
        after=None if answer.seen is None else {int(oid): rows for oid, rows in answer.seen.items()},
    )


def _outcome(probe: Probe, answer: _Answer) -> tuple[Outcome, int, str]:
    if answer.done:
        rows = 0 if probe.tells or probe.sql.startswith("explain ") else int(answer.answer or 0)
        if rows and probe.look is not None and answer.stayed:
            # A trigger put back what was written, or wrote something else.
            return Outcome.INCONCLUSIVE, 0, "the statement ran, and what it wrote is not there"
        return Outcome.ROWS, rows, ""
    if answer.state == _CANCELED:
        return Outcome.INCONCLUSIVE, 0, TIME_LIMIT
    if answer.spared or (answer.part is not None and answer.state == _NOT_SUPPORTED):
        # There are ways to store tables that know no samples.
        return Outcome.INCONCLUSIVE, 0, TOO_MUCH
    said = f"{answer.said} ({answer.state})"
    if answer.refused:
        # Not from within a function, which may refuse on some data only, or on purpose and with any code.
        return (Outcome.RECURSION if answer.state == _RECURSION else Outcome.DENIED), 0, said
    if answer.direct and probe.writes:
        if answer.state == _REFUSED:
            return Outcome.BARRED, 0, said
        # A domain's constraint is asked for before, and where no partition takes the row there is none to break.
        if answer.state in _AFTER_POLICIES and answer.broke and not answer.type:
            return Outcome.PASSED, 0, said
    return Outcome.INCONCLUSIVE, 0, said
