"""A directory of executables that the user names, and what all providers of binaries share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.engine import cluster
from rlsaudit.engine.installation import NotAnInstallationError, inspect
from rlsaudit.engine.model import Access, Candidate, EngineRequest
from rlsaudit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


def candidate(provider: str, bin_dir: Path, origin: str, *, explicit: bool = False) -> Candidate:
    """What is in a directory of executables; `origin` says, as half a sentence, how we came by it."""
    try:
        found = inspect(bin_dir)
    except NotAnInstallationError as problem:
        return Candidate(provider, usable=False, reason=f"{origin}: {problem}", bin_dir=bin_dir, explicit=explicit)
    return Candidate(provider, True, origin, found.version, found.major, found.bin_dir, explicit)  # noqa: FBT003  `usable`


def start(taken: Candidate, request: EngineRequest) -> AbstractContextManager[Access]:
    """Run the Postgres of a candidate that has a directory of executables."""
    try:
        installation = inspect(taken.bin_dir or Path())
    except NotAnInstallationError as problem:
        message = f"The Postgres that was found is not there any more: {problem}."
        raise EngineError(message, hint="`rlsaudit engine` shows what there is now.") from problem
    return cluster.run(installation, loopback=request.loopback)


class PgBin:
    """`--pg-bin`."""

    name = "pg-bin"

    def find(self, request: EngineRequest) -> Iterator[Candidate]:
        """The directory, if one was given."""
        if request.pg_bin is not None:
            yield candidate(self.name, request.pg_bin, "given by --pg-bin", explicit=True)

    def start(self, candidate: Candidate, request: EngineRequest) -> AbstractContextManager[Access]:
        """Run it."""
        return start(candidate, request)
