"""invoker-dynamic-sql: a function with its caller's rights that runs what its caller gives it as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.policy.injected import injected_of
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import callers, may_call, revoke
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields functions in which clients of the API run SQL of their own, as any role that the API can take."""
    by_api = {one.name for one in case.personas if not sends_sql(case, one)}
    for function, personas in callers(case, lambda one: not one.security_definer and one.kind == "f"):
        # Whoever sends SQL of their own needs no function for that.
        asking = [one for one in personas if one.name in by_api]
        injected = injected_of(function, case.asks) if asking else frozenset[str]()
        if injected:
            yield _found(case, function, asking, sorted(injected))


def _found(case: Case, function: Function, personas: list[Persona], injected: list[str]) -> Found:
    identity = case.catalog.function_identity(function)
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(personas[0].name, "execute", Reach.ALL, Reach.NONE),
            title=f"{identity} runs SQL of its caller's",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which puts {listed(injected)} into SQL "
                "unquoted. That SQL may take any role that the API can take, one that no policy stops among them."
            ),
            evidence=case.call_evidence(personas[0], function)
            or may_call(case, personas[0], function, f"granted; {listed(injected)} becomes a part of dynamic SQL"),
            fix=revoke(case, function, personas),
        ),
        case.claims([], [one for one in case.matrix.cells if identity in one.paths and one.at_least <= one.intended]),
    )


_NOTES = """
            create table public.notes (id uuid primary key, user_id uuid, body text);
            alter table public.notes enable row level security;
            create policy own on public.notes for select to authenticated using ((select auth.uid()) = user_id);"""

RULE = Rule(
    id="invoker-dynamic-sql",
    severity=Severity.CRITICAL,
    summary="A function that clients may call puts an argument into SQL unquoted, with its caller's rights.",
    why=(
        "It looks harmless: row-level security is asked as whoever calls. But the API logs in as `authenticator`, "
        "which may become any role of the API's, and a function without SECURITY DEFINER may change the role. So the "
        "caller passes SQL that does: `set_config('role', 'service_role', true)`, and whatever it runs next in the "
        "same call (another statement, or a query that `query_to_xml` is given) is asked of no policy."
    ),
    fix=(
        "Pass values with `EXECUTE … USING`, put names in with `format('%I', …)` and values with `%L`, and choose "
        "what may be sorted or filtered by from a list of your own. Or revoke the right to call it, from PUBLIC and "
        "from the roles by name."
    ),
    fine=(
        "A function that is only for roles who send SQL of their own anyway. Where it is meant, declare it in the "
        "intent file: `[[function]]` with `callable_by`."
    ),
    bad=(
        Example(
            "It runs what it is given",
            f"""{_NOTES}
            create function public.run(command text) returns setof public.notes language plpgsql as $$
              begin
                execute command;
                return query select * from public.notes;
              end $$;
            """,
        ),
        Example(
            "A condition",
            f"""{_NOTES}
            create function public.notes_where(condition text) returns setof public.notes language plpgsql as $$
              begin
                return query execute 'select * from public.notes where ' || condition;
              end $$;
            """,
        ),
        Example(
            "A text that is asked for nothing but being there",
            f"""{_NOTES}
            create function public.notes_where(condition text) returns setof public.notes language plpgsql as $$
              begin
                if condition is null or trim(condition) = '' then raise exception 'which notes?'; end if;
                return query execute 'select * from public.notes where ' || condition;
              end $$;
            """,
        ),
        Example(
            "A column to sort by, with the wrong specifier",
            f"""{_NOTES}
            create function public.notes_by(column_name text) returns setof public.notes language plpgsql as $$
              begin
                return query execute format('select * from public.notes order by %s', column_name);
              end $$;
            """,
        ),
    ),
    good=(
        Example(
            "Names and values are quoted",
            f"""{_NOTES}
            create function public.notes_by(column_name text, wanted text) returns setof public.notes
              language plpgsql as $$
              begin
                return query execute format(
                  'select * from public.notes where body = %L order by %I', wanted, column_name);
              end $$;
            """,
        ),
        Example(
            "A number can be nothing else",
            f"""{_NOTES}
            create function public.notes_page(wanted text, page int) returns setof public.notes language plpgsql as $$
              begin
                return query execute format('select * from public.notes where body = %L limit %s', wanted, page);
              end $$;
            """,
        ),
        Example(
            "Values are passed",
            f"""{_NOTES}
            create function public.notes_like(wanted text) returns setof public.notes language plpgsql as $$
              begin
                return query execute 'select * from public.notes where body like $1' using wanted;
              end $$;
            """,
        ),
        Example(
            "Only what is on a list",
            f"""{_NOTES}
            create function public.notes_by(column_name text) returns setof public.notes language plpgsql as $$
              begin
                if column_name not in ('id', 'body') then raise exception 'no such column'; end if;
                return query execute 'select * from public.notes order by ' || column_name;
              end $$;
            """,
        ),
        Example(
            "What is not on a list is not asked for",
            f"""{_NOTES}
            create function public.notes_by(column_name text, direction text) returns setof public.notes
              language plpgsql as $$
              begin
                if column_name not in ('id', 'body') then return; end if;
                if direction not in ('asc', 'desc') then direction := 'asc'; end if;
                return query execute format('select * from public.notes order by %s %s', column_name, direction);
              end $$;
            """,
        ),
        Example(
            "What is on a list is asked for",
            f"""{_NOTES}
            create function public.notes_by(column_name text) returns setof public.notes language plpgsql as $$
              begin
                if column_name = any (array['id', 'body']) then
                  return query execute 'select * from public.notes order by ' || column_name;
                end if;
              end $$;
            """,
        ),
        Example(
            "Nobody may call it",
            f"""{_NOTES}
            create function public.run(command text) returns void language plpgsql as
              $$ begin execute command; end $$;
            revoke execute on function public.run(text) from public, anon, authenticated;
            """,
        ),
    ),
    check=check,
)
