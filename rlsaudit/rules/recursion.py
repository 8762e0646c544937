"""recursion: policies that ask one another in a circle, so that the server refuses every statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.policy.flaws import Kind
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.opened import drop
from rlsaudit.rules.rule import Example, Found, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Evidence
    from rlsaudit.policy.flaws import Flaw
    from rlsaudit.rules.case import Case


_REWRITE = "-- Without a restrictive policy more would be open: have it ask in a SECURITY DEFINER function."


def check(case: Case) -> Iterator[Found]:
    """Yields circles of policies, each once, at the first table that is in it."""
    told = set[frozenset[int]]()
    for relation in case.exposed:
        for flaw in case.flaws.at_sight(relation):
            circle = frozenset(flaw.relations)
            if flaw.kind is not Kind.RECURSION or relation.oid not in circle or circle in told:
                continue
            told.add(circle)
            identity = case.catalog.identity(relation)
            names = [case.catalog.identity(case.catalog.relations[one]) for one in flaw.relations]
            policy = ident(flaw.policy.name)
            yield Found(
                finding(
                    RULE,
                    ObjectRef("policy", f"{identity}.{policy}"),
                    Who(flaw.persona or "public", "all", Reach.NONE, Reach.NONE),
                    title=f'Policy "{flaw.policy.name}" on {identity} leads back to itself',
                    message=(
                        f"{flaw.because}. The policies of a table in a subquery are asked as well, and these come back "
                        "to where they began."
                    ),
                    evidence=_evidence(case, relation, flaw),
                    fix=drop(case, relation, flaw.policy) if flaw.policy.permissive else _REWRITE,
                    relations=names,
                )
            )


def _evidence(case: Case, relation: Relation, flaw: Flaw) -> Evidence:
    """A statement that the server refuses when it reads it, whatever rows there are; none is carried out."""
    table, operation = case.catalog.identity(relation), flaw.operation or Operation.SELECT
    column = ident(case.catalog.columns[relation.oid][0].name)
    asked = {
        Operation.SELECT: f"select count(*) from {table}",
        Operation.INSERT: f"explain insert into {table} default values",
        Operation.UPDATE: f"explain update {table} set {column} = default",
        Operation.DELETE: f"explain delete from {table}",
    }
    persona = case.persona(flaw.persona) if flaw.persona else case.personas[0]
    result = f"infinite recursion detected in policy for relation (42P17); {ident(flaw.policy.name)}: {flaw.where}"
    return asked_as(case, persona, asked[operation], result)


_MEMBERS = """
            create table public.members (team_id uuid, user_id uuid, primary key (team_id, user_id));
            alter table public.members enable row level security;"""

RULE = Rule(
    id="recursion",
    severity=Severity.HIGH,
    summary="Policies ask one another in a circle, so that the server refuses every statement on the table.",
    why=(
        "`infinite recursion detected in policy` (42P17) is what everybody gets, the application as well. It is mended "
        "in a hurry as a rule, by `using (true)` or by switching row-level security off, and that is the hole."
    ),
    fix=(
        "Ask in a SECURITY DEFINER function with `set search_path = ''` that compares with `auth.uid()` itself: inside "
        "it the policies of the table are not asked. Or have a policy that needs no subquery: `user_id = auth.uid()`."
    ),
    fine="Never: nobody can use the table.",
    bad=(
        Example(
            "The members of one's teams, by a look at the members",
            f"""{_MEMBERS}
            create policy "my teams" on public.members for select using (
              team_id in (select m.team_id from public.members m where m.user_id = auth.uid()));
            """,
        ),
        Example(
            "Two tables that ask each other",
            f"""{_MEMBERS}
            create table public.teams (id uuid primary key, owner_id uuid);
            alter table public.teams enable row level security;
            create policy "members" on public.teams for select using (
              exists (select from public.members m where m.team_id = id and m.user_id = auth.uid()));
            create policy "owners" on public.members for select using (
              exists (select from public.teams t where t.id = team_id and t.owner_id = auth.uid()));
            """,
        ),
        Example(
            "A look at the table that is written to",
            f"""{_MEMBERS}
            create policy "invite" on public.members using (user_id = auth.uid()) with check (
              exists (select from public.members m where m.team_id = members.team_id and m.user_id = auth.uid()));
            """,
        ),
    ),
    good=(
        Example(
            "A function that asks",
            f"""{_MEMBERS}
            create function public.my_teams() returns setof uuid
              language sql stable security definer set search_path = ''
              as 'select team_id from public.members where user_id = auth.uid()';
            create policy "my teams" on public.members for select using (team_id in (select public.my_teams()));
            """,
        ),
        Example(
            "A policy without a subquery ends it",
            f"""{_MEMBERS}
            create policy "own" on public.members for select using (user_id = auth.uid());
            create table public.teams (id uuid primary key);
            alter table public.teams enable row level security;
            create policy "members" on public.teams for select using (
              exists (select from public.members m where m.team_id = teams.id and m.user_id = auth.uid()));
            """,
        ),
        Example(
            "What is written looks at what is read by a policy without a subquery",
            f"""{_MEMBERS}
            create policy "own" on public.members for select using (user_id = auth.uid());
            create policy "leave" on public.members for delete using (
              exists (select from public.members m where m.team_id = members.team_id and m.user_id = auth.uid()));
            """,
        ),
    ),
    check=check,
)
