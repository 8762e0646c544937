"""definer-dynamic-sql: a function with its owner's rights that runs what its caller gives it as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.policy.injected import injected_of
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import callers, may_call, revoke
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields functions in which their callers run SQL of their own, with rights that are not theirs."""
    for function, personas in callers(case, lambda one: one.security_definer):
        injected = injected_of(function, case.asks)
        if injected:
            yield _found(case, function, personas, sorted(injected))


def _found(case: Case, function: Function, personas: list[Persona], injected: list[str]) -> Found:
    identity = case.catalog.function_identity(function)
    owner = case.catalog.roles[function.owner].name
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(personas[0].name, "execute", Reach.ALL, Reach.NONE),
            title=f"{identity} runs SQL of its caller's as {owner}",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which puts {listed(injected)} into SQL "
                f"unquoted. That SQL is run as {owner}, whatever row-level security says to its caller."
            ),
            evidence=case.call_evidence(personas[0], function)
            or may_call(
                case, personas[0], function, f"granted; {listed(injected)} becomes a part of SQL run as {owner}"
            ),
            fix=revoke(case, function, personas),
        ),
        case.claims([], case.led_by(identity, case.exposed)),
    )


_ACCOUNTS = """
            create table public.accounts (id uuid primary key, user_id uuid, email text, plan text default 'free');
            alter table public.accounts enable row level security;
            create policy "own account" on public.accounts for select to authenticated
              using ((select auth.uid()) = user_id);"""

RULE = Rule(
    id="definer-dynamic-sql",
    severity=Severity.CRITICAL,
    summary="A SECURITY DEFINER function that clients may call puts an argument into SQL unquoted.",
    why=(
        "The caller ends the condition that it should have been, and goes on with SQL of its own: `true union select "
        "…`, or a second statement. It is run with the rights of the function's owner, on Supabase `postgres`, who "
        "reads and writes every table of the project. That somebody has to be signed in for it helps nothing: anybody "
        "can sign up."
    ),
    fix=(
        "Pass values with `EXECUTE … USING`, put names in with `format('%I', …)` and values with `%L`, and choose "
        "what may be sorted or filtered by from a list of your own. Better still without dynamic SQL, and `security "
        "invoker`. Until then revoke the right to call it, from PUBLIC and from the roles by name."
    ),
    fine=(
        "A function that asks first whether its caller is one of the project's own staff, or for what is on a list: "
        "that is no finding. Where it is meant for somebody who needs no asking, declare it in the intent file: "
        "`[[function]]` with `callable_by`."
    ),
    bad=(
        Example(
            "A condition",
            f"""{_ACCOUNTS}
            create function public.report(filter text) returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$ begin return query execute 'select * from public.accounts where ' || filter; end $$;
            """,
        ),
        Example(
            "Whoever is signed in, with their own rows, or any others",
            f"""{_ACCOUNTS}
            create function public.my_report(filter text) returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$
              declare me uuid := auth.uid();
              begin
                if me is null then raise exception 'sign in first'; end if;
                return query execute 'select * from public.accounts where user_id = $1 and ' || filter using me;
              end $$;
            """,
        ),
        Example(
            "A list that only one of two ways asks",
            f"""{_ACCOUNTS}
            create function public.sorted(column_name text, direction text) returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$
              declare command text := 'select * from public.accounts where user_id = auth.uid()';
              begin
                if column_name = 'none' then return query execute command; return; end if;
                command := command || format(' order by %I ', column_name) || direction;
                return query execute command;
              end $$;
            """,
        ),
        Example(
            "On plain Postgres, for a role that reads nothing by itself",
            """
            create table public.wages (id bigint primary key, employee text, wage numeric);
            create function public.wage_report(filter text) returns bigint language plpgsql security definer
              as $$
              declare found bigint;
              begin
                execute 'select count(*) from public.wages where ' || filter into found;
                return found;
              end $$;
            """,
            platform=Platform.POSTGRES,
            roles=("report_app",),
        ),
    ),
    good=(
        Example(
            "A list, and nothing at all for what is not on it",
            f"""{_ACCOUNTS}
            create function public.my_accounts(column_name text, direction text) returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$
              declare sorted text := lower(column_name);
              begin
                if sorted not in ('email', 'plan') then return; end if;
                if direction is distinct from 'desc' then direction := 'asc'; end if;
                return query execute
                  'select * from public.accounts where user_id = auth.uid() order by ' || sorted || ' ' || direction;
              end $$;
            """,
        ),
        Example(
            "What is on the list, by CASE and by IF",
            f"""{_ACCOUNTS}
            create function public.my_accounts(column_name text, direction text) returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$
              declare
                command text := 'select * from public.accounts where user_id = auth.uid() order by ';
              begin
                command := command || case when column_name in ('email', 'plan') then column_name else 'id' end;
                if direction in ('asc', 'desc') then command := command || ' ' || direction; end if;
                return query execute command;
              end $$;
            """,
        ),
        Example(
            "For the staff",
            f"""{_ACCOUNTS}
            create schema private;
            create table private.staff (user_id uuid primary key);
            create function public.report(filter text) returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$
              begin
                if not exists (select 1 from private.staff where user_id = auth.uid()) then
                  raise exception 'for the staff';
                end if;
                return query execute 'select * from public.accounts where ' || filter;
              end $$;
            """,
        ),
        Example(
            "Nobody may call it",
            f"""{_ACCOUNTS}
            create function public.report(filter text) returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$ begin return query execute 'select * from public.accounts where ' || filter; end $$;
            revoke execute on function public.report(text) from public, anon, authenticated;
            """,
        ),
    ),
    check=check,
)
