"""leakproof-udf: a function of the project's is marked LEAKPROOF, and so runs before policies do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, may_touch, protected_tables
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


_FIRST = 10
"""What a function may cost for the planner to put it before policies: `order_qual_clauses`, in createplan.c."""


def check(case: Case) -> Iterator[Found]:
    """Yields such functions that a persona may call on rows that policies keep from it."""
    for function in case.catalog.snapshot.functions:
        cheap = function.cost is None or function.cost <= _FIRST
        if not function.leakproof or not cheap or function.extension is not None or not _is_kept_whole(function):
            continue
        personas = [one for one in clients(case) if _calls(case, one, function)]
        if personas:
            yield _found(case, function, personas)


def _is_kept_whole(function: Function) -> bool:
    """Whether the planner calls a function that may fail for some values and not for others.

    A plain one in SQL is replaced by what is in it, and that is not marked.
    """
    whole = bool(function.settings) or function.security_definer or function.volatility == "v"
    return function.language == "plpgsql" or (function.language == "sql" and whole)


def _calls(case: Case, persona: Persona, function: Function) -> bool:
    role = case.role(persona).oid
    return (
        bool(function.arguments)
        and case.access.execute(role, function)
        and any(case.access.rls_applies(role, one) and may_touch(case, persona, one) for one in protected_tables(case))
    )


def _found(case: Case, function: Function, personas: list[Persona]) -> Found:
    identity = case.catalog.function_identity(function)
    name, schema = literal(function.name).strip(), literal(case.catalog.schemas[function.schema].name).strip()
    query = (
        "select bool_and(p.proleakproof) as leakproof from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        f" where n.nspname = {schema} and p.proname = {name} and has_function_privilege(p.oid, 'EXECUTE')"
        " and p.proleakproof"
    )
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(personas[0].name, "execute", Reach.SOME, Reach.OWN),
            title=f"{identity} is marked LEAKPROOF",
            message=(
                f"{listed([one.name for one in personas])} may put {identity} into a WHERE: the planner runs it "
                "before policies, on rows that they hide, and an error or a notice then tells their values."
            ),
            evidence=asked_as(case, personas[0], query, "leakproof, and granted"),
            fix=f"alter function {identity} not leakproof;",
        )
    )


_TABLE = """
            create table public.notes (id bigint primary key, tenant text, code text);
            alter table public.notes enable row level security;
            create policy tenant on public.notes using (tenant = nullif(current_setting('app.tenant', true), ''));
            grant select on public.notes to notes_app;"""

RULE = Rule(
    id="leakproof-udf",
    severity=Severity.MEDIUM,
    summary="A function that anybody may call is marked LEAKPROOF, so that it sees rows before policies do.",
    why=(
        "Policies are asked before the conditions of a query, unless these are leakproof and cheap, of a cost of 10 at "
        "most: then they run first, on every row. A function that fails on a value, divides by it, or writes it into a "
        "message tells what it saw. Only superusers can mark one, mostly to make a query faster."
    ),
    fix="Take the mark away. Where the query is too slow then, put the policy's column into the index first.",
    fine=(
        "A function that can neither fail nor say anything, whatever it gets. Suppress the finding. With the cost that "
        "PL/pgSQL has by default, 100, it runs after the policies."
    ),
    bad=(
        Example(
            "A cast, with a search_path of its own",
            f"""{_TABLE}
            create function public.number(text) returns int language sql immutable leakproof cost 1
              set search_path = '' as 'select $1::int';
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "A check with an error",
            f"""{_TABLE}
            create function public.is_code(text) returns boolean language plpgsql immutable leakproof cost 1 as
              'begin if $1 = '''' then raise exception ''empty''; end if; return true; end';
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
    ),
    good=(
        Example(
            "Not marked",
            f"""{_TABLE}
            create function public.number(text) returns int language sql immutable as 'select $1::int';
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "In SQL, which the planner puts into the query",
            f"""{_TABLE}
            create function public.number(text) returns int language sql immutable leakproof cost 1 as 'select $1::int';
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "As expensive as functions are by default",
            f"""{_TABLE}
            create function public.number(text) returns int language plpgsql immutable leakproof
              as 'begin return $1::int; end';
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "Nobody may call it",
            f"""{_TABLE}
            create function public.number(text) returns int language plpgsql immutable leakproof cost 1
              as 'begin return $1::int; end';
            revoke execute on function public.number(text) from public;
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
        Example(
            "No table has policies",
            """
            create table public.rates (id bigint primary key, code text);
            grant select on public.rates to notes_app;
            create function public.number(text) returns int language plpgsql immutable leakproof cost 1
              as 'begin return $1::int; end';
            """,
            platform=Platform.POSTGRES,
            roles=("notes_app",),
        ),
    ),
    check=check,
)
