"""Where the tests find a Postgres of each major: what the engine finds, else the package in `tests/postgres/`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rlsaudit.engine import EngineRequest, candidates
from rlsaudit.engine.tree import link_or_copy

DUMPED = 17
"""The newest major of which the packages have a pg_dump: of 18 they have the server alone."""
PACKAGES = Path(__file__).parent / "postgres" / "node_modules"


def binaries(major: int, scratch: Path) -> Path | None:
    """The directory of executables of this major, or None where there is none; `scratch` is for a repaired copy."""
    for candidate in candidates(EngineRequest(major=major)):
        if candidate.usable and candidate.bin_dir is not None:
            return candidate.bin_dir
    package = packaged(major, scratch)
    return package / "native" / "bin" if package is not None else None


def pgbench() -> Path:
    """A pgbench of whatever major: the packages in `tests/postgres/` have none, the wheel of a server has one."""
    found = (one.bin_dir / "pgbench" for one in candidates(EngineRequest()) if one.bin_dir is not None)
    return next(one for one in found if one.exists())


def packaged(major: int, scratch: Path) -> Path | None:
    """The package of this major in `tests/postgres/`, or None where it is not installed; `scratch` as above."""
    package = PACKAGES / f"pg{major}"
    if not package.is_dir():
        return None
    if all(link.exists() for link, _ in links(package)):
        return package
    return repaired(package, scratch / f"pg{major}")


def links(package: Path) -> list[tuple[Path, Path]]:
    """The symbolic links that belong to the package, which an archive of npm cannot hold, and what they point at."""
    listed = json.loads((package / "native" / "pg-symlinks.json").read_text(encoding="utf-8"))
    return [(package / link["target"], package / link["source"]) for link in listed]


def repaired(package: Path, copy: Path) -> Path:
    """A copy of the package with its symbolic links, for where npm ran no scripts."""
    for directory, _, names in os.walk(package):
        here = copy / Path(directory).relative_to(package)
        here.mkdir(parents=True)
        for name in names:
            link_or_copy(Path(directory, name), here / name)
    for link, target in links(copy):
        if not link.exists():
            link.symlink_to(target)
    return copy
