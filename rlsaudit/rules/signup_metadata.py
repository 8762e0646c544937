"""signup-metadata: signing up puts what users say of themselves into a column that policies trust in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.firing import fires
from rlsaudit.catalog.platform import USERS
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident, remark
from rlsaudit.policy.body import body_of
from rlsaudit.policy.decide import opened_by_picks
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.reached import evidence
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import agreeing, listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case

_MOST_NAMED = 6


def check(case: Case) -> Iterator[Found]:
    """Yields the columns that whoever signs up fills as it likes, and that open more than is intended."""
    found: dict[tuple[int, str], list[tuple[Relation, Cell]]] = {}
    for relation in case.exposed:
        for cell in case.beyond(relation) if relation.kind in "rp" and relation.rls else ():
            for column in sorted(_opened_by(case, relation, cell)):
                found.setdefault(column, []).append((relation, cell))
    for (oid, name), opened in found.items():
        yield _found(case, case.catalog.relations[oid], name, opened)


def _opened_by(case: Case, relation: Relation, cell: Cell) -> frozenset[tuple[int, str]]:
    """The columns that open a cell by the relation's own name because their values are the client's to pick."""
    persona = case.persona(cell.persona)
    role = case.role(persona).oid
    reached = case.way(cell, relation).at_least
    if reached <= max(cell.intended, Reach.OWN) or not case.access.rls_applies(role, relation):
        return frozenset()
    asked = case.predicates.check if cell.operation is Operation.INSERT else case.predicates.using
    return opened_by_picks(asked(persona, role, relation, cell.operation))


def _found(case: Case, table: Relation, column: str, opened: list[tuple[Relation, Cell]]) -> Found:
    identity, cells = case.catalog.identity(table), [cell for _, cell in opened]
    relations = list({one.oid: one for one, _ in opened}.values())
    names = [case.catalog.identity(one) for one in relations]
    shown = names if len(names) <= _MOST_NAMED else [*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} more"]
    makers = _makers(case, table)
    made = f"{listed(makers)} {agreeing('takes', len(makers))}" if makers else "signing up takes"
    return Found(
        finding(
            RULE,
            ObjectRef("column", f"{identity}.{ident(column)}"),
            worst(cells),
            title=f"Whoever signs up says what {column} in {identity} is",
            message=(
                f"{who_can(cells)} of {listed(shown)}: policies ask for {column} in {identity}, and {made} it from "
                "raw_user_meta_data, which clients send when they sign up."
            ),
            evidence=evidence(case, relations[0], [cell for one, cell in opened if one == relations[0]]),
            fix=_fix(makers, identity, column),
            relations=[identity, *names],
        ),
        case.claims([], cells),
    )


def _makers(case: Case, table: Relation) -> list[str]:
    """The functions that fire when somebody signs up and put rows into the table."""
    users = case.catalog.relations_by_name.get(USERS)
    fired = case.catalog.triggers[users.oid] if users is not None else ()
    functions = [case.catalog.functions.get(one.function) for one in fired if fires(one, Operation.INSERT)]
    return [
        case.catalog.function_identity(one)
        for one in functions
        if one is not None and any(name[-1] == table.name for _, name in body_of(one).writes)
    ]


def _fix(makers: list[str], identity: str, column: str) -> str:
    by = listed(makers) if makers else "whatever fills it"
    default = f"{ident(column)} of {identity} to its default"
    return remark(f"No SQL mends it by itself. Have {by} leave {default}; the server alone sets anything else.")


_TABLES = """
            create table public.profiles (id uuid primary key references auth.users, name text, role text not null);
            alter table public.profiles enable row level security;
            create policy "own" on public.profiles for select using (id = (select auth.uid()));
            create table public.reports (id bigint primary key, body text);
            alter table public.reports enable row level security;
            create policy "staff" on public.reports using (
              exists (select from public.profiles p where p.id = (select auth.uid()) and p.role = 'admin'));"""

_SAID = "new.raw_user_meta_data ->> 'role'"


def _welcome(role: str) -> str:
    """Makes the profile of whoever signs up, with this as its role."""
    return f"""create function public.welcome() returns trigger
              language plpgsql security definer set search_path = '' as $$
              begin
                insert into public.profiles (id, name, role)
                values (new.id, new.raw_user_meta_data ->> 'name', {role});
                return new;
              end $$;
            create trigger welcome after insert on auth.users for each row execute function public.welcome();"""


RULE = Rule(
    id="signup-metadata",
    severity=Severity.CRITICAL,
    summary="Whoever signs up says of itself what policies trust in: a trigger copies it from the user's metadata.",
    why=(
        "`supabase.auth.signUp({ email, password, options: { data: { role: 'admin' } } })` is one line in the console "
        "of a browser. The trigger that makes the profile takes the role from there, and from then on every policy "
        "that looks the role up takes the new user for an administrator."
    ),
    fix=(
        "Let the trigger take a name and a picture from the metadata, and nothing that anything is decided by. A role "
        "has a default, and who has another one is written down by the server, or by somebody whose role allows it."
    ),
    fine=(
        "Kinds of users that everybody may pick from, buyer or seller. Have the trigger check the value against that "
        "list: then no policy opens by any other."
    ),
    bad=(
        Example(
            "A role, with a default for those who say nothing",
            f"""{_TABLES}
            {_welcome(f"coalesce({_SAID}, 'user')")}
            """,
        ),
        Example(
            "By a helper that policies call",
            f"""{_TABLES}
            create function public.is_admin() returns boolean
              language sql stable security definer set search_path = '' as $$
                select exists (select from public.profiles p where p.id = auth.uid() and p.role = 'admin') $$;
            drop policy "staff" on public.reports;
            create policy "staff" on public.reports for delete using (public.is_admin());
            {_welcome(f"coalesce({_SAID}, 'user')")}
            """,
        ),
        Example(
            "A role of an enumeration, in a column that may be NULL",
            f"""{_TABLES}
            create type public.user_role as enum ('user', 'admin');
            drop policy "staff" on public.reports;
            alter table public.profiles alter role drop not null, alter role type public.user_role using null;
            create policy "staff" on public.reports using (
              exists (select from public.profiles p where p.id = (select auth.uid()) and p.role = 'admin'));
            {_welcome(f"coalesce(({_SAID})::public.user_role, 'user')")}
            """,
        ),
    ),
    good=(
        Example(
            "The name alone comes from the metadata",
            f"""{_TABLES}
            {_welcome("'user'")}
            """,
        ),
        Example(
            "What anybody may be, and nothing else",
            f"""{_TABLES}
            {_welcome(f"case when {_SAID} in ('buyer', 'seller') then {_SAID} else 'buyer' end")}
            """,
        ),
        Example(
            "Nothing that is kept back hangs on it",
            f"""{_TABLES}
            drop policy "staff" on public.reports;
            create policy "mine" on public.profiles for update using (id = (select auth.uid()) and role = 'buyer');
            {_welcome(f"coalesce({_SAID}, 'buyer')")}
            """,
        ),
    ),
    check=check,
)
