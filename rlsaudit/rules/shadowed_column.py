"""shadowed-column: a subquery that compares a column with itself, where the row's column was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.policy.flaws import Kind
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.opened import drop
from rlsaudit.rules.rewritten import rewrite
from rlsaudit.rules.rule import Example, Found, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields permissive policies that ask for a membership in anything, and may open more than intended by that."""
    for relation in case.exposed:
        told = set[int]()
        for flaw in case.flaws.at_sight(relation):
            if flaw.kind is not Kind.SHADOWED_COLUMN or flaw.policy.oid in told or not flaw.policy.permissive:
                continue
            cells = [one for one in _cells(case, relation, flaw.policy) if flaw.about(one.persona, one.operation)]
            if not cells:
                continue
            told.add(flaw.policy.oid)
            identity = case.catalog.identity(relation)
            policy = ident(flaw.policy.name)
            operations = {one.operation.value for one in cells}
            yield Found(
                finding(
                    RULE,
                    ObjectRef("policy", f"{identity}.{policy}"),
                    Who(
                        cells[0].persona,
                        operations.pop() if len(operations) == 1 else "all",
                        cells[0].reach,
                        cells[0].intended,
                    ),
                    title=f'Policy "{flaw.policy.name}" on {identity} compares a column with itself',
                    message=f"{flaw.where} {flaw.because}: whoever passes for one row passes for all.",
                    evidence=Evidence(EvidenceKind.PROOF, (), f"{policy}: {flaw.where}"),
                    fix=_fix(case, relation, flaw.policy),
                    relations=[identity],
                ),
                case.claims([], cells),
            )


def _fix(case: Case, relation: Relation, policy: Policy) -> str:
    """The row's column where one is compared with itself; where that is not seen in the text, without the policy."""
    names = {one.name for one in case.catalog.columns[relation.oid]}

    def qualified(match: re.Match[str]) -> str:
        inner, table, column = match["inner"], match["table"], match["column"]
        outer = inner.replace(f"{table}.{column}", f"{ident(relation.name)}.{column}")
        return f"{inner} = {outer}" if column in names else match[0]

    fixed = rewrite(case, relation, policy, lambda text: _ITSELF.sub(qualified, text))
    return fixed or drop(case, relation, policy)


_ITSELF = re.compile(r"(?P<inner>\(?(?P<table>\w+)\.(?P<column>\w+)(?:\)::\w+)?) = (?P=inner)(?!\w)")


def _cells(case: Case, relation: Relation, policy: Policy) -> Iterator[Cell]:
    """The cells that the policy counts for, and that may reach further than intended."""
    for persona in case.personas:
        role = case.role(persona).oid
        if not case.access.rls_applies(role, relation):
            continue
        for operation in Operation:
            cell = case.cell(persona, relation, operation)
            if cell is None or case.way(cell, relation).at_most <= max(cell.intended, Reach.OWN):
                continue
            if policy in case.access.policies(role, relation, operation):
                yield cell


_PROJECTS = """
            create table public.members (team_id uuid, user_id uuid, primary key (team_id, user_id));
            alter table public.members enable row level security;
            create policy "own" on public.members for select using (user_id = auth.uid());
            create table public.projects (id uuid primary key, team_id uuid not null, name text);
            alter table public.projects enable row level security;"""

RULE = Rule(
    id="shadowed-column",
    severity=Severity.CRITICAL,
    summary="A policy's subquery compares a column with itself, and not with the row's column of the same name.",
    why=(
        "In `exists (select from members m where m.team_id = team_id and m.user_id = auth.uid())` both columns are of "
        "`members`, for the innermost table comes first. It asks whether the caller is a member of any team, and a "
        "member of one reads the rows of all. Whoever can make a team of their own is a member of one."
    ),
    fix="Qualify the row's column with its table: `m.team_id = projects.team_id`. Do so in every subquery.",
    fine="Never as it is written. If any membership is to be enough, leave the comparison out.",
    bad=(
        Example(
            "Members of any team",
            f"""{_PROJECTS}
            create policy "the team's" on public.projects for select to authenticated using (
              exists (select from public.members m where m.team_id = team_id and m.user_id = auth.uid()));
            """,
        ),
        Example(
            "Admins of any team delete",
            f"""{_PROJECTS}
            alter table public.members add role text not null default 'member';
            create policy "admins" on public.projects for delete to authenticated using (
              exists (select from public.members m
                where m.team_id = team_id and m.user_id = auth.uid() and m.role = 'admin'));
            """,
        ),
        Example(
            "With a cast around",
            f"""{_PROJECTS}
            create policy "the team's" on public.projects for update to authenticated using (
              (select count(*) from public.members m
                where m.team_id::text = team_id::text and m.user_id = auth.uid()) > 0);
            """,
        ),
    ),
    good=(
        Example(
            "Members of the row's team",
            f"""{_PROJECTS}
            create policy "the team's" on public.projects for select to authenticated using (
              exists (select from public.members m where m.team_id = projects.team_id and m.user_id = auth.uid()));
            """,
        ),
        Example(
            "The columns have different names",
            f"""{_PROJECTS}
            alter table public.projects rename team_id to team;
            create policy "the team's" on public.projects for select to authenticated using (
              exists (select from public.members m where m.team_id = team and m.user_id = auth.uid()));
            """,
        ),
        Example(
            "IN compares with the row all the same",
            f"""{_PROJECTS}
            create policy "the team's" on public.projects for select to authenticated using (team_id in (
              select m.team_id from public.members m where m.team_id = team_id and m.user_id = auth.uid()));
            """,
        ),
    ),
    check=check,
)
