"""dead-suppression: an entry of the intent file sets aside what is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.intent.names import closest, suggested
from rlsaudit.intent.pattern import function_fits, is_plain
from rlsaudit.model import Severity
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.suppressed import about, named
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.intent import SuppressRule
    from rlsaudit.model import Finding
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields suppressions that hold and set nothing aside, or nothing of one of the rules or objects that they name."""
    for entry in case.intent.suppressions:
        if not entry.in_force(case.today):
            continue
        fitting = [one for one in case.found if entry.fits(one)]
        dead = [
            *(one for one in entry.rules if not any(replace(entry, rules=(one,)).fits(each) for each in fitting)),
            *(one for one in entry.objects if not any(replace(entry, objects=(one,)).fits(each) for each in fitting)),
        ]
        if not dead:
            continue
        what = "nothing" if not fitting else f"nothing of {listed(dead)}"
        yield Found(
            about(
                RULE,
                entry,
                title=f"The suppression of {named(entry)} sets aside {what}",
                message=f"{entry.place}: {_advice(case, entry, _what_to_take_out(dead, fitting))}",
                result=f"{len(fitting)} of {len(case.found)} findings fit it",
            )
        )


def _what_to_take_out(dead: list[str], fitting: list[Finding]) -> str:
    return listed([f'"{one}"' for one in dead]) if fitting else "the entry"


def _advice(case: Case, entry: SuppressRule, dead: str) -> str:
    """What to do about it: correct a name, or take something out."""
    known = _identities(case)
    for name in entry.objects:
        if is_plain(name) and not any(function_fits(name, one) for one in known):
            alike = tuple(one.object.identity for one in case.found if one.rule in entry.rules)
            near = suggested(closest(name, alike) or closest(name, known))
            return f'nothing that was audited has the name "{name}". {near}If it is gone, take {dead} out.'
    if any(one.rule in entry.rules and entry.about(one.object.identity) for one in case.found):
        return f"there is such a finding, of another persona or fingerprint. Correct the entry, or take {dead} out."
    return (
        f"there is no such finding any more. If the fault is mended, take {dead} out: it would hide the same fault "
        "when it comes back. If only an audit that writes finds it (`--probe write`), keep it for that one."
    )


def _identities(case: Case) -> tuple[str, ...]:
    """What suppressions mostly name: relations, functions, schemas, and whatever findings are about."""
    catalog = case.catalog
    return (
        *(catalog.identity(one) for one in catalog.snapshot.relations),
        *(catalog.function_identity(one) for one in catalog.snapshot.functions),
        *(one.name for one in catalog.snapshot.schemas),
        *(one.object.identity for one in case.found),
    )


_CLIENTS = """
            create table public.clients (id bigint primary key, user_id uuid, name text, email text);
            alter table public.clients enable row level security;"""

RULE = Rule(
    id="dead-suppression",
    severity=Severity.LOW,
    summary="A suppression in the intent file sets nothing aside: what it names is mended, gone or misspelt.",
    why=(
        "As long as it stands there it waits: the next time somebody makes the same mistake nobody hears of it. And "
        "one that is misspelt never did what its author thought."
    ),
    fix="Correct the name, or take the entry out.",
    fine=(
        "Where one audit writes and another only reads, the second may not see what the first finds. Then the entry is "
        "right, and this finding of the second is a low one."
    ),
    bad=(
        Example(
            "The fault is mended",
            f"""{_CLIENTS}
            """,
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = "public.clients"
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 9999-12-31
            """,
        ),
        Example(
            "Misspelt",
            "create table public.clients (id bigint primary key, user_id uuid, name text, email text);",
            also=("rls-off",),
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = "public.cleints"
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 9999-12-31
            """,
        ),
        Example(
            "One entry for two tables, one of which is mended",
            f"""{_CLIENTS}
            create table public.orders (id bigint primary key, user_id uuid, email text);
            """,
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = ["public.clients", "public.orders"]
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 9999-12-31
            """,
        ),
    ),
    good=(
        Example(
            "It sets a finding aside",
            "create table public.clients (id bigint primary key, user_id uuid, name text, email text);",
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = "public.cli*"
            persona = "anon"
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 9999-12-31
            """,
        ),
        Example(
            "A pattern that fits one of two tables",
            f"""{_CLIENTS}
            create table public.orders (id bigint primary key, user_id uuid, email text);
            """,
            intent="""
            [[suppress]]
            rule = "rls-off"
            object = "public.*"
            reason = "the old mobile app reads it without signing in; gone with version 3"
            expires = 9999-12-31
            """,
        ),
        Example("Nothing to suppress", _CLIENTS.lstrip("\n ")),
    ),
    check=check,
    turn=Turn.REVIEW,
)
