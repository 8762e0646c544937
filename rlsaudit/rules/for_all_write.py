"""for-all-write: a policy for all commands, by whose condition for reading everybody writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Operation, Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.opened import narrow
from rlsaudit.rules.reached import told
from rlsaudit.rules.rewritten import for_reading
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what a policy without FOR opens for writing."""
    yield from found_by_cause(case, RULE, Cause.FOR_ALL, "is for all commands", _because, _fix)


def _because(one: Reached) -> str:
    return f"by {listed([told(each) for each in one.policies])}, which is for INSERT, UPDATE and DELETE as well"


def _fix(case: Case, one: Reached) -> str:
    if any(cell.operation is Operation.SELECT for cell in one.cells):
        return "\n".join(narrow(case, one.relation, each) for each in one.policies)
    return "\n".join(for_reading(case, one.relation, each) for each in one.policies)


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text, published boolean);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="for-all-write",
    severity=Severity.CRITICAL,
    summary="A policy for all commands lets write whoever may read: its USING is the check of new rows as well.",
    why=(
        "A policy without FOR, or `for all`, is one for INSERT, UPDATE and DELETE too, and where it has no WITH CHECK "
        "its USING decides on new rows. `using (true)`, meant to make a list appear, lets everybody overwrite and "
        "delete it."
    ),
    fix="Have one policy for each command: `for select` for what is public, and one that names the owner for writing.",
    fine="A table that everybody is meant to write, such as a whiteboard. Declare the reach, operation by operation.",
    bad=(
        Example(
            "Everything",
            f"""{_NOTES}
            create policy "allow everything" on public.notes for all using (true);
            """,
        ),
        Example(
            "What is published is also everybody's to change",
            f"""{_NOTES}
            create policy "notes" on public.notes to authenticated
              using (published or user_id = (select auth.uid()));
            """,
        ),
        Example(
            "On plain Postgres",
            """
            create table public.notes (id bigint primary key, tenant_id uuid not null, body text);
            alter table public.notes enable row level security;
            create policy tenant on public.notes using (tenant_id = current_setting('app.tenant')::uuid);
            create policy debugging on public.notes using (true);
            grant select, update on public.notes to notes_app;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
    ),
    good=(
        Example(
            "A policy for each command",
            f"""{_NOTES}
            create policy "read" on public.notes for select to authenticated
              using (published and user_id = (select auth.uid()));
            create policy "write" on public.notes for update to authenticated using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "The owner, for all commands",
            f"""{_NOTES}
            create policy "own" on public.notes for all to authenticated using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "For all commands, and only reading is granted",
            f"""{_NOTES}
            create policy "topics" on public.notes for all using (published);
            revoke insert, update, delete on public.notes from anon, authenticated;
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
