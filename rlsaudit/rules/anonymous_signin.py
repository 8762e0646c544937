"""anonymous-signin: what is meant for those who have an account, and anonymous sign-ins get as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.rewritten import floor
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what somebody without an account reaches that is meant for those who have one."""
    yield from found_by_cause(case, RULE, Cause.ANONYMOUS, "does not ask for an account", _BECAUSE, _fix)


def _fix(case: Case, one: Reached) -> str:
    condition = "((select auth.jwt()) ->> 'is_anonymous')::boolean is not true"
    return floor(case, one.relation, "with an account", condition, one.cells)


_BECAUSE = "anonymous sign-ins have the role authenticated, and the policy asks for nothing more"

_POSTS = """
            create table public.posts (id bigint primary key, user_id uuid not null, body text);
            alter table public.posts enable row level security;"""
_FOR_ACCOUNTS = """
            [[allow]]
            relation = "public.posts"
            persona = "authenticated"
            select = "all"

            [[allow]]
            relation = "public.posts"
            persona = "anonymous-sign-in"
            select = "none"
            insert = "none"
            """

RULE = Rule(
    id="anonymous-signin",
    severity=Severity.HIGH,
    summary="Anonymous sign-ins get what is meant for those who have an account: they have the same role.",
    why=(
        "`signInAnonymously()` gives anybody a token of the role `authenticated`, without an address, and without a "
        "captcha where none is set up. Policies that ask for the role, or for any user, take it for an account."
    ),
    fix=(
        "Add a restrictive policy that asks `((select auth.jwt()) ->> 'is_anonymous')::boolean is not true`, or switch "
        "anonymous sign-ins off."
    ),
    fine=(
        "Where guests are meant to do what users do: nothing is found unless the intent file says otherwise of the "
        "persona `anonymous-sign-in`."
    ),
    bad=(
        Example(
            "Any user reads",
            f"""{_POSTS}
            create policy "read" on public.posts for select to authenticated using (true);
            """,
            intent=_FOR_ACCOUNTS,
        ),
        Example(
            "Another command asks for an account",
            f"""{_POSTS}
            create policy "read" on public.posts for select to authenticated using (true);
            create policy "account" on public.posts as restrictive for insert to authenticated
              with check (((select auth.jwt()) ->> 'is_anonymous')::boolean is not true);
            """,
            intent=_FOR_ACCOUNTS,
        ),
    ),
    good=(
        Example(
            "A floor for all commands",
            f"""{_POSTS}
            create policy "read" on public.posts for select to authenticated using (true);
            create policy "account" on public.posts as restrictive to authenticated
              using (((select auth.jwt()) ->> 'is_anonymous')::boolean is not true);
            """,
            intent=_FOR_ACCOUNTS,
        ),
        Example(
            "The policy asks itself",
            f"""{_POSTS}
            create policy "read" on public.posts for select to authenticated
              using (((select auth.jwt()) ->> 'is_anonymous')::boolean is false);
            """,
            intent=_FOR_ACCOUNTS,
        ),
        Example(
            "Guests have rows of their own, and nobody says that they must not",
            f"""{_POSTS}
            create policy "own" on public.posts to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
