"""What was audited, while a database that stands for it still runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.probe.doubts import NO_DOUBTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.compare import Side
    from rlsaudit.engine import Server
    from rlsaudit.probe.doubts import Doubts


@dataclass(frozen=True, slots=True)
class Standing:
    """An audit, and a database that stands for what was audited: it is there until the context ends.

    `login` is its conninfo, as a role that may change what it holds. It is called `name` in `server`, and nobody is
    connected to it, so that it may be copied. `again` audits it, or a copy, by such a conninfo. `hosted` is whether
    that role is a Supabase project's `postgres`, which may do more where Supabase hosts it. `copied` is whether it is
    only rebuilt like what was audited; `doubts` are then about what is not alike.
    """

    side: Side
    login: str = field(repr=False)
    server: Server
    name: str
    again: Callable[[str], Side]
    hosted: bool = False
    copied: bool = False
    doubts: Doubts = NO_DOUBTS
