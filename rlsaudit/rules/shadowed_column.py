"""shadowed-column: a subquery that compares a column with itself, where the row's column was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.policy.flaws import Kind
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.opened import bounds, drop
from rlsaudit.rules.reached import evidence
from rlsaudit.rules.rewritten import rewrite
from rlsaudit.rules.rule import Example, Found, Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields permissive policies that ask for a membership in anything, and may open more than intended by that."""
    for relation in case.exposed:
        told = set[int]()
        flaws = [one for one in case.flaws.at_sight(relation) if one.kind is Kind.SHADOWED_COLUMN]
        at_fault = {one.policy.oid for one in flaws}
        for flaw in flaws:
            if flaw.policy.oid in told or not flaw.policy.permissive:
                continue
            cells = [one for one in _cells(case, relation, flaw.policy) if flaw.about(one.persona, one.operation)]
            if not cells:
                continue
            told.add(flaw.policy.oid)
            identity = case.catalog.identity(relation)
            policy = ident(flaw.policy.name)
            does = _TAKES if _OF_FILES.match(flaw.where) else _COMPARES
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
                    title=f'Policy "{flaw.policy.name}" on {identity} {does}',
                    message=f"{flaw.where} {flaw.because}: whoever passes for one row passes for all.",
                    evidence=evidence(case, relation, cells),
                    fix=_fix(case, relation, flaw.policy),
                    relations=[identity],
                ),
                case.claims([], [one for one in cells if not _is_open_otherwise(case, relation, one, at_fault)]),
            )


def _is_open_otherwise(case: Case, relation: Relation, cell: Cell, at_fault: Collection[int]) -> bool:
    """Whether another policy surely opens the cell as well, which is a fault of its own."""
    persona = case.persona(cell.persona)
    others = case.access.policies(case.role(persona).oid, relation, cell.operation)
    found = (
        bounds(case, one, persona, relation, cell.operation)
        for one in others
        if one.permissive and one.oid not in at_fault
    )
    return any(one is not None and one.at_least > cell.intended for one in found)


def _fix(case: Case, relation: Relation, policy: Policy) -> str:
    """The row's column where one is compared with itself; where that is not seen in the text, without the policy."""
    names = {one.name for one in case.catalog.columns[relation.oid]}

    def qualified(match: re.Match[str]) -> str:
        inner, table, column = match["inner"], match["table"], match["column"]
        outer = inner.replace(f"{table}.{column}", f"{ident(relation.name)}.{column}")
        return f"{inner} = {outer}" if column in names else match[0]

    own = rf"\g<call>{ident(relation.name)}.name"
    fixed = rewrite(case, relation, policy, lambda text: _NAME.sub(own, _ITSELF.sub(qualified, text)))
    return fixed or drop(case, relation, policy)


_ITSELF = re.compile(r"(?P<inner>\(?(?P<table>\w+)\.(?P<column>\w+)(?:\)::\w+)?) = (?P=inner)(?!\w)")

_NAME = re.compile(r"(?P<call>storage\.(?:extension|filename|foldername)\(\(?)\w+\.name\b")
_OF_FILES = re.compile(r"storage\.(?:extension|filename|foldername)\(")
_COMPARES = "compares a column with itself"
_TAKES = "asks for the name of something else, and not for the file's"


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
_PICTURES = """
            insert into storage.buckets (id, name, public) values ('pictures', 'pictures', false);
            create table public.chats (id uuid primary key default gen_random_uuid(),
              user_id uuid not null default auth.uid() references auth.users, name text not null);
            alter table public.chats enable row level security;
            create policy "own" on public.chats for select to authenticated using (user_id = (select auth.uid()));"""

RULE = Rule(
    id="shadowed-column",
    severity=Severity.CRITICAL,
    summary="A policy's subquery compares a column with itself, and not with the row's column of the same name.",
    why=(
        "In `exists (select from members m where m.team_id = team_id and m.user_id = auth.uid())` both columns are of "
        "`members`, for the innermost table comes first. It asks whether the caller is a member of any team, and a "
        "member of one reads the rows of all. Whoever can make a team of their own is a member of one. Of files it "
        "happens by `storage.foldername(name)` in a subquery over a table that has a `name`: a chat, a team."
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
        Example(
            "The name of a chat, where the file's was meant",
            f"""{_PICTURES}
            create policy "of the chat" on storage.objects for select to authenticated using (
              bucket_id = 'pictures' and exists (select from public.chats
                where user_id = (select auth.uid()) and id::text = (storage.foldername(name))[1]));
            """,
        ),
    ),
    good=(
        Example(
            "The name of the file",
            f"""{_PICTURES}
            create policy "of the chat" on storage.objects for select to authenticated using (
              bucket_id = 'pictures' and exists (select from public.chats c
                where c.user_id = (select auth.uid()) and c.id::text = (storage.foldername(objects.name))[1]));
            """,
        ),
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
