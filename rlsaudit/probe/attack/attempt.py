"""One attempt: a probe, by whom, and whose rows it is after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.probe.attack.identities import Identity
    from rlsaudit.probe.outcome import Probe


BY_KEY = -1
"""What a statement is after that names a row by its key."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A statement sent by `by`.

    `puts` is whose row a new one is, for an insert; empty for what asks for rows that are there. `nth` is which of the
    rows that row-level security lets through it is after, counted from 1; 0 where it is after all of them,
    `BY_KEY` where it names one.
    """

    probe: Probe
    by: Identity
    puts: str = ""
    nth: int = 0
