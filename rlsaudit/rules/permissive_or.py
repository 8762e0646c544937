"""permissive-or: policies that were to hold together, and of which one is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause, Reached
from rlsaudit.rules.reached import mended, told
from rlsaudit.rules.rewritten import remade
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what permissive policies open together, or by one that was to limit another."""
    yield from found_by_cause(
        case, RULE, Cause.EITHER, "is enough by itself, beside one that names the owner", _because, _fix
    )


def _because(one: Reached) -> str:
    if not one.policies:
        return "no policy opens that by itself, and several together do: one says which rows, another what they become"
    return f"permissive policies are ORed, so that {listed([told(each) for each in one.policies])} limits nothing"


def _fix(case: Case, one: Reached) -> str:
    if not one.policies:
        return mended(case, one.relation, one.cells, one.policies)
    return "\n".join(remade(case, one.relation, each, each.command, permissive=False) for each in one.policies)


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text, archived boolean);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="permissive-or",
    severity=Severity.CRITICAL,
    summary="Permissive policies were to hold together, and each of them is enough.",
    why=(
        "Policies are permissive unless they say otherwise, and permissive policies are ORed: a second one that only "
        "says what must not be, `deleted_at is null`, lets everybody at all rows that are not deleted. For UPDATE, the "
        "USING of one policy goes together with the WITH CHECK of another."
    ),
    fix=(
        "Make the policy that limits one `as restrictive`, or put its condition into the other with AND. A restrictive "
        "policy alone opens nothing."
    ),
    fine=(
        "Two reasons to get in, of which each is meant to be enough, such as one's own rows and published ones. "
        "Declare the reach that is meant."
    ),
    bad=(
        Example(
            "Not archived, and one's own",
            f"""{_NOTES}
            create policy "own" on public.notes for select to authenticated using (user_id = (select auth.uid()));
            create policy "not archived" on public.notes for delete to authenticated using (not archived);
            create policy "own to delete" on public.notes for delete to authenticated
              using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Strangers change what is published",
            f"""{_NOTES}
            alter table public.notes add published boolean;
            create policy "own" on public.notes for update to authenticated using ((select auth.uid()) = user_id);
            create policy "edit public ones" on public.notes for update to authenticated using (published = true);
            """,
        ),
    ),
    good=(
        Example(
            "The second one is restrictive",
            f"""{_NOTES}
            create policy "own" on public.notes to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            create policy "not archived" on public.notes as restrictive for update to authenticated
              using (not archived);
            """,
        ),
        Example(
            "One policy with both",
            f"""{_NOTES}
            create policy "own, not archived" on public.notes for update to authenticated
              using (user_id = (select auth.uid()) and not archived) with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Two ways in that are both meant",
            f"""{_NOTES}
            alter table public.notes add editor_id uuid;
            create policy "own" on public.notes for select to authenticated using (user_id = (select auth.uid()));
            create policy "edited" on public.notes for select to authenticated using (editor_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
