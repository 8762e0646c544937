"""What a snapshot costs: `python benchmarks/snapshot.py [tables ...] [--bin-dir DIRECTORY]`, by default 100 1000 5000.

Each table has ten columns, four policies and grants to two roles; to ten of them come a view, a function and a trigger.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tracemalloc
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psycopg
from tabulate import tabulate

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, Snapshot, dump, take
from rlsaudit.connect import connect
from rlsaudit.engine import EngineRequest, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

SIZES = (100, 1_000, 5_000)
RUNS = 3
ROLES = ("bench_reader", "bench_writer")
# Locks are kept to the end of a transaction and there is no room for those of 5,000 tables in one.
BATCH = 200

TABLES = """
do $do$
begin
  for n in {first}..{last} loop
    execute format($sql$
      create table app.t%1$s (id bigint generated always as identity primary key, owner_id uuid not null,
        parent bigint references app.t%1$s, a text, b text, c int default 1, d timestamptz, e boolean, f jsonb,
        g text[]);
      alter table app.t%1$s enable row level security;
      create policy own_rows on app.t%1$s for select to bench_reader using (owner_id = app.me());
      create policy put on app.t%1$s for insert to bench_writer with check (owner_id = app.me());
      create policy change on app.t%1$s for update to bench_writer using (owner_id = app.me()) with check (c > 0);
      create policy remove on app.t%1$s for delete to bench_writer
        using (exists (select from app.members m where m.member = app.me() and m.id = t%1$s.id));
      grant select on app.t%1$s to bench_reader;
      grant select (a), insert, update (a, b), delete on app.t%1$s to bench_writer
    $sql$, n);
    if n %% 10 = 0 then
      execute format($sql$
        create view app.v%1$s as select t.id, t.a, m.member from app.t%1$s t join app.members m using (id);
        create function app.f%1$s(a text, b int) returns setof app.t%1$s language sql stable
          as 'select * from app.t%1$s where a = $1';
        create function app.touch%1$s() returns trigger language plpgsql as 'begin return new; end';
        create trigger touch before update on app.t%1$s for each row execute function app.touch%1$s()
      $sql$, n);
    end if;
  end loop;
end $do$"""

BASICS = """
create schema app;
create table app.members (id bigint, member uuid);
create function app.me() returns uuid language sql stable as 'select null::uuid';
create publication bench for all tables;
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, bytes and counts, for one size of database."""

    tables: int
    query: float
    decode: float
    index: float
    answer: int
    peak: int
    saved: int
    round_trips: int


def fill(server: Server, tables: int) -> str:
    """Makes a database of so many tables, and returns its conninfo."""
    dsn = server.create_database(f"bench_{tables}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(BASICS.encode())
        for first in range(1, tables + 1, BATCH):
            sql = TABLES.format(first=first, last=min(first + BATCH - 1, tables)).replace("%%", "%")
            connection.execute(sql.encode())
        connection.execute("analyze")
    return dsn


def seconds(run: Callable[[], object]) -> float:
    """The median of some runs."""
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def measure(session: Session, tables: int) -> Cost:
    """Takes snapshots of the database, each step by itself and then as a whole."""
    query = resources.files("rlsaudit.catalog").joinpath("snapshot.sql").read_text(encoding="utf-8")
    with session.read_only():
        asking = seconds(lambda: session.fetch_value(query))
        answer = str(session.fetch_value(query)).encode()
    decoding = seconds(lambda: msgspec.json.decode(answer, type=Snapshot))
    with session.read_only():
        before = session.round_trips
        tracemalloc.start()
        snapshot = take(session)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        round_trips = session.round_trips - before
    indexing = seconds(lambda: everything_asked(snapshot))
    return Cost(tables, asking, decoding, indexing, len(answer), peak, len(dump(snapshot)), round_trips)


def everything_asked(snapshot: Snapshot) -> None:
    """Asks what each of two roles may do to every relation."""
    access = Access(Catalog(snapshot))
    for name in ROLES:
        role = access.catalog.roles_by_name[name].oid
        for relation in snapshot.relations:
            for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                access.columns(role, relation, privilege)
            access.rls_applies(role, relation)


def main() -> None:
    """Prints a table, a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", type=int, default=SIZES)
    parser.add_argument("--bin-dir", type=Path)
    options = parser.parse_args()
    with start(EngineRequest(pg_bin=options.bin_dir)) as server:
        print(f"Postgres {server.version}, median of {RUNS} runs")
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            for role in ROLES:
                connection.execute(f"create role {role}".encode())
        costs = []
        for tables in options.tables:
            print(f"filling {tables} tables", file=sys.stderr)
            with connect(fill(server, tables), statement_timeout_ms=600_000) as session:
                costs.append(measure(session, tables))
    headers = ("tables", "query s", "decode s", "access s", "answer MB", "peak MB", "saved MB", "round trips")
    rows = [
        (
            one.tables,
            one.query,
            one.decode,
            one.index,
            one.answer / 1e6,
            one.peak / 1e6,
            one.saved / 1e6,
            one.round_trips,
        )
        for one in costs
    ]
    print(tabulate(rows, headers, floatfmt=".3g"))


if __name__ == "__main__":
    main()
