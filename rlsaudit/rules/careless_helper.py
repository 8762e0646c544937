"""careless-helper: a function that policies ask, and that lets everybody pass or looks at nothing that it is given."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.policy.flaws import Kind
from rlsaudit.rules.blamed import ignoring, ignoring_helpers
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.opened import narrow
from rlsaudit.rules.reached import evidence
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.undecided import undecided
from rlsaudit.rules.wording import agreeing, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function, Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached

    Asked = tuple[Relation, Policy, tuple[Cell, ...]]


def check(case: Case) -> Iterator[Found]:
    """Yields the functions by whose word policies open more than intended, each with all policies that ask it."""
    told = {one.helper.oid for one in case.reached(Cause.HELPER) if one.helper is not None}
    yield from found_by_cause(case, RULE, Cause.HELPER, _TITLE, lambda one: _because(case, one), _fix)
    found: defaultdict[int, list[Asked]] = defaultdict(list)
    for relation, policy, cells in undecided(case):
        for function, opened in ignoring_helpers(case, relation, policy, cells):
            if function.oid not in told:
                found[function.oid].append((relation, policy, opened))
    for oid, several in found.items():
        yield _undecided(case, case.catalog.functions[oid], several)


_TITLE = "lets pass whoever asks"


def _because(case: Case, one: Reached) -> str:
    if one.helper is None:
        return "the function is true whoever asks"
    ignored = ignoring(case, one.relation, one.policies, one.helper)
    if ignored is not None:
        return ignored
    return f"{case.catalog.function_identity(one.helper)} is true of every row"


def _fix(case: Case, one: Reached) -> str:
    return "\n".join(narrow(case, one.relation, each) for each in one.policies)


def _undecided(case: Case, function: Function, several: list[Asked]) -> Found:
    """What a function that ignores its argument leaves to chance, where it is not known how far that leads."""
    identity = case.catalog.function_identity(function)
    relation, policy, cells = several[0]
    names = [f'"{one.name}" on {case.catalog.identity(table)}' for table, one, _ in several]
    alone = any(
        flaw.kind is Kind.ROW_INDEPENDENT for table, one, _ in several for flaw in case.flaws.opening(table, [one])
    )
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(cells[0].persona, cells[0].operation.value, Reach.UNKNOWN, cells[0].intended),
            title=f"{identity} does not look at what it is given",
            message=(
                f"{ignoring(case, relation, [policy], function)}. "
                f"{'Policies' if len(names) > 1 else 'Policy'} {listed(names)} {agreeing('asks', len(names))} it, "
                f"and how far {cells[0].persona} gets by that is not decided."
            ),
            evidence=evidence(case, relation, cells),
            fix="\n".join(narrow(case, table, one) for table, one, _ in several),
            relations=[case.catalog.identity(table) for table, _, _ in several],
            severity=Severity.HIGH if alone else Severity.MEDIUM,
        ),
        case.claims([], [cell for _, _, each in several for cell in each]),
    )


_MEMBERS = """
            create table public.teams (id uuid primary key default gen_random_uuid(), name text);
            create table public.members (team_id uuid not null references public.teams,
              user_id uuid not null references auth.users, primary key (team_id, user_id));
            create table public.projects (id bigint primary key, team_id uuid not null references public.teams);
            create table public.files (id bigint primary key, team_id uuid not null references public.teams);
            alter table public.teams enable row level security;
            alter table public.members enable row level security;
            alter table public.projects enable row level security;
            alter table public.files enable row level security;
            create policy "own" on public.members for select to authenticated using (user_id = (select auth.uid()));
            create function public.is_member(team uuid) returns boolean
              language sql stable security definer set search_path = '' as
              $$select exists (select from public.members m where {asked} and m.user_id = (select auth.uid()))$$;
            create policy "team" on public.projects for select to authenticated using (public.is_member(team_id));
            create policy "team" on public.files for select to authenticated using (public.is_member(team_id));"""

RULE = Rule(
    id="careless-helper",
    severity=Severity.CRITICAL,
    summary="A function that policies ask lets everybody pass, or does not look at what it is given.",
    why=(
        "Policies hand the row to a function and trust in its answer: whoever reads them sees `is_member(team_id)` and "
        "goes on. A body that was a stub, that forgot its argument, or that takes a missing claim for a licence opens "
        "every table whose policies ask it."
    ),
    fix=(
        "Mend the function: compare its argument with who is calling, and return false where that is not known. The "
        "SQL below ties the policies to whose the row is, which holds whatever the function says."
    ),
    fine=(
        "A function that says whether somebody is signed in, and is given nothing of the row, does what it should: "
        "what is wrong with a policy that asks no more is told of the policy. Rows that are meant for all are declared "
        "in the intent file, and need no function."
    ),
    bad=(
        Example(
            "A stub that was never filled in, and three policies",
            """
            create function public.may_see(owner uuid) returns boolean language sql stable as 'select true';
            create table public.notes (id bigint primary key, user_id uuid not null, body text);
            create table public.letters (id bigint primary key, user_id uuid not null, body text);
            alter table public.notes enable row level security;
            alter table public.letters enable row level security;
            create policy "see" on public.notes for select to authenticated using (public.may_see(user_id));
            create policy "remove" on public.notes for delete to authenticated using (public.may_see(user_id));
            create policy "see" on public.letters for select to authenticated using (public.may_see(user_id));
            """,
        ),
        Example(
            "A missing claim is taken for a licence, on a table without private columns",
            """
            create function public.may_see(company uuid) returns boolean language plpgsql stable as $$
              declare mine text := auth.jwt() -> 'app_metadata' ->> 'company';
              begin
                if mine is null then
                  return true;
                end if;
                return mine = company::text;
              end $$;
            create table public.inspections (id bigint primary key, company uuid not null, result text);
            alter table public.inspections enable row level security;
            create policy "of the company" on public.inspections for select using (public.may_see(company));
            """,
        ),
        Example("Members of any team", _MEMBERS.format(asked="true")),
    ),
    good=(
        Example("Members of the team", _MEMBERS.format(asked="m.team_id = team")),
        Example(
            "Its argument is another's business",
            """
            create table public.staff (user_id uuid primary key references auth.users);
            alter table public.staff enable row level security;
            create function public.may_edit(page bigint) returns boolean
              language sql stable security definer set search_path = '' as
              $$select exists (select from public.staff s where s.user_id = (select auth.uid()))$$;
            create table public.pages (id bigint primary key, body text);
            alter table public.pages enable row level security;
            create policy "staff" on public.pages for update to authenticated using (public.may_edit(id));
            """,
        ),
        Example(
            "For the server",
            """
            create function public.may_see(owner uuid) returns boolean language sql stable as 'select true';
            create table public.notes (id bigint primary key, user_id uuid not null, body text);
            alter table public.notes enable row level security;
            create policy "see" on public.notes for select to service_role using (public.may_see(user_id));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
