"""Policies that make a statement fail: they read what the role may not, call what it may not, or go round in circles.

Postgres asks for these privileges however the row turns out, but not for a part that the planner folds away, and a
circle shows in the query only. So it is not claimed that such a statement fails, only no longer that it succeeds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import Operation
from rlsaudit.names import ident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Policy, Relation

_SOURCE = re.compile(r"\b(?:from|join)\b[\s(]*", re.IGNORECASE)
_SCHEMA = re.compile(r"(?:\w+|\"[^\"]+\")\.")
_MORE = re.compile(r"[\w\"]")


def may_fail(access: Access, role: int, caller: int, relation: Relation, operation: Operation) -> str:
    """Returns why the policies of `operation` may make every statement fail, empty where they surely do not.

    `role` is whose privileges count on the tables that the policies read, `caller` who needs EXECUTE.
    """
    catalog = access.catalog
    for policy in access.policies(role, relation, operation):
        for oid in sorted({one.relation for one in policy.columns} - {relation.oid}):
            other = catalog.relations.get(oid)
            if other is None:
                continue
            read = {one.column for one in policy.columns if one.relation == oid} - {0}
            readable = {one.number for one in access.columns(role, other, "SELECT")}
            if not access.on_table(role, other, "SELECT") and not (readable and read <= readable):
                return f'policy "{policy.name}" reads {catalog.identity(other)}, which this role may not'
        for oid in policy.functions:
            function = catalog.functions.get(oid)
            if function is not None and not access.may_call(caller, function):
                return f'policy "{policy.name}" calls {catalog.function_identity(function)}, which this role may not'
        if _reads_itself(access, role, relation, policy):
            return f'policy "{policy.name}" may call itself'
    return ""


def _reads_itself(access: Access, role: int, relation: Relation, policy: Policy) -> bool:
    """Whether the tables that the policy reads lead back, by their own SELECT policies, to where they came from."""
    if _names_in_query(relation, policy):
        return True
    seen = {relation.oid}
    waiting = list(_read_by(policy) - seen)
    while waiting:
        current = access.catalog.relations.get(waiting.pop())
        if current is None or current.oid in seen or not access.rls_applies(role, current):
            continue
        seen.add(current.oid)
        for one in access.policies(role, current, Operation.SELECT):
            read = set(_read_by(one))
            if relation.oid in read or (current.oid in read and _names_in_query(current, one)):
                return True
            waiting.extend(read)
    return False


def _names_in_query(relation: Relation, policy: Policy) -> bool:
    """Whether a subquery of the policy reads its own table; that its columns are read does not tell."""
    text = f"{policy.using or ''} {policy.check or ''}"
    said = text.lower()
    if "select" not in said or relation.name.lower() not in said:
        return False
    names = tuple({relation.name.lower(), ident(relation.name).lower()})
    return any(_stands(names, text, place) for found in _SOURCE.finditer(text) for place in _places(text, found.end()))


def _places(text: str, start: int) -> Iterator[int]:
    """Where the name of a relation may begin, that may have a schema's before it."""
    yield start
    schema = _SCHEMA.match(text, start)
    if schema is not None:
        yield schema.end()


def _stands(names: tuple[str, ...], text: str, place: int) -> bool:
    """Whether one of the names stands at a place of a text, and ends there."""
    return any(
        text[place : place + len(name)].lower() == name and _MORE.match(text, place + len(name)) is None
        for name in names
    )


def _read_by(policy: Policy) -> frozenset[int]:
    return frozenset(one.relation for one in policy.columns)
