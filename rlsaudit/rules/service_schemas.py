"""service-schemas: clients may schedule jobs, or read queues, that are the server's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function, Relation, Schema
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_CRON, _QUEUES = "cron", "pgmq"
_WRAPPER = "pgmq_public"
"""The schema in which Supabase puts functions over the queues, with their caller's rights, for the API to serve."""
_SCHEDULES = frozenset({"schedule", "schedule_in_database", "alter_job", "unschedule"})
_QUEUE = ("q_", "a_")
_HELD = ("SELECT", "INSERT", "UPDATE", "DELETE")


def check(case: Case) -> Iterator[Found]:
    """Yields what clients may do with jobs and queues, which a new project keeps from them."""
    if case.platform is not Platform.SUPABASE:
        return
    for schema in case.catalog.snapshot.schemas:
        personas = [one for one in clients(case) if case.access.usage(case.role(one).oid, schema)]
        if schema.name == _CRON:
            yield from _jobs(case, schema, personas)
        elif schema.name == _QUEUES:
            yield from _queues(case, schema, personas)


def _is_open(case: Case, personas: list[Persona], *schemas: str) -> bool:
    return any(sends_sql(case, one) or not case.served[one.name].isdisjoint(schemas) for one in personas)


def _jobs(case: Case, schema: Schema, personas: list[Persona]) -> Iterator[Found]:
    functions = [one for one in case.catalog.snapshot.functions if one.schema == schema.oid and one.name in _SCHEDULES]
    able = [
        (one, function)
        for one in personas
        for function in functions
        if case.access.execute(case.role(one).oid, function)
    ]
    if not able:
        return
    who = list(dict.fromkeys(one.role for one, _ in able))
    persona, function = able[0]
    served = _is_open(case, personas, _CRON)
    needs = "" if served else " The API does not serve the schema, so this needs another way to run SQL."
    yield Found(
        finding(
            RULE,
            ObjectRef("schema", ident(schema.name)),
            Who(persona.name, "execute", Reach.ALL, Reach.NONE),
            title="Clients may schedule jobs on the server",
            message=(
                f"{listed(list(dict.fromkeys(one.name for one, _ in able)))} may call "
                f"{case.catalog.function_identity(function)}: a job runs SQL again and again, long after whoever "
                f"made it is gone.{needs}"
            ),
            evidence=asked_as(case, persona, _may_call(case, function), "granted"),
            fix=f"revoke usage on schema {ident(schema.name)} from {_grantees(case, schema, who, able)};",
            severity=Severity.HIGH if served else Severity.MEDIUM,
        )
    )


def _may_call(case: Case, function: Function) -> str:
    identity = case.catalog.function_identity(function)
    schema = case.catalog.schemas[function.schema].name
    return (
        f"select has_schema_privilege({literal(schema).strip()}, 'USAGE') as usage,"
        f" has_function_privilege({literal(identity).strip()}, 'EXECUTE') as execute"
    )


def _grantees(case: Case, schema: Schema, roles: list[str], able: list[tuple[Persona, Function]]) -> str:
    return ", ".join(case.holders([one for one, _ in able], schema.acl, "USAGE") or map(ident, roles))


def _queues(case: Case, schema: Schema, personas: list[Persona]) -> Iterator[Found]:
    open_to = [
        (one, relation)
        for relation in case.catalog.snapshot.relations
        if relation.schema == schema.oid and relation.name.startswith(_QUEUE) and not relation.rls
        for one in personas
        if any(case.access.on_any_column(case.role(one).oid, relation, privilege) for privilege in _HELD)
    ]
    if not open_to:
        return
    queues = list(dict.fromkeys(case.catalog.identity(one) for _, one in open_to))
    persona, relation = open_to[0]
    served = _is_open(case, personas, _QUEUES, _WRAPPER)
    needs = "" if served else " The API serves no way to them, so this needs another way to run SQL."
    held = _privileges(case, persona, relation)
    yield Found(
        finding(
            RULE,
            ObjectRef("schema", ident(schema.name)),
            Who(persona.name, held[0].lower() if len(held) == 1 else "all", Reach.ALL, Reach.NONE),
            title="Clients may read or write queues of messages",
            message=(
                f"{listed(list(dict.fromkeys(one.name for one, _ in open_to)))} may "
                f"{listed([one.lower() for one in held])} any message in {listed(queues)}, which "
                f"{'has' if len(queues) == 1 else 'have'} no row-level security.{needs}"
            ),
            evidence=asked_as(case, persona, holds_on(case, relation, *held, columns="DELETE" not in held), "granted"),
            fix="\n".join(f"alter table {one} enable row level security;" for one in queues),
            relations=queues,
            severity=Severity.HIGH if served else Severity.MEDIUM,
        ),
        case.claims(list({one.oid: one for _, one in open_to}.values())),
    )


def _privileges(case: Case, persona: Persona, relation: Relation) -> tuple[str, ...]:
    role = case.role(persona).oid
    on_table = tuple(one for one in _HELD if case.access.on_table(role, relation, one))
    return on_table or tuple(one for one in _HELD if case.access.on_any_column(role, relation, one))


_QUEUE_MADE = """
            select pgmq.create('mails');
            grant usage on schema pgmq to authenticated;
            grant select, insert, update, delete on pgmq.q_mails to authenticated;"""
_WITH_QUEUES = """
            create schema pgmq;
            create extension pgmq with schema pgmq;"""

RULE = Rule(
    id="service-schemas",
    severity=Severity.HIGH,
    summary="Clients may schedule jobs of pg_cron, or read and write queues of pgmq.",
    why=(
        "Jobs and queues are how a project's server talks to itself. Whoever may schedule a job has SQL run when "
        "nobody looks; whoever may write a queue has the worker behind it act on messages that he made, and whoever "
        "reads it sees everybody's. Supabase grants neither to the API's roles: a migration has."
    ),
    fix=(
        "Revoke the schema from the API's roles. Where clients are to send messages, write a function that asks who "
        "calls and what is sent. Queues that clients read need row-level security, and policies that look into the "
        "message."
    ),
    fine="Queues with row-level security are no finding, and neither is what the server's own role holds.",
    bad=(
        Example(
            "Whoever is signed in schedules jobs",
            "grant usage on schema cron to authenticated;",
            before="create extension pg_cron;",
        ),
        Example("A queue without row-level security", _QUEUE_MADE, before=_WITH_QUEUES),
    ),
    good=(
        Example(
            "Jobs of the server's alone",
            "select cron.schedule('nightly', '0 3 * * *', 'select 1');",
            before="create extension pg_cron;",
        ),
        Example(
            "A queue with row-level security",
            f"""{_QUEUE_MADE}
            alter table pgmq.q_mails enable row level security;
            """,
            before=_WITH_QUEUES,
        ),
        Example("A queue of the server's alone", "select pgmq.create('mails');", before=_WITH_QUEUES),
    ),
    check=check,
)
