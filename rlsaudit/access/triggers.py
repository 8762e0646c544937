"""Which triggers a statement fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Trigger

# Bits of pg_trigger.tgtype, from src/include/catalog/pg_trigger.h.
_EVENTS = {Operation.INSERT: 4, Operation.DELETE: 8, Operation.UPDATE: 16}
_OFF = frozenset({"D", "R"})


def fires(trigger: Trigger, operation: Operation) -> bool:
    """Whether an ordinary session's `operation` fires the trigger."""
    return trigger.enabled not in _OFF and bool(trigger.type & _EVENTS.get(operation, 0))
