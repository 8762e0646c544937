"""Policies that a fix writes: whose rows they are, in the words that the project itself has for that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.catalog.platform import FILES, USERS, Platform
from rlsaudit.model import Operation, Reach
from rlsaudit.names import ident
from rlsaudit.policy.decide import decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.catalog.facts import Column, Policy, Relation
    from rlsaudit.rules.case import Case

_FOREIGN_KEY = "f"
_ASKED = "(select auth.uid())"
_TEXTS = frozenset({"text", "character varying"})
Asked: TypeAlias = frozenset[tuple[str, tuple[object, ...]]]
"""Columns by their names, and what those stand for."""
_PLAINEST = ("user_id", "owner_id")
"""Where several columns name users, whose row it is these say, if any does."""


def own_rows(case: Case, relation: Relation) -> str | None:
    """Returns the condition of a row's being the caller's own; None where it cannot be known whose rows they are.

    On Supabase a column tells that names a user. Else it is a condition that the project has on another table, over a
    column of the same name and type.
    """
    if case.platform is Platform.SUPABASE:
        schema = case.catalog.schema_name(relation)
        if (schema, relation.name) == FILES:
            return f"owner_id = {_ASKED}::text"
        column = None if case.is_platforms(schema) else _owner(case, relation)
        if column is not None:
            return f"{_asked(column)} = {ident(column.name)}"
    return next(_elsewhere(case, relation), None)


def owner_column(case: Case, relation: Relation) -> Column | None:
    """Returns the column that names the user whose row it is; None where none does, or several do."""
    return _owner(case, relation) if case.platform is Platform.SUPABASE else None


def is_callers(column: Column, called: str) -> str:
    """Returns the condition of a row's being the caller's own by that column, in a query that calls its table so."""
    return f"{ident(called)}.{ident(column.name)} = {_asked(column)}"


def _asked(column: Column) -> str:
    return f"{_ASKED}::text" if column.type in _TEXTS else _ASKED


def of_member(case: Case, relation: Relation, tables: Iterable[Relation]) -> str | None:
    """Returns the condition of a row's belonging to what the caller is a member of; None where none of the tables says.

    A table says that in which a column names users, and another one refers to what the relation refers to as well.
    """
    mine = {_meaning(case, relation, one): one for one in case.catalog.columns[relation.oid]}
    for table in tables:
        user = owner_column(case, table)
        for one in case.catalog.columns[table.oid] if user is not None else ():
            shared = mine.get(meant) if (meant := _meaning(case, table, one)) else None
            if user is not None and shared is not None and meant != _meaning(case, table, user):
                return (
                    f"{ident(shared.name)} in (select m.{ident(one.name)} from {case.catalog.identity(table)} m"
                    f" where {is_callers(user, 'm')})"
                )
    return None


def of_member_by_way(case: Case, relation: Relation, tables: Iterable[Relation]) -> str | None:
    """Returns the same, or the condition of a row's referring to one that belongs to what the caller is a member of."""
    tables = tuple(tables)
    if (direct := of_member(case, relation, tables)) is not None:
        return direct
    names = {one.number: one.name for one in case.catalog.columns[relation.oid]}
    for key in case.catalog.constraints[relation.oid]:
        other = case.catalog.relations.get(key.foreign_relation) if key.kind == _FOREIGN_KEY else None
        if other is None or len(key.columns) > 1:
            continue
        beside = of_member(case, other, tables)
        if beside is not None:
            referred = next(one.name for one in case.catalog.columns[other.oid] if one.number == key.foreign_columns[0])
            return (
                f"{ident(names[key.columns[0]])} in (select t.{ident(referred)} from {case.catalog.identity(other)} t"
                f" where {beside})"
            )
    return None


def own_policies(case: Case, relation: Relation) -> str | None:
    """Returns SQL of policies by which everybody keeps what is meant: own rows, and any rows where all are.

    None where something is meant to be the caller's own, and it cannot be known whose rows they are.
    """
    wanted = _meant(case, relation)
    owned = {role: done for role, reaches in wanted.items() if (done := _of(reaches, Reach.OWN))}
    condition = own_rows(case, relation) if owned else None
    if owned and condition is None:
        return None
    policies: dict[tuple[str, str, str], list[str]] = {}
    for role, operations in owned.items():
        for operation in ["all"] if len(operations) == len(Operation) else [one.value for one in operations]:
            name = f"own {relation.name}" if operation == "all" else f"{operation} own {relation.name}"
            policies.setdefault((name, operation, condition or ""), []).append(role)
    for role, reaches in wanted.items():
        for one in _of(reaches, Reach.ALL):
            policies.setdefault((f"{one.value} any {relation.name}", one.value, "true"), []).append(role)
    return "\n".join(
        _policy(case, relation, name, operation, roles, condition)
        for (name, operation, condition), roles in policies.items()
    )


def _of(reaches: Mapping[Operation, Reach], reach: Reach) -> list[Operation]:
    return [operation for operation, one in reaches.items() if one is reach]


def _meant(case: Case, relation: Relation) -> dict[str, dict[Operation, Reach]]:
    """By role, how far the personas that have it are meant to get where they get anywhere now, least of all first."""
    found: dict[str, dict[Operation, Reach]] = {}
    identity = case.catalog.identity(relation)
    for persona in case.personas:
        for operation in Operation:
            if case.addressed(persona, relation, operation) is not Reach.NONE:
                meant = case.intent.intended(persona.name, persona.role, identity, operation, protected=True)
                reaches = found.setdefault(persona.role, {})
                reaches[operation] = min(reaches.get(operation, meant), meant)
    return found


def _policy(case: Case, relation: Relation, name: str, operation: str, roles: list[str], condition: str) -> str:
    clauses = {
        "insert": f"with check ({condition})",
        "select": f"using ({condition})",
        "delete": f"using ({condition})",
    }.get(operation, f"using ({condition}) with check ({condition})")
    command = "" if operation == "all" else f" for {operation}"
    listed = ", ".join(map(ident, roles))
    called = ident(free_name(case, relation, f"{name}"[:_LONGEST]))
    return f"create policy {called} on {case.catalog.identity(relation)}{command} to {listed} {clauses};"


_LONGEST = 50
"""Characters of a policy's name: more than Postgres keeps would be cut there."""


def free_name(case: Case, relation: Relation, name: str) -> str:
    """Returns a name for a policy of the relation: this one, or with a number where there is one of that name."""
    taken = {one.name for one in case.catalog.policies[relation.oid]}
    return next(one for one in (name, *(f"{name} {number}" for number in range(2, len(taken) + 3))) if one not in taken)


def _owner(case: Case, relation: Relation) -> Column | None:
    """The column that names the user whose row it is; None where none does, or several do."""
    columns = case.catalog.columns[relation.oid]
    fitting = [one for one in columns if one.type == "uuid" or one.type in _TEXTS]
    users = case.catalog.relations_by_name.get(USERS)
    referring = {
        one.columns[0]
        for one in case.catalog.constraints[relation.oid]
        if one.kind == _FOREIGN_KEY and users is not None and one.foreign_relation == users.oid and one.columns
    }
    found = [one for one in fitting if one.number in referring]
    named = [one for one in fitting if case.intent.names_owner(one.name) and not _is_of_others(case, relation, one)]
    found = found or [one for one in named if one.type == "uuid"] or named
    plain = [one for name in _PLAINEST for one in found if one.name == name]
    return plain[0] if plain else found[0] if len(found) == 1 else None


def _is_of_others(case: Case, relation: Relation, column: Column) -> bool:
    """Whether a column refers to rows that make ids of their own, as customers have: no user's id is one.

    What is called by the id of its user, as profiles are, does not.
    """
    for key in case.catalog.constraints[relation.oid]:
        if key.kind == _FOREIGN_KEY and key.columns == (column.number,):
            aimed = case.catalog.columns[key.foreign_relation]
            refers = any(
                one.kind == _FOREIGN_KEY and one.columns == key.foreign_columns
                for one in case.catalog.constraints[key.foreign_relation]
            )
            if not refers and any(one.number in key.foreign_columns and one.default for one in aimed):
                return True
    return False


def _elsewhere(case: Case, relation: Relation) -> Iterator[str]:
    """Conditions by which rows of another table are somebody's own, over columns that this one has as well."""
    columns = {(one.name, _meaning(case, relation, one)) for one in case.catalog.columns[relation.oid]}
    for other, policy, asked in case.telling_whose:
        using = policy.using
        if using and other.oid != relation.oid and asked <= columns and _is_own(case, other, policy, using):
            outer = re.compile(rf"(?<![\w.\"]){re.escape(ident(other.name))}\.")
            yield outer.sub(lambda _: f"{ident(relation.name)}.", using)


def telling_whose(case: Case) -> Iterator[tuple[Relation, Policy, Asked]]:
    """Yields the policies that may tell whose a row is, each with its table and what the columns stand for it asks."""
    for relation in case.exposed:
        if not relation.rls or relation.kind not in "rp":
            continue
        columns = {one.number: one for one in case.catalog.columns[relation.oid]}
        for policy in case.catalog.policies[relation.oid]:
            used = [
                columns[one.column] for one in policy.columns if one.relation == relation.oid and one.column in columns
            ]
            asked = frozenset((one.name, _meaning(case, relation, one)) for one in used)
            if asked and policy.permissive and policy.using and all(meaning for _, meaning in asked):
                yield relation, policy, asked


def _meaning(case: Case, relation: Relation, column: Column) -> tuple[object, ...]:
    """What a column of that name stands for, as far as another table's can be told to be the same; empty if unknown.

    It refers to the same table, or is called as whoever owns a row is. Keys are all called `id`, of different things.
    """
    for one in case.catalog.constraints[relation.oid]:
        if one.kind == _FOREIGN_KEY and one.columns == (column.number,) and column.name != "id":
            return (column.type, one.foreign_relation, one.foreign_columns)
    owns = case.intent.names_owner(column.name) or case.intent.names_tenant(column.name)
    return (column.type, column.name) if owns else ()


def _is_own(case: Case, other: Relation, policy: Policy, using: str) -> bool:
    """Whether somebody's own rows, and no others, pass the policy."""
    reaches = {
        decide(case.predicates.alone(persona, other, using)).at_most
        for persona in case.personas
        if policy in case.access.policies(case.role(persona).oid, other, Operation.SELECT)
    }
    return Reach.OWN in reaches and reaches <= {Reach.NONE, Reach.OWN}
