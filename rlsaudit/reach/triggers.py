"""Triggers that stand in the way: which of them could refuse a write, by what their bodies say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.policy.body import Body, body_of

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation, Trigger

# Bits of pg_trigger.tgtype, from src/include/catalog/pg_trigger.h.
_ROW, _BEFORE, _INSTEAD = 1, 2, 64
_EVENTS = {Operation.INSERT: 4, Operation.DELETE: 8, Operation.UPDATE: 16}
_OFF = frozenset({"D", "R"})
_HARMLESS_CALLS = frozenset(
    {
        ("auth", "uid"), ("clock_timestamp",), ("gen_random_uuid",), ("length",), ("lower",), ("now",),
        ("statement_timestamp",), ("timezone",), ("transaction_timestamp",), ("trim",), ("btrim",), ("upper",),
    }
)  # fmt: skip
_HARMLESS_EXTENSIONS = frozenset({"moddatetime"})


def fires(trigger: Trigger, operation: Operation) -> bool:
    """Whether an ordinary session's `operation` fires the trigger."""
    return trigger.enabled not in _OFF and bool(trigger.type & _EVENTS.get(operation, 0))


def refusing_trigger(catalog: Catalog, relation: Relation, operation: Operation) -> Trigger | None:
    """Returns a trigger of the relation that might refuse or swallow `operation`, None where all surely let it pass."""
    read = {column.column for policy in catalog.policies[relation.oid] for column in policy.columns}
    names = {one.name for one in catalog.columns[relation.oid] if one.number in read}
    for trigger in catalog.triggers[relation.oid]:
        if not fires(trigger, operation):
            continue
        function = catalog.functions.get(trigger.function)
        if function is not None and function.extension in _HARMLESS_EXTENSIONS:
            continue
        if function is None or not _lets_pass(body_of(function), trigger, names):
            return trigger
    return None


def _lets_pass(body: Body, trigger: Trigger, read_by_policies: set[str]) -> bool:
    if not body.understood or body.dynamic or body.raises or body.reads or body.writes:
        return False
    if not body.calls <= _HARMLESS_CALLS or trigger.type & _INSTEAD:
        return False
    before_row = bool(trigger.type & _ROW) and bool(trigger.type & _BEFORE)
    if not before_row:
        return True
    # What policies read, it may not change: the check comes after it.
    return not body.returns_null and "*" not in body.assigns and not body.assigns & read_by_policies
