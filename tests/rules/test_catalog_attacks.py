"""What the rules that the catalog decides say somebody can do, done: their examples are attacked by statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.engine.supabase import grant_replay_rights, revoke_replay_rights
from rlsaudit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules import Example

ME, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@dataclass(frozen=True)
class Attack:
    """`sql` by somebody who signed up or by the example's first role; `shown` asks a superuser what came of it.

    Where nothing is `shown` the statement itself fails, and its message has `answer` in it, or it gives that.
    """

    rule: str
    example: str
    seed: str
    sql: str
    answer: object
    shown: str = ""


ATTACKS = (
    Attack(
        "rule-bypass",
        "Whoever proposes an edit makes it",
        f"insert into public.notes values (1, '{OTHER}', 'mine')",
        f"insert into public.edits values (1, '{ME}', 'taken')",
        "taken",
        "select body from public.notes",
    ),
    Attack(
        "rule-bypass",
        "Instead of a row that no policy lets in",
        f"insert into public.notes values (1, '{OTHER}', 'mine')",
        "insert into public.removals values (1)",
        0,
        "select count(*) from public.notes",
    ),
    Attack(
        "column-revoke-void",
        "What users may change of their own row",
        f"insert into public.profiles values ('{ME}', 'me', null, 'free')",
        "update public.profiles set plan = 'gold'",
        "gold",
        "select plan from public.profiles",
    ),
    Attack(
        "unique-oracle",
        "By an index",
        f"insert into public.people values ('{OTHER}', 'other', 'other@example.com')",
        f"insert into public.people values ('{ME}', 'me', 'other@example.com')",
        "people_email",
    ),
    Attack(
        "fk-oracle",
        "A code that is a secret",
        "insert into public.invites values (gen_random_uuid(), 'A1', null)",
        f"insert into public.claims values (gen_random_uuid(), '{ME}', 'A2')",
        "claims_invite_code_fkey",
    ),
    Attack(
        "leakproof-udf",
        "A check with an error",
        "insert into public.notes values (1, 'somebody', '')",
        "select count(*) from public.notes where public.is_code(code)",
        "empty",
    ),
    Attack(
        "leakproof-udf",
        "A cast, with a search_path of its own",
        "insert into public.notes values (1, 'somebody', 'hidden')",
        "select count(*) from public.notes where public.number(code) = 1",
        "hidden",
    ),
    Attack(
        "predefined-roles",
        "Reads everything, or so it seems",
        """create table public.t (secret text); alter table public.t enable row level security;
        insert into public.t select 'hidden' from generate_series(1, 100); analyze public.t""",
        "select stavalues1::text from pg_catalog.pg_statistic where starelid = 'public.t'::regclass",
        "{hidden}",
    ),
    Attack(
        "owner-bypass",
        "It inherits from the owner",
        "select 1",
        "select body from public.notes",
        "hello",
    ),
    Attack(
        "large-object",
        "As Postgres had it up to 8.4",
        "select 1",
        "select convert_from(lo_get(oid), 'UTF8') from pg_largeobject_metadata",
        "contract",
    ),
    Attack(
        "sequence-grant",
        "`grant all on all sequences`",
        "insert into public.orders (total) select 1 from generate_series(1, 3)",
        "select setval('public.orders_id_seq', 1)",
        1,
        "select last_value from public.orders_id_seq",
    ),
)  # fmt: skip


def _example(attack: Attack) -> Example:
    return next(one for one in all_rules()[attack.rule].bad if one.name == attack.example)


def _done(url: str, attack: Attack, before: list[str]) -> object:
    """What the attack gives, as somebody who sends it after `before`."""
    with psycopg.connect(url) as connection:
        for one in before:
            connection.execute(one.encode())
        try:
            answer = connection.execute(attack.sql.encode())
            given = answer.fetchone() if answer.description is not None and not attack.shown else None
        except psycopg.Error as error:
            connection.rollback()
            return str(error)
        if given is None:
            connection.execute("reset role")
            given = connection.execute(attack.shown.encode()).fetchone()
        assert given is not None
        return given[0]


def _holds(answer: object, attack: Attack) -> bool:
    return (
        attack.answer in answer
        if isinstance(answer, str) and isinstance(attack.answer, str)
        else answer == attack.answer
    )


@pytest.mark.parametrize(
    "attack", [one for one in ATTACKS if not _example(one).roles], ids=lambda one: f"{one.rule}: {one.example}"
)
def test_through_the_api(supabase_database: str, attack: Attack) -> None:
    with psycopg.connect(supabase_database) as connection:
        grant_replay_rights(connection)
        connection.execute("set role postgres")
        connection.execute(_example(attack).sql.encode())
        connection.execute("reset role")
        revoke_replay_rights(connection)
        connection.execute(attack.seed.encode())
    claims = f'set local request.jwt.claims = \'{{"sub": "{ME}", "role": "authenticated"}}\''
    assert _holds(_done(supabase_database, attack, ["set local role authenticated", claims]), attack)


@pytest.fixture
def roles(database: str, attack: Attack) -> Iterator[str]:
    """A plain database with the example's roles, which are the whole server's."""
    names = [psycopg.sql.Identifier(name) for name in _example(attack).roles]
    with psycopg.connect(database, autocommit=True) as connection:
        for name in names:
            connection.execute(psycopg.sql.SQL("create role {} login").format(name))
        connection.execute(_example(attack).sql.encode())
        connection.execute(attack.seed.encode())
    yield database
    with psycopg.connect(database, autocommit=True) as connection:
        for name in names:
            connection.execute(psycopg.sql.SQL("reassign owned by {} to current_user").format(name))
            connection.execute(psycopg.sql.SQL("drop owned by {}").format(name))
            connection.execute(psycopg.sql.SQL("drop role {}").format(name))


@pytest.mark.parametrize(
    "attack", [one for one in ATTACKS if _example(one).roles], ids=lambda one: f"{one.rule}: {one.example}"
)
def test_by_a_role(roles: str, attack: Attack) -> None:
    answer = _done(roles, attack, [f"set local role {_example(attack).roles[0]}"])
    assert _holds(answer, attack)
