"""What the caller of a function names rows by: whose they are, a secret of theirs, or what it has to know at least."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Operation, Reach
from rlsaudit.reach.meant import relation_meant
from rlsaudit.rules.column_names import is_secret

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.answers import Read, Write
    from rlsaudit.rules.case import Case

    Keys: TypeAlias = frozenset[tuple[tuple[str, ...], str]]
    """Columns that are compared with what comes from outside, each behind its table."""

_KEYS = ("id", "slug", "code", "uuid", "key", "token", "handle", "username")


def owner_keys(case: Case, function: Function, read: Read) -> list[str]:
    """Returns the keys that say whose a row is: by their names, or as ids of users, which that of a profile is."""
    return sorted(
        {
            column
            for table, column in read.keys
            if case.intent.names_owner(column)
            or case.intent.names_tenant(column)
            or _is_users_id(case, relation_meant(case.catalog, function, table), column)
        }
    )


def takes_secret(case: Case, persona: Persona, function: Function, write: Write) -> bool:
    """Returns whether it takes a secret that the caller cannot read: of the row, or of one that is looked up before."""
    return are_secret(case, persona, function, write.keys | write.behind)


def are_secret(case: Case, persona: Persona, function: Function, keys: Keys) -> bool:
    """Returns whether one of the keys is a secret of its row, which the persona cannot read."""
    return any(
        (found := relation_meant(case.catalog, function, table)) is not None
        and (is_secret(case, found, column) or _is_random(case, found, column))
        and case.addressed(persona, found, Operation.SELECT) <= Reach.OWN
        for table, column in keys
    )


def is_key(case: Case, relation: Relation | None, column: str) -> bool:
    """Returns whether a value of the column is something one has to know: it names one row or user, or is private."""
    if relation is None:
        return False
    found = next((one for one in case.catalog.columns[relation.oid] if one.name == column), None)
    if found is None:
        return False
    constrained = {
        number for one in case.catalog.constraints[relation.oid] if one.kind in "puf" for number in one.columns
    }
    telling = column in _KEYS or column.endswith(tuple(f"_{one}" for one in _KEYS))
    private = case.intent.names_owner(column) or case.intent.names_tenant(column)
    return (
        found.number in constrained
        or found.type == "uuid"
        or telling
        or private
        or bool(case.sensitive(relation, [column]))
    )


def _is_users_id(case: Case, relation: Relation | None, column: str) -> bool:
    """Whether a column alone points at the users."""
    if relation is None:
        return False
    numbers = {one.number for one in case.catalog.columns[relation.oid] if one.name == column}
    return any(
        one.kind == "f" and set(one.columns) == numbers and one.foreign_relation in case.auth_relations
        for one in case.catalog.constraints[relation.oid]
    )


def _is_random(case: Case, relation: Relation, column: str) -> bool:
    """Whether a column is given random bytes, and is not what the row is called by."""
    keys = {number for one in case.catalog.constraints[relation.oid] if one.kind == "p" for number in one.columns}
    return any(
        one.name == column and one.number not in keys and "gen_random_bytes(" in (one.computed or "")
        for one in case.catalog.columns[relation.oid]
    )
