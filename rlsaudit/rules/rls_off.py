"""rls-off: a table that the API serves, without row-level security."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.catalog.protection import is_protected
from rlsaudit.model import Severity
from rlsaudit.reach.family import descendants
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.ownership import own_policies
from rlsaudit.rules.realtime_publication import published_aside
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields tables without RLS that a persona reaches further than intended."""
    for relation in case.exposed:
        if relation.kind not in "rp" or relation.rls or relation.extension is not None or case.is_auth(relation):
            continue
        # With policies it is policy-but-rls-off, below a protected parent child-direct.
        if is_protected(case.catalog, relation):
            continue
        cells = [one for one in case.beyond(relation) if case.way(one, relation).at_least > one.intended]
        if not cells:
            continue
        identity = case.catalog.identity(relation)
        yield Found(
            finding(
                RULE,
                case.ref(relation),
                worst(cells),
                title=f"Table {identity} has no row-level security",
                message=(
                    f"{who_can(cells)}: the role holds the privilege, and without RLS nothing else is asked."
                    f"{published_aside(case, relation)}"
                ),
                evidence=case.evidence(cells, relation),
                fix=_fix(case, relation),
                relations=[identity],
            ),
            case.claims([relation]),
        )


def _fix(case: Case, relation: Relation) -> str:
    """Without policies nobody is let in; where it is known whose rows they are, each keeps its own."""
    tables = [relation, *(one for one in descendants(case.catalog, relation) if not one.rls and one.kind in "rp")]
    lines = [f"alter table {case.catalog.identity(one)} enable row level security;" for one in tables]
    if case.platform is Platform.POSTGRES:
        # Policies do not stop it, and where clients speak SQL that matters.
        holders = case.holders(case.personas, relation.acl, "TRUNCATE")
        lines += [f"revoke truncate on {case.catalog.identity(relation)} from {', '.join(holders)};"] if holders else []
    policies = own_policies(case, relation)
    return "\n".join([*lines, *([policies] if policies else [])])


RULE = Rule(
    id="rls-off",
    severity=Severity.CRITICAL,
    summary="A table that the API serves has no row-level security.",
    why=(
        "Whoever has the key in the browser's bundle sends `GET /rest/v1/<table>?select=*` and has every row; with the "
        "privileges that new tables get by default, `POST`, `PATCH` and `DELETE` work as well."
    ),
    fix=(
        "Enable row-level security. From then on nobody reads or writes the table through the API until a policy says "
        "who may, so write the policies in the same migration."
    ),
    fine=(
        "A lookup table that everybody may read. Better enable RLS with a policy that says so; or declare the reach in "
        "the intent file."
    ),
    bad=(
        Example(
            "A table as `create table` leaves it",
            "create table public.clients (id bigint primary key, user_id uuid, name text, email text);",
        ),
        Example(
            "Made by `create table as`, readable through PUBLIC alone",
            """
            create table public.backup as select 1 as id, 'a@example.com'::text as email;
            revoke all on public.backup from anon, authenticated;
            grant select on public.backup to public;
            """,
        ),
    ),
    good=(
        Example(
            "Enabled, with a policy for the owner",
            """
            create table public.clients (id bigint primary key, user_id uuid, name text, email text);
            alter table public.clients enable row level security;
            create policy "own clients" on public.clients to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "Without a grant nobody reaches it",
            """
            create table public.jobs (id bigint primary key, payload jsonb);
            revoke all on public.jobs from anon, authenticated;
            """,
        ),
        Example(
            "In a schema that the API does not serve",
            """
            create schema private;
            create table private.jobs (id bigint primary key, payload jsonb);
            """,
        ),
        Example(
            "A list that everybody is meant to read, and nobody may write",
            """
            create table public.countries (code text primary key, name text);
            revoke insert, update, delete on public.countries from anon, authenticated;
            """,
            intent='[zones]\npublic = ["public.countries"]\n',
        ),
    ),
    check=check,
)
