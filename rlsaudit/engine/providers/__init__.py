"""Where a throwaway Postgres may come from, in the order in which they are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.engine.providers.binaries import PgBin
from rlsaudit.engine.providers.docker import Docker
from rlsaudit.engine.providers.local import Local
from rlsaudit.engine.providers.url import Url
from rlsaudit.engine.providers.wheel import Wheel

if TYPE_CHECKING:
    from rlsaudit.engine.model import Provider

__all__ = ["PROVIDERS"]

PROVIDERS: tuple[Provider, ...] = (Url(), PgBin(), Wheel(), Local(), Docker())
