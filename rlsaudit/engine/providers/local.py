"""The Postgres that is installed on this machine."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.engine.model import Access, Candidate, EngineRequest
from rlsaudit.engine.providers import binaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

# Debian, the RPMs of PGDG, built from source; Homebrew on either processor, Postgres.app; the installer for Windows.
PATTERNS = {
    "linux": ("/usr/lib/postgresql/*/bin", "/usr/libexec/postgresql*", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"),
    "darwin": (
        "/opt/homebrew/opt/postgresql@*/bin",
        "/usr/local/opt/postgresql@*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
        "/usr/local/pgsql/bin",
    ),
    "win32": ("C:/Program Files/PostgreSQL/*/bin",),
}
PROBE_SECONDS = 10


class Local:
    """Binaries on the machine: what `pg_config` on the PATH belongs to, then the usual places, newest first."""

    name = "local"

    def find(self, request: EngineRequest) -> Iterator[Candidate]:
        """The installations, or that there is none."""
        del request
        seen: set[Path] = set()
        for origin, bin_dir in _directories():
            if bin_dir.resolve() not in seen:
                seen.add(bin_dir.resolve())
                yield binaries.candidate(self.name, bin_dir, origin)
        if not seen:
            yield Candidate(self.name, usable=False, reason="no pg_config on the PATH, and none in the usual places")

    def start(self, candidate: Candidate, request: EngineRequest) -> AbstractContextManager[Access]:
        """Run it."""
        return binaries.start(candidate, request)


def _directories() -> Iterator[tuple[str, Path]]:
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        try:
            done = subprocess.run(  # noqa: S603  found on the PATH, no shell
                [pg_config, "--bindir"],
                capture_output=True,
                text=True,
                timeout=PROBE_SECONDS,
                check=True,
                stdin=subprocess.DEVNULL,
            )
            yield "pg_config on the PATH", Path(done.stdout.strip())
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
            pass
    postgres = shutil.which("postgres")
    if postgres is not None:
        yield "postgres on the PATH", Path(os.path.realpath(postgres)).parent
    places = [Path(place) for pattern in PATTERNS.get(sys.platform, ()) for place in glob.glob(pattern)]  # noqa: PTH207
    for place in sorted(places, key=_number, reverse=True):
        yield "found in a usual place", place


def _number(place: Path) -> int:
    return max((int(number) for number in re.findall(r"\d+", str(place))), default=0)
