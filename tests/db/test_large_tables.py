"""Tables that nobody should go through: an audit of a database that is somebody's leaves most of their rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine import Server
    from rlsaudit.model import Cell, Report

ROWS = 2_000_000
MOST_READ = 100_000
"""Of a table, by all probes of it together."""
SCHEMA = f"""
create function public.is_seventh(n int) returns boolean language plpgsql stable as
  $$ begin if n = 7 then return true; end if; return false; end $$;
create table public.own (id bigint, user_id uuid, n int);
insert into public.own select one, md5(one::text)::uuid, one % 10 from generate_series(1, {ROWS}) as one;
alter table public.own enable row level security;
create policy p on public.own to authenticated using ((select auth.uid()) = user_id);
create policy a on public.own to anon using (public.is_seventh(n));
create table public.open (id bigint, n int);
insert into public.open select one, one % 10 from generate_series(1, {ROWS // 4}) as one;
create table public.indexed (user_id uuid primary key, n int);
insert into public.indexed select md5(one::text)::uuid, one % 10 from generate_series(1, {ROWS // 4}) as one;
alter table public.indexed enable row level security;
create policy p on public.indexed to authenticated using ((select auth.uid()) = user_id);
create table public.parts (id bigint, user_id uuid) partition by range (id);
create table public.part_1 partition of public.parts for values from (0) to ({ROWS // 4});
create table public.part_2 partition of public.parts for values from ({ROWS // 4}) to ({ROWS + 1});
insert into public.parts select one, md5(one::text)::uuid from generate_series(1, {ROWS // 2}) as one;
alter table public.parts enable row level security;
alter table public.part_1 enable row level security;
alter table public.part_2 enable row level security;
create policy p on public.parts using ((select auth.uid()) = user_id);
create view public.summed with (security_invoker = on) as
  select a.n, count(*) as many from public.open as a cross join public.open as b group by a.n;
create table public.few (id bigint, user_id uuid);
insert into public.few values (1, gen_random_uuid()), (2, null);
"""
LARGE = ("indexed", "open", "own", "part_1", "part_2")


@pytest.fixture(scope="module")
def large(server: Server) -> Iterator[str]:
    """The name of a database with large tables in it, of which the planner knows no more than their size."""
    name = "large"
    with psycopg.connect(server.supabase_database(name), autocommit=True) as admin:
        admin.execute("set role postgres")
        admin.execute(SCHEMA.encode())
        for one in LARGE:
            admin.execute(f"alter table public.{one} set (autovacuum_enabled = off)".encode())
    yield name
    server.drop_database(name)


def read(dsn: str) -> dict[str, int]:
    """How many rows of each table were read one after the other so far."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("select pg_stat_clear_snapshot()")
        counters = "select relname, seq_tup_read from pg_stat_user_tables where schemaname = 'public'"
        return {name: int(count) for name, count in admin.execute(counters).fetchall()}


def audited(server: Server, name: str, probe: str) -> tuple[Report, dict[str, int]]:
    before = read(server.dsn(name))
    with connect(server.dsn(name, user="postgres")) as session:
        report = audit(session, Options(probe=probe))
    return report, {one: count - before[one] for one, count in read(server.dsn(name)).items()}


def cells(report: Report) -> dict[tuple[str, str, Operation], Cell]:
    return {(one.persona, one.relation, one.operation): one for one in report.matrix}


@pytest.mark.parametrize("known", [False, True], ids=["never analysed", "analysed"])
def test_their_rows_are_not_gone_through(server: Server, large: str, *, known: bool) -> None:
    if known:
        with psycopg.connect(server.dsn(large), autocommit=True) as admin:
            admin.execute("analyze")
    report, rows = audited(server, large, "read")
    found = cells(report)
    assert {one: rows[one] for one in LARGE if rows[one] > MOST_READ} == {}
    assert rows["own"] > 0
    # The first rows prove it.
    assert found["anon", "public.open", Operation.SELECT].reach is Reach.ALL
    assert found["anon", "public.open", Operation.SELECT].evidence is EvidenceKind.PROBE
    assert "of a sample" in found["anon", "public.own", Operation.SELECT].because
    assert found["anon", "public.own", Operation.SELECT].at_least is Reach.SOME
    assert found["authenticated", "public.own", Operation.SELECT].reach is Reach.OWN
    assert found["authenticated", "public.indexed", Operation.SELECT].reach is Reach.OWN
    assert any("samples only" in one and "public.own, public.part" in one for one in report.target.notes)
    told = {one.what: one.reason for one in report.skipped if "public.summed" in one.what}
    assert told == dict.fromkeys(
        (f"probes of public.summed as {name} (select)" for name in ("anon", "authenticated")),
        "not asked, for the server would go through a large table",
    )
    assert not any("public.few" in one for one in report.target.notes)


@pytest.mark.parametrize("known", [False, True], ids=["never analysed", "analysed"])
def test_they_are_not_written_to(server: Server, large: str, *, known: bool) -> None:
    with psycopg.connect(server.dsn(large), autocommit=True) as admin:
        if known:
            admin.execute("analyze")
        else:
            admin.execute(
                "update pg_class set reltuples = -1, relpages = 0 where relnamespace = 'public'::regnamespace"
            )
        before = written(admin)
        report, rows = audited(server, large, "write")
        assert {one: rows[one] for one in LARGE if rows[one] > 4 * MOST_READ} == {}
        after = written(admin)
    assert {one for one in LARGE if after[one] != before[one]} == set()
    assert after["few"] > before["few"]
    told = {one.what: one.reason for one in report.skipped if "attacks on" in one.what}
    assert told == dict.fromkeys(
        (f"attacks on public.{one} (update, delete)" for one in (*LARGE, "parts", "summed")),
        "it is large, and where rows are somebody's a statement would go through all of them",
    )
    assert "put in a row" in cells(report)["anon", "public.open", Operation.INSERT].because


def written(admin: psycopg.Connection) -> dict[str, int]:
    """How many rows of each table were changed or deleted so far, also by what was rolled back."""
    admin.execute("select pg_stat_clear_snapshot()")
    counters = "select relname, n_tup_upd + n_tup_del from pg_stat_user_tables where schemaname = 'public'"
    return {name: int(count) for name, count in admin.execute(counters).fetchall()}
