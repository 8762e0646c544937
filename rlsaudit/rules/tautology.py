"""tautology: a policy that is true for every row, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Severity
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.flawed import flawed
from rlsaudit.rules.opened import askers, narrow
from rlsaudit.rules.reached import evidence, private
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields policies that are true for every row and every identity, and open more than intended."""
    for one in case.reached(Cause.TRUE):
        relation, (policy,) = one.relation, one.policies
        identity = case.catalog.identity(relation)
        asking = askers(case, policy)
        yield Found(
            finding(
                RULE,
                one.ref(case),
                worst(one.cells),
                title=f'Policy "{policy.name}" on {identity} is true for every row',
                message=(
                    f"{who_can(one.cells)} of {identity}{private(case, relation, one.cells)}: "
                    "the policy's condition is true whoever asks"
                    f"{f', although {listed(asking)} looks who that is' if asking else ''}."
                    f"{flawed(case, relation, [policy], one.cells)}"
                ),
                evidence=evidence(case, relation, one.cells),
                fix=narrow(case, relation, policy),
                relations=[identity],
                severity=one.severity,
            ),
            case.claims([], one.cells),
        )


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="tautology",
    severity=Severity.CRITICAL,
    summary="A policy is true for every row, whoever asks: row-level security is on and keeps nobody out.",
    why=(
        "`using (true)` is what the dashboard's templates and AI tools write to make an error go away. Everybody whom "
        "the policy is for reads, changes or deletes every row. Permissive policies are ORed, so one such policy "
        "overrules all careful ones beside it."
    ),
    fix=(
        "Say who may: `using ((select auth.uid()) = user_id)`, `to authenticated`. A policy for updates also decides "
        "with `with check` what the row may become; without it, `using` counts for the new row too."
    ),
    fine=(
        'Rows that everybody is meant to read: a catalogue, posts. Then declare it: `[[allow]]` with `select = "all"`. '
        "Without a private column such a policy is a medium finding only. Where a function of the project's looks who "
        "is asking, and lets everybody pass all the same, it is high at least: nobody asks that of what is meant for "
        "all."
    ),
    bad=(
        Example(
            "Everybody reads private columns",
            """
            create table public.waivers (id bigint primary key, user_id uuid, phone text, medical_conditions text);
            alter table public.waivers enable row level security;
            create policy "Enable read access for all users" on public.waivers for select using (true);
            insert into public.waivers values (1, gen_random_uuid(), '555', 'none');
            """,
        ),
        Example(
            "In disguise",
            f"""{_NOTES}
            create policy "delete" on public.notes for delete to authenticated using (id = id or 1 = 1);
            """,
        ),
        Example(
            "NULL lets everybody in",
            f"""{_NOTES}
            create policy "update" on public.notes for update using (coalesce(auth.uid() <> user_id, true) or true);
            """,
        ),
        Example(
            "On plain Postgres",
            """
            create table public.notes (id bigint primary key, tenant_id uuid not null, body text);
            alter table public.notes enable row level security;
            create policy tenant on public.notes using (tenant_id = current_setting('app.tenant')::uuid);
            create policy debugging on public.notes for select using (true);
            grant select, update on public.notes to notes_app;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
    ),
    good=(
        Example(
            "The owner's rows",
            f"""{_NOTES}
            create policy "own notes" on public.notes to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "True, but a restrictive policy narrows it",
            f"""{_NOTES}
            create policy "notes" on public.notes for select to authenticated using (true);
            create policy "own notes" on public.notes as restrictive for select using ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "True, and meant so",
            f"""{_NOTES}
            create policy "notes" on public.notes for select using (true);
            """,
            intent='[zones]\npublic = ["public.notes"]\n',
        ),
        Example(
            "True for a role that is no client's",
            f"""{_NOTES}
            create policy "the server" on public.notes for all to service_role using (true) with check (true);
            """,
        ),
        Example(
            "True, but the role holds no privilege",
            f"""{_NOTES}
            create policy "everybody" on public.notes for select using (true);
            revoke all on public.notes from anon, authenticated;
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
