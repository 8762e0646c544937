"""mfa-missing: what the intent gives only to those who gave a second factor, and others get as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.rewritten import floor, remade
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what is reached without a second factor that is meant for sessions with one."""
    yield from found_by_cause(case, RULE, Cause.MFA, "takes no second factor", _BECAUSE, _fix)


def _fix(case: Case, one: Reached) -> str:
    """A restrictive policy; where one that asks for it is permissive, and so in vain, that one becomes it."""
    asking = [each for each in one.policies if "'aal2'" in (each.using or "")]
    if asking and len(asking) < len(one.policies):
        return "\n".join(remade(case, one.relation, each, each.command, permissive=False) for each in asking)
    return floor(case, one.relation, "second factor", "(select auth.jwt()) ->> 'aal' = 'aal2'", one.cells)


_BECAUSE = "the policy asks for no second factor, without which the intent gives less"

_PAYOUTS = """
            create table public.payouts (id bigint primary key, user_id uuid not null, iban text);
            alter table public.payouts enable row level security;
            create policy "own" on public.payouts for select to authenticated using (user_id = (select auth.uid()));"""
_WITH_SECOND_FACTOR = """
            [[allow]]
            relation = "public.payouts"
            persona = "authenticated"
            select = "none"

            [[allow]]
            relation = "public.payouts"
            persona = "aal2"
            select = "own"
            """

RULE = Rule(
    id="mfa-missing",
    severity=Severity.HIGH,
    summary="Rows that take a second factor, by the intent, are reached without one.",
    why=(
        "Asking for the second factor in the application keeps nobody from calling the API with the token of the "
        "first. A stolen password is enough, then, for what the second factor was to protect."
    ),
    fix="Add a restrictive policy that asks `(select auth.jwt()) ->> 'aal' = 'aal2'`, for all commands.",
    fine="Where the intent file does not ask for it, with the personas `authenticated` and `aal2`, nothing is found.",
    bad=(
        Example("No policy asks for it", f"{_PAYOUTS}\n            ", intent=_WITH_SECOND_FACTOR),
        Example(
            "It is asked for in a permissive policy, which is one too many",
            f"""{_PAYOUTS}
            create policy "second factor" on public.payouts for select to authenticated
              using ((select auth.jwt()) ->> 'aal' = 'aal2' and user_id = (select auth.uid()));
            """,
            intent=_WITH_SECOND_FACTOR,
        ),
    ),
    good=(
        Example(
            "A restrictive policy",
            f"""{_PAYOUTS}
            create policy "second factor" on public.payouts as restrictive to authenticated
              using ((select auth.jwt()) ->> 'aal' = 'aal2');
            """,
            intent=_WITH_SECOND_FACTOR,
        ),
        Example(
            "In the policy itself",
            f"""{_PAYOUTS}
            alter policy "own" on public.payouts
              using (user_id = (select auth.uid()) and (select auth.jwt()) ->> 'aal' = 'aal2');
            """,
            intent=_WITH_SECOND_FACTOR,
        ),
        Example("Nobody asks for it", f"{_PAYOUTS}\n            "),
    ),
    check=check,
    turn=Turn.POLICIES,
)
