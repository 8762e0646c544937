"""What an audit costs the database's users: `python benchmarks/beside.py [seconds] [rounds]`, by default 20 and 3.

pgbench runs its own transactions, four clients at a time, in a database of 100 tables besides its own: by itself, then
beside audits in read mode, then beside audits in write mode, one after the other all the while. The three take turns,
for other programs come and go; medians are compared.

No transaction may fail beside us that would not without us. The processors are shared: what audits take of them,
pgbench has not, on a machine that has no others.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit import OWNER, fill
from tabulate import tabulate

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.engine import EngineRequest, candidates, start

if TYPE_CHECKING:
    from rlsaudit.engine import Server

TABLES, SCALE, CLIENTS = 100, 10, 4
MODES = ("without us", "read", "write")
_TOLD = {
    "transactions": re.compile(r"transactions actually processed: (\d+)"),
    "failed": re.compile(r"number of failed transactions: (\d+)"),
    "latency": re.compile(r"latency average = ([0-9.]+) ms"),
    "tps": re.compile(r"tps = ([0-9.]+)"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of pgbench said, the slowest of its transactions in milliseconds, and the audits meanwhile."""

    tps: float
    latency: float
    slowest: float
    failed: int
    audits: int


def program() -> Path:
    """The pgbench of a Postgres that is here."""
    found = (one.bin_dir / "pgbench" for one in candidates(EngineRequest()) if one.bin_dir is not None)
    return next(one for one in found if one.exists())


def run(server: Server, database: str, seconds: int, mode: str) -> Run:
    """Runs pgbench for so long, beside audits in a mode, or beside none."""
    over, audits = threading.Event(), 0

    def auditing() -> None:
        nonlocal audits
        while not over.is_set():
            with connect(server.dsn(database, user=OWNER)) as session:
                audit(session, Options(probe=mode))
            audits += 1

    beside = threading.Thread(target=auditing)
    with tempfile.TemporaryDirectory() as logs:
        command = (
            str(program()), "--client", str(CLIENTS), "--jobs", "2", "--time", str(seconds), "--no-vacuum",
            "--log", f"--log-prefix={logs}/log", server.dsn(database, user=OWNER),
        )  # fmt: skip
        if mode in ("read", "write"):
            beside.start()
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 — pgbench
        over.set()
        if beside.ident is not None:
            beside.join()
        slowest = max(
            int(line.split()[2]) for log in Path(logs).iterdir() for line in log.read_text("utf-8").splitlines()
        )
    if done.returncode or "aborted" in done.stderr:
        print(done.stderr, file=sys.stderr)
        sys.exit(1)
    told = {name: float(match[1]) for name, one in _TOLD.items() if (match := one.search(done.stdout))}
    return Run(told["tps"], told["latency"], slowest / 1_000, int(told["failed"]), audits)


def main() -> None:
    """Print medians; exit 1 where a transaction failed."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3  # noqa: PLR2004 — the second argument
    database = f"bench_{TABLES}"
    runs: dict[str, list[Run]] = {one: [] for one in MODES}
    with start() as server:
        fill(server, TABLES)
        made = (str(program()), "--initialize", "--quiet", "--scale", str(SCALE), server.dsn(database, user=OWNER))
        subprocess.run(made, capture_output=True, check=True)  # noqa: S603 — pgbench
        for _ in range(rounds):
            for mode in MODES:
                runs[mode].append(run(server, database, seconds, mode))
    alone = statistics.median(one.tps for one in runs[MODES[0]])
    rows = []
    for mode, some in runs.items():
        tps = statistics.median(one.tps for one in some)
        rows.append(
            (
                mode,
                f"{tps:.0f}",
                f"{tps / alone:.2f}",
                f"{statistics.median(one.latency for one in some):.1f} ms",
                f"{max(one.slowest for one in some):.0f} ms",
                sum(one.failed for one in some),
                sum(one.audits for one in some),
            )
        )
    headers = ("pgbench beside audits", "tps", "ratio", "latency", "slowest", "failed", "audits")
    print(tabulate(rows, headers, disable_numparse=True))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(any(one.failed for some in runs.values() for one in some))


if __name__ == "__main__":
    main()
