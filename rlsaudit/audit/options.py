"""What an audit is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE_MODES = ("none", "read", "write")


def _today() -> date:
    return datetime.now(tz=UTC).date()


@dataclass(frozen=True, slots=True)
class Options:
    """What to audit: `schemas` and `roles` replace what the platform would have, `probe` is one of `PROBE_MODES`.

    Where no mode is asked for it is `read`, on a server that is nobody's `write`.

    `configured` are the schemas that the API serves by the project's settings: no word of the user's on who is kept to
    them, and `anonymous` whether those let anybody sign in without an account, None where that is not known.
    `throwaway` is whether the server is nobody's: then what outlives a rollback harms nobody. The facts are of that
    server then, unless it is a `clone`. `partial` is whether something may be missing here that the intent rightly
    names, as in a base that is older. `today` is the day for which suppressions hold or do not.
    """

    schemas: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    probe: str | None = None
    intent: Path | None = None
    progress: Callable[[int, int], None] = lambda _done, _total: None
    configured: tuple[str, ...] = ()
    anonymous: bool | None = None
    throwaway: bool = False
    clone: bool = False
    partial: bool = False
    today: date = field(default_factory=_today)

    @property
    def mode(self) -> str:
        """The mode that was asked for, or else the one that suits the server."""
        return self.probe or ("write" if self.throwaway else "read")
