"""How an audit grows with the database: `python benchmarks/audit.py [runs]`.

Databases of 10, 100 and 1,000 tables like a project's: five columns, RLS with four policies for the owner, grants as
Supabase gives them. Round trips beyond the first batches must grow by no more than one for each batch of probes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine import start
from rlsaudit.probe.block import BATCH

if TYPE_CHECKING:
    from rlsaudit.engine import Server

SIZES = (10, 100, 1_000)
OWNER = "postgres"


def fill(server: Server, tables: int) -> None:
    """Make a database with that many tables."""
    with psycopg.connect(server.supabase_database(f"bench_{tables}"), autocommit=True) as admin:
        admin.execute(f"set role {OWNER}")
        for number in range(tables):
            name = f"public.table_{number}"
            admin.execute(
                f"create table {name} (id bigint primary key, user_id uuid, title text, amount int, at timestamptz);"
                f"alter table {name} enable row level security;"
                f"create policy r on {name} for select to authenticated using ((select auth.uid()) = user_id);"
                f"create policy i on {name} for insert to authenticated with check ((select auth.uid()) = user_id);"
                f"create policy u on {name} for update to authenticated using ((select auth.uid()) = user_id);"
                f"create policy d on {name} for delete to authenticated using ((select auth.uid()) = user_id);"
                f"insert into {name} select n, gen_random_uuid(), 't', n, now() from generate_series(1, 20) as n"
            )


def probed(server: Server, tables: int) -> tuple[int, int, float]:
    """The round trips and the probes of an audit, and its seconds without starting Python."""
    told: list[int] = []
    with connect(server.dsn(f"bench_{tables}", user=OWNER)) as session:
        began = time.perf_counter()
        audit(session, Options(progress=lambda _done, total: told.append(total)))
        return session.round_trips, told[-1], time.perf_counter() - began


def process(server: Server, tables: int, *arguments: str) -> float:
    """The seconds of a whole process."""
    target = server.dsn(f"bench_{tables}", user=OWNER)
    began = time.perf_counter()
    subprocess.run(  # noqa: S603 — our own command line
        [sys.executable, "-m", "rlsaudit", "audit", target, *arguments], stdout=subprocess.DEVNULL, check=False
    )
    return time.perf_counter() - began


def main() -> None:
    """Print medians."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"{'tables':>7}{'probes':>8}{'round trips':>13}{'audit':>9}{'process':>10}{'--probe none':>14}")
    spent = []
    with start() as server:
        for tables in SIZES:
            fill(server, tables)
            inner = [probed(server, tables) for _ in range(runs)]
            trips, probes = inner[0][:2]
            spent.append((trips, probes))
            audits = statistics.median(one[2] for one in inner)
            whole = statistics.median(process(server, tables) for _ in range(runs))
            bare = statistics.median(process(server, tables, "--probe", "none") for _ in range(runs))
            print(f"{tables:>7}{probes:>8}{trips:>13}{audits:>8.2f}s{whole:>9.2f}s{bare:>13.2f}s")
    (first, few), (last, many) = spent[0], spent[-1]
    allowed = first + (many - few) // BATCH + 2  # each persona's last batch may be a part of one
    print(
        f"round trips: {last}, allowed {allowed}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    )
    sys.exit(last > allowed)


if __name__ == "__main__":
    main()
