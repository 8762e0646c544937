"""extension-in-public: an extension's functions lie in the schema that the API serves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal, remark
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, may_find, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Extension, Function, Schema
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_EXTENSIONS = "extensions"
"""Where Supabase has extensions, which the API does not serve."""
_INTERNAL = "internal"
"""A type whose values only the server makes: functions that take one are not called by anybody else."""
_CANNOT_BE_CALLED = frozenset({"trigger", "event_trigger", _INTERNAL, "language_handler", "fdw_handler"})


def check(case: Case) -> Iterator[Found]:
    """Yields extensions whose functions clients may call by requests to the API."""
    if case.platform is not Platform.SUPABASE:
        return
    for one in case.catalog.snapshot.extensions:
        schema = case.catalog.schemas.get(one.schema)
        # A schema of Supabase's own that is served is a fault of its own.
        if schema is None or case.is_platforms(schema.name):
            continue
        callable_by = [(persona, function) for persona in clients(case) if (function := _callable(case, persona, one))]
        if callable_by and schema.extension is None:
            yield _found(case, one, schema, callable_by)


def moved(case: Case, extension: Extension) -> str:
    """Returns SQL that puts an extension into the schema that Supabase has for them."""
    name = ident(extension.name)
    texts = _naming(case, extension)
    told = remark(f"By its old schema it is named in {listed(texts)}: write that anew.") + "\n" if texts else ""
    if extension.relocatable is False:
        return (
            f"{told}-- It cannot be moved.\ndrop extension {name};\ncreate extension {name} with schema {_EXTENSIONS};"
        )
    return f"{told}alter extension {name} set schema {_EXTENSIONS};"


def _naming(case: Case, extension: Extension) -> list[str]:
    """The project's functions in whose bodies something of the extension stands with its schema."""
    schema = ident(case.catalog.schemas[extension.schema].name)
    parts = [one.name for one in case.catalog.snapshot.functions if one.extension == extension.name]
    named = re.compile(rf"\b{re.escape(schema)}\.(?:{'|'.join(map(re.escape, [*parts, extension.name]))})\b")
    return [
        case.catalog.function_identity(one)
        for one in case.catalog.snapshot.functions
        if one.extension is None and named.search(one.body)
    ]


def _callable(case: Case, persona: Persona, extension: Extension) -> Function | None:
    schema = case.catalog.schemas[extension.schema]
    if sends_sql(case, persona) or not may_find(case, persona, schema):
        return None
    role = case.role(persona).oid
    return next(
        (
            one
            for one in case.catalog.snapshot.functions
            if one.extension == extension.name and one.schema == schema.oid and one.kind == "f"
            if one.returns not in _CANNOT_BE_CALLED and _INTERNAL not in one.arguments
            if case.access.may_call(role, one)
        ),
        None,
    )


def _found(case: Case, extension: Extension, schema: Schema, callable_by: list[tuple[Persona, Function]]) -> Found:
    name, inside = ident(extension.name), ident(schema.name)
    persona, function = callable_by[0]
    query = f"select extversion from pg_extension where extname = {literal(extension.name).strip()}"
    return Found(
        finding(
            RULE,
            ObjectRef("extension", name),
            Who(persona.name, "execute", Reach.ALL, Reach.NONE),
            title=f"Extension {name} is in schema {inside}, which the API serves",
            message=(
                f"{listed([one.name for one, _ in callable_by])} may call its functions by requests to the API, "
                f"{case.catalog.function_identity(function)} for one."
            ),
            evidence=asked_as(case, persona, query, f"in schema {inside}"),
            fix=moved(case, extension),
        )
    )


RULE = Rule(
    id="extension-in-public",
    severity=Severity.LOW,
    summary="An extension is in a schema that the API serves, so that clients call its functions.",
    why=(
        "`POST /rest/v1/rpc/<function>` calls whatever function lies in a served schema and is everybody's to call, as "
        "an extension's functions are. Most do no harm; some are slow on purpose, or read what their version never "
        "thought would be asked by strangers. And its names come before yours, or yours before its own, wherever "
        "public is on a search_path."
    ),
    fix=(
        "Move it to the schema `extensions`, which the API does not serve, and which is on the search_path of the "
        "project's roles. Functions with a search_path of their own have to name it."
    ),
    fine="Where something outside names it by `public.`, and can be changed no more. Suppress the finding.",
    bad=(
        Example("Made by a migration that names no schema", "create extension citext with schema public;"),
        Example("Beside others that are where they belong", "create extension hstore with schema public;"),
    ),
    good=(
        Example("Where extensions belong", "create extension citext with schema extensions;"),
        Example(
            "In a schema that the API does not serve",
            """
            create schema tools;
            create extension citext with schema tools;
            """,
        ),
        Example("What a project comes with", "select 1;"),
    ),
    check=check,
)
