"""An installation of Postgres on disk: where its parts are and which version it is."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rlsaudit.engine.model import OLDEST_MAJOR

SUFFIX = ".exe" if os.name == "nt" else ""
PROBE_SECONDS = 10

# Where share/ and the loadable modules are, relative to the executables: the build's default, Debian, Alpine, Fedora.
SHARE_LAYOUTS = (
    "../share",
    "../share/postgresql",
    "../share/pgsql",
    "../../../../share/postgresql/{major}",
    "../../share/postgresql{major}",
)
MODULE_LAYOUTS = (
    "../lib",
    "../lib/postgresql",
    "../lib64/pgsql",
    "../lib64",
    "../../lib/postgresql{major}",
)


class NotAnInstallationError(Exception):
    """The directory holds no Postgres that we can run; the message is half a sentence."""


@dataclass(frozen=True, slots=True)
class Installation:
    """`build` is what `postgres --version` prints. `share` and `modules` are unknown (None) for unusual layouts."""

    bin_dir: Path
    build: str
    version: str
    major: int
    share: Path | None
    modules: Path | None

    @property
    def extensions(self) -> frozenset[str]:
        """The names of the extensions that can be created; empty where `share` is unknown."""
        if self.share is None:
            return frozenset()
        return frozenset(path.stem for path in (self.share / "extension").glob("*.control"))


def inspect(bin_dir: Path) -> Installation:
    """Look at the Postgres in a directory of executables.

    Raises:
        NotAnInstallationError: something is missing, does not run, or is too old.
    """
    bin_dir = bin_dir.resolve()
    for program in ("postgres", "initdb"):
        if not os.access(bin_dir / f"{program}{SUFFIX}", os.X_OK):
            message = f"{bin_dir} has no executable {program}"
            raise NotAnInstallationError(message)
    build = output(bin_dir / f"postgres{SUFFIX}", "--version")
    # It prints, for example: postgres (PostgreSQL) 17.10 (Debian 17.10-1)
    match = re.search(r"\b(\d+)(?:\.(\d+)|(?:devel|beta\d+|rc\d+))", build)
    if match is None:
        message = f"{bin_dir}: the version is not understood"
        raise NotAnInstallationError(message)
    major = int(match[1])
    if major < OLDEST_MAJOR:
        message = f"Postgres {match[0]} is older than {OLDEST_MAJOR}"
        raise NotAnInstallationError(message)
    share, modules = _layout(bin_dir, major)
    return Installation(bin_dir, build, match[0], major, share, modules)


def _layout(bin_dir: Path, major: int) -> tuple[Path | None, Path | None]:
    if os.access(bin_dir / f"pg_config{SUFFIX}", os.X_OK):
        try:
            lines = output(bin_dir / f"pg_config{SUFFIX}", "--sharedir", "--pkglibdir").splitlines()
        except NotAnInstallationError:
            lines = []
        if len(lines) == 2:  # noqa: PLR2004  one line for each of the two that we asked for
            share, modules = (Path(line).resolve() for line in lines)
            if (share / "postgres.bki").is_file() and modules.is_dir():
                return share, modules
    return (
        _first(bin_dir, major, SHARE_LAYOUTS, ("postgres.bki",)),
        _first(bin_dir, major, MODULE_LAYOUTS, ("plpgsql.so", "plpgsql.dylib", "plpgsql.dll")),
    )


def _first(bin_dir: Path, major: int, layouts: tuple[str, ...], marks: tuple[str, ...]) -> Path | None:
    for layout in layouts:
        directory = (bin_dir / layout.format(major=major)).resolve()
        if any((directory / mark).is_file() for mark in marks):
            return directory
    return None


def output(program: Path, *arguments: str) -> str:
    """What a program of an installation prints.

    Raises:
        NotAnInstallationError: it does not run.
    """
    try:
        done = subprocess.run(  # noqa: S603  an installation's own program, no shell
            [program, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{program} does not run ({type(error).__name__})"
        raise NotAnInstallationError(message) from error
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[0]
        message = f"{program} does not run: {why}"
        raise NotAnInstallationError(message)
    return done.stdout.strip()
