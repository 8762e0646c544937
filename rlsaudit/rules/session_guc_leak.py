"""session-guc-leak: who a request was for stays set on the connection, for whoever's request comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.policy.body import body_of
from rlsaudit.policy.lasting import lasting_settings
from rlsaudit.policy.poses import poses_of
from rlsaudit.probe.request import SET_BY_API
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import callers, may_call, revoke
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.posed import before_requests
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.settings_read import CLAIMS, SettingsRead
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_MOST_NAMED = 5


def check(case: Case) -> Iterator[Found]:
    """Yields functions that leave behind in a pooled session what policies ask for."""
    if case.platform is not Platform.SUPABASE:
        # Whether sessions are shared there is the application's business.
        return
    anew = {name for one in before_requests(case) for name in _left(case, one)}
    asked = SettingsRead(case)
    for function, personas in callers(case, lambda one: one.kind == "f"):
        left = _left(case, function) - SET_BY_API - anew
        by_api = [one for one in personas if not sends_sql(case, one)]
        opened = _opened(case, asked, function, left, by_api) if left and by_api else {}
        if opened:
            yield _found(case, function, by_api, opened)


def _left(case: Case, function: Function) -> frozenset[str]:
    """The settings that a call leaves behind, by the function itself or by those that it calls."""
    waiting, seen = [function], set[int]()
    found = frozenset[str]()
    while waiting:
        one = waiting.pop()
        if one.oid not in seen and one.extension is None:
            seen.add(one.oid)
            found |= lasting_settings(one)
            waiting += [each for name in body_of(one).calls for each in case.named(name)]
    return found


def _opened(
    case: Case, asked: SettingsRead, function: Function, left: frozenset[str], personas: list[Persona]
) -> dict[int, tuple[Relation, str]]:
    """The relations whose rows a setting opens to anybody for whom it is set, and asks nothing else of."""
    chosen = [one for one in poses_of(function, case.named) if one.chosen]
    found: dict[int, tuple[Relation, str]] = {}
    for persona in personas:
        role = case.role(persona).oid
        for relation in case.exposure[persona.name]:
            for operation in Operation:
                meant = case.intended(persona, relation, operation) >= Reach.SOME
                open_anyway = case.addressed(persona, relation, operation) is Reach.ALL
                may = case.access.on_any_column(role, relation, operation.name)
                if meant or open_anyway or not may or not case.access.rls_applies(role, relation):
                    continue
                for policy in case.access.policies(role, relation, operation):
                    names = asked.of(policy)
                    if policy.permissive and not any(one.startswith(CLAIMS) for one in names):
                        keys = asked.keys(policy, relation)
                        # What the caller chooses makes it somebody else at once: that is another rule's.
                        for name in sorted(names & left):
                            if name in keys or not any(one.sets(name) for one in chosen):
                                found.setdefault(relation.oid, (relation, name))
    return found


def _found(
    case: Case, function: Function, personas: list[Persona], opened: Mapping[int, tuple[Relation, str]]
) -> Found:
    identity = case.catalog.function_identity(function)
    names = [case.catalog.identity(one) for one, _ in opened.values()]
    more = len(names) - _MOST_NAMED
    told = listed(names if more <= 0 else [*names[:_MOST_NAMED], f"{more} more"])
    left = listed(sorted({name for _, name in opened.values()}))
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who("public", "execute", Reach.SOME, Reach.NONE),
            title=f"{identity} leaves {left} set for the next request",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which sets {left} for the session and "
                f"not for the transaction. The API's connections are shared: the next request on it, whose ever, "
                f"finds it set, and policies of {told} ask for nothing else."
            ),
            evidence=may_call(case, personas[0], function, f"granted; it sets {left}, and nothing resets it"),
            fix=revoke(case, function, personas),
            relations=names,
        )
    )


_ORDERS = """
            create table public.members (user_id uuid, tenant uuid, primary key (user_id, tenant));
            alter table public.members enable row level security;
            create policy own on public.members for select to authenticated using (user_id = (select auth.uid()));
            create table public.orders (id uuid primary key default gen_random_uuid(), tenant uuid not null, total int);
            alter table public.orders enable row level security;
            create policy tenant on public.orders to authenticated
              using (tenant = nullif(current_setting('app.tenant', true), '')::uuid);"""

RULE = Rule(
    id="session-guc-leak",
    severity=Severity.HIGH,
    summary="A function sets for the session what policies ask for, and the session is shared with others.",
    why=(
        "The API keeps a few connections for all requests, as poolers do. `set_config('app.tenant', …, false)` and "
        "`SET app.tenant = …` outlive the transaction, and the API resets only what it sets itself. So whoever's "
        "request comes next on that connection is in the tenant of the one before, without calling anything."
    ),
    fix=(
        "Set it with `set_config(…, true)`, or with SET LOCAL, in the transaction that needs it. Better still without: "
        "a policy can look up the caller's tenant by `auth.uid()`. Until then revoke the right to call it, from PUBLIC "
        "and from the roles by name."
    ),
    fine=(
        "What the API sets anew for each request, what a function sets that runs before each (`db-pre-request`), and "
        "settings that no policy asks for, or only beside who is calling, are no finding."
    ),
    bad=(
        Example(
            "The tenant of the caller, for the session",
            f"""{_ORDERS}
            create function public.enter() returns void language plpgsql security definer set search_path = '' as $$
              begin
                perform set_config('app.tenant', m.tenant::text, false)
                  from public.members m where m.user_id = auth.uid() limit 1;
              end $$;
            """,
        ),
        Example(
            "A link that was shared with one, and is open for the next",
            """
            create table public.documents (id uuid primary key, user_id uuid, title text, share_token text not null);
            alter table public.documents enable row level security;
            create policy shared on public.documents for select
              using (share_token = current_setting('app.share_token', true));
            create function public.open_link(token text) returns void language sql as
              $$ select set_config('app.share_token', token, false) $$;
            """,
        ),
    ),
    good=(
        Example(
            "For the transaction",
            f"""{_ORDERS}
            create function public.my_orders() returns setof public.orders language plpgsql set search_path = '' as $$
              begin
                perform set_config('app.tenant', m.tenant::text, true)
                  from public.members m where m.user_id = auth.uid() limit 1;
                return query select * from public.orders;
              end $$;
            """,
        ),
        Example(
            "Before every request",
            f"""{_ORDERS}
            create function public.before_request() returns void language plpgsql set search_path = '' as $$
              begin
                perform set_config('app.tenant', auth.jwt() -> 'app_metadata' ->> 'tenant', false);
              end $$;
            do $$ begin
              execute format(
                'alter role authenticator in database %I set pgrst.db_pre_request = %L',
                current_database(), 'public.before_request');
            end $$;
            """,
        ),
        Example(
            "No policy asks for it",
            f"""{_ORDERS}
            create function public.speak(lang text) returns void language sql as
              $$ select set_config('app.lang', lang, false) $$;
            """,
        ),
    ),
    check=check,
)
