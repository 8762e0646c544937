"""email-claim: a policy that goes by the address in the token, which nobody may have verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause, Reached
from rlsaudit.rules.claims import by_server, not_of_address
from rlsaudit.rules.reached import mended
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what is reached beyond intent by an e-mail address that one signs up with."""
    yield from found_by_cause(case, RULE, Cause.E_MAIL, "goes by the e-mail address", _because, _fix)


def _because(one: Reached) -> str:
    return (
        f"it takes {listed(list(one.asked))}, and whether an address is one's own is asked only where the project has "
        "sign-ups confirmed"
    )


def _fix(case: Case, one: Reached) -> str:
    asked = by_server(case, one.relation, one.policies, not_of_address)
    return asked or mended(case, one.relation, one.cells, one.policies)


_NOTES = """
            create table public.notes (id bigint primary key, user_id uuid not null, body text);
            alter table public.notes enable row level security;"""

RULE = Rule(
    id="email-claim",
    severity=Severity.HIGH,
    summary="A policy goes by the e-mail address in the token, which need not have been verified.",
    why=(
        "Where sign-ups are not confirmed, whoever signs up as `me@corp.example` is at corp.example. Where they are, "
        "a provider that lets its users state any address, or an alias at a mail host that many share, does it. A list "
        "of addresses in a policy also outlives those who have left."
    ),
    fix=(
        "Ask for a role in `app_metadata`, or for a membership that somebody gave. If it has to be the address, have "
        "a SECURITY DEFINER function ask `auth.users` for `email_confirmed_at`, and switch confirmation on."
    ),
    fine=(
        "Where sign-ups are confirmed and every provider verifies addresses, and the domain is yours alone. Declare "
        "then what those who have such an address may reach."
    ),
    bad=(
        Example(
            "An address at some domain",
            f"""{_NOTES}
            create policy "corp" on public.notes for select to authenticated
              using ((select auth.email()) like '%@corp.example');
            """,
        ),
        Example(
            "A list of addresses",
            f"""{_NOTES}
            create policy "admins" on public.notes for delete to authenticated
              using ((auth.jwt() ->> 'email') in ('ada@corp.example', 'grace@corp.example'));
            """,
        ),
    ),
    good=(
        Example(
            "A role that the server gives",
            f"""{_NOTES}
            create policy "staff" on public.notes for select to authenticated
              using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'staff');
            """,
        ),
        Example(
            "The address beside the user's id",
            f"""{_NOTES}
            create policy "own" on public.notes for select to authenticated
              using (user_id = (select auth.uid()) and (select auth.email()) like '%@corp.example');
            """,
        ),
        Example(
            "An address that was confirmed",
            f"""{_NOTES}
            create function public.is_at_corp() returns boolean
              language sql stable security definer set search_path = '' as $$
                select exists (select from auth.users u where u.id = (select auth.uid())
                  and u.email_confirmed_at is not null and u.email like '%@corp.example') $$;
            create policy "corp" on public.notes for select to authenticated using (public.is_at_corp());
            """,
        ),
        Example(
            "Own rows",
            f"""{_NOTES}
            create policy "own" on public.notes to authenticated
              using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
