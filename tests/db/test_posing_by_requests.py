"""Functions that set who is asking, called by requests as the API sends them: what claim-guc-override says of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.model import STRANGER
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server

DATABASE = "posing"
VICTIM = "bbbbbbbb-0000-4000-8000-000000000001"
RULE = all_rules()["claim-guc-override"]
TEXTS = all_rules()["invoker-dynamic-sql"]
READ = """
case when set_config('role', 'service_role', true) is not null then
  query_to_xml('select body from public.notes', true, true, '')::text end
"""
"""SQL that takes another role, and then has a query run in the same statement."""
SEED = f"""
insert into public.notes (id, user_id, body) values ('{VICTIM}', '{VICTIM}', 'private');
"""
RELATED = f"""
with pgrst_source as (select pgrst_call.* from public.start_as('{VICTIM}') pgrst_call)
select count(*) from (
  select pgrst_source.*, seen.rows from pgrst_source
  left join lateral (
    select json_agg(l.*) as rows from public.letters l where l.person_id = pgrst_source.id
  ) as seen on true
) as shown where rows is not null
"""
"""What PostgREST makes of `POST /rpc/start_as?select=*,letters(*)`."""
NEXT_NOTES = "select count(*) from public.notes"
NEXT_ORDERS = "select count(*) from public.orders"


def _example(name: str) -> str:
    return next(one.sql for rule in (RULE, TEXTS) for one in (*rule.bad, *rule.good) if one.name == name)


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    server.supabase_database(DATABASE)
    yield server.dsn(DATABASE)
    server.drop_database(DATABASE)


def _made(url: str, schema: str, seed: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(schema.encode())
        connection.execute("reset role")
        connection.execute(seed.encode())
        revoke_replay_rights(connection)


def _requests(url: str, *statements: str) -> list[int]:
    """What each statement counts, as a request of somebody who owns nothing, all on one pooled connection."""
    found = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session authorization authenticator")
        for one in statements:
            with connection.transaction():
                connection.execute(
                    "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
                    [json.dumps({"sub": STRANGER, "role": "authenticated"})],
                )
                row = connection.execute(one.encode()).fetchone()
                found.append(row[0] if row and isinstance(row[0], int) else 0)
    return found


def _is_told(url: str) -> bool:
    with connect(url) as session:
        return any(one.rule == RULE.id for one in audit(session, Options()).findings)


@pytest.mark.parametrize(
    ("example", "seed", "requests", "counted"),
    [
        ("Claims from an argument, and a query as that user", SEED,
         [f"select count(*)::int from public.notes_as('{VICTIM}')", NEXT_NOTES], [1, 0]),
        ("Related rows are asked for after it, by the same request",
         f"insert into public.people values ('{VICTIM}'); insert into public.letters values ('{VICTIM}', '{VICTIM}');",
         [RELATED, "select count(*) from public.letters"], [1, 0]),
        ("A setting of the project's own that stays in the session",
         f"insert into public.orders values (gen_random_uuid(), '{VICTIM}', 1);",
         [NEXT_ORDERS, f"select public.switch_tenant('{VICTIM}')", NEXT_ORDERS], [0, 0, 1]),
        ("It ends with the request that sets it, which does nothing else",
         f"insert into public.orders values (gen_random_uuid(), '{VICTIM}', 1);",
         [f"select public.use_tenant('{VICTIM}')", NEXT_ORDERS], [0, 0]),
        ("The API sets the claims anew, whatever stayed", SEED,
         [f"select public.pretend('{VICTIM}')", NEXT_NOTES], [0, 0]),
    ],
)  # fmt: skip
def test_what_requests_reach_is_what_is_told(
    url: str, example: str, seed: str, requests: list[str], counted: list[int]
) -> None:
    _made(url, _example(example), seed)
    assert _requests(url, *requests) == counted
    assert _is_told(url) is (sum(counted) > 0)


@pytest.mark.parametrize(
    ("example", "call", "reached"),
    [
        ("It runs what it is given", "public.run('set local role service_role')", True),
        ("A condition", f"public.notes_where($i$false union all select gen_random_uuid(), null, {READ}$i$)", True),
        ("A column to sort by, with the wrong specifier", f"public.notes_by($i$id limit ({READ})::int$i$)", True),
        ("Names and values are quoted", f"public.notes_by('id', $i$' or {READ} = '$i$)", False),
        ("Values are passed", f"public.notes_like($i$' or {READ} = '$i$)", False),
    ],
)
def test_sql_of_the_callers_takes_the_role_that_no_policy_stops(
    url: str, example: str, call: str, *, reached: bool
) -> None:
    _made(url, _example(example), SEED)
    with psycopg.connect(url) as connection:
        connection.execute("set session authorization authenticator")
        connection.execute("set local role anon")
        try:
            told = str(connection.execute(f"select x::text from {call} as x".encode()).fetchall())
        except psycopg.errors.InvalidTextRepresentation as error:
            told = str(error)
    assert ("private" in told) is reached
