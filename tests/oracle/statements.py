"""Runs statements as an identity, hundreds in one round trip, each undone again, and tells what each one did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from oracle.world import Identity

_CONSTRAINTS = ("23502", "23503", "23505", "23514")
_BLOCK = """
discard plans;
create temp table if not exists oracle_answers
  (n int generated always as identity, state text, said text, context text, typed text, shown jsonb, changed jsonb);
truncate pg_temp.oracle_answers restart identity;
do $oracle$
declare
  statement text; row record; shown jsonb; changed jsonb; written pg_lsn;
  state text; said text; context text; typed text;
begin
  perform set_config('client_min_messages', 'error', true), set_config('oracle.xid', pg_current_xact_id()::text, true);
  for statement in select jsonb_array_elements_text({statements}) loop
    shown := '[]'; changed := '[]'; state := ''; said := ''; context := ''; typed := '';
    written := pg_current_wal_insert_lsn();
    begin
      -- As the API: its login first, so that memberships count, then the role.
      execute format('set local session authorization %I', {login});
      perform set_config('search_path', 'public, extensions', true), set_config('oracle.n', '0', true),
              set_config('request.jwt.claims', {claims}, true), set_config('request.headers', {headers}, true),
              set_config('request.method', case when statement like 'select %' then 'GET' else 'POST' end, true),
              -- As on a large table: a row that is asked for by its key is looked up, and no other is tried.
              set_config('enable_seqscan', 'off', true),
              -- Storage refuses deletes that do not come from its API, which says so.
              set_config('storage.allow_delete_query', 'true', true);
      perform set_config(key, value, true) from jsonb_each_text({settings});
      perform set_config('role', {role}, true);
      if statement like 'select %' then
        for row in execute statement loop
          shown := shown || pg_catalog.to_jsonb(row);
        end loop;
      else
        execute statement;
      end if;
      execute 'set constraints all immediate';
      execute 'reset session authorization';
      perform set_config('search_path', 'public', true);
      -- Whatever is written is logged, so where nothing was there is nothing to look at.
      if pg_current_wal_insert_lsn() <> written then
        changed := (select coalesce(jsonb_agg(jsonb_build_array(f.place, f.key, f.values, f.more)), '[]')
          from (select place, key, values, (place, key) in
                  (table pg_temp.oracle_keys except all select place, key from pg_temp.oracle_before) as more
                from (table pg_temp.oracle_written except table pg_temp.oracle_before) as written
                union all select place, key, null, false from
                  (select place, key from pg_temp.oracle_before except table pg_temp.oracle_keys) as gone) as f);
      end if;
      raise exception using errcode = 'ORACL';
    exception when others then
      get stacked diagnostics state := returned_sqlstate, said := message_text, context := pg_exception_context,
                              typed := pg_datatype_name;
    end;
    insert into pg_temp.oracle_answers (state, said, context, typed, shown, changed)
      values (state, said, context, typed, shown, changed);
  end loop;
end
$oracle$
"""
_ANSWERS = "select state, said, context, typed, shown, changed from pg_temp.oracle_answers order by n"
_REMEMBERED = """
create temp view oracle_written (place, key, values) as
  select place, key, values from ({rows}) as every (place, key, values, xid)
  where xid::text::bigint >= current_setting('oracle.xid')::bigint;
create temp view oracle_keys (place, key) as {keys};
create temp table oracle_before as select place, key, values from ({rows}) as every (place, key, values, xid);
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement did: rows that it showed, and rows (table, key, values, more) that are other than before.

    A row without values is gone; `more` is whether there are more rows of that key than before. `constraint` is whether
    only a constraint stopped the statement, after the check of row-level security: an insert that could have gone
    through. `selective` is whether it may go through for fewer rows.
    """

    done: bool
    constraint: bool = False
    selective: bool = False
    shown: tuple[dict[str, Any], ...] = ()
    changed: tuple[tuple[str, str, dict[str, str | None] | None, bool], ...] = ()


def remember(connection: psycopg.Connection[Any], rows: sql.Composable, keys: sql.Composable) -> None:
    """Keeps the rows as they are now.

    `rows` is a query for (table, key, values, transaction that wrote them), `keys` one for (table, key). What was
    written since is told by its transaction, so that after a statement only those rows are looked at.
    """
    connection.execute("drop table if exists pg_temp.oracle_before")
    connection.execute("drop view if exists pg_temp.oracle_written, pg_temp.oracle_keys")
    connection.execute(sql.SQL(_REMEMBERED).format(rows=rows, keys=keys))


def run(connection: psycopg.Connection[Any], identity: Identity, statements: Sequence[str]) -> list[Answer]:
    """Runs each statement by itself as the identity. The connection is a superuser's."""
    given = {
        "statements": sql.Literal(json.dumps(statements)) + sql.SQL("::jsonb"),
        "claims": sql.Literal(json.dumps(identity.claims)),
        "headers": sql.Literal(json.dumps(identity.headers)),
        "role": sql.Literal(identity.role),
        "login": sql.Literal(identity.login),
        "settings": sql.Literal(json.dumps(dict(identity.settings))) + sql.SQL("::jsonb"),
    }
    connection.execute(sql.SQL(_BLOCK).format(**given))
    answers = connection.execute(_ANSWERS).fetchall()
    assert len(answers) == len(statements)
    return [_answer(*one) for one in answers]


def _answer(state: str, said: str, context: str, typed: str, shown: list[Any], changed: list[Any]) -> Answer:
    if state == "ORACL":
        return Answer(done=True, shown=tuple(shown), changed=tuple((a, b, c, d) for a, b, c, d in changed))
    # Domains and the way to a partition come before the check; a trigger's errors are its own.
    early = typed or "no partition of relation" in said or said.startswith("domain ")
    within = context.count("PL/pgSQL function") > 1 or context.startswith('SQL function "')
    passed = state in _CONSTRAINTS and not early and not within
    return Answer(done=False, constraint=passed, selective=not said.startswith("permission denied for"))
