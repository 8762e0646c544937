"""How long a throwaway Postgres takes to its first answer: `python benchmarks/engine_start.py [runs] [bin_dir]`.

The first start makes the data directory with initdb and fills an empty cache; the others copy it from there.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from rlsaudit.engine import EngineRequest, choose, start


def measure(request: EngineRequest) -> tuple[float, float, float, float]:
    """The seconds until the first answer, for a database more, for a Supabase database, and to end."""
    began = time.perf_counter()
    with start(request) as server:
        with psycopg.connect(server.dsn("postgres")) as connection:
            connection.execute("select 1")
        answered = time.perf_counter()
        server.create_database("another")
        created = time.perf_counter()
        server.supabase_database("project")
        ready = time.perf_counter()
    return answered - began, created - answered, ready - created, time.perf_counter() - ready


def main() -> None:
    """Print medians."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    request = EngineRequest(pg_bin=Path(sys.argv[2]) if len(sys.argv) > 2 else None)  # noqa: PLR2004  second argument
    taken = choose(request)
    print(f"Postgres {taken.version} ({taken.provider}), median of {runs} starts")
    with tempfile.TemporaryDirectory() as scratch:
        first = []
        for run in range(runs):
            os.environ["XDG_CACHE_HOME"] = f"{scratch}/{run}"
            first.append(measure(request)[0])
        cached = [measure(request) for _ in range(runs)]
    lines = {
        "first start": statistics.median(first),
        "cached start": statistics.median(one[0] for one in cached),
        "a database more": statistics.median(one[1] for one in cached),
        "a Supabase database, the first": statistics.median(one[2] for one in cached),
        "end": statistics.median(one[3] for one in cached),
    }
    for label, seconds in lines.items():
        print(f"{label:32}{seconds * 1000:6.0f} ms")


if __name__ == "__main__":
    main()
