"""The `pg_dump` to read a server's schema with: one of its own major, or of a newer one."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.engine.installation import SUFFIX, NotAnInstallationError, output
from rlsaudit.engine.providers import PROVIDERS
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.engine.model import EngineRequest

_NUMBER = re.compile(r"\b(\d+)(?:\.\d+|devel|beta\d+|rc\d+)")


@dataclass(frozen=True, slots=True)
class Dumper:
    """A `pg_dump`; `version` is as it says itself, "17.10"."""

    path: Path
    version: str
    major: int


def dumper(major: int, request: EngineRequest) -> Dumper:
    """Returns the `pg_dump` for a server of this major: the oldest that is not older than the server.

    What the user named in `request` is looked at first, then whatever the engine finds, then the PATH.

    Raises:
        EngineError: there is none; it says which one to install.
    """
    found = [one for path in _paths(request) if (one := _inspected(path)) is not None]
    fitting = sorted((one for one in found if one.major >= major), key=lambda one: one.major)
    if fitting:
        return fitting[0]
    there = ", ".join(dict.fromkeys(one.version for one in found))
    raise EngineError(
        f"A clone needs pg_dump of Postgres {major} or later, and there is {f'only {there}' if there else 'none'}.",
        hint=f"Install the client programs of Postgres {major}, the package postgresql-client-{major} say, or name "
        "their directory with --pg-bin.",
    )


def _paths(request: EngineRequest) -> Iterator[Path]:
    seen: set[Path] = set()
    # Whatever is there of Postgres, a server that can be started or not; a container's programs are not at hand.
    everything = replace(request, url=None, provider=None, major=None)
    directories = (
        candidate.bin_dir
        for provider in PROVIDERS
        if provider.name != "docker"
        for candidate in provider.find(everything)
        if candidate.bin_dir is not None
    )
    on_path = shutil.which("pg_dump")
    for path in (*(one / f"pg_dump{SUFFIX}" for one in directories), *((Path(on_path),) if on_path else ())):
        if path not in seen and os.access(path, os.X_OK):
            seen.add(path)
            yield path


def _inspected(path: Path) -> Dumper | None:
    try:
        said = output(path, "--version")
    except NotAnInstallationError:
        return None
    match = _NUMBER.search(said)
    return Dumper(path, match[0], int(match[1])) if match else None
