"""exposed-schema: the API serves a schema of Supabase's own, which is not made for clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rlsaudit.catalog.platform import API_LOGIN, SUPABASE_SYSTEM_SCHEMAS, Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal, remark
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, may_find, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog.facts import Schema
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_SERVED_ANYWAY = frozenset({"storage", "graphql_public"})
_TOLD = frozenset({"net"})
"""Schemas of which ssrf-file tells what may be called there."""
_ACTS: Final[Mapping[str, str]] = {
    "cron": "jobs of the server's",
    "pgmq": "queues of messages",
    "supabase_functions": "webhooks, with what their requests carry",
}
"""What clients get at in a schema whose functions do more than look something up."""


def check(case: Case) -> Iterator[Found]:
    """Yields schemas of Supabase's own that the API serves, and in which a persona may do something."""
    if case.platform is not Platform.SUPABASE:
        return
    for schema in case.catalog.snapshot.schemas:
        if schema.name not in SUPABASE_SYSTEM_SCHEMAS - _SERVED_ANYWAY - _TOLD or schema.name in case.intent.schemas:
            continue
        personas = [
            one
            for one in clients(case)
            if not sends_sql(case, one) and may_find(case, one, schema) and _does(case, one, schema)
        ]
        if personas:
            yield _found(case, schema, personas)


def _does(case: Case, persona: Persona, schema: Schema) -> bool:
    role = case.role(persona).oid
    functions = any(
        one.schema == schema.oid and one.kind == "f" and case.access.may_call(role, one)
        for one in case.catalog.snapshot.functions
    )
    return functions or any(
        one.schema == schema.oid and one.kind != "S" and case.access.on_any_column(role, one, "SELECT")
        for one in case.catalog.snapshot.relations
    )


def _found(case: Case, schema: Schema, personas: list[Persona]) -> Found:
    name = ident(schema.name)
    acts = _ACTS.get(schema.name)
    what = f": {acts}" if acts else ", and what the next version of Supabase puts there"
    query = f"select has_schema_privilege({literal(schema.name).strip()}, 'USAGE') as usage"
    return Found(
        finding(
            RULE,
            ObjectRef("schema", name),
            Who(personas[0].name, "usage", Reach.ALL, Reach.NONE),
            title=f"The API serves schema {name}",
            message=(
                f"{listed([one.name for one in personas])} can call functions and read tables in {name} by requests "
                f"to the API, as far as they are granted{what}."
            ),
            evidence=asked_as(case, personas[0], query, "granted; the API serves the schema"),
            fix=_unserved(case, schema),
            severity=Severity.HIGH if acts else Severity.MEDIUM,
        )
    )


def _unserved(case: Case, schema: Schema) -> str:
    """Where the database says which schemas are served, it can say otherwise; else it is a setting of the project's."""
    api = case.catalog.roles_by_name.get(API_LOGIN)
    for one in case.catalog.snapshot.role_settings:
        if one.name == _SETTING and api is not None and one.role == api.oid and one.value:
            left = [name for part in one.value.split(",") if (name := part.strip()) not in {"", schema.name}]
            wanted = literal(", ".join(left)).strip()
            where = f"alter role {ident(API_LOGIN)}"
            reload = "notify pgrst, 'reload config';"
            if not one.this_database:
                return f"{where} set {_SETTING} = {wanted};\n{reload}"
            made = f"execute format('{where} in database %I set {_SETTING} = %L', current_database(), {wanted});"
            return f"do $$ begin\n  {made}\nend $$;\n{reload}"
    return remark(
        f"Take {schema.name} out of the exposed schemas: Project Settings, Data API, or [api].schemas of"
        " supabase/config.toml."
    )


_SETTING = "pgrst.db_schemas"


def _served(names: str) -> str:
    return f"""
            do $$ begin
              execute format(
                'alter role authenticator in database %I set pgrst.db_schemas = %L', current_database(), '{names}'
              );
            end $$;"""


RULE = Rule(
    id="exposed-schema",
    severity=Severity.HIGH,
    summary="The API serves a schema of Supabase's own that is not made for clients.",
    why=(
        "What is served is an address: `POST /rest/v1/rpc/<function>` with the header `Content-Profile: extensions` "
        "calls whatever is there. Supabase grants functions and tables in its own schemas to the API's roles or to "
        "PUBLIC, because nobody addresses them; serving the schema takes that away. What pg_net's schema opens is "
        "told by ssrf-file."
    ),
    fix="Serve `public` and schemas of your own only. Wrap what clients need in a function there that asks who calls.",
    fine="Where it is meant, name the schema in the intent file's `schemas`. What is granted to nobody is no finding.",
    bad=(
        Example("Functions of extensions", _served("public, extensions")),
        Example("What authentication is made of", _served("public, auth")),
    ),
    good=(
        Example("As a new project has it", "select 1;"),
        Example(
            "A schema of the project's own",
            f"""
            create schema api;
            grant usage on schema api to anon, authenticated;
            create function api.version() returns text language sql immutable as 'select ''1''';{_served("public, api")}
            """,
        ),
        Example("Nothing is granted there", _served("public, vault")),
    ),
    check=check,
)
