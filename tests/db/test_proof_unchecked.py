"""What the catalog says of rows counts for nothing where the server does not check it of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.model import Reach
from rlsaudit.personas import built_in
from rlsaudit.policy.decide import decide
from rlsaudit.policy.parse import parse
from rlsaudit.reach.predicates import Predicates


@dataclass(frozen=True)
class Unchecked:
    """A table `t` and a policy on it, and rows of which the server lets one through; from which version on."""

    table: str
    policy: str
    rows: str
    since: int = 15


CASES = {
    "a CHECK that older rows break": Unchecked(
        "create table public.t (id int); insert into public.t values (-1);"
        "alter table public.t add constraint c check (id > 0) not valid",
        "id < 0",
        "",
    ),
    "a NOT NULL that older rows break": Unchecked(
        "create table public.t (id int); insert into public.t values (null);"
        "alter table public.t add constraint c not null id not valid",
        "id is null",
        "",
        since=18,
    ),
    "a NOT NULL that older rows of a child break": Unchecked(
        "create table public.t (id int); create table public.child () inherits (public.t);"
        "insert into public.child values (null);"
        "alter table public.child add constraint c not null id not valid;"
        "alter table only public.t alter id set not null",
        "id is null",
        "",
        since=18,
    ),
    "a CHECK that is not enforced": Unchecked(
        "create table public.t (id int, check (id > 0) not enforced)",
        "id < 0",
        "insert into public.t values (-1)",
        since=18,
    ),
    "a CHECK of the parent alone": Unchecked(
        "create table public.t (id int, check (id > 0) no inherit); create table public.child () inherits (public.t)",
        "id < 0",
        "insert into public.child values (-1)",
    ),
    "a key of the parent alone": Unchecked(
        "create table public.other (id int primary key);"
        "create table public.t (id int references public.other); create table public.child () inherits (public.t)",
        "id is not null and not exists (select from public.other o where o.id = t.id)",
        "insert into public.child values (1)",
    ),
    "a key that is not enforced": Unchecked(
        "create table public.other (id int primary key);"
        "create table public.t (id int, foreign key (id) references public.other not enforced)",
        "id is not null and not exists (select from public.other o where o.id = t.id)",
        "insert into public.t values (1)",
        since=18,
    ),
    "a key with a period": Unchecked(
        "create table public.other (id int4range, during int4range, primary key (id, during without overlaps));"
        "create table public.t (id int4range not null, during int4range not null,"
        " foreign key (id, period during) references public.other (id, period during))",
        "not exists (select from public.other o where o.id = t.id and o.during = t.during)",
        "insert into public.other values ('[1,2)', '[1,9)'); insert into public.t values ('[1,2)', '[2,3)')",
        since=18,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_checked_of_all_rows_proves_nothing(supabase_database: str, name: str) -> None:
    case = CASES[name]
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        if connection.info.server_version < case.since * 10_000:
            pytest.skip(f"Postgres {case.since} is the first that has it")
        connection.execute(case.table.encode())
        connection.execute(f"create policy p on public.t for select using ({case.policy})".encode())
        connection.execute("alter table public.t enable row level security")
        connection.execute("grant select on all tables in schema public to anon")
        connection.execute(case.rows.encode())
        connection.execute("set role anon")
        assert connection.execute("select from public.t").fetchall()
    assert _at_most(supabase_database) is not Reach.NONE


def test_a_new_row_may_point_at_itself(supabase_database: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        connection.execute("create table public.t (id int primary key, parent int not null references public.t)")
        connection.execute("alter table public.t enable row level security; grant select, insert on public.t to anon")
        connection.execute(
            "create policy p on public.t for insert"
            " with check (not exists (select from public.t o where o.id = t.parent))"
        )
        connection.execute("create policy s on public.t for select using (true)")
        connection.execute("set role anon")
        connection.execute("insert into public.t values (5, 5)")
    assert _at_most(supabase_database) is not Reach.NONE


@pytest.mark.parametrize(
    "columns", ["id int not null", "id int check (id is not null)", "id text check (id in ('a', 'b'))"]
)
def test_nothing_is_known_of_rows_of_another_server(supabase_database: str, columns: str) -> None:
    policy = "id is null" if "null" in columns else "id::text = 'c'"
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        connection.execute("create foreign data wrapper nothing; create server away foreign data wrapper nothing")
        connection.execute(f"create foreign table public.far ({columns}) server away".encode())
        connection.execute("create table public.t (id int); alter table public.t enable row level security")
        connection.execute(
            f"create policy p on public.t for select using (exists (select from public.far where {policy}))".encode()
        )
        connection.execute("grant select on all tables in schema public to anon")
    assert _at_most(supabase_database) is not Reach.NONE


@pytest.mark.parametrize(
    "policy",
    [
        "word = 'A' and word = 'a'",
        "word::text = 'A' and word = 'a'",
        "exists (select from public.words w where w.word = 'A' and w.word = 'a')",
        "exists (select from public.words w where w.word = any ('{A}') and w.word = 'a')",
        "exists (select from public.words w where w.word in ('A', 'b') and w.word = 'a')",
        "(select w.word from public.words w) is not distinct from 'A' and (select w.word from public.words w) = 'a'",
    ],
)
def test_texts_may_be_equal_that_are_written_differently(supabase_database: str, policy: str) -> None:
    with psycopg.connect(supabase_database, autocommit=True) as connection:
        try:
            connection.execute(
                "create collation public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
            )
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this Postgres was built without ICU")
        connection.execute("create table public.t (word text collate public.ci); insert into public.t values ('a')")
        connection.execute(
            "create table public.words (word text collate public.ci); insert into public.words values ('a')"
        )
        connection.execute("alter table public.t enable row level security")
        connection.execute(f"create policy p on public.t for select using ({policy})".encode())
        connection.execute("grant select on all tables in schema public to anon")
        connection.execute("set role anon")
        assert connection.execute("select from public.t").fetchall()
    assert _at_most(supabase_database) is not Reach.NONE


def _at_most(conninfo: str) -> Reach:
    anon = built_in("anon")
    assert anon is not None
    with connect(conninfo) as session:
        session.execute("set search_path = ''")
        catalog = Catalog(take(session))
    predicates = Predicates(Access(catalog), Platform.SUPABASE)
    policy = next(one for one in catalog.snapshot.policies if one.name == "p")
    relation = catalog.relations_by_name["public", "t"]
    return decide(parse(policy.using or policy.check or "", predicates.scope(anon, relation))).at_most
