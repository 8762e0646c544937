"""soft-delete-leak: rows that are marked as deleted, and reached all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Severity
from rlsaudit.names import ident
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import IS_MARK, Cause
from rlsaudit.rules.rewritten import altered
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields rows marked as deleted that are reached, where the intent leaves them out."""
    yield from found_by_cause(case, RULE, Cause.DELETED, "lets through what is deleted", _BECAUSE, _fix)


def _fix(case: Case, one: Reached) -> str:
    """What the intent asks, in the policies that do not ask for the mark; else in policies of their own."""
    conditions = {cell.condition for cell in one.cells if cell.condition}
    leaking = [each for each in one.policies if not IS_MARK.search(each.using or each.check or "")]
    if len(conditions) == 1 and leaking:
        (condition,) = conditions
        return "\n".join(altered(case, one.relation, each, condition) for each in leaking)
    return _floors(case, one)


def _floors(case: Case, one: Reached) -> str:
    """A restrictive policy with the condition of the intent, for each command and role that is concerned."""
    identity = case.catalog.identity(one.relation)
    lines = []
    for condition in dict.fromkeys(cell.condition for cell in one.cells):
        cells = [cell for cell in one.cells if cell.condition == condition]
        roles = ", ".join(ident(name) for name in dict.fromkeys(cell.role for cell in cells))
        for operation in dict.fromkeys(cell.operation for cell in cells):
            clause = "with check" if operation is Operation.INSERT else "using"
            made = f"create policy {ident(f'not deleted, {operation.value}')} on {identity} as restrictive"
            lines.append(f"{made} for {operation.value} to {roles} {clause} ({condition});")
    return "\n".join(lines)


_BECAUSE = "the policy does not ask for the mark that rows carry once they are deleted"
_POSTS = """
            create table public.posts (id bigint primary key, user_id uuid not null, published boolean not null,
              deleted_at timestamptz);
            alter table public.posts enable row level security;"""
_NOT_DELETED = """
            [[allow]]
            relation = "public.posts"
            persona = ["anon", "authenticated"]
            select = "some"
            where = "published and deleted_at is null"
            """

RULE = Rule(
    id="soft-delete-leak",
    severity=Severity.HIGH,
    summary="Rows that are marked as deleted are reached, where the intent leaves them out.",
    why=(
        "A row that is only marked is gone from the pages, which ask for it not to be marked. The API does not ask: "
        "what somebody deleted, often because it should not have been there, is read by whoever sends a request of "
        "their own."
    ),
    fix="Ask for the mark in a restrictive policy, which holds for all others, those that come later among them.",
    fine="Where what is deleted may be seen. Then the intent file says so, by a `where` that does not ask for it.",
    bad=(
        Example(
            "Published is all that is asked",
            f"""{_POSTS}
            create policy "published" on public.posts for select using (published);
            """,
            intent=_NOT_DELETED,
        ),
        Example(
            "A second way in",
            f"""{_POSTS}
            alter table public.posts add pinned boolean not null default false;
            create policy "published" on public.posts for select using (published and deleted_at is null);
            create policy "pinned" on public.posts for select using (published and pinned);
            """,
            intent=_NOT_DELETED,
        ),
    ),
    good=(
        Example(
            "The policy asks",
            f"""{_POSTS}
            create policy "published" on public.posts for select using (published and deleted_at is null);
            """,
            intent=_NOT_DELETED,
        ),
        Example(
            "A restrictive one does",
            f"""{_POSTS}
            create policy "published" on public.posts for select using (published);
            create policy "not deleted" on public.posts as restrictive for select using (deleted_at is null);
            """,
            intent=_NOT_DELETED,
        ),
        Example(
            "Nobody says that it must not be",
            f"""{_POSTS}
            create policy "own" on public.posts for select to authenticated using (user_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
