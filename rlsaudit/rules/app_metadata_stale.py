"""app-metadata-stale: what policies take from app_metadata is as old as the token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Reach, Severity
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy
    from rlsaudit.rules.case import Case

_APP_METADATA = re.compile(r"'app_metadata'|\bapp_metadata,")
_MOST_NAMED = 5
_QUESTION = (
    "select polrelid::regclass, polname from pg_policy"
    " where concat(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) like '%app_metadata%'"
)


def check(case: Case) -> Iterator[Found]:
    """Yields, once, that policies go by app_metadata: for what may be written by them, or is private."""
    if case.platform is not Platform.SUPABASE:
        return
    exposed = {one.oid for one in case.exposed}
    asking = [one for one in case.catalog.snapshot.policies if one.relation in exposed and _asks(one)]
    if not asking:
        return
    relations = list(dict.fromkeys(case.catalog.identity(case.catalog.relations[one.relation]) for one in asking))
    more = len(relations) - _MOST_NAMED
    named = relations if more <= 0 else [*relations[:_MOST_NAMED], f"{more} more"]
    yield Found(
        finding(
            RULE,
            ObjectRef("schema", _schema(case, asking[0])),
            Who("authenticated", "all", Reach.OWN, Reach.OWN),
            title=f"{len(asking)} {'policy goes' if len(asking) == 1 else 'policies go'} by app_metadata",
            message=(
                f"Policies on {listed(named)} go by app_metadata, which stands in the token: whoever loses a role "
                "keeps it until the token runs out."
            ),
            evidence=Evidence(EvidenceKind.CATALOG, (_QUESTION,), f"{len(asking)} policies"),
            fix="-- Shorten the tokens' lifetime, or ask a table for roles that have to end at once;",
            relations=relations,
        )
    )


def _asks(policy: Policy) -> bool:
    return any(_APP_METADATA.search(text) for text in (policy.using, policy.check) if text)


def _schema(case: Case, policy: Policy) -> str:
    return case.catalog.schema_name(case.catalog.relations[policy.relation])


_REPORTS = """
            create table public.reports (id bigint primary key, user_id uuid not null, body text);
            alter table public.reports enable row level security;"""

RULE = Rule(
    id="app-metadata-stale",
    severity=Severity.INFO,
    summary="Policies go by app_metadata, which is as old as the token.",
    why=(
        "Claims are written into the token when it is made. Somebody whose role is taken away keeps it until the token "
        "is refreshed, after an hour as a rule. That is the price of not asking a table; it is good to know it."
    ),
    fix=(
        "For most roles there is nothing to do. Where one has to end at once, ask a table in a SECURITY DEFINER "
        "function, shorten the lifetime of tokens, or end the user's sessions when the role is taken away."
    ),
    fine="Nearly always: it is told for your information, once.",
    bad=(
        Example(
            "A role",
            f"""{_REPORTS}
            create policy "staff" on public.reports for select to authenticated
              using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'staff');
            """,
        ),
        Example(
            "A tenant",
            """
            create table public.invoices (id bigint primary key, tenant_id text not null);
            alter table public.invoices enable row level security;
            create policy "tenant" on public.invoices to authenticated
              using (tenant_id = ((select auth.jwt()) -> 'app_metadata' ->> 'tenant_id'));
            """,
        ),
    ),
    good=(
        Example(
            "The user's id",
            f"""{_REPORTS}
            create policy "own" on public.reports to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "A table of roles",
            f"""{_REPORTS}
            create table public.staff (user_id uuid primary key);
            alter table public.staff enable row level security;
            create policy "own" on public.staff for select to authenticated using (user_id = (select auth.uid()));
            create policy "staff" on public.reports for select to authenticated
              using (exists (select from public.staff s where s.user_id = (select auth.uid())));
            """,
        ),
        Example(
            "A column of that name",
            f"""{_REPORTS}
            alter table public.reports add app_metadata jsonb;
            create policy "own" on public.reports for select to authenticated
              using (user_id = (select auth.uid()) and app_metadata is not null);
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
