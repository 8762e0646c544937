"""rls-no-policy: tables of users' rows with row-level security that no policy opens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, may_touch, protected_tables
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_MOST_NAMED = 5


def check(case: Case) -> Iterator[Found]:
    """Yields for each schema the tables whose rows are somebody's, and that no policy opens to anybody."""
    closed: dict[str, list[Relation]] = {}
    first: dict[str, Persona] = {}
    for relation in protected_tables(case):
        persona = next((one for one in clients(case) if _is_kept_out(case, one, relation)), None)
        # A partition is reached by its parent, whose policies decide.
        if persona is None or relation.partition or any(one.permissive for one in case.catalog.policies[relation.oid]):
            continue
        # What nobody's rows are in is the server's own, as a rule, and closed on purpose.
        if not case.owner_columns(relation):
            continue
        schema = case.catalog.schema_name(relation)
        closed.setdefault(schema, []).append(relation)
        first.setdefault(schema, persona)
    for schema, relations in closed.items():
        yield _found(case, schema, relations, first[schema])


def _is_kept_out(case: Case, persona: Persona, relation: Relation) -> bool:
    return may_touch(case, persona, relation) and case.access.rls_applies(case.role(persona).oid, relation)


def _found(case: Case, schema: str, relations: list[Relation], persona: Persona) -> Found:
    identities = [case.catalog.identity(one) for one in relations]
    more = len(identities) - _MOST_NAMED
    named = listed([*identities[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
    has, it = ("has", "it") if len(identities) == 1 else ("have", "them")
    limited = [case.catalog.identity(one) for one in relations if case.catalog.policies[one.oid]]
    query = (
        "select c.relrowsecurity as rls,"
        " not exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive) as no_policy"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        f" where n.nspname = {literal(schema).strip()} and c.relname = {literal(relations[0].name).strip()}"
    )
    return Found(
        finding(
            RULE,
            ObjectRef("schema", ident(schema)),
            Who("public", "all", Reach.NONE, Reach.OWN),
            title=f"{len(identities)} {'table' if len(identities) == 1 else 'tables'} with RLS and without a policy",
            message=(
                f"{named} {has} row-level security and no policy that lets anybody in: roles without BYPASSRLS read "
                f"nothing of {it} and write nothing. Columns say whose rows these are: perhaps a policy is missing."
                + (f" The policies of {listed(limited)} are restrictive, and let nobody in." if limited else "")
            ),
            evidence=asked_as(case, persona, query, "RLS on, no permissive policy"),
            fix=(
                "-- Say who may reach the rows by `create policy`, or that nobody is meant to:\n"
                f"revoke all on {', '.join(identities)} from {', '.join(_holders(case, relations))};"
            ),
            relations=identities,
        )
    )


def _holders(case: Case, relations: list[Relation]) -> list[str]:
    privileges = ("SELECT", "INSERT", "UPDATE", "DELETE")
    personas = list(clients(case))
    found = dict.fromkeys(
        name for one in relations for privilege in privileges for name in case.holders(personas, one.acl, privilege)
    )
    return list(found) or ["public"]


RULE = Rule(
    id="rls-no-policy",
    severity=Severity.INFO,
    summary="Tables that name whose rows they hold have row-level security and no policy, so that nobody gets any.",
    why=(
        "Nothing is open: without a policy row-level security lets nobody in but owners and roles with BYPASSRLS, and "
        "restrictive policies only take away from what permissive ones let in. Where clients were meant to use the "
        "table, they get empty answers and no error, which is hard to find. Where only the server is, the grants to "
        "clients say something else than what is meant, and one careless policy opens the table."
    ),
    fix="Write the policies, or revoke the privileges of clients, so that the catalog says what is meant.",
    fine=(
        "Tables that only the server's role uses: without a column that names a user or a tenant they are no finding. "
        "It is a fact to know, of level info, one for each schema."
    ),
    bad=(
        Example(
            "Enabled, and then nothing",
            """
            create table public.jobs (id bigint primary key, user_id uuid, payload jsonb);
            alter table public.jobs enable row level security;
            """,
        ),
        Example(
            "A restrictive policy alone lets nobody in",
            """
            create table public.jobs (id bigint primary key, user_id uuid, payload jsonb);
            alter table public.jobs enable row level security;
            create policy own on public.jobs as restrictive to authenticated using ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "On plain Postgres",
            """
            create table public.jobs (id bigint primary key, tenant_id text, payload jsonb);
            alter table public.jobs enable row level security;
            grant select, insert on public.jobs to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example(
            "With a policy",
            """
            create table public.jobs (id bigint primary key, user_id uuid, payload jsonb);
            alter table public.jobs enable row level security;
            create policy own on public.jobs for select to authenticated using ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "Nothing is granted to clients",
            """
            create table public.jobs (id bigint primary key, user_id uuid, payload jsonb);
            alter table public.jobs enable row level security;
            revoke all on public.jobs from anon, authenticated;
            """,
        ),
        Example(
            "A table of the server's own",
            """
            create table public.webhooks (id bigint primary key, payload jsonb);
            alter table public.webhooks enable row level security;
            """,
        ),
        Example(
            "In a schema that the API does not serve",
            """
            create schema internal;
            create table internal.jobs (id bigint primary key, user_id uuid, payload jsonb);
            alter table internal.jobs enable row level security;
            """,
        ),
    ),
    check=check,
)
