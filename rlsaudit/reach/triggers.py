"""Triggers that stand in the way: which of them could refuse a write or change it, by what their bodies say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.catalog.firing import fires, is_before_row, is_disarmed, is_instead, only_sets_a_time
from rlsaudit.model import Operation
from rlsaudit.policy.body import body_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Column, Function, Relation, Trigger

_HARMLESS_CALLS = frozenset(
    {
        ("auth", "uid"), ("clock_timestamp",), ("gen_random_uuid",), ("length",), ("lower",), ("now",),
        ("statement_timestamp",), ("timezone",), ("transaction_timestamp",), ("trim",), ("btrim",), ("upper",),
    }
)  # fmt: skip
_RETURNS = re.compile(r"\breturn\b\s*([^\s;]*)", re.IGNORECASE)
_INTO = re.compile(r"\binto\b", re.IGNORECASE)
_IDENTIFIERS = frozenset({"uuid", "text", "character varying", "name"})
"""Types of columns that may say whose a row is."""


def refusing_trigger(
    catalog: Catalog, relations: Iterable[Relation], operation: Operation, settable: Collection[str] = ()
) -> Trigger | None:
    """Returns a trigger that might refuse or swallow `operation`, or say whose the row is; None where there is none.

    Args:
        catalog: The facts.
        relations: The relation, and those below and above it whose triggers fire as well.
        operation: What is done to its rows.
        settable: For an update, the columns that can be set; empty for all.
    """
    listed = list(relations)
    found = [one for relation in listed for one in catalog.triggers[relation.oid] if fires(one, operation)]
    if not found:
        return None
    row = _Row(
        columns=tuple(column for relation in listed for column in catalog.columns[relation.oid]),
        asked=frozenset(name for relation in listed for name in _asked(catalog, relation)),
        settable=frozenset(settable) or frozenset(one.name for one in catalog.columns[listed[0].oid]),
    )
    return next((one for one in found if not _passes(catalog, row, one, operation)), None)


def assigned(catalog: Catalog, relation: Relation, operation: Operation) -> frozenset[int] | None:
    """Returns the numbers of the columns that triggers may set in a row that is written, None for any of them."""
    numbers = {one.name: one.number for one in catalog.columns[relation.oid]}
    found: set[int] = set()
    for one in catalog.triggers[relation.oid]:
        if not fires(one, operation) or not is_before_row(one):
            continue
        if only_sets_a_time(catalog, one):
            found |= _moments(catalog, relation)
            continue
        function = catalog.functions.get(one.function)
        names = body_of(function).assigns if function is not None and _is_plain(function) else {"*"}
        if not names <= numbers.keys():
            return None
        found.update(numbers[name] for name in names)
    return frozenset(found)


def _moments(catalog: Catalog, relation: Relation) -> frozenset[int]:
    """The columns of points in time."""
    return frozenset(one.number for one in catalog.columns[relation.oid] if one.type.startswith(("timestamp", "date")))


@dataclass(frozen=True, slots=True)
class _Row:
    """What a trigger may meddle with: `asked` are the columns that policies read, `settable` those that are updated."""

    columns: tuple[Column, ...]
    asked: frozenset[str]
    settable: frozenset[str]


def _passes(catalog: Catalog, row: _Row, trigger: Trigger, operation: Operation) -> bool:
    function = catalog.functions.get(trigger.function)
    if function is None or is_instead(trigger):
        return False
    if only_sets_a_time(catalog, trigger) or is_disarmed(catalog, function):
        return True
    if not _is_plain(function):
        return False
    if not is_before_row(trigger):
        # What it returns and assigns is not looked at.
        return True
    # Postgres goes on with the row that is returned: of a row that is deleted there is only OLD, of a new one only NEW.
    expected = {"old" if operation is Operation.DELETE else "new"}
    if {one.lower() for one in _RETURNS.findall(function.body)} != expected:
        return False
    assigned = body_of(function).assigns
    if operation is Operation.DELETE:
        return True
    if "*" in assigned:
        return False
    if operation is Operation.UPDATE:
        return bool(row.settable - assigned) and not assigned & row.asked
    identity = body_of(function).asks_identity
    return not any(one.name in assigned and _may_tie(row, one, identity=identity) for one in row.columns)


def _is_plain(function: Function) -> bool:
    """Whether the function surely neither fails nor touches anything but its row, of which it tells all it assigns."""
    body = body_of(function)
    if not body.understood or body.dynamic or body.raises or body.reads or body.writes:
        return False
    # SELECT INTO and the like may fail (STRICT), and assign to what they please.
    return body.calls <= _HARMLESS_CALLS and not _INTO.search(function.body)


def _may_tie(row: _Row, column: Column, *, identity: bool) -> bool:
    """Whether assigning the column may change whose the row is, or what the policies say of it."""
    return column.name in row.asked or column.type == "uuid" or (identity and column.type in _IDENTIFIERS)


def _asked(catalog: Catalog, relation: Relation) -> set[str]:
    references = [one for policy in catalog.policies[relation.oid] for one in policy.columns]
    read = {one.column for one in references if one.relation == relation.oid}
    return {one.name for one in catalog.columns[relation.oid] if one.number in read}
