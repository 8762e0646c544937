"""truncate-bypass: TRUNCATE empties a table without looking at policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Evidence, Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields tables whose policies TRUNCATE goes around: one by one, or on Supabase all in one."""
    held = [(relation, personas) for relation in case.exposed if (personas := [*_holders(case, relation)])]
    if case.platform is Platform.SUPABASE:
        if held:
            yield _by_default(case, held)
        return
    for relation, personas in held:
        identity = case.catalog.identity(relation)
        yield Found(
            finding(
                RULE,
                case.ref(relation),
                _who(personas),
                title=f"TRUNCATE on {identity} goes around its policies",
                message=(
                    f"{listed([one.name for one in personas])} can empty {identity} with one statement: TRUNCATE does "
                    "not look at policies."
                ),
                evidence=_evidence(case, personas[0], relation),
                fix=f"revoke truncate on {identity} from {', '.join(_grantees(case, personas, relation))};",
                relations=[identity],
                severity=Severity.HIGH,
            )
        )


def _by_default(case: Case, held: list[tuple[Relation, list[Persona]]]) -> Found:
    schemas = list(dict.fromkeys(case.catalog.schema_name(one) for one, _ in held))
    personas = [one for one in case.personas if any(one in some for _, some in held)]
    grantees = list(dict.fromkeys(name for one, some in held for name in _grantees(case, some, one)))
    tables = f"{len(held)} {'table' if len(held) == 1 else 'tables'}"
    in_schemas = ", ".join(ident(one) for one in schemas)
    return Found(
        finding(
            RULE,
            ObjectRef("schema", ident(schemas[0])),
            _who(personas),
            title=f"TRUNCATE is granted on {tables}",
            message=(
                f"{listed([one.name for one in personas])} hold TRUNCATE on {tables} with row-level security, as a "
                "Supabase project grants it by default. TRUNCATE does not look at policies. The API has no request for "
                "it, so this needs another way to run SQL, such as an injection in a function."
            ),
            evidence=_evidence(case, held[0][1][0], held[0][0]),
            fix=f"revoke truncate on all tables in schema {in_schemas} from {', '.join(grantees)};",
            relations=[case.catalog.identity(one) for one, _ in held],
            severity=Severity.INFO,
        )
    )


def _holders(case: Case, relation: Relation) -> Iterator[Persona]:
    if (
        relation.kind not in "rp"
        or relation.extension is not None
        or case.is_platforms(case.catalog.schema_name(relation))
    ):
        return
    for persona in case.personas:
        role = case.role(persona).oid
        # Whoever owns the table could drop it as well.
        if not case.is_exposed(persona, relation) or case.access.roles.acts_as(role, relation.owner):
            continue
        if case.access.on_table(role, relation, "TRUNCATE") and case.access.rls_applies(role, relation):
            yield persona


def _grantees(case: Case, personas: list[Persona], relation: Relation) -> tuple[str, ...]:
    named = case.holders(personas, relation.acl, "TRUNCATE")
    return named or tuple(ident(one.role) for one in personas)


def _who(personas: list[Persona]) -> Who:
    return Who(personas[0].name if len(personas) == 1 else "public", "truncate", Reach.ALL, Reach.NONE)


def _evidence(case: Case, persona: Persona, relation: Relation) -> Evidence:
    return asked_as(case, persona, holds_on(case, relation, "TRUNCATE"), "granted; RLS on")


RULE = Rule(
    id="truncate-bypass",
    severity=Severity.HIGH,
    summary="A role that policies apply to may TRUNCATE the table, which no policy stops.",
    why=(
        "TRUNCATE asks for the privilege alone. A log that nobody may delete from, by its policies, is emptied by one "
        "statement. PostgREST has no request that becomes a TRUNCATE, so on Supabase, where it is granted by default, "
        "this is a fact to know; where clients speak SQL it is a hole."
    ),
    fix="Revoke TRUNCATE, and take it out of the default privileges, so that new tables do not get it again.",
    fine="A role that empties tables for a living, such as one that loads data. Suppress the finding for that table.",
    bad=(
        Example(
            "`grant all` on plain Postgres",
            """
            create table public.audit_log (id bigint primary key, who name not null default current_user, what text);
            alter table public.audit_log enable row level security;
            create policy own on public.audit_log for select using (who = current_user);
            grant all on public.audit_log to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Through PUBLIC",
            """
            create table public.audit_log (id bigint primary key, who name not null default current_user, what text);
            alter table public.audit_log enable row level security;
            grant truncate on public.audit_log to public;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "What a Supabase project grants by default: one finding for all tables, and only to know",
            """
            create table public.audit_log (id bigint primary key, user_id uuid, what text);
            alter table public.audit_log enable row level security;
            """,
        ),
    ),
    good=(
        Example(
            "The privileges that the application needs",
            """
            create table public.audit_log (id bigint primary key, who name not null default current_user, what text);
            alter table public.audit_log enable row level security;
            create policy own on public.audit_log using (who = current_user) with check (who = current_user);
            grant select, insert on public.audit_log to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Without row-level security there is nothing to go around",
            """
            create table public.staging (id bigint primary key, payload jsonb);
            grant all on public.staging to loader;
            """,
            platform=Platform.POSTGRES,
            roles=("loader",),
        ),
        Example(
            "A role that owns the table, and could drop it",
            """
            create table public.notes (id bigint primary key, who name not null default current_user);
            alter table public.notes owner to notes_owner;
            alter table public.notes enable row level security;
            alter table public.notes force row level security;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_owner",),
        ),
        Example(
            "Revoked",
            """
            create table public.audit_log (id bigint primary key, user_id uuid, what text);
            alter table public.audit_log enable row level security;
            revoke truncate on public.audit_log from anon, authenticated;
            """,
        ),
    ),
    check=check,
)
