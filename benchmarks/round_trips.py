"""What distance costs an audit: `python benchmarks/round_trips.py [tables ...]`, by default 10 100 1000 5000.

Four personas, four operations, in a database of so many tables like a project's, through a proxy that holds back every
byte for 20 ms each way. Round trips are counted twice: by the session, and on the wire, where those of connecting are
among them. `longest` is the most that was sent before an answer was waited for, `cpu` what processors worked for the
process, which is less than its seconds where other programs have them or the server is waited for.

1,000 tables must take at most 40 round trips and 15 seconds, the start of Python among them. Seconds differ between
machines; the ratios are to the line with the fewest tables.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit import OWNER, fill
from delay import delayed
from tabulate import tabulate

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine import start

if TYPE_CHECKING:
    from rlsaudit.engine import Server

SIZES = (10, 100, 1_000, 5_000)
EACH_WAY = 0.020
TABLES, MOST_TRIPS, MOST_SECONDS = 1_000, 40, 15
PERSONAS = """
[[persona]]
name = "member"
role = "authenticated"
claims = { role = "authenticated", sub = "6d4c5b1e-2f58-4f4e-9d0e-3a4b5c6d7e8f", app_metadata = { plan = "paid" } }

[[persona]]
name = "guest"
role = "authenticated"
claims = { role = "authenticated", sub = "7e5d6c2f-3a69-4a5f-8e1f-4b5c6d7e8f90", is_anonymous = true }
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one audit cost."""

    tables: int
    probes: int
    trips: int
    turns: int
    longest: int
    seconds: float
    process: float
    processors: float


def measured(server: Server, tables: int, intent: Path) -> Cost:
    """Audits a database from afar, once in this process and once in one of its own."""
    fill(server, tables)
    told: list[int] = []
    with delayed(server.dsn(f"bench_{tables}", user=OWNER), EACH_WAY) as line:
        began = time.perf_counter()
        with connect(line.conninfo) as session:
            audit(session, Options(intent=intent, progress=lambda _done, total: told.append(total)))
            seconds, trips = time.perf_counter() - began, session.round_trips
        turns, longest = line.turns, line.longest
        began, used = time.perf_counter(), _processors()
        ended = subprocess.run(  # noqa: S603 — our own command line
            [sys.executable, "-m", "rlsaudit", "audit", line.conninfo, "--intent", str(intent)],
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if ended.returncode not in {0, 1}:
            sys.exit(f"an audit of {tables} tables was not done: it ended with {ended.returncode}")
        process, processors = time.perf_counter() - began, _processors() - used
    return Cost(tables, told[-1], trips, turns, longest, seconds, process, processors)


def _processors() -> float:
    """The seconds that processors worked for the processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print what was measured; exit 1 where the bound is not met."""
    sizes = [int(one) for one in sys.argv[1:]] or SIZES
    costs = []
    with start() as server, tempfile.TemporaryDirectory() as directory:
        intent = Path(directory) / "rlsaudit.toml"
        intent.write_text(PERSONAS, encoding="utf-8")
        costs = [measured(server, tables, intent) for tables in sizes]
    first = costs[0]
    headers = ["tables", "probes", "round trips", "ratio", "on the wire", "longest", "audit", "process", "ratio", "cpu"]
    rows = [
        [
            f"{one.tables:,}",
            f"{one.probes:,}",
            one.trips,
            f"{one.trips / first.trips:.1f}",
            one.turns,
            f"{one.longest / 1024:.0f} kB",
            f"{one.seconds:.2f} s",
            f"{one.process:.2f} s",
            f"{one.process / first.process:.1f}",
            f"{one.processors:.2f} s",
        ]
        for one in costs
    ]
    print(tabulate(rows, headers, disable_numparse=True, colalign=["right"] * len(headers)))
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory of this process: {kilobytes / 1024:.0f} MB at most")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    missed = [
        one
        for one in costs
        if one.tables <= TABLES and (one.trips > MOST_TRIPS or max(one.seconds, one.process) > MOST_SECONDS)
    ]
    print(f"at most {MOST_TRIPS} round trips and {MOST_SECONDS} s for {TABLES:,} tables: {'no' if missed else 'yes'}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
