"""nullable-owner: rows without an owner that are everybody's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Severity
from rlsaudit.names import ident
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause, Reached
from rlsaudit.rules.rewritten import altered, rewrite
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what is reached beyond intent in rows without an owner."""
    title = "makes rows without an owner everybody's"
    yield from found_by_cause(case, RULE, Cause.NO_OWNER, title, _BECAUSE, _fix, _severity)


def _severity(one: Reached) -> Severity:
    """As of contact forms, where rows of nobody's are put in and nobody else sees or changes them."""
    put_in = all(cell.operation is Operation.INSERT for cell in one.cells)
    return min(one.severity, Severity.MEDIUM) if put_in else one.severity


def _fix(case: Case, one: Reached) -> str:
    """Without the alternative that there is no owner; where it is not written so, an owner is asked for besides."""
    owners = [ident(name) for name in case.owner_columns(one.relation)]
    there = " and ".join(f"{name} is not null" for name in owners)
    none = re.compile("|".join(rf"\({re.escape(name)} IS NULL\) OR " for name in owners))
    return "\n".join(
        rewrite(case, one.relation, each, lambda text: none.sub("", text)) or altered(case, one.relation, each, there)
        for each in one.policies
    )


_BECAUSE = "the policy takes a row without an owner for everybody's, and the column may be NULL"

_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text, archived boolean);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="nullable-owner",
    severity=Severity.HIGH,
    summary="A policy takes rows without an owner for everybody's, and the owner's column may be empty.",
    why=(
        "`user_id is null or user_id = auth.uid()` is written for rows that come with the application. Rows lose their "
        "owner in other ways as well: `on delete set null` when an account is closed, an import, an insert that left "
        "the column out. From then on they are everybody's, to change where the policy is for that."
    ),
    fix=(
        "Make the column NOT NULL, with `on delete cascade`. What is for everybody is better told by a column of its "
        "own, in a policy of its own, and nobody but the server writes it."
    ),
    fine=(
        'Rows that come with the application. Declare that strangers see some rows, `select = "some"`; as long as '
        "nothing is declared, reading them is a medium finding."
    ),
    bad=(
        Example(
            "Everybody changes what nobody owns",
            f"""{_NOTES}
            alter table public.notes alter user_id drop not null;
            create policy "edit" on public.notes for update to authenticated
              using (user_id is null or user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Whoever visits writes into a log, in nobody's name: medium, for it may be meant",
            """
            create table public.visits (id bigint primary key, user_id uuid, page text);
            alter table public.visits enable row level security;
            create policy "log" on public.visits for insert with check (user_id is null or user_id = auth.uid());
            """,
        ),
        Example(
            "Templates: medium, for it may be meant",
            f"""{_NOTES}
            alter table public.notes alter user_id drop not null;
            create policy "read" on public.notes for select to authenticated
              using (user_id is null or user_id = (select auth.uid()));
            """,
        ),
    ),
    good=(
        Example(
            "The column is never empty",
            f"""{_NOTES}
            create policy "edit" on public.notes for update to authenticated
              using (user_id is null or user_id = (select auth.uid()));
            """,
        ),
        Example(
            "What has no owner is nobody's",
            f"""{_NOTES}
            alter table public.notes alter user_id drop not null;
            create policy "mine" on public.notes to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Another column that may be empty",
            f"""{_NOTES}
            create policy "mine" on public.notes for select to authenticated
              using (user_id = (select auth.uid()) and (archived is null or not archived));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
