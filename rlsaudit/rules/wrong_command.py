"""wrong-command: a policy whose name says another command than it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Reach, Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.opened import narrow
from rlsaudit.rules.reached import told
from rlsaudit.rules.rewritten import WORDS, for_reading
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what policies open beyond intent for commands that their names do not say."""
    yield from found_by_cause(case, RULE, Cause.COMMAND, "is for more than its name says", _because, _fix)


def _because(one: Reached) -> str:
    said = " and ".join(WORDS[each.command] for each in one.policies)
    return f"by {listed([told(each) for each in one.policies])}, which is for {said}"


def _fix(case: Case, one: Reached) -> str:
    asks = any(cell.at_least is not Reach.ALL for cell in one.cells)
    return "\n".join(
        for_reading(case, one.relation, each) if each.command == "*" else narrow(case, one.relation, each, within=asks)
        for each in one.policies
    )


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text, published boolean);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="wrong-command",
    severity=Severity.CRITICAL,
    summary="A policy is for another command than its name says: one for reading lets write.",
    why=(
        'A policy without FOR is one for all commands. `create policy "anyone can read posts" on posts using '
        "(published)` lets everybody change and delete what is published, and reads right in every review."
    ),
    fix="Say the command: `for select`. It cannot be altered, so the policy is dropped and made again.",
    fine="Where the name is out of date and the reach is meant. Rename the policy, and declare the reach.",
    bad=(
        Example(
            "Reading, for all commands",
            f"""{_NOTES}
            create policy "anyone can read notes" on public.notes using (published);
            """,
        ),
        Example(
            "Reading, for DELETE",
            f"""{_NOTES}
            create policy "users can view notes" on public.notes for delete to authenticated using (true);
            """,
        ),
    ),
    good=(
        Example(
            "Reading, for SELECT",
            f"""{_NOTES}
            create policy "users can view their notes" on public.notes for select to authenticated
              using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "All that one may do with one's own",
            f"""{_NOTES}
            create policy "users read and write their notes" on public.notes to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "A name that promises less than it is for, and opens nothing",
            f"""{_NOTES}
            create policy "read own" on public.notes to authenticated using (user_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
