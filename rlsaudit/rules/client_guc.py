"""client-guc: a policy that trusts in a header or a cookie, which every client sends as it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import Severity
from rlsaudit.rules.by_cause import found_by_cause
from rlsaudit.rules.cause import Cause, Reached
from rlsaudit.rules.claims import by_server, not_of_request
from rlsaudit.rules.reached import mended
from rlsaudit.rules.rule import Example, Found, Rule, Turn
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields what is reached beyond intent by what a request says of itself."""
    yield from found_by_cause(case, RULE, Cause.REQUEST, "trusts in what the request says of itself", _because, _fix)


def _because(one: Reached) -> str:
    asked = listed(list(one.asked)) if one.asked else "a value in a header or a cookie"
    return f"it takes {asked}, which the client sends itself"


def _fix(case: Case, one: Reached) -> str:
    asked = by_server(case, one.relation, one.policies, not_of_request)
    return asked or mended(case, one.relation, one.cells, one.policies)


_ORDERS = """
            create table public.orders (id bigint primary key, tenant_id text not null, total int);
            alter table public.orders enable row level security;"""

RULE = Rule(
    id="client-guc",
    severity=Severity.CRITICAL,
    summary="A policy trusts in a header or a cookie of the request, which every client sends as it likes.",
    why=(
        "The API hands the request's headers and cookies on as settings, `request.headers` and `request.cookies`. A "
        "policy that takes the tenant, or a key, from there asks the attacker who he is."
    ),
    fix=(
        "Take the identity from the token: `auth.uid()`, or a claim in `app_metadata`. A key that several partners "
        "share belongs into an Edge Function that holds the service key, not into a policy."
    ),
    fine=(
        "A header that the proxy before the API sets and strips from what clients send. rlsaudit knows the usual ones "
        "and leaves them open; declare the rows that are meant to be reached, and the finding is gone."
    ),
    bad=(
        Example(
            "The tenant in a header",
            f"""{_ORDERS}
            create policy "tenant" on public.orders for select
              using (tenant_id = (current_setting('request.headers', true)::json ->> 'x-tenant-id'));
            """,
        ),
        Example(
            "A role in a cookie",
            f"""{_ORDERS}
            create policy "staff" on public.orders for update to authenticated
              using (current_setting('request.cookies', true)::json ->> 'role' = 'staff');
            """,
        ),
    ),
    good=(
        Example(
            "The tenant in the token",
            f"""{_ORDERS}
            create policy "tenant" on public.orders for select to authenticated
              using (tenant_id = ((select auth.jwt()) -> 'app_metadata' ->> 'tenant_id'));
            """,
        ),
        Example(
            "A header beside the user's id",
            """
            create table public.drafts (id bigint primary key, user_id uuid not null, device text);
            alter table public.drafts enable row level security;
            create policy "of this device" on public.drafts for select to authenticated
              using (user_id = (select auth.uid())
                and device = (current_setting('request.headers', true)::json ->> 'x-device'));
            """,
        ),
        Example(
            "The claims of the request, which are signed",
            f"""{_ORDERS}
            create policy "staff" on public.orders for select to authenticated
              using (current_setting('request.jwt.claims', true)::json -> 'app_metadata' ->> 'role' = 'staff');
            """,
        ),
    ),
    check=check,
    turn=Turn.POLICIES,
)
