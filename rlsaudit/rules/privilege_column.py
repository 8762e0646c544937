"""privilege-column: a column that says what somebody may do, which one sets in one's own row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.probe.request import settings, transcript
from rlsaudit.reach.triggers import assigned
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.by_chain import found_by_chain
from rlsaudit.rules.column_names import says_what_one_may
from rlsaudit.rules.columns import without_columns
from rlsaudit.rules.opened import bounds
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.witnessed import changed
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.rules.case import Case

_KEYS = "pu"


def check(case: Case) -> Iterator[Found]:
    """Yields tables in whose rows somebody changes what opens rows elsewhere, or, by its name, what it may do."""
    yield from found_by_chain(case, RULE, Operation.UPDATE)
    told = {steps[0].relation for steps in case.matrix.steps.values() if not steps[0].inserts and not steps[0].function}
    for relation in case.exposed:
        if relation.kind in "rp" and relation.rls and relation.extension is None and relation.oid not in told:
            yield from _by_name(case, relation)


def _by_name(case: Case, relation: Relation) -> Iterator[Found]:
    """Where nothing is known to read it: what the table of users says of each, and each may change of itself."""
    for persona in case.personas:
        cell = case.cell(persona, relation, Operation.UPDATE)
        if cell is None or case.way(cell, relation).at_least is not Reach.OWN or cell.intended is Reach.NONE:
            continue
        found = [one.name for one in _settable(case, persona, relation) if says_what_one_may(one.name)]
        if not found or not _is_of_users(case, relation):
            continue
        identity = case.catalog.identity(relation)
        read = [one for one in found if _is_asked_elsewhere(case, relation, one)]
        yield Found(
            finding(
                RULE,
                case.ref(relation),
                Who(persona.name, "update", Reach.OWN, cell.intended),
                title=f"Everybody sets {listed(found)} in {identity}",
                message=(
                    f"{persona.name} can change {listed(found)} in its own row of {identity}, which by "
                    f"{'its name says' if len(found) == 1 else 'their names say'} what somebody may do"
                    f"{f', and policies ask for {listed(read)}' if read else ''}."
                ),
                evidence=_evidence(case, persona, relation, cell, found[0]),
                fix=without_columns(case, relation, Operation.UPDATE, found, case.personas),
                relations=[identity],
                severity=Severity.HIGH if read else Severity.MEDIUM,
            )
        )
        return


def _settable(case: Case, persona: Persona, relation: Relation) -> list[Column]:
    """The columns that the persona can set, and that neither a check nor a trigger keeps as they are."""
    kept = assigned(case.catalog, relation, Operation.UPDATE)
    if kept is None:
        return []
    role = case.role(persona).oid
    asked = {
        one.column
        for policy in case.access.policies(role, relation, Operation.UPDATE)
        for one in policy.columns
        if one.relation == relation.oid
    }
    columns = case.access.columns(role, relation, "UPDATE") or case.catalog.columns[relation.oid]
    return [
        one
        for one in columns
        if one.number not in kept | asked and not one.generated and _is_open(case, persona, relation, one)
    ]


def _is_open(case: Case, persona: Persona, relation: Relation, column: Column) -> bool:
    """Whether a policy lets rows be updated without a helper that asks for what the column says already.

    Where every policy does, managers set roles of their staff: nobody raises itself who has not been raised.
    """
    return any(
        policy.permissive
        and not any(_asks(case, relation, column.name, oid) for oid in policy.functions)
        and (found := bounds(case, policy, persona, relation, Operation.UPDATE)) is not None
        and found.at_most is not Reach.NONE
        for policy in case.access.policies(case.role(persona).oid, relation, Operation.UPDATE)
    )


def _is_of_users(case: Case, relation: Relation) -> bool:
    """Whether a row is one user's and the only one: then a column is about the user, not about a message or a post."""
    pointing = {
        one.columns
        for one in case.catalog.constraints[relation.oid]
        if one.kind == "f" and one.foreign_relation in case.auth_relations
    }
    names = {one.number: one.name for one in case.catalog.columns[relation.oid]}
    return any(
        one.kind in _KEYS
        and len(one.columns) == 1
        and (one.columns in pointing or case.intent.names_owner(names.get(one.columns[0], "")))
        for one in case.catalog.constraints[relation.oid]
    )


def _is_asked_elsewhere(case: Case, relation: Relation, column: str) -> bool:
    """Whether a policy asks for the column, itself or by a function whose body names both."""
    number = next(one.number for one in case.catalog.columns[relation.oid] if one.name == column)
    return any(
        (relation.oid, number) in policy.columns or any(_asks(case, relation, column, oid) for oid in policy.functions)
        for policy in case.catalog.snapshot.policies
    )


def _asks(case: Case, relation: Relation, column: str, function: int) -> bool:
    """Whether the body of a function of the project's names the table and the column."""
    called = case.catalog.functions.get(function)
    return (
        called is not None
        and called.extension is None
        and all(re.search(rf"\b{re.escape(name)}\b", called.body) for name in (column, relation.name))
    )


def _evidence(case: Case, persona: Persona, relation: Relation, cell: Cell, column: str) -> Evidence:
    named = next(one for one in case.catalog.columns[relation.oid] if one.name == column)
    found = changed(case, persona, relation, named, cell.because)
    if found is not None:
        return found
    made = settings(case.catalog, case.platform, persona)
    statement = f"update {case.catalog.identity(relation)} set {ident(column)} = {ident(column)}"
    return Evidence(cell.evidence, transcript(made, statement, writes=True), f"not executed: {cell.because}")


_PROFILES = """
            create table public.profiles (id uuid primary key references auth.users, nick text,
              is_admin boolean not null default false);
            alter table public.profiles enable row level security;
            create policy "own" on public.profiles for select to authenticated using (id = (select auth.uid()));
            create policy "edit" on public.profiles for update to authenticated using (id = (select auth.uid()));"""
_AUDITS = """
            create table public.audits (id bigint primary key, body text);
            alter table public.audits enable row level security;
            create policy "admins" on public.audits to authenticated using (exists (
              select from public.profiles p where p.id = (select auth.uid()) and p.is_admin));"""

RULE = Rule(
    id="privilege-column",
    severity=Severity.CRITICAL,
    summary="Users set in their own row what says what they may do: a role, a plan, a tenant.",
    why=(
        "A policy that lets users edit their own profile lets them edit all of it. `update profiles set is_admin = "
        "true` is one request to the API, and every policy and function that asks for `is_admin` takes it for true. "
        "Plans, credits and tenants are raised in the same way."
    ),
    fix=(
        "Take UPDATE on the table back and grant it on the columns that users are to change. A trigger that refuses a "
        "change, or a table of roles that users cannot write, does it as well."
    ),
    fine=(
        "Where nothing asks for the column, and its name says something else than it seems to. Such a finding, by the "
        "name alone, is medium at most."
    ),
    bad=(
        Example("An admin by one's own hand", f"{_PROFILES}{_AUDITS}\n            "),
        Example(
            "By a helper that looks at the profile",
            f"""{_PROFILES}
            create function public.is_admin() returns boolean
              language sql stable security definer set search_path = '' as
              $$select exists (select from public.profiles p where p.id = (select auth.uid()) and p.is_admin)$$;
            create table public.audits (id bigint primary key, body text);
            alter table public.audits enable row level security;
            create policy "admins" on public.audits for delete to authenticated using (public.is_admin());
            """,
        ),
        Example(
            "A plan that nothing in the database asks for: medium",
            """
            create table public.accounts (user_id uuid primary key references auth.users, name text,
              plan text default 'free');
            alter table public.accounts enable row level security;
            create policy "mine" on public.accounts to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
    ),
    good=(
        Example(
            "An admin that the columns' grants keep",
            f"""{_PROFILES}{_AUDITS}
            revoke update on public.profiles from anon, authenticated;
            grant update (nick) on public.profiles to authenticated;
            """,
        ),
        Example(
            "A trigger that keeps it as it is",
            f"""{_PROFILES}
            create function public.keep() returns trigger language plpgsql set search_path = '' as $$
              begin
                new.is_admin := old.is_admin;
                return new;
              end $$;
            create trigger keep before update on public.profiles for each row execute function public.keep();
            """,
        ),
        Example(
            "A trigger that refuses the change",
            f"""{_PROFILES}
            create function public.refuse() returns trigger language plpgsql set search_path = '' as $$
              begin
                if new.is_admin is distinct from old.is_admin then
                  raise exception 'not yours to change';
                end if;
                return new;
              end $$;
            create trigger refuse before update on public.profiles for each row execute function public.refuse();
            """,
        ),
        Example(
            "The role of a message, which is no user's",
            """
            create table public.messages (id bigint primary key, user_id uuid not null references auth.users,
              role text not null default 'user', body text);
            alter table public.messages enable row level security;
            create policy "mine" on public.messages to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Managers set the roles of their staff",
            """
            create table public.staff (id uuid primary key, login uuid unique references auth.users, shop uuid not null,
              role text not null check (role in ('manager', 'waiter')));
            create function public.my_shop() returns uuid language sql stable security definer set search_path = '' as
              $$select s.shop from public.staff s where s.login = (select auth.uid())$$;
            create function public.my_role() returns text language sql stable security definer set search_path = '' as
              $$select s.role from public.staff s where s.login = (select auth.uid())$$;
            alter table public.staff enable row level security;
            create policy "colleagues" on public.staff for select to authenticated using (shop = public.my_shop());
            create policy "managers" on public.staff for update to authenticated
              using (shop = public.my_shop() and public.my_role() = 'manager');
            """,
        ),
        Example(
            "A check that holds it",
            """
            create table public.accounts (user_id uuid primary key references auth.users, nick text,
              plan text not null default 'free');
            alter table public.accounts enable row level security;
            create policy "mine" on public.accounts for update to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()) and plan = 'free');
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
