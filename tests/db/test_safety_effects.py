"""Ways to call a function that do not name it, and ways to another role: none of them runs in an audit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect

if TYPE_CHECKING:
    from rlsaudit.model import Report

SLEEP = 30
NAP = f"create function public.nap(id int) returns boolean language sql as 'select pg_sleep({SLEEP}) is not null'"


def skipped(dsn: str, *statements: str) -> dict[str, str]:
    """What is not probed of `public.bait`, whose policy the statements make; the audit must not have slept."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("create table public.bait (id int, role text)")
        admin.execute("insert into public.bait values (1, 'postgres')")
        admin.execute("alter table public.bait enable row level security")
        for one in statements:
            admin.execute(one.encode())
        admin.execute("grant all on public.bait to anon, authenticated")
    began = time.monotonic()
    with connect(dsn) as session:
        report: Report = audit(session, Options())
    assert time.monotonic() - began < SLEEP / 2
    return {one.what: one.reason for one in report.skipped if one.what.startswith("probes of public.bait as")}


@pytest.mark.parametrize(
    "statements",
    [
        (
            "create function public.pg_sleep(text) returns boolean language sql as 'select true'",
            f"create policy p on public.bait using (pg_catalog.pg_sleep({SLEEP}) is not null or public.pg_sleep(''))",
        ),
        (
            NAP,
            "create function public.nap2(a int, b int) returns boolean language sql as 'select public.nap(a)'",
            "create operator public.=== (function = public.nap2, leftarg = int, rightarg = int)",
            "create policy p on public.bait using (id operator(public.===) 1)",
        ),
        (
            "create type public.pair as (a int)",
            NAP,
            "create function public.of(public.pair) returns boolean language sql as 'select public.nap($1.a)'",
            "create cast (public.pair as boolean) with function public.of(public.pair)",
            "create policy p on public.bait using (row(id)::public.pair::boolean)",
        ),
        (
            NAP,
            "create function public.fold(boolean, int) returns boolean language sql as 'select public.nap($2)'",
            "create aggregate public.all_of(int) (sfunc = public.fold, stype = boolean)",
            "create policy p on public.bait using ((select public.all_of(n) from generate_series(1, 2) as n))",
        ),
        (
            NAP,
            "create table public.other (id int); insert into public.other values (1)",
            "alter table public.other enable row level security",
            "create policy p on public.other using (public.nap(id))",
            "grant all on public.other to anon, authenticated",
            "create function public.reads() returns boolean language sql as 'select exists (select from other)'",
            "create policy p on public.bait using (public.reads())",
        ),
        ("create policy p on public.bait using (set_config('role', role, true) is not null)",),
        (
            (
                "create function public.trap() returns boolean language plpgsql as"
                " $$ begin perform set_config('role', 'postgres', false); return true; end $$"
            ),
            "create policy p on public.bait using (public.trap())",
        ),
        (
            (
                "create function public.trap() returns boolean language plpgsql set role = 'postgres' as"
                " $$ begin return current_user = 'postgres'; end $$"
            ),
            "create policy p on public.bait using (public.trap())",
        ),
        ("create policy p on public.bait using (txid_current() > 0)",),
        ("create policy p on public.bait using (exists (select ts_stat('select ''a''::tsvector')))",),
    ],
    ids=["shadowed name", "operator", "cast", "aggregate", "policy below a function", "set_config", "set_config inside",
         "SET clause", "transaction id", "SQL in a string"],
)  # fmt: skip
def test_it_is_not_run(supabase_database: str, statements: tuple[str, ...]) -> None:
    assert len(skipped(supabase_database, *statements)) == 2


@pytest.mark.parametrize(
    "policy",
    [
        "(select auth.uid()) = gen_random_uuid() or id = 1",
        "(auth.jwt() -> 'app_metadata' ->> 'role') = 'admin' or now() > '2020-01-01'",
        "role = any (storage.foldername('a/b')) or lower(role) like 'post%' or coalesce(length(role), 0) > 3",
    ],
)
def test_what_policies_do_every_day_is_run(supabase_database: str, policy: str) -> None:
    assert skipped(supabase_database, f"create policy p on public.bait using ({policy})") == {}
