"""user-metadata-claim: a policy that trusts in what users write into their own profile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import Reach, Severity
from rlsaudit.policy.body import body_of
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause, Reached
from rlsaudit.rules.claims import by_server, helpers_by_server, not_of_user
from rlsaudit.rules.opened import drop
from rlsaudit.rules.reached import mended, plain_severity, told
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.undecided import found_undecided, undecided
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what is reached beyond intent by a value in user_metadata, in the policy or in a helper that it calls."""
    yield from found_by_cause(case, RULE, Cause.USER_METADATA, "trusts in user_metadata", _because, _fix)
    for relation, policy, cells in undecided(case):
        if _mentions(case, policy):
            yield found_undecided(
                case,
                RULE,
                relation,
                policy,
                cells,
                title="trusts in user_metadata",
                because=f"{told(policy)} asks for what users write into their own profile",
                fix=_by_server(case, relation, [policy]) or drop(case, relation, policy),
                severity=max(Severity.HIGH, *(plain_severity(case, relation, one, Reach.ALL) for one in cells)),
            )


def _mentions(case: Case, policy: Policy) -> bool:
    """Whether a policy, or a function of the project's that it calls or that this one calls, names the metadata."""
    return any(_METADATA.search(text) for text in (policy.using, policy.check) if text) or bool(
        _mentioning(case, [policy])
    )


def _mentioning(case: Case, policies: Collection[Policy]) -> list[Function]:
    """The project's functions that name the metadata, of those that policies call or that these call."""
    oids = [oid for one in policies for oid in one.functions if oid in case.catalog.functions]
    called = [case.catalog.functions[oid] for oid in dict.fromkeys(oids)]
    below = [
        one
        for function in called
        if function.extension is None
        for name in body_of(function).calls
        for one in case.catalog.functions_by_name[("public", *name)[-2], name[-1]]
    ]
    return [
        one
        for one in {each.oid: each for each in (*called, *below)}.values()
        if one.extension is None
        and not case.is_platforms(case.catalog.schemas[one.schema].name)
        and _METADATA.search(one.body)
    ]


_METADATA = re.compile(r"\b(raw_user_meta_data|user_metadata)\b")


def _because(one: Reached) -> str:
    return f"it takes {listed(list(one.asked))}, which the client writes itself" if one.asked else _BY_HELPER


def _fix(case: Case, one: Reached) -> str:
    asked = _by_server(case, one.relation, one.policies)
    return asked or mended(case, one.relation, one.cells, one.policies)


def _by_server(case: Case, relation: Relation, policies: Collection[Policy]) -> str | None:
    """The same claim out of app_metadata, which only the server writes: asked for in the policies, or in helpers."""
    if (asked := by_server(case, relation, policies, not_of_user)) is not None:
        return asked
    helpers = _mentioning(case, policies)
    return helpers_by_server(case, helpers) if helpers else None


_BY_HELPER = "it takes a value in user_metadata, which the client writes itself"
_REPORTS = """
            create table public.reports (id bigint primary key, user_id uuid not null, body text);
            alter table public.reports enable row level security;"""

RULE = Rule(
    id="user-metadata-claim",
    severity=Severity.CRITICAL,
    summary="A policy trusts in user_metadata, which every user writes at will.",
    why=(
        "`supabase.auth.updateUser({ data: { role: 'staff' } })` is open to everybody who is signed in, and the next "
        "token says `staff`. Whoever finds out the word, which stands in the code of the page as often as not, has "
        "what the policy was to keep for staff."
    ),
    fix=(
        "Roles and tenants belong into `app_metadata`, which only the service key writes, or into a table that users "
        "cannot change. Move the values that are there, and mind that tokens in use keep the old claims for an hour."
    ),
    fine=(
        "Never for what is not everybody's. Where user_metadata only says which of the rows that one may see anyway "
        "are wanted, there is no finding."
    ),
    bad=(
        Example(
            "A role that users give themselves",
            f"""{_REPORTS}
            create policy "staff" on public.reports for select to authenticated
              using ((select auth.jwt()) -> 'user_metadata' ->> 'role' = 'staff');
            """,
        ),
        Example(
            "By a path, to delete",
            f"""{_REPORTS}
            create policy "admins" on public.reports for delete to authenticated
              using ((auth.jwt() #>> '{{user_metadata,role}}') = 'admin' or user_id = auth.uid());
            """,
        ),
        Example(
            "In a helper's body",
            f"""{_REPORTS}
            create function public.is_staff() returns boolean language sql stable set search_path = ''
              as $$select coalesce(auth.jwt() -> 'user_metadata' ->> 'staff', 'false') = 'true'$$;
            create policy "staff" on public.reports for update to authenticated using (public.is_staff());
            """,
        ),
        Example(
            "In the table of users, which a helper looks at",
            f"""{_REPORTS}
            create function public.is_admin() returns boolean
              language sql stable security definer set search_path = '' as $$
                select exists (select from auth.users u
                  where u.id = auth.uid() and u.raw_user_meta_data ->> 'role' = 'admin') $$;
            create policy "admins" on public.reports for select to authenticated using (public.is_admin());
            """,
        ),
        Example(
            "A tenant that users choose",
            """
            create table public.invoices (id bigint primary key, tenant_id text not null, amount int);
            alter table public.invoices enable row level security;
            create policy "tenant" on public.invoices for select to authenticated
              using (tenant_id = ((select auth.jwt()) -> 'user_metadata' ->> 'tenant_id'));
            """,
        ),
    ),
    good=(
        Example(
            "Who says to be somebody else changes nothing: it is asked again of what stays as it was",
            f"""{_REPORTS}
            revoke update on public.reports from anon, authenticated;
            grant update (body) on public.reports to authenticated;
            create policy "said" on public.reports for update to authenticated
              using (user_id = ((select auth.jwt()) -> 'user_metadata' ->> 'id')::uuid)
              with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "A role that the server gives",
            f"""{_REPORTS}
            create policy "staff" on public.reports for select to authenticated
              using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'staff');
            """,
        ),
        Example(
            "Beside the owner's id it opens nothing",
            f"""{_REPORTS}
            create policy "own, if staff" on public.reports for select to authenticated
              using ((select auth.jwt()) -> 'user_metadata' ->> 'role' = 'staff' and user_id = (select auth.uid()));
            """,
        ),
        Example(
            "A table of staff that users cannot write",
            f"""{_REPORTS}
            create table public.staff (user_id uuid primary key);
            alter table public.staff enable row level security;
            create policy "own" on public.staff for select to authenticated using (user_id = (select auth.uid()));
            create policy "staff" on public.reports for select to authenticated
              using (exists (select from public.staff s where s.user_id = (select auth.uid())));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
