"""Who may call a function that is not meant for them, and the evidence for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, EvidenceKind
from rlsaudit.names import literal
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules.clients import sends_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def callers(case: Case, wanted: Callable[[Function], bool]) -> Iterator[tuple[Function, list[Persona]]]:
    """Yields the project's functions that are `wanted`, each with the personas that may call it and are not meant to.

    Whoever acts as the owner of a function that runs as its owner gains nothing by it.
    """
    found: dict[int, tuple[Function, list[Persona]]] = {}
    for persona in case.personas:
        role = case.role(persona).oid
        for function in case.indirect.callable_by(persona):
            own = function.security_definer and case.access.roles.acts_as(role, function.owner)
            if (
                wanted(function)
                and is_served(case, function, persona)
                and not own
                and not is_meant(case, function, persona)
            ):
                found.setdefault(function.oid, (function, []))[1].append(persona)
    yield from found.values()


def is_served(case: Case, function: Function, persona: Persona) -> bool:
    """Whether the persona can call what it holds the privilege for: the API has no request for a procedure."""
    return function.kind == "f" or sends_sql(case, persona)


def is_meant(case: Case, function: Function, persona: Persona) -> bool:
    """Whether a call is meant: of what is the platform's, or by the intent."""
    if case.is_platforms(case.catalog.schemas[function.schema].name):
        return True
    return case.intent.function_allowed(case.catalog.function_identity(function), persona.name, role=persona.role)


def may_call(case: Case, persona: Persona, function: Function, result: str) -> Evidence:
    """Returns what the catalog says of the persona's right to call a function, with what its body is."""
    name = literal(case.catalog.function_identity(function)).strip()
    query = (
        f"select pg_catalog.has_function_privilege({name}, 'EXECUTE') as granted,"
        f" pg_catalog.pg_get_functiondef({name}::regprocedure)"
    )
    made = settings(case.catalog, case.platform, persona)
    return Evidence(EvidenceKind.CATALOG, transcript(made, query), result)


def revoke(case: Case, function: Function, personas: list[Persona]) -> str:
    """Returns the statement that takes from the personas the right to call a function."""
    kind = "procedure" if function.kind == "p" else "function"
    holders = ", ".join(case.holders(personas, function.acl, "EXECUTE")) or "public"
    return f"revoke execute on {kind} {case.catalog.function_identity(function)} from {holders};"
