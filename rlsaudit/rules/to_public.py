"""to-public: a policy for everybody, of which the intent says that it is for those who are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.names import ident
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields what visitors reach that is meant for those who are signed in."""
    yield from found_by_cause(case, RULE, Cause.PUBLIC, "is for everybody", _BECAUSE, _fix)


def _fix(case: Case, one: Reached) -> str:
    identity = case.catalog.identity(one.relation)
    return "\n".join(f"alter policy {ident(each.name)} on {identity} to authenticated;" for each in one.policies)


_BECAUSE = "the policy does not say for whom it is, and the intent gives that much to those who are signed in only"

_GROUPS = """
            create table public.groups (id bigint primary key, name text, listed boolean);
            alter table public.groups enable row level security;"""
_FOR_USERS = """
            [[allow]]
            relation = "public.groups"
            persona = "authenticated"
            select = "all"
            """

RULE = Rule(
    id="to-public",
    severity=Severity.HIGH,
    summary="A policy is for everybody, and what it opens is meant for those who are signed in.",
    why=(
        "A policy without TO is one for PUBLIC, and that includes `anon`: whoever takes the key out of the page's code "
        "reads it, without an account, and so does every crawler."
    ),
    fix="Say for whom it is: `to authenticated`. Postgres does not even look at it then for others.",
    fine="Where the condition itself keeps visitors out there is no finding. What is for all should be declared so.",
    bad=(
        Example(
            "Meant for users",
            f"""{_GROUPS}
            create policy "groups" on public.groups for select using (true);
            """,
            intent=_FOR_USERS,
        ),
        Example(
            "Some of the rows",
            f"""{_GROUPS}
            create policy "groups" on public.groups for select using (listed);
            """,
            intent=_FOR_USERS,
        ),
    ),
    good=(
        Example(
            "For those who are signed in",
            f"""{_GROUPS}
            create policy "groups" on public.groups for select to authenticated using (true);
            """,
            intent=_FOR_USERS,
        ),
        Example(
            "The condition keeps visitors out",
            f"""{_GROUPS}
            create policy "groups" on public.groups for select using ((select auth.uid()) is not null);
            """,
            intent=_FOR_USERS,
        ),
        Example(
            "Visitors may not read the table",
            f"""{_GROUPS}
            create policy "groups" on public.groups for select using (true);
            revoke all on public.groups from anon;
            """,
            intent=_FOR_USERS,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
