"""expired-suppression: a finding was to be set aside until a day that is past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.suppressed import about, named
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields suppressions whose day is past; what they set aside counts again."""
    for entry in case.intent.suppressions:
        if entry.in_force(case.today):
            continue
        back = [one for one in case.found if entry.fits(one)]
        now = (
            f"What it set aside counts again: {listed(list(dict.fromkeys(one.title for one in back)))}. Mend that, or "
            "look at it again and give the entry a later day."
            if back
            else "There is nothing any more that it would set aside: take the entry out."
        )
        yield Found(
            about(
                RULE,
                entry,
                title=f"The suppression of {named(entry)} has expired",
                message=f"{entry.place} held until {entry.expires.isoformat()}. {now}",
                result=f"expires = {entry.expires.isoformat()}, and it is later",
            )
        )


_CLIENTS = "create table public.clients (id bigint primary key, user_id uuid, name text, email text);"

RULE = Rule(
    id="expired-suppression",
    severity=Severity.LOW,
    summary="A suppression in the intent file has expired: it sets nothing aside any more.",
    why=(
        "Somebody decided that a fault may stay until a day. That day is past, and so is the reason, perhaps. The "
        "fault itself counts again, as grave as it is."
    ),
    fix="Mend the fault and take the entry out; or look at it again, and write down a later day and why.",
    fine=(
        "What is meant for good needs no day: it is not to be suppressed but allowed, with `[[allow]]`, `[[function]]` "
        "or a zone."
    ),
    bad=(
        Example(
            "The day is past, and the table is as open as it was",
            _CLIENTS,
            also=("rls-off",),
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = "public.clients"
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 2020-12-31
            """,
        ),
        Example(
            "The day is past, and the fault is mended",
            f"""
            {_CLIENTS}
            alter table public.clients enable row level security;
            """,
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = "public.clients"
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 2020-12-31
            """,
        ),
    ),
    good=(
        Example(
            "It still holds",
            _CLIENTS,
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = "public.clients"
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 9999-12-31
            """,
        ),
        Example(
            "Allowed, which needs no day",
            _CLIENTS,
            intent="""
            [[allow]]
            relation = "public.clients"
            persona = ["anon", "authenticated"]
            select = "all"
            insert = "all"
            update = "all"
            delete = "all"
            """,
        ),
        Example(
            "Nothing to suppress",
            "create schema private; create table private.clients (id bigint primary key, email text);",
        ),
    ),
    check=check,
    turn=Turn.REVIEW,
)
