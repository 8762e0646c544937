"""policy-but-rls-off: policies that Postgres ignores, because row-level security was never enabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Severity
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.realtime_publication import published_aside
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields tables that have policies and no RLS, where a persona reaches further than intended."""
    for relation in case.exposed:
        policies = case.catalog.policies[relation.oid]
        if relation.kind not in "rp" or relation.rls or not policies or relation.extension is not None:
            continue
        cells = [one for one in case.beyond(relation) if case.way(one, relation).at_least > one.intended]
        if not cells:
            continue
        identity = case.catalog.identity(relation)
        # Its partitions are as open as the table itself; policies of their own make them a finding of their own.
        parts = list(_unprotected_children(case, relation))
        names = [identity, *(case.catalog.identity(one) for one in parts)]
        ignored = listed([f'"{one.name}"' for one in policies])
        yield Found(
            finding(
                RULE,
                case.ref(relation),
                worst(cells),
                title=f"Table {identity} has policies, but row-level security is off",
                message=(
                    f"{who_can(cells)}: Postgres ignores {ignored} until row-level security is enabled."
                    f"{published_aside(case, relation)}"
                ),
                evidence=case.evidence(cells, relation),
                fix="\n".join(f"alter table {name} enable row level security;" for name in names),
                relations=names,
            ),
            case.claims([relation, *parts]),
        )


def _unprotected_children(case: Case, relation: Relation) -> Iterator[Relation]:
    waiting, seen = list(case.catalog.children[relation.oid]), set[int]()
    while waiting:
        oid = waiting.pop(0)
        child = case.catalog.relations.get(oid)
        if child is None or oid in seen:
            continue
        seen.add(oid)
        waiting.extend(case.catalog.children[oid])
        if child.kind in "rp" and not child.rls and not case.catalog.policies[oid]:
            yield child


RULE = Rule(
    id="policy-but-rls-off",
    severity=Severity.CRITICAL,
    summary="A table has policies, but row-level security is not enabled, so they do nothing.",
    why=(
        "The policies look like protection, in the dashboard as in the migration, and Postgres does not look at them. "
        "Whoever has the key in the browser's bundle has the rights that the grants give: as a rule, all of them."
    ),
    fix="Enable row-level security. The policies are there already: check that they say what you want.",
    fine="Hardly ever. If the table is meant to be open, drop the policies and declare the reach in the intent file.",
    bad=(
        Example(
            "A good policy, and nothing that switches it on",
            """
            create table public.invoices (id bigint primary key, user_id uuid not null, total numeric);
            create policy "own invoices" on public.invoices to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            insert into public.invoices values (1, gen_random_uuid(), 10);
            """,
        ),
        Example(
            "A partitioned table: its partitions are open as well",
            """
            create table public.events (id bigint, user_id uuid not null, at date not null) partition by range (at);
            create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
            create policy "own events" on public.events to authenticated using ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "Disabled to look at something, and forgotten, on plain Postgres",
            """
            create table public.notes (id bigint primary key, owner name not null default current_user, body text);
            create policy own_notes on public.notes using (owner = current_user);
            grant select, insert, update, delete on public.notes to notes_app;
            insert into public.notes values (1, 'somebody', 'hello');
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
    ),
    good=(
        Example(
            "Enabled",
            """
            create table public.invoices (id bigint primary key, user_id uuid not null, total numeric);
            alter table public.invoices enable row level security;
            create policy "own invoices" on public.invoices to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "Nobody holds a privilege",
            """
            create table public.jobs (id bigint primary key, user_id uuid);
            revoke all on public.jobs from anon, authenticated;
            create policy "own jobs" on public.jobs using (user_id is not null);
            """,
        ),
        Example(
            "In a schema that the API does not serve",
            """
            create schema private;
            create table private.jobs (id bigint primary key, user_id uuid);
            create policy "own jobs" on private.jobs using (user_id is not null);
            """,
        ),
    ),
    check=check,
)
