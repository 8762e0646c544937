"""restrictive-missing-command: a restrictive policy that is for one command, where others stay open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause, Reached
from rlsaudit.rules.reached import told
from rlsaudit.rules.rewritten import WORDS, made, remade
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what a restrictive policy would keep closed, were it for that command as well."""
    yield from found_by_cause(
        case,
        RULE,
        Cause.UNRESTRICTED,
        "opens what a restrictive policy keeps closed for another command",
        _because,
        _fix,
    )


def _because(one: Reached) -> str:
    return f"the restrictive {listed([told(each) for each in one.floors])} is for another command"


def _fix(case: Case, one: Reached) -> str:
    """For all commands, unless it would shut by that what is no fault: then once more, for those that are."""
    found = {cell.operation for cell in one.cells}
    personas = {cell.persona: case.persona(cell.persona) for cell in one.cells}.values()
    lines = []
    for floor in one.floors:
        others = [each for each in Operation if each not in found and WORDS[floor.command] != each.value]
        cells = (case.cell(persona, one.relation, each) for persona in personas for each in others)
        if all(cell is None or cell.at_most is Reach.NONE for cell in cells):
            lines.append(remade(case, one.relation, floor, "*", permissive=False))
        else:
            lines += [made(case, one.relation, floor, each) for each in Operation if each in found]
    return "\n".join(lines)


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text, archived boolean);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="restrictive-missing-command",
    severity=Severity.CRITICAL,
    summary="A restrictive policy is for one command only, and the others are open without it.",
    why=(
        "A restrictive policy is a floor under all others, for the commands that it is for. `as restrictive for "
        "select` keeps strangers from reading, and leaves INSERT, UPDATE and DELETE to whatever the others say."
    ),
    fix="Make it one for all commands, by leaving out FOR. Where reading may be wider, have one for each that writes.",
    fine="Rows that everybody is meant to write and not to read back, as a contact form's. Declare the reach.",
    bad=(
        Example(
            "A floor for reading only",
            f"""{_NOTES}
            create policy "signed in" on public.notes for all to authenticated using (archived is not true);
            create policy "own" on public.notes as restrictive for select to authenticated
              using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Deleting is left out",
            f"""{_NOTES}
            create policy "current ones" on public.notes for delete to authenticated using (not archived);
            create policy "own" on public.notes as restrictive for update to authenticated
              using (user_id = (select auth.uid()));
            """,
        ),
    ),
    good=(
        Example(
            "A floor for all commands",
            f"""{_NOTES}
            create policy "signed in" on public.notes for all to authenticated using (archived is not true);
            create policy "own" on public.notes as restrictive to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "Nothing else is open",
            f"""{_NOTES}
            create policy "current ones" on public.notes for select to authenticated using (archived is not true);
            create policy "own" on public.notes as restrictive for select to authenticated
              using (user_id = (select auth.uid()));
            """,
        ),
        Example(
            "One floor for each command",
            f"""{_NOTES}
            create policy "current ones" on public.notes for select to authenticated using (not archived);
            create policy "to delete" on public.notes for delete to authenticated using (not archived);
            create policy "own" on public.notes as restrictive for select to authenticated
              using (user_id = (select auth.uid()));
            create policy "own to delete" on public.notes as restrictive for delete to authenticated
              using (user_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
