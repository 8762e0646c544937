"""claim-guc-override: a function by which its caller becomes somebody else, for what is asked next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, ObjectRef, Reach, Severity
from rlsaudit.names import qualified
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import may_call
from rlsaudit.rules.posed import Use, posed
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.posed import Posed

_MOST_NAMED = 5
_VERBS = {"select": "reads", "insert": "puts in", "update": "changes", "delete": "deletes"}


def check(case: Case) -> Iterator[Found]:
    """Yields functions that change who is asking to whom their caller says, where that opens too much."""
    grouped: dict[int, list[Posed]] = {}
    for one in posed(case):
        grouped.setdefault(one.function.oid, []).append(one)
    for several in grouped.values():
        yield _found(case, several)


def _found(case: Case, found: list[Posed]) -> Found:
    first = max(found, key=lambda one: _severity(one).rank)
    function, pose = first.function, first.pose
    identity = case.catalog.function_identity(function)
    personas = list({one.persona.name: one.persona for one in found}.values())
    relations = list({one.relation.oid: one.relation for one in found if one.use is first.use}.values())
    names = [case.catalog.identity(one) for one in relations]
    more = len(names) - _MOST_NAMED
    told = listed(names if more <= 0 else [*names[:_MOST_NAMED], f"{more} more"])
    mine = {one.operation for one in found if one.use is first.use and one.persona is first.persona}
    verbs = listed([verb for operation, verb in _VERBS.items() if operation in {one.value for one in mine}])
    value = "whatever its caller says" if pose.chosen else f"{pose.value}, which row-level security lets past"
    what = "a setting that its caller names" if pose.setting == "*" else pose.setting
    holders = case.holders(personas, function.acl, "EXECUTE")
    kind = "procedure" if function.kind == "p" else "function"
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(first.persona.name, "execute", Reach.SOME, min(one.intended for one in found)),
            title=f"{identity} lets its caller be somebody else",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which sets {what} to {value}. "
                f"That counts for {first.use.value}: it {verbs} rows of others of {told}."
            ),
            evidence=case.call_evidence(first.persona, function)
            or _executed(case, found)
            or may_call(case, first.persona, function, f"granted; it sets {what} and asks nobody's identity before"),
            fix=f"revoke execute on {kind} {identity} from {', '.join(holders) or 'public'};",
            relations=names,
            severity=_severity(first),
        ),
        case.claims([], (*case.led_by(identity, relations), *_opened(case, found))),
    )


def _executed(case: Case, found: list[Posed]) -> Evidence | None:
    """A call that was tried, and the statement after it that reached rows of others."""
    for one in found:
        tried = case.matrix.fought.chained.get((one.persona.name, one.relation.oid, one.operation))
        if tried is not None and f" {qualified(*_named(case, one.function))}(" in tried.steps[0].sql:
            return case.chain_evidence(one.persona, one.relation, one.operation)
    return None


def _opened(case: Case, found: list[Posed]) -> Iterator[Cell]:
    """The cells that nothing but what comes after a call takes beyond intent."""
    for one in found:
        cell = case.cell(one.persona, one.relation, one.operation)
        if cell is not None and one.use is not Use.ITSELF and cell.at_least <= cell.intended:
            yield cell


def _named(case: Case, function: Function) -> tuple[str, str]:
    return case.catalog.schemas[function.schema].name, function.name


def _severity(one: Posed) -> Severity:
    """It takes a condition where it is for the application to call, or the right connection has to be met."""
    if one.use is Use.NEXT:
        return Severity.INFO
    return Severity.HIGH if one.persona.settings or one.use is Use.STAYS else Severity.CRITICAL


_NOTES = """
            create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid, body text);
            alter table public.notes enable row level security;
            create policy own on public.notes to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);"""
_ORDERS = """
            create table public.orders (id uuid primary key default gen_random_uuid(), tenant uuid not null, total int);
            alter table public.orders enable row level security;
            create policy tenant on public.orders to authenticated
              using (tenant = nullif(current_setting('app.tenant', true), '')::uuid);"""
_TENANTS = """
            create schema app;
            create table app.orders (id uuid primary key default gen_random_uuid(), tenant uuid not null, total int);
            alter table app.orders enable row level security;
            create policy tenant on app.orders using (tenant = current_setting('app.tenant', true)::uuid);
            grant usage on schema app to shop_app;
            grant select on app.orders to shop_app;"""

RULE = Rule(
    id="claim-guc-override",
    severity=Severity.CRITICAL,
    summary="A function that clients may call changes who is asking to whomever its caller names.",
    why=(
        "The role and the claims of a request are settings, and `auth.uid()` reads them anew whenever it is asked: "
        "`request.jwt.claim.sub` first, then `request.jwt.claims`. A function that sets them, or a setting of your own "
        "that policies read, from one of its arguments makes its caller whomever the caller names, without any rights "
        "of its owner's. A request of the API is one statement in one transaction, so it matters what the function "
        "does next, what the same request asks for besides (rows related to those that it returns, mutations of a "
        "GraphQL document), and whether what is set stays in the pooled session: with `set_config(…, false)` "
        "`request.jwt.claim.sub` and settings of your own do, for the API sets neither for a request."
    ),
    fix=(
        "Do without: policies can ask `auth.uid()` and look up the rest. Where a setting has to be, ask in the "
        "function who calls before it is set (`if not exists (select 1 from members where user_id = auth.uid() and "
        "…) then raise exception …`), set it with `set_config(…, true)`, and never the claims or the role. Or revoke "
        "the right to call it, from PUBLIC and from the roles by name."
    ),
    fine=(
        "A function that looks up who the caller is by a secret, or asks first; one that sets what no policy asks for; "
        "one that is for roles that send SQL of their own, who can call `set_config` themselves: where it does nothing "
        "else, that is told as a fact (level info). Where it is meant, declare it in the intent file: `[[function]]` "
        "with `callable_by`."
    ),
    bad=(
        Example(
            "Claims from an argument, and a query as that user",
            f"""{_NOTES}
            create function public.notes_as(who uuid) returns setof public.notes language plpgsql as $$
              begin
                perform set_config('request.jwt.claims', json_build_object('sub', who)::text, true);
                return query select * from public.notes;
              end $$;
            """,
        ),
        Example(
            "By a helper, and through a variable",
            f"""{_NOTES}
            create schema private;
            grant usage on schema private to authenticated;
            create function private.become(who text) returns void language sql as
              $$ select set_config('request.jwt.claim.sub', who, true) $$;
            create function public.forget(who uuid) returns void language plpgsql as $$
              declare whose text := who::text;
              begin
                perform private.become(whose);
                delete from public.notes;
              end $$;
            """,
        ),
        Example(
            "The role, by dynamic SQL",
            f"""{_NOTES}
            create function public.notes_for(rights text) returns setof public.notes language plpgsql as $$
              begin
                execute format('set local role %I', rights);
                return query select * from public.notes;
              end $$;
            """,
        ),
        Example(
            "A setting of the project's own that stays in the session",
            f"""{_ORDERS}
            create function public.switch_tenant(tenant uuid) returns void language sql as
              $$ select set_config('app.tenant', tenant::text, false) $$;
            """,
        ),
        Example(
            "Related rows are asked for after it, by the same request",
            """
            create table public.people (id uuid primary key, nickname text);
            alter table public.people enable row level security;
            create policy everybody on public.people for select using (true);
            create table public.letters (id uuid primary key, person_id uuid references public.people, body text);
            alter table public.letters enable row level security;
            create policy own on public.letters for select to authenticated using ((select auth.uid()) = person_id);
            create function public.start_as(who uuid) returns setof public.people language plpgsql as $$
              begin
                perform set_config('request.jwt.claim.sub', who::text, true);
                return query select * from public.people p where p.id = who;
              end $$;
            """,
        ),
        Example(
            "Before every request, from a header",
            f"""{_ORDERS}
            create function public.before_request() returns void language plpgsql as $$
              begin
                perform set_config('app.tenant', current_setting('request.headers', true)::json ->> 'x-tenant', true);
              end $$;
            do $$ begin
              execute format(
                'alter role authenticator in database %I set pgrst.db_pre_request = %L',
                current_database(), 'public.before_request');
            end $$;
            """,
        ),
        Example(
            "On plain Postgres, a tenant that the caller names",
            f"""{_TENANTS}
            create function app.orders_of(tenant text) returns setof app.orders language plpgsql as $$
              begin
                perform set_config('app.tenant', tenant, true);
                return query select * from app.orders;
              end $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "On plain Postgres, whom a transaction is for, as the application says: a fact, of level info",
            f"""{_TENANTS}
            create function app.set_tenant(tenant uuid) returns void language sql as
              $$ select set_config('app.tenant', tenant::text, false) $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example(
            "It asks who calls first",
            f"""{_ORDERS}
            create table public.members (user_id uuid, tenant uuid, primary key (user_id, tenant));
            alter table public.members enable row level security;
            create policy own on public.members for select to authenticated using ((select auth.uid()) = user_id);
            create function public.orders_of(wanted uuid) returns setof public.orders language plpgsql as $$
              begin
                if not exists (select 1 from public.members m where m.user_id = auth.uid() and m.tenant = wanted) then
                  raise exception 'not a member';
                end if;
                perform set_config('app.tenant', wanted::text, true);
                return query select * from public.orders;
              end $$;
            """,
        ),
        Example(
            "What is set is the caller's own",
            f"""{_NOTES}
            create function public.mine() returns setof public.notes language plpgsql as $$
              begin
                perform set_config('request.jwt.claim.sub', auth.uid()::text, true);
                return query select * from public.notes;
              end $$;
            """,
        ),
        Example(
            "It ends with the request that sets it, which does nothing else",
            f"""{_ORDERS}
            create function public.use_tenant(tenant uuid) returns void language sql as
              $$ select set_config('app.tenant', tenant::text, true) $$;
            """,
        ),
        Example(
            "The API sets the claims anew, whatever stayed",
            f"""{_NOTES}
            create function public.pretend(who uuid) returns void language sql as
              $$ select set_config('request.jwt.claims', json_build_object('sub', who)::text, false) $$;
            """,
        ),
        Example(
            "What it sets only narrows what is the caller's own",
            """
            create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid, deleted boolean);
            alter table public.notes enable row level security;
            create policy own on public.notes to authenticated using (
              (select auth.uid()) = user_id and (not deleted or current_setting('app.show_deleted', true) = 'on'));
            create function public.notes_with(deleted text) returns setof public.notes language plpgsql as $$
              begin
                perform set_config('app.show_deleted', deleted, true);
                return query select * from public.notes;
              end $$;
            """,
        ),
        Example(
            "The secret of a link, which one has to have been sent",
            """
            create table public.documents (id uuid primary key, user_id uuid, title text, share_token uuid not null);
            alter table public.documents enable row level security;
            create function public.shown_token() returns uuid language sql stable set search_path = ''
              as $$ select nullif(current_setting('app.share_token', true), '')::uuid $$;
            create policy own on public.documents to authenticated using (user_id = (select auth.uid()));
            create policy shared on public.documents for select
              using (share_token = (select public.shown_token()));
            create function public.shared_document(token uuid) returns setof public.documents language plpgsql as $$
              begin
                perform set_config('app.share_token', token::text, true);
                return query select * from public.documents where share_token = token;
              end $$;
            """,
        ),
        Example(
            "No policy asks for it",
            f"""{_NOTES}
            create function public.localised(lang text) returns setof public.notes language plpgsql as $$
              begin
                perform set_config('app.lang', lang, false);
                return query select * from public.notes;
              end $$;
            """,
        ),
        Example(
            "Nobody may call it",
            f"""{_NOTES}
            create function public.notes_as(who uuid) returns setof public.notes language plpgsql as $$
              begin
                perform set_config('request.jwt.claim.sub', who::text, true);
                return query select * from public.notes;
              end $$;
            revoke execute on function public.notes_as(uuid) from public, anon, authenticated;
            """,
        ),
        Example(
            "Before every request, from what the server has signed",
            f"""{_ORDERS}
            create function public.before_request() returns void language plpgsql as $$
              begin
                perform set_config('app.tenant', auth.jwt() -> 'app_metadata' ->> 'tenant', true);
              end $$;
            do $$ begin
              execute format(
                'alter role authenticator in database %I set pgrst.db_pre_request = %L',
                current_database(), 'public.before_request');
            end $$;
            """,
        ),
    ),
    check=check,
)
