"""row-independent: a policy that asks who somebody is, and nothing of the row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.names import ident
from rlsaudit.policy.body import body_of
from rlsaudit.policy.flaws import Kind
from rlsaudit.policy.over_all import asks_for_them_alone
from rlsaudit.rules.blamed import ignoring_helpers
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.opened import drop
from rlsaudit.rules.ownership import is_callers, of_member_by_way, owner_column
from rlsaudit.rules.reached import told
from rlsaudit.rules.rewritten import altered
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.undecided import found_undecided, undecided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what members of one tenant reach of all, because the policy does not ask whose the row is."""
    yield from found_by_cause(case, RULE, Cause.ROW_INDEPENDENT, _TITLE, _BECAUSE, _fix)
    for relation, policy, cells in undecided(case):
        if all(asks_for_them_alone(text) for text in (policy.using, policy.check) if text):
            continue
        found = [one for one in case.flaws.opening(relation, [policy]) if one.kind is Kind.ROW_INDEPENDENT]
        open_cells = tuple(one for one in cells if any(flaw.about(one.persona, one.operation) for flaw in found))
        because, fix = (found[0].because, _tied(case, relation, policy)) if open_cells else ("", "")
        if not found and (named := _by_name(case, relation, policy)) is not None:
            open_cells, (because, fix) = cells, named
        # Of a helper that does not look at what it is given careless-helper tells, with all policies that ask it.
        if open_cells and not any(ignoring_helpers(case, relation, policy, cells)):
            yield found_undecided(
                case,
                RULE,
                relation,
                policy,
                open_cells,
                title=_TITLE,
                because=f"{told(policy)} {because}",
                fix=fix,
                severity=Severity.HIGH,
            )


def _by_name(case: Case, relation: Relation, policy: Policy) -> tuple[str, str] | None:
    """What is the matter, and what mends it, where no foreign key says what is a tenant, but two columns' names do."""
    # Column 0 is the table, on which each of its policies depends.
    whole = f"{ident(relation.name)}.*" in f"{policy.using} {policy.check}"
    called = (case.catalog.functions.get(oid) for oid in policy.functions)
    if not any(one is not None and body_of(one).asks_identity for one in called):
        return None
    if whole or any(one.relation == relation.oid and one.column for one in policy.columns):
        return None
    mine = {one.name: one for one in case.catalog.columns[relation.oid] if case.intent.names_tenant(one.name)}
    for table in _asked(case, relation, policy):
        user = owner_column(case, table)
        for one in case.catalog.columns[table.oid] if user is not None else ():
            same = mine.get(one.name)
            if user is None or same is None or same.type != one.type or one.name == user.name:
                continue
            name = case.catalog.identity(table)
            because = (
                f"asks {name} who one is, and nothing of the row: who is in {name} with any {one.name} gets the rows "
                "of all"
            )
            belongs = f"{ident(one.name)} in (select m.{ident(one.name)} from {name} m where {is_callers(user, 'm')})"
            return because, altered(case, relation, policy, belongs)
    return None


def _fix(case: Case, one: Reached) -> str:
    return "\n".join(_tied(case, one.relation, each) for each in one.policies)


def _tied(case: Case, relation: Relation, policy: Policy) -> str:
    """Has the policy ask besides whether one is a member of what the row belongs to; else drops it."""
    belongs = of_member_by_way(case, relation, _asked(case, relation, policy))
    return drop(case, relation, policy) if belongs is None else altered(case, relation, policy, belongs)


def _asked(case: Case, relation: Relation, policy: Policy) -> list[Relation]:
    """The other tables that a policy asks, or a function that it calls."""
    asked = {one.relation: None for one in policy.columns if one.relation != relation.oid}
    for oid in policy.functions:
        function = case.catalog.functions.get(oid)
        for name in body_of(function).reads if function is not None else ():
            table = case.catalog.relations_by_name.get((("public", *name)[-2], name[-1]))
            asked |= {table.oid: None} if table is not None else {}
    return [case.catalog.relations[oid] for oid in asked]


_TITLE = "asks who one is, and not whose the row is"
_BECAUSE = "the policy asks whether one belongs to anything, and not whether the row belongs to the same"

_ROWS = """
            create table public.orgs (id uuid primary key default gen_random_uuid(), name text);
            create table public.members (org_id uuid not null references public.orgs,
              user_id uuid not null references auth.users, primary key (org_id, user_id));
            create table public.invoices (id bigint primary key, org_id uuid not null references public.orgs);
            alter table public.orgs enable row level security;
            alter table public.members enable row level security;
            alter table public.invoices enable row level security;
            create policy "own" on public.members for select to authenticated using (user_id = (select auth.uid()));"""

_ITEMS = f"""{_ROWS}
            create table public.items (id bigint primary key, invoice_id bigint not null references public.invoices);
            alter table public.items enable row level security;
            create policy "members" on public.invoices for select to authenticated using (
              org_id in (select m.org_id from public.members m where m.user_id = (select auth.uid())));"""

_PEOPLE = """
            create table public.companies (id uuid primary key default gen_random_uuid(), name text);
            create table public.people (id uuid primary key references auth.users, role text not null,
              company_id uuid not null references public.companies);
            create table public.sites (id bigint primary key, company_id uuid not null references public.companies);
            alter table public.companies enable row level security;
            alter table public.people enable row level security;
            alter table public.sites enable row level security;
            create policy "own" on public.people for select to authenticated using (id = (select auth.uid()));
            create function public.my_company() returns uuid language sql stable security definer set search_path = ''
              as $$select company_id from public.people where id = auth.uid()$$;"""

RULE = Rule(
    id="row-independent",
    severity=Severity.CRITICAL,
    summary="A policy asks who somebody is, and not whether the row belongs to the same: members of one get all.",
    why=(
        "`exists (select from members where user_id = auth.uid())` asks whether somebody is a member of anything. "
        "Whoever is, of a trial account of their own, passes for the rows of every other customer."
    ),
    fix="Compare the membership with the row: `m.org_id = invoices.org_id`, or `org_id in (select m.org_id …)`.",
    fine=(
        "Tables that are the same for all members, of a price list for instance. They have no column that says whose. "
        "A `super_admin` or `platform_admin` is taken for one of those who run all of it."
    ),
    bad=(
        Example(
            "A member of anything",
            f"""{_ROWS}
            create policy "members" on public.invoices for select to authenticated using (
              exists (select from public.members m where m.user_id = (select auth.uid())));
            """,
        ),
        Example(
            "By a helper, to change",
            f"""{_ROWS}
            create function public.is_member() returns boolean
              language sql stable security definer set search_path = '' as
              $$select exists (select from public.members m where m.user_id = (select auth.uid()))$$;
            create policy "members" on public.invoices for update to authenticated using (public.is_member());
            """,
        ),
        Example(
            "What belongs to something that belongs to an organisation",
            f"""{_ITEMS}
            create policy "members" on public.items for select to authenticated using (
              exists (select from public.invoices i where i.org_id in (
                select m.org_id from public.members m where m.user_id = (select auth.uid()))));
            """,
        ),
        Example(
            "Anything is asked of the row, but not that",
            f"""{_ITEMS}
            create policy "members" on public.items for select to authenticated using (
              exists (select from public.invoices i where i.id <> items.invoice_id and i.org_id in (
                select m.org_id from public.members m where m.user_id = (select auth.uid()))));
            """,
        ),
        Example(
            "Where no foreign key says so, but the names do",
            """
            create table public.members (org_id uuid not null, user_id uuid not null, primary key (org_id, user_id));
            create table public.invoices (id bigint primary key, org_id uuid not null);
            alter table public.members enable row level security;
            alter table public.invoices enable row level security;
            create policy "own" on public.members for select to authenticated using (user_id = (select auth.uid()));
            create policy "members" on public.invoices for select to authenticated using (
              exists (select from public.members m where m.user_id = (select auth.uid())));
            """,
        ),
        Example(
            "Owners of any company, beside those who run all of it",
            f"""{_PEOPLE}
            create policy "companies" on public.sites using ((select role in ('super_admin', 'owner')
              from public.people where id = (select auth.uid())) or company_id = public.my_company());
            """,
        ),
    ),
    good=(
        Example(
            "A member of the row's organisation",
            f"""{_ROWS}
            create policy "members" on public.invoices for select to authenticated using (
              exists (select from public.members m
                where m.org_id = invoices.org_id and m.user_id = (select auth.uid())));
            """,
        ),
        Example(
            "Organisations of one's own",
            f"""{_ROWS}
            create policy "members" on public.invoices for select to authenticated using (
              org_id in (select m.org_id from public.members m where m.user_id = (select auth.uid())));
            """,
        ),
        Example(
            "A member of what its invoice belongs to",
            f"""{_ITEMS}
            create policy "members" on public.items for select to authenticated using (
              exists (select from public.invoices i where i.id = items.invoice_id and i.org_id in (
                select m.org_id from public.members m where m.user_id = (select auth.uid()))));
            """,
        ),
        Example(
            "The members of one organisation, whose product it is, see what is overdue",
            f"""{_ROWS}
            alter table public.invoices add overdue boolean not null default false;
            create policy "support" on public.invoices for select to authenticated using (
              overdue and exists (select from public.members m where m.user_id = (select auth.uid())
                and m.org_id = '00000000-0000-4000-8000-000000000001'));
            """,
        ),
        Example(
            "Those who run all of it, among the people of the companies",
            f"""{_PEOPLE}
            create policy "companies" on public.sites using ((select role = 'super_admin' from public.people
              where id = (select auth.uid())) or company_id = public.my_company());
            """,
        ),
        Example(
            "Those who run all of it, by a policy of their own",
            f"""{_PEOPLE}
            create policy "company" on public.sites for select using (company_id = public.my_company());
            create policy "staff" on public.sites for select using (exists (
              select from public.people where id = (select auth.uid()) and role = 'super_admin'));
            """,
        ),
        Example(
            "Those with an account, where rows have no tenant",
            """
            create table public.accounts (user_id uuid primary key, org_id uuid);
            create table public.articles (id bigint primary key, body text);
            alter table public.accounts enable row level security;
            alter table public.articles enable row level security;
            create policy "own" on public.accounts for select to authenticated using (user_id = (select auth.uid()));
            create policy "with an account" on public.articles for select to authenticated using (
              exists (select from public.accounts a where a.user_id = (select auth.uid())));
            """,
        ),
        Example(
            "Staff, which the server names",
            f"""{_ROWS}
            create table public.staff (user_id uuid primary key references auth.users);
            alter table public.staff enable row level security;
            create policy "own" on public.staff for select to authenticated using (user_id = (select auth.uid()));
            create policy "staff" on public.invoices for select to authenticated using (
              exists (select from public.staff s where s.user_id = (select auth.uid())));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
