"""insert-check-true: an INSERT policy that does not ask whose row it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Reach, Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.opened import narrow
from rlsaudit.rules.reached import told
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import agreeing, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what policies for INSERT let somebody put in in the name of others."""
    yield from found_by_cause(case, RULE, Cause.INSERT, "does not ask whose the new row is", _because, _fix)


def _because(one: Reached) -> str:
    asks = agreeing("asks nothing of whose it is", len(one.policies))
    return f"{listed([told(each) for each in one.policies])} {asks}"


def _fix(case: Case, one: Reached) -> str:
    # What it asks of the row besides is asked all the same.
    asks = any(cell.at_least is not Reach.ALL for cell in one.cells)
    return "\n".join(narrow(case, one.relation, each, within=asks) for each in one.policies)


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text, published boolean);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="insert-check-true",
    severity=Severity.HIGH,
    summary="A policy for INSERT does not ask whose the new row is: anybody writes in another's name.",
    why=(
        "With `with check (true)` the owner is whatever the request says: notes, orders and messages appear in the "
        "account of somebody else, and rows that grant something, such as credits or memberships, in one's own."
    ),
    fix="Compare the owner with the caller: `with check (user_id = (select auth.uid()))`.",
    fine=(
        "Contact forms and counters, which name no owner: then it is a medium finding, until the intent file says "
        '`insert = "all"`.'
    ),
    bad=(
        Example(
            "In another's name",
            f"""{_NOTES}
            create policy "insert" on public.notes for insert with check (true);
            """,
        ),
        Example(
            "Only what it says is checked, not who says it",
            f"""{_NOTES}
            create policy "drafts" on public.notes for insert to authenticated with check (not published);
            """,
        ),
        Example(
            "A contact form: medium, for it may be meant",
            """
            create table public.requests (id bigint generated always as identity, message text);
            alter table public.requests enable row level security;
            create policy send on public.requests for insert with check (true);
            """,
        ),
    ),
    good=(
        Example(
            "In one's own name",
            f"""{_NOTES}
            create policy "insert" on public.notes for insert to authenticated
              with check (user_id = (select auth.uid()) and not published);
            """,
        ),
        Example(
            "True, but a restrictive policy asks",
            f"""{_NOTES}
            create policy "insert" on public.notes for insert to authenticated with check (true);
            create policy "own" on public.notes as restrictive to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "True, for the server",
            f"""{_NOTES}
            create policy "insert" on public.notes for insert to service_role with check (true);
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
