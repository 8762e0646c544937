"""invite-token-readable: tokens of invitations that others than the invited read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause
from rlsaudit.rules.reached import mended
from rlsaudit.rules.rule import Example, Found, Rule, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case
    from rlsaudit.rules.cause import Reached


def check(case: Case) -> Iterator[Found]:
    """Yields tables of invitations whose tokens are read beyond intent."""
    yield from found_by_cause(case, RULE, Cause.INVITE, "shows the tokens of invitations", _BECAUSE, _fix)


def _fix(case: Case, one: Reached) -> str:
    return mended(case, one.relation, one.cells, one.policies)


_BECAUSE = "whoever reads the token of an invitation can accept it"

_INVITATIONS = """
            create table public.invitations (id bigint primary key, team_id uuid not null, email text, token text,
              accepted boolean not null default false);
            alter table public.invitations enable row level security;"""

RULE = Rule(
    id="invite-token-readable",
    severity=Severity.CRITICAL,
    summary="The tokens of invitations can be read, and whoever has one is let in.",
    why=(
        "The page that accepts an invitation looks it up by its token, so its table is opened to everybody: `using "
        "(true)`, or all that are still open. The attacker asks for all of them, and joins every team that has invited "
        "somebody."
    ),
    fix=(
        "Close the table. A SECURITY DEFINER function takes the token and gives the one invitation that has it; keep a "
        "hash of the token rather than the token."
    ),
    fine="Codes that are printed on a poster. Declare the reach then.",
    bad=(
        Example(
            "All of them",
            f"""{_INVITATIONS}
            create policy "lookup" on public.invitations for select using (true);
            """,
        ),
        Example(
            "Those that are still open",
            f"""{_INVITATIONS}
            create policy "pending" on public.invitations for select to authenticated using (not accepted);
            """,
        ),
    ),
    good=(
        Example(
            "A function that takes the token",
            f"""{_INVITATIONS}
            create function public.invitation(secret text) returns bigint
              language sql stable security definer set search_path = '' as
              $$select i.id from public.invitations i where i.token = secret and not i.accepted$$;
            """,
        ),
        Example(
            "Invitations that one has sent oneself",
            f"""{_INVITATIONS}
            alter table public.invitations add invited_by uuid not null;
            create policy "sent" on public.invitations for select to authenticated
              using (invited_by = (select auth.uid()));
            """,
        ),
        Example(
            "The tokens are not granted",
            f"""{_INVITATIONS}
            create policy "pending" on public.invitations for select to authenticated using (not accepted);
            revoke all on public.invitations from anon, authenticated;
            grant select (id, team_id) on public.invitations to authenticated;
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
