"""How long `rlsaudit demo` takes from start to end: `python benchmarks/demo.py [runs]`.

Whole processes, as a user starts them. The first run, which fills the engine's cache and Python's, is shown apart.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time


def measure(environment: dict[str, str], *arguments: str) -> float:
    """The seconds of one process."""
    began = time.perf_counter()
    subprocess.run(  # noqa: S603 — our own command line
        [sys.executable, "-m", "rlsaudit", *arguments], env=environment, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - began


def main() -> None:
    """Print medians, and the load that they were taken under."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache}
        first = measure(environment, "demo")
        demos = [measure(environment, "demo") for _ in range(runs)]
        helps = [measure(environment, "--help") for _ in range(runs)]
    print(f"{'demo, the first':20}{first:6.2f} s")
    print(f"{'demo':20}{statistics.median(demos):6.2f} s   best {min(demos):.2f}, worst {max(demos):.2f}, {runs} runs")
    print(f"{'--help':20}{statistics.median(helps):6.2f} s")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
