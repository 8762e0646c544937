"""event-trigger: functions that run when somebody changes the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients
from rlsaudit.rules.rule import Example, Found, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import EventTrigger, Function
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_OFF = "D"


def check(case: Case) -> Iterator[Found]:
    """Yields event triggers of the project's own, and how grave it is who may change what they run."""
    for one in case.catalog.snapshot.event_triggers:
        function = case.catalog.functions.get(one.function)
        if function is None or one.enabled == _OFF or function.extension is not None:
            continue
        if case.personas and not case.is_platforms(case.catalog.schemas[function.schema].name):
            changes = next((persona for persona in clients(case) if _changes(case, persona, function)), None)
            yield _found(case, one, function, changes)


def _changes(case: Case, persona: Persona, function: Function) -> bool:
    role = case.role(persona)
    return not role.superuser and case.access.roles.acts_as(role.oid, function.owner)


def _found(case: Case, trigger: EventTrigger, function: Function, changes: Persona | None) -> Found:
    name, identity = ident(trigger.name), case.catalog.function_identity(function)
    owned = ""
    if changes is not None:
        owned = (
            f" {changes.name} owns the function and may put into it what it likes: it then runs with the rights of "
            "whoever changes the schema next."
        )
    query = f"select evtevent from pg_event_trigger where evtname = {literal(trigger.name).strip()}"
    return Found(
        finding(
            RULE,
            ObjectRef("trigger", name),
            Who(changes.name if changes else "public", "all", Reach.ALL if changes else Reach.NONE, Reach.NONE),
            title=f"Event trigger {name} runs {identity} when the schema changes",
            message=f"On {trigger.event} the server calls {identity}, as whoever changes the schema.{owned}",
            evidence=asked_as(case, changes or case.personas[0], query, trigger.event),
            fix=(
                f"alter function {identity} owner to {ident(case.access.name(_database_owner(case)))};"
                if changes is not None
                else f"-- If nobody knows what it is for:\ndrop event trigger {name};"
            ),
            severity=Severity.HIGH if changes is not None else Severity.INFO,
        )
    )


def _database_owner(case: Case) -> int:
    return case.catalog.snapshot.server.database_owner


RULE = Rule(
    id="event-trigger",
    severity=Severity.HIGH,
    summary="An event trigger runs a function whenever somebody changes the schema.",
    why=(
        "It runs with the rights of whoever runs the migration, mostly those of a superuser or of whoever owns "
        "everything. Whoever may change the function waits for the next migration. Some revoke grants or enable "
        "row-level security on new tables, and then the catalog that is audited depends on them."
    ),
    fix="Let the function belong to the role that made the event trigger, with a search_path of its own.",
    fine="A function that no client owns is of level info: something to know when grants come and go by themselves.",
    bad=(
        Example(
            "The application owns what migrations run",
            """
            create function public.note_change() returns event_trigger language plpgsql as 'begin end';
            alter function public.note_change() owner to shop_app;
            create event trigger note_change on ddl_command_end execute function public.note_change();
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Something to know",
            """
            create function public.note_change() returns event_trigger language plpgsql as 'begin end';
            create event trigger note_change on ddl_command_end execute function public.note_change();
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example(
            "Disabled",
            """
            create function public.note_change() returns event_trigger language plpgsql as 'begin end';
            create event trigger note_change on ddl_command_end execute function public.note_change();
            alter event trigger note_change disable;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "A function that nothing runs",
            "create function public.note_change() returns event_trigger language plpgsql as 'begin end';",
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example("What a Supabase project comes with", "select 1;"),
    ),
    check=check,
)
