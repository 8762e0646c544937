"""What an audit reads of a large table: `python benchmarks/large_table.py [rows]`, by default 10,000,000.

A policy lets users see their own rows, and no index helps it: to show that a stranger has none, Postgres would go
through all of them. Compared are the rows that an audit in read mode reads, by the server's own count, and its seconds,
with what the plain query of one persona takes. At most one row in a hundred may be read.
"""

from __future__ import annotations

import os
import sys
import time

import psycopg
from audit import OWNER
from tabulate import tabulate

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine import start

ROWS = 10_000_000
MOST_READ = 0.01
TABLE = """
create table public.events (id bigint, user_id uuid, n int);
insert into public.events select one, md5(one::text)::uuid, one % 10 from generate_series(1, {rows}) as one;
alter table public.events enable row level security;
create policy own on public.events using ((select auth.uid()) = user_id);
"""
STRANGER = """
select set_config('request.jwt.claims', '{"sub": "0f7a1c52-5d3e-4b8a-9c61-8e2d4f90b7a3"}', true);
set local role authenticated"""
QUERY = "select count(*) from (select 1 from public.events limit 1000) as seen"


def read(admin: psycopg.Connection) -> int:
    """How many rows of the table were read one after the other so far."""
    admin.execute("select pg_stat_clear_snapshot()")
    row = admin.execute("select seq_tup_read from pg_stat_user_tables where relname = 'events'").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Print what was measured; exit 1 where too much was read."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    lines: list[tuple[str, int, float]] = []
    with start() as server, psycopg.connect(server.supabase_database("large"), autocommit=True) as admin:
        admin.execute(f"set role {OWNER}; {TABLE.format(rows=rows)}".encode())
        admin.execute("reset role; analyze public.events")
        before, began = read(admin), time.perf_counter()
        with psycopg.connect(server.dsn("large", user=OWNER)) as user:
            user.execute(STRANGER.encode())
            user.execute(QUERY.encode())
        lines.append(("the query of one persona", read(admin) - before, time.perf_counter() - began))
        before, began = read(admin), time.perf_counter()
        with connect(server.dsn("large", user=OWNER)) as session:
            audit(session, Options())
        lines.append(("an audit", read(admin) - before, time.perf_counter() - began))
    shown = [(what, f"{count:,}", f"{count / rows:.2%}", f"{seconds:.2f} s") for what, count, seconds in lines]
    print(tabulate(shown, (f"{rows:,} rows", "rows read", "of all", "seconds"), disable_numparse=True))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(lines[-1][1] > MOST_READ * rows)


if __name__ == "__main__":
    main()
