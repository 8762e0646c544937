"""The personas whose roles the project itself made, or made into what they are: those of clients, not of a platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform, is_platforms_role
from rlsaudit.personas import built_in, speaks_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation, Schema
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
"""The privileges on rows."""


def clients(case: Case) -> Iterator[Persona]:
    """Yields the personas, one for each role, without those that are Supabase's own servers and administrators."""
    seen: set[str] = set()
    for one in case.personas:
        theirs = case.platform is Platform.SUPABASE and is_platforms_role(one.role) and built_in(one.role) is None
        if not theirs and one.role not in seen:
            seen.add(one.role)
            yield one


def sends_sql(case: Case, persona: Persona) -> bool:
    """Whether the persona sends SQL of its own: not by the API of Supabase, which has no request for most of it."""
    return case.platform is Platform.POSTGRES or speaks_sql(case.access, persona.role)


def tables(case: Case) -> tuple[Relation, ...]:
    """Returns the project's tables that some persona could address."""
    return tuple(
        one
        for one in case.exposed
        if one.kind in "rp" and one.extension is None and not case.is_platforms(case.catalog.schema_name(one))
    )


def protected_tables(case: Case) -> tuple[Relation, ...]:
    """Returns those of them that have row-level security."""
    return tuple(one for one in tables(case) if one.rls)


def may_touch(case: Case, persona: Persona, relation: Relation) -> bool:
    """Whether the persona's role holds a privilege on rows of the relation, where it can address it."""
    return case.is_exposed(persona, relation) and holds(case, persona, relation)


def holds(case: Case, persona: Persona, relation: Relation) -> bool:
    """Whether the persona's role holds a privilege on rows of the relation, wherever that is."""
    role = case.role(persona).oid
    return any(case.access.on_any_column(role, relation, one) for one in ROWS)


def may_find(case: Case, persona: Persona, schema: Schema) -> bool:
    """Whether the persona can address what is in the schema: it is served, and its role may use it."""
    return schema.name in case.served[persona.name] and case.access.usage(case.role(persona).oid, schema)
