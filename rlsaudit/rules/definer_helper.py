"""definer-helper: a check whose tables whoever is checked can put others in the place of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.policy.body import body_of
from rlsaudit.policy.helpers import PATH
from rlsaudit.probe.request import settings, transcript
from rlsaudit.reach.meant import relation_meant
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import is_meant
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_TEMPORARY = "pg_temp"
_TEMP = "TEMPORARY"


@dataclass(frozen=True, slots=True)
class _Use:
    """A persona is checked by a function: for what a relation's policies let it do, or for the function's own doing."""

    persona: Persona
    relation: Relation | None
    operation: Operation | None


def check(case: Case) -> Iterator[Found]:
    """Yields functions that check their caller by tables for which the caller's own may be taken."""
    uses: dict[int, list[_Use]] = {}
    for persona in case.personas:
        if case.access.on_database(case.role(persona).oid, _TEMP):
            for function, use in (*_by_policies(case, persona), *_by_calls(case, persona)):
                uses.setdefault(function.oid, []).append(use)
    for oid, found in uses.items():
        function = case.catalog.functions[oid]
        tables = _shadowed(case, function)
        if tables:
            yield _found(case, function, found, tables)


def _by_policies(case: Case, persona: Persona) -> Iterator[tuple[Function, _Use]]:
    """The functions by which policies ask whether a persona may, where that is not every row anyway."""
    role = case.role(persona).oid
    for relation in case.exposure[persona.name]:
        for operation in Operation if case.access.rls_applies(role, relation) else ():
            if not case.access.on_any_column(role, relation, operation.name):
                continue
            if case.addressed(persona, relation, operation) is Reach.ALL:
                continue
            asked = (oid for one in case.access.policies(role, relation, operation) for oid in one.functions)
            for function in _below(case, asked):
                if not case.access.roles.acts_as(role, function.owner):
                    yield function, _Use(persona, relation, operation)


def _by_calls(case: Case, persona: Persona) -> Iterator[tuple[Function, _Use]]:
    """The functions that do something for the persona as their owner, and look into more tables than they touch so."""
    role = case.role(persona).oid
    for function in case.indirect.callable_definers(persona):
        if is_meant(case, function, persona) or case.access.roles.acts_as(role, function.owner):
            continue
        body = body_of(function)
        # Whoever has its own rows read or written in the place of others has gained nothing.
        named = body.reads | {name for _, name in body.writes}
        if len({relation_meant(case.catalog, function, one) for one in named} - {None}) > 1:
            yield function, _Use(persona, None, None)


def _below(case: Case, oids: Iterable[int]) -> Iterator[Function]:
    """Functions of the project's, and those that they call."""
    waiting = [one for oid in oids if (one := case.catalog.functions.get(oid)) is not None]
    seen = set[int]()
    while waiting:
        function = waiting.pop()
        platforms = case.is_platforms(case.catalog.schemas[function.schema].name)
        if function.oid in seen or function.extension is not None or platforms:
            continue
        seen.add(function.oid)
        yield function
        waiting += [one for name in body_of(function).calls for one in case.named(name)]


def _shadowed(case: Case, function: Function) -> tuple[Relation, ...]:
    """The tables that a body looks into by names for which a temporary table is taken first."""
    path = next((one.removeprefix(PATH) for one in function.settings if one.startswith(PATH)), "")
    schemas = [one.strip().strip("\"'") for one in path.split(",")]
    if _TEMPORARY in schemas[1:]:
        return ()
    names = sorted(one for one in body_of(function).reads if len(one) == 1)
    meant = (relation_meant(case.catalog, function, one) for one in names)
    return tuple(one for one in meant if one is not None)


def _found(case: Case, function: Function, uses: list[_Use], tables: tuple[Relation, ...]) -> Found:
    spoken = [one for one in uses if sends_sql(case, one.persona)]
    first = (spoken or uses)[0]
    identity = case.catalog.function_identity(function)
    personas = list({one.persona.name: one.persona for one in spoken or uses}.values())
    relations = list({one.relation.oid: one.relation for one in uses if one.relation is not None}.values())
    names = [case.catalog.identity(one) for one in relations]
    shadowed = [ident(one.name) for one in tables]
    checks = f"the policies of {listed(names)} ask" if names else "it asks itself"
    how = (
        "can make a temporary table of that name, which is taken first"
        if spoken
        else "could, with SQL of their own by another hole, make a temporary table of that name, which is taken first"
    )
    operations = {one.operation.value for one in uses if one.operation is not None and one.persona is first.persona}
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(
                first.persona.name,
                operations.pop() if len(operations) == 1 else "all" if operations else "execute",
                Reach.ALL,
                Reach.NONE,
            ),
            title=f"{identity} looks into whichever {shadowed[0]} its caller has",
            message=(
                f"{identity}, by which {checks}, reads {listed(shadowed)} without saying of which schema. "
                f"{listed([one.name for one in personas])} {how}, and so put in what it finds."
            ),
            evidence=_evidence(case, function, first.persona, tables[0]),
            fix=_fix(case, function, tables),
            relations=[*names, *(case.catalog.identity(one) for one in tables)],
            severity=Severity.HIGH if spoken else Severity.LOW,
        )
    )


def _evidence(case: Case, function: Function, persona: Persona, table: Relation) -> Evidence:
    """Statements that make such a table, and ask what the name means then."""
    name = ident(table.name)
    columns = ", ".join(f"{ident(one.name)} {one.type}" for one in case.catalog.columns[table.oid])
    path = next((one.removeprefix(PATH) for one in function.settings if one.startswith(PATH)), None)
    first = [
        f"create temporary table {name} ({columns})",
        f"grant all on {_TEMPORARY}.{name} to public",
        *([f"select pg_catalog.set_config('search_path', {literal(path).strip()}, true)"] if path is not None else []),
    ]
    meant = f"pg_catalog.to_regclass({literal(name).strip()})"
    query = f"select {meant} = {literal(f'{_TEMPORARY}.{name}').strip()}::regclass as taken_first"
    made = settings(case.catalog, case.platform, persona)
    sql = transcript(made, query, first=first, writes=True)
    setting = f"search_path is {path or 'empty'}" if path is not None else "it sets no search_path"
    return Evidence(EvidenceKind.CATALOG, sql, f"true: {setting}, and temporary tables come before what is in it")


def _fix(case: Case, function: Function, tables: tuple[Relation, ...]) -> str:
    path = next((one.removeprefix(PATH) for one in function.settings if one.startswith(PATH)), "")
    if path in {"", '""'}:
        path = ", ".join(dict.fromkeys(ident(case.catalog.schema_name(one)) for one in tables))
    kind = "procedure" if function.kind == "p" else "function"
    return f"alter {kind} {case.catalog.function_identity(function)} set search_path = {path}, {_TEMPORARY};"


_TENANTS = """
            create schema app;
            grant usage on schema app to shop_app;
            create table app.members (org_id int, login name);
            create table app.orders (id int primary key, org_id int not null, total int);
            alter table app.orders enable row level security;
            grant select, insert on app.orders to shop_app;"""

RULE = Rule(
    id="definer-helper",
    severity=Severity.HIGH,
    summary="A function that policies, or its own doing, rest on looks into tables that its caller can replace.",
    why=(
        "Where no schema stands before the name of a table, a temporary table of that name is taken first, in "
        "a SECURITY DEFINER function too, and whatever its search_path is, unless that names pg_temp last. Whoever may "
        "send SQL makes a temporary `members` with themselves in it, and the check that was to keep them out finds "
        "them there. Clients of an API cannot make tables; for them this is what a second hole makes of the first, "
        "told as low."
    ),
    fix=(
        "Write the schema before every table, and set the search_path: `set search_path = ''`. Where the body is not "
        "to be touched, `set search_path = app, pg_temp` makes temporary tables come last."
    ),
    fine=(
        "Functions in whose bodies every table has its schema, those that put pg_temp last, and those that are written "
        "in the standard's way (`begin atomic`), which are understood when they are made: none of them is a finding."
    ),
    bad=(
        Example(
            "A helper of policies, without a search_path",
            f"""{_TENANTS}
            create function app.is_member(org int) returns boolean language sql stable security definer
              set search_path = app
              as $$ select exists (select 1 from members m where m.org_id = org and m.login = session_user) $$;
            create policy members on app.orders using (app.is_member(org_id));
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "A function that looks who calls before it writes",
            f"""{_TENANTS}
            create function app.forget(order_id int) returns void language plpgsql security definer
              set search_path = app
              as $$
              begin
                if not exists (select 1 from members where login = session_user) then raise 'for members'; end if;
                delete from app.orders where id = order_id;
              end $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "On Supabase, where it takes another hole besides",
            """
            create table public.members (org_id uuid, user_id uuid);
            alter table public.members enable row level security;
            create table public.orders (id uuid primary key, org_id uuid not null, total int);
            alter table public.orders enable row level security;
            create function public.is_member(org uuid) returns boolean language sql stable security definer
              set search_path = public
              as $$ select exists (select 1 from members m where m.org_id = org and m.user_id = (select auth.uid())) $$;
            create policy members on public.orders to authenticated using (public.is_member(org_id));
            """,
        ),
    ),
    good=(
        Example(
            "Every table has its schema",
            f"""{_TENANTS}
            create function app.is_member(org int) returns boolean language sql stable security definer
              set search_path = ''
              as $$ select exists (select 1 from app.members m where m.org_id = org and m.login = session_user) $$;
            create policy members on app.orders using (app.is_member(org_id));
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Temporary tables come last",
            f"""{_TENANTS}
            create function app.is_member(org int) returns boolean language sql stable security definer
              set search_path = app, pg_temp
              as $$ select exists (select 1 from members m where m.org_id = org and m.login = session_user) $$;
            create policy members on app.orders using (app.is_member(org_id));
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Understood when it was made",
            f"""{_TENANTS}
            create function app.is_member(org int) returns boolean language sql stable security definer
              begin atomic
                select exists (select 1 from app.members m where m.org_id = org and m.login = session_user);
              end;
            create policy members on app.orders using (app.is_member(org_id));
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Nobody makes temporary tables",
            f"""{_TENANTS}
            create function app.is_member(org int) returns boolean language sql stable security definer
              set search_path = app
              as $$ select exists (select 1 from members m where m.org_id = org and m.login = session_user) $$;
            create policy members on app.orders using (app.is_member(org_id));
            do $$ begin
              execute format('revoke temporary on database %I from public', current_database());
            end $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "What it gives is all that it reads",
            f"""{_TENANTS}
            create function app.my_orgs() returns setof int language sql stable security definer set search_path = app
              as $$ select org_id from members where login = session_user $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    check=check,
)
