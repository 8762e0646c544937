"""any-authenticated: a policy that asks whether somebody is signed in, and not who."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.opened import narrow
from rlsaudit.rules.reached import evidence, private
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields policies that are true for every row once somebody is signed in, and open more than intended."""
    for one in case.reached(Cause.SIGNED_IN):
        relation, (policy,) = one.relation, one.policies
        identity = case.catalog.identity(relation)
        yield Found(
            finding(
                RULE,
                one.ref(case),
                worst(one.cells),
                title=f'Policy "{policy.name}" on {identity} asks whether somebody is signed in, not who',
                message=(
                    f"{who_can(one.cells)} of {identity}{private(case, relation, one.cells)}: the policy is true for "
                    "everybody who is signed in, and anybody can sign up."
                ),
                evidence=evidence(case, relation, one.cells),
                fix=narrow(case, relation, policy),
                relations=[identity],
                severity=one.severity,
            ),
            case.claims([], one.cells),
        )


_ORDERS = """
            create table public.orders (id bigint primary key, customer_id uuid not null, shipping_address text);
            alter table public.orders enable row level security;
            insert into public.orders values (1, gen_random_uuid(), 'Main Street 1');"""

RULE = Rule(
    id="any-authenticated",
    severity=Severity.CRITICAL,
    summary="A policy asks whether somebody is signed in, and not who it is.",
    why=(
        "Signing up is open to everybody, so `auth.role() = 'authenticated'` and `auth.uid() is not null` keep nobody "
        "out for longer than a minute. The attacker signs up and has everybody's rows."
    ),
    fix="Compare the caller with the row: `using ((select auth.uid()) = user_id)`, or ask for a membership.",
    fine=(
        "Rows that are meant for all users, such as a directory of groups. Then declare it: `[[allow]]` for the "
        'persona `authenticated` with `select = "all"`. Without a private column reading is a medium finding only, as '
        "with `using (true)`, which opens as much: users of a community read one another's posts."
    ),
    bad=(
        Example(
            "The role in the token",
            f"""{_ORDERS}
            create policy "customers see orders" on public.orders for select using (auth.role() = 'authenticated');
            """,
        ),
        Example(
            "There is a user",
            f"""{_ORDERS}
            create policy "customers change orders" on public.orders for update
              using ((select auth.uid()) is not null) with check ((select auth.uid()) is not null);
            """,
        ),
        Example(
            "The owner's column beside it does not help",
            f"""{_ORDERS}
            create policy "customers delete orders" on public.orders for delete
              using ((select auth.uid()) = customer_id or (select auth.uid()) is not null);
            """,
        ),
        Example(
            "The owner's column compared with itself",
            f"""{_ORDERS}
            create policy "customers see orders" on public.orders for select to authenticated
              using (customer_id = customer_id and (select auth.uid()) is not null);
            """,
        ),
    ),
    good=(
        Example(
            "The customer's own orders",
            f"""{_ORDERS}
            create policy "own orders" on public.orders for select to authenticated
              using ((select auth.uid()) is not null and (select auth.uid()) = customer_id);
            """,
        ),
        Example(
            "Members of the same team, by a helper that asks who calls",
            """
            create table public.members (team_id uuid, user_id uuid, primary key (team_id, user_id));
            alter table public.members enable row level security;
            create table public.projects (id bigint primary key, team_id uuid, name text);
            alter table public.projects enable row level security;
            create function public.is_member(team uuid) returns boolean
              language sql stable security definer set search_path = ''
              as 'select exists (select 1 from public.members m where m.team_id = team and m.user_id = auth.uid())';
            create policy "the team's" on public.projects for select to authenticated using (public.is_member(team_id));
            """,
        ),
        Example(
            "A restrictive policy that keeps visitors out of what another one ties to users",
            f"""{_ORDERS}
            create policy "signed in" on public.orders as restrictive using ((select auth.uid()) is not null);
            create policy "own orders" on public.orders for select using ((select auth.uid()) = customer_id);
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
