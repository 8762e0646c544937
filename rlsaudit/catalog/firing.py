"""When triggers fire: what the bits of `pg_trigger.tgtype` say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation

if TYPE_CHECKING:
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Trigger

# From src/include/catalog/pg_trigger.h.
_ROW, _BEFORE, _INSTEAD = 1, 2, 64
_EVENTS = {Operation.INSERT: 4, Operation.DELETE: 8, Operation.UPDATE: 16}
_OFF = frozenset({"D", "R"})
_HARMLESS_EXTENSIONS = frozenset({"moddatetime"})


def fires(trigger: Trigger, operation: Operation) -> bool:
    """Whether an ordinary session's `operation` fires the trigger."""
    return trigger.enabled not in _OFF and bool(trigger.type & _EVENTS.get(operation, 0))


def is_before(trigger: Trigger) -> bool:
    """Whether the trigger is called before anything is written."""
    return bool(trigger.type & _BEFORE)


def is_before_row(trigger: Trigger) -> bool:
    """Whether the trigger is called for each row before it is written."""
    return is_before(trigger) and bool(trigger.type & _ROW)


def comes_before(catalog: Catalog, trigger: Trigger, operation: Operation) -> bool:
    """Whether the trigger may change, or stand in for, the rows of `operation` before they are written."""
    stands_before = is_before_row(trigger) or is_instead(trigger)
    return fires(trigger, operation) and stands_before and not only_sets_a_time(catalog, trigger)


def only_sets_a_time(catalog: Catalog, trigger: Trigger) -> bool:
    """Whether the trigger's function is one of an extension that sets a time, and nothing else."""
    function = catalog.functions.get(trigger.function)
    return function is not None and function.extension in _HARMLESS_EXTENSIONS


def is_instead(trigger: Trigger) -> bool:
    """Whether the trigger does the work of the statement, on a view."""
    return bool(trigger.type & _INSTEAD)


STORAGE_DELETES = "storage.allow_delete_query"
"""The setting that lets rows of Supabase's Storage be deleted: its API sets it for whoever asks."""


def is_disarmed(catalog: Catalog, function: Function) -> bool:
    """Whether it is what keeps rows of Storage from being deleted past its API, through which anybody may ask."""
    return function.name == "protect_delete" and catalog.schemas[function.schema].name == "storage"
