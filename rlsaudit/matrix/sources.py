"""What the verdicts come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.access import Access
    from rlsaudit.intent import Intent
    from rlsaudit.reach import Direct, Escalation, Indirect


@dataclass(frozen=True, slots=True)
class Sources:
    """What the verdicts come from: the ways, by catalog and proof, and the intent that they are compared with."""

    access: Access
    direct: Direct
    indirect: Indirect
    escalation: Escalation
    intent: Intent
