"""null-logic: a condition that NULL makes true, so that whoever has no id gets further than who has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause, Reached
from rlsaudit.rules.rewritten import altered
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what visitors reach beyond intent because they have no id."""
    yield from found_by_cause(case, RULE, Cause.NULL, "is true where nobody is signed in", _BECAUSE, _fix)


def _fix(case: Case, one: Reached) -> str:
    return "\n".join(altered(case, one.relation, each, "(select auth.uid()) is not null") for each in one.policies)


_BECAUSE = "visitors have no id, and what the policy makes of NULL is true"

_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text, archived boolean);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="null-logic",
    severity=Severity.CRITICAL,
    summary="A condition is true where somebody has no id: visitors reach what users do not.",
    why=(
        "Without a user `auth.uid()` is NULL, and what makes something of NULL makes something of every visitor. "
        "`coalesce(auth.uid(), user_id) = user_id` is true of every row then, and so is `(user_id <> auth.uid()) is "
        "not true`. It works for whoever tries it signed in, which is how it is tried."
    ),
    fix="Ask for a user first, `auth.uid() is not null and …`, or make the policy one `to authenticated`.",
    fine="Rows that visitors are meant to see. Then say so in a policy of its own, `to anon using (published)`.",
    bad=(
        Example(
            "COALESCE",
            f"""{_NOTES}
            create policy "mine" on public.notes for select using (coalesce(auth.uid(), user_id) = user_id);
            """,
        ),
        Example(
            "Not somebody else's",
            f"""{_NOTES}
            create policy "mine" on public.notes for delete using ((user_id <> auth.uid()) is not true);
            """,
        ),
        Example(
            "IS NOT DISTINCT FROM, of a row without an owner",
            f"""{_NOTES}
            alter table public.notes alter user_id drop not null;
            create policy "mine" on public.notes for select using (user_id is not distinct from auth.uid());
            """,
        ),
        Example(
            "A helper whose IF is not taken, of NULL",
            f"""{_NOTES}
            create function public.may_see(owner uuid) returns boolean
              language plpgsql stable set search_path = '' as $$
              begin
                if owner <> auth.uid() then
                  return false;
                end if;
                return true;
              end $$;
            create policy "mine" on public.notes for select using (public.may_see(user_id));
            """,
        ),
    ),
    good=(
        Example(
            "For those who are signed in only",
            f"""{_NOTES}
            create policy "mine" on public.notes for select to authenticated
              using (coalesce(auth.uid(), user_id) = user_id);
            """,
        ),
        Example(
            "A comparison, which is NULL of NULL",
            f"""{_NOTES}
            create policy "mine" on public.notes for select using (auth.uid() = user_id);
            """,
        ),
        Example(
            "A user is asked for first",
            f"""{_NOTES}
            create policy "mine" on public.notes for select
              using (auth.uid() is not null and (user_id <> auth.uid()) is not true);
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
