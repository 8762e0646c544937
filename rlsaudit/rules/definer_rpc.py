"""definer-rpc: a function that runs with the rights of its owner, does not ask whose rows it is about, and is open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.policy.answers import doing_of
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import TRUE, And, Atom, AtomKind, Coalesce, Formula, Is, Not, Or, Written
from rlsaudit.policy.injected import injected_of
from rlsaudit.policy.parse import parse_node
from rlsaudit.policy.query import read_query
from rlsaudit.reach.indirect import TELLS_NOTHING
from rlsaudit.reach.meant import columns_meant, relation_meant
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import may_call
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.shown import beyond_table
from rlsaudit.rules.surely_led import surely_led
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.answers import Doing, Read, Write
    from rlsaudit.rules.case import Case

_KEYS = ("id", "slug", "code", "uuid", "key", "token", "handle", "username")
_MOST_COLUMNS = 6
_ASKS_NOBODY = "its body asks nobody's identity"
_ASKS_IN_VAIN = "what its body asks of who calls lets rows of others pass"


@dataclass(frozen=True, slots=True)
class _Effect:
    """One thing that a persona gets by calling: at worst `severity`, in words `does`; `private` columns are shown."""

    persona: Persona
    operation: Operation
    severity: Severity
    does: str
    reach: Reach
    intended: Reach
    relation: Relation | None = None
    private: bool = False


def check(case: Case) -> Iterator[Found]:
    """Yields functions by which a persona reads or writes rows that are closed to it, without being asked who it is."""
    callers: dict[int, tuple[Function, list[Persona]]] = {}
    for persona in case.personas:
        for function in case.indirect.callable_definers(persona):
            if _is_meant(case, function, persona):
                continue
            callers.setdefault(function.oid, (function, []))[1].append(persona)
    for function, personas in callers.values():
        body = case.indirect.body(function)
        # What the rest of it does may depend on what a dynamic part asks.
        if not body.understood or body.dynamic:
            continue
        asks = body.asks_identity
        doing = doing_of(function, partial(columns_meant, case.catalog, function), records=asks)
        if asks:
            effects = [one for persona in personas for one in _in_spite(case, function, doing, persona)]
        else:
            effects = [one for persona in personas for one in _effects(case, function, doing, persona)]
        if effects:
            yield _found(case, function, effects, asks=asks)


def _is_meant(case: Case, function: Function, persona: Persona) -> bool:
    if case.is_platforms(case.catalog.schemas[function.schema].name):
        return True
    if case.access.roles.acts_as(case.role(persona).oid, function.owner):
        return True
    return case.intent.function_allowed(case.catalog.function_identity(function), persona.name, role=persona.role)


def _found(case: Case, function: Function, effects: list[_Effect], *, asks: bool) -> Found:
    identity = case.catalog.function_identity(function)
    worst = max(one.severity for one in effects)
    first = next(one for one in effects if one.severity is worst)
    personas = list({one.persona.name: one.persona for one in effects}.values())
    relations = list({one.relation.oid: one.relation for one in effects if one.relation is not None}.values())
    does = list(dict.fromkeys(one.does for one in sorted(effects, key=lambda one: -one.severity.rank)))
    owner = case.catalog.roles[function.owner].name
    kind = "procedure" if function.kind == "p" else "function"
    holders = case.holders(personas, function.acl, "EXECUTE")
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(first.persona.name, "execute", first.reach, first.intended),
            title=f"{identity} runs as {owner} and does not ask {'whose the rows are' if asks else 'who calls'}",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which {'; it '.join(does)}."
                f"{' What it asks of its caller does not keep it to rows of its own.' if asks else ''}"
            ),
            evidence=case.call_evidence(first.persona, function)
            or may_call(
                case,
                first.persona,
                function,
                f"granted; runs as {owner}; {_ASKS_IN_VAIN if asks else _ASKS_NOBODY}",
            ),
            fix=f"revoke execute on {kind} {identity} from {', '.join(holders) or 'public'};",
            relations=[case.catalog.identity(one) for one in relations],
            severity=worst,
        ),
        case.claims([], case.led_by(identity, relations)),
    )


def _effects(case: Case, function: Function, doing: Doing | None, persona: Persona) -> Iterator[_Effect]:
    if doing is None:
        return
    # Without an argument nothing comes from the caller: what is from outside of a statement is a variable.
    alone = not function.arguments
    if function.returns not in TELLS_NOTHING:
        for read in doing.reads:
            known = replace(read, keys=frozenset(), outside=False) if alone else read
            yield from _reading(case, function, known, persona, taken=_taken(doing))
    for write in doing.writes:
        yield from _writing(
            case,
            function,
            replace(write, keys=frozenset(), outside=False, given=False) if alone else write,
            persona,
        )


def _taken(doing: Doing) -> frozenset[tuple[str, ...]]:
    """The relations of which the function changes or deletes rows, as one does that takes them out of a queue."""
    return frozenset(one.relation for one in doing.writes if one.operation != "insert" and not one.given)


def _in_spite(case: Case, function: Function, doing: Doing | None, persona: Persona) -> Iterator[_Effect]:
    """What a function gets its caller for certain that asks who that is."""
    if injected_of(function, case.asks):
        return
    led = {
        (relation.oid, operation): reach
        for relation in {one.oid: one for one in (*case.exposed, *_named(case, function, doing))}.values()
        for operation in Operation
        if (reach := surely_led(case, persona, function, relation, operation))
        > case.intended(persona, relation, operation)
        and not _is_by_secret(case, persona, function, doing, relation, operation)
    }
    writes = doing.writes if doing is not None and function.arguments else ()
    named = (relation_meant(case.catalog, function, write.relation) for write in writes if write.put)
    chosen = {relation.oid for relation in named if relation is not None}
    told = set[tuple[int, Operation]]()
    for one in _effects(case, function, doing, persona) if led else ():
        key = (one.relation.oid if one.relation is not None else 0, one.operation)
        if key in led:
            told.add(key)
            grave = _is_grave(one.operation, private=one.private, put=key[0] in chosen)
            level = one.severity if grave else min(one.severity, Severity.MEDIUM)
            yield replace(one, reach=led[key], severity=level)
    for (oid, operation), reach in led.items():
        relation = case.catalog.relations[oid]
        if (oid, operation) not in told:
            intended = case.intended(persona, relation, operation)
            grave = _is_grave(operation, private=bool(case.sensitive(relation, reader=persona)), put=oid in chosen)
            level = Severity.HIGH if grave else Severity.MEDIUM
            does = f"{_DOES[operation]} rows of others of {case.catalog.identity(relation)}"
            yield _Effect(persona, operation, level, does, reach, intended, relation)


_DOES = {
    Operation.SELECT: "shows",
    Operation.INSERT: "puts in",
    Operation.UPDATE: "changes",
    Operation.DELETE: "deletes",
}


def _is_grave(operation: Operation, *, private: bool, put: bool) -> bool:
    """Whether it cannot well be meant for whoever is signed in, by a function that asks who that is.

    To count, to send and to book is what such functions are for: they show rows of others, put in rows for others and
    change a number in them.
    """
    match operation:
        case Operation.SELECT:
            return private
        case Operation.UPDATE:
            return put
        case _:
            return operation is Operation.DELETE


def _named(case: Case, function: Function, doing: Doing | None) -> list[Relation]:
    """The relations that the body names, exposed or not."""
    if doing is None:
        return []
    names = {name for one in doing.reads for name, _ in one.shown} | {one.relation for one in doing.writes}
    found = (relation_meant(case.catalog, function, name) for name in names)
    return [one for one in found if one is not None and one.kind in "rp"]


def _is_by_secret(
    case: Case, persona: Persona, function: Function, doing: Doing | None, relation: Relation, operation: Operation
) -> bool:
    """Whether it takes a secret of the row to get there, as a link in a mail has one: that is what it is for."""
    if doing is None:
        return False
    if operation is Operation.SELECT:
        keys = [
            one.keys
            for one in doing.reads
            if any(relation_meant(case.catalog, function, name) == relation for name, _ in one.shown)
        ]
    else:
        keys = [
            one.keys | one.behind
            for one in doing.writes
            if one.operation == operation.value and relation_meant(case.catalog, function, one.relation) == relation
        ]
    return bool(keys) and all(_are_secret(case, persona, function, one) for one in keys)


def _reading(
    case: Case, function: Function, read: Read, persona: Persona, *, taken: frozenset[tuple[str, ...]]
) -> Iterator[_Effect]:
    for name in sorted({one for one, _ in read.shown}):
        relation = relation_meant(case.catalog, function, name)
        if relation is None or not _owner_passes(case, function, relation, Operation.SELECT):
            continue
        intended = case.intended(persona, relation, Operation.SELECT)
        keyed = any(_is_key(case, relation_meant(case.catalog, function, table), column) for table, column in read.keys)
        reach = _rows(case, persona, read, relation, keyed=keyed)
        if reach <= intended:
            continue
        named = {column for table, column in read.shown if table == name}
        columns = [one.name for one in case.catalog.columns[relation.oid] if named & {"*", one.name}]
        sensitive = case.sensitive(relation, columns, persona)
        private = bool(sensitive) or any(
            case.intent.names_owner(one) or case.intent.names_tenant(one) for one in columns
        )
        telling = [*sensitive, *(one for one in columns if one not in sensitive)][:_MOST_COLUMNS]
        what = f"rows of {case.catalog.identity(relation)} ({', '.join(telling)})"
        if keyed:
            level = Severity.MEDIUM if private else Severity.LOW
            if sensitive and (case.is_auth(relation) or _whose(case, read)):
                # Ids of users stand in half of the application's rows.
                level = Severity.HIGH
            does = f"gives {what} {_to_whom(case, read)}"
        elif read.outside:
            level = Severity.HIGH if private else Severity.MEDIUM
            does = f"gives {what} for whatever the caller asks, so an argument that fits everything gives them all"
        else:
            open_handed = Severity.MEDIUM if read.filtered else Severity.HIGH
            level = Severity.CRITICAL if private else open_handed
            whose = ", whoever's they are," if case.owner_columns(relation) else ""
            does = f"hands out {what}{whose.removesuffix(',')}"
            if name in taken:
                does = f"takes {what}{whose} as from a queue, and hands them out"
        yield _Effect(persona, Operation.SELECT, level, does, reach, intended, relation, bool(sensitive))


def _to_whom(case: Case, read: Read) -> str:
    """To whom rows are given that are looked up by a key: one that says whose they are may be anybody's id."""
    if whose := _whose(case, read):
        return f"of whomever the caller names ({listed(whose)})"
    return f"to whoever names the right {listed(sorted({one for _, one in read.keys}))}"


def _whose(case: Case, read: Read) -> list[str]:
    """The keys that say whose a row is."""
    return sorted({one for _, one in read.keys if case.intent.names_owner(one) or case.intent.names_tenant(one)})


def _rows(case: Case, persona: Persona, read: Read, relation: Relation, *, keyed: bool) -> Reach:
    """How far the query gets beyond the rows that the relation itself gives: a key gives the row that it names."""
    direct = case.addressed(persona, relation, Operation.SELECT)
    visible = None if keyed else _visible(case, persona, read, relation)
    if visible is not None:
        bounds = decide(visible)
        if bounds.decided:
            beyond = beyond_table(case, persona, relation, visible)
            return bounds.at_least if beyond > case.intended(persona, relation, Operation.SELECT) else Reach.NONE
    reach = Reach.SOME if keyed or read.filtered else Reach.ALL
    return reach if reach > direct else Reach.NONE


def _visible(case: Case, persona: Persona, read: Read, relation: Relation) -> Formula | None:
    """The condition of a query over one table, with whatever compares with an argument taken as met."""
    query = read_query(read.sql)
    source = case.catalog.relations_by_name.get(query.source) if query is not None and query.source else None
    if query is None or not query.plain or source is None or source.oid != relation.oid or relation.kind not in "rp":
        return None
    if query.where is None:
        return TRUE
    scope = replace(case.predicates.scope(persona, relation), relation=query.alias)
    return _granting(parse_node(query.where, scope)) if read.outside else parse_node(query.where, scope)


def _granting(formula: Formula) -> Formula:
    match formula:
        case Atom(AtomKind.OPAQUE, text) if "select" not in text.lower():
            return TRUE
        case Not(operand):
            return Not(_granting(operand))
        case And(operands):
            return And(tuple(_granting(one) for one in operands))
        case Or(operands):
            return Or(tuple(_granting(one) for one in operands))
        case Coalesce(operands):
            return Coalesce(tuple(_granting(one) for one in operands))
        case Is(operand, value, negated):
            return Is(_granting(operand), value, negated)
        case Written(meant):
            return _granting(meant)
        case _:
            return formula


def _writing(case: Case, function: Function, write: Write, persona: Persona) -> Iterator[_Effect]:
    relation = relation_meant(case.catalog, function, write.relation)
    operation = Operation(write.operation)
    if relation is None or not _owner_passes(case, function, relation, operation):
        return
    intended = case.intended(persona, relation, operation)
    reach = Reach.ALL if operation is Operation.INSERT or not write.filtered else Reach.SOME
    if reach <= intended or reach <= case.addressed(persona, relation, operation):
        return
    identity = case.catalog.identity(relation)
    owners = case.owner_columns(relation)
    if operation is Operation.INSERT:
        named = [one for one in owners if write.columns & {"*", one}]
        if owners and not named:
            # The column's default may well be who calls.
            return
        secret = _takes_secret(case, persona, function, write)
        level = Severity.HIGH if named and write.given and not secret else Severity.MEDIUM
        whose = " for whoever knows a row's secret" if secret else ""
        yield _Effect(persona, operation, level, f"inserts rows into {identity}{whose}", reach, intended, relation)
        return
    level, which = _change(case, persona, function, write)
    verb = "deletes" if operation is Operation.DELETE else "changes"
    yield _Effect(persona, operation, level, f"{verb} {which} of {identity}", reach, intended, relation)


def _change(case: Case, persona: Persona, function: Function, write: Write) -> tuple[Severity, str]:
    """How bad an UPDATE or DELETE is that anybody can cause, and which rows it is about."""
    deletes = write.operation == "delete"
    if _takes_secret(case, persona, function, write):
        return Severity.MEDIUM, "the row whose secret the caller knows"
    if any(_is_key(case, relation_meant(case.catalog, function, table), column) for table, column in write.keys):
        harmful = deletes or write.given
        return Severity.HIGH if harmful else Severity.MEDIUM, "whatever row the caller names"
    if write.outside:
        return Severity.CRITICAL if write.given and not deletes else Severity.HIGH, "whatever rows the caller names"
    if write.filtered:
        # Like a nightly job: it does what it would do anyway.
        return Severity.CRITICAL if write.given else Severity.MEDIUM, "rows"
    return Severity.CRITICAL if deletes or write.given else Severity.HIGH, "all rows"


def _takes_secret(case: Case, persona: Persona, function: Function, write: Write) -> bool:
    """Whether the caller has to know what it cannot read: a secret of the row, or of one that is looked up before."""
    return _are_secret(case, persona, function, write.keys | write.behind)


def _are_secret(case: Case, persona: Persona, function: Function, keys: frozenset[tuple[tuple[str, ...], str]]) -> bool:
    return any(
        (found := relation_meant(case.catalog, function, table)) is not None
        and (case.sensitive(found, [column]) or _is_random(case, found, column))
        and case.addressed(persona, found, Operation.SELECT) <= Reach.OWN
        for table, column in keys
    )


def _is_random(case: Case, relation: Relation, column: str) -> bool:
    """Whether a column is given random bytes, and is not what the row is called by."""
    keys = {number for one in case.catalog.constraints[relation.oid] if one.kind == "p" for number in one.columns}
    return any(
        one.name == column and one.number not in keys and "gen_random_bytes(" in (one.computed or "")
        for one in case.catalog.columns[relation.oid]
    )


def _owner_passes(case: Case, function: Function, relation: Relation, operation: Operation) -> bool:
    """Whether the function's owner holds the privilege, with no policy in the way."""
    privilege = operation.value.upper()
    held = case.access.columns(function.owner, relation, privilege) or case.access.on_table(
        function.owner, relation, privilege
    )
    return bool(held) and not case.access.rls_applies(function.owner, relation)


def _is_key(case: Case, relation: Relation | None, column: str) -> bool:
    """Whether a value of the column is something one has to know: it names one row, one user, or is a secret."""
    if relation is None:
        return False
    found = next((one for one in case.catalog.columns[relation.oid] if one.name == column), None)
    if found is None:
        return False
    constrained = {
        number for one in case.catalog.constraints[relation.oid] if one.kind in "puf" for number in one.columns
    }
    telling = column in _KEYS or column.endswith(tuple(f"_{one}" for one in _KEYS))
    private = case.intent.names_owner(column) or case.intent.names_tenant(column)
    return (
        found.number in constrained
        or found.type == "uuid"
        or telling
        or private
        or bool(case.sensitive(relation, [column]))
    )


_ACCOUNTS = """
            create table public.accounts (id uuid primary key, user_id uuid, email text, plan text default 'free');
            alter table public.accounts enable row level security;
            create policy "own account" on public.accounts for select to authenticated
              using ((select auth.uid()) = user_id);
            insert into public.accounts values (gen_random_uuid(), gen_random_uuid(), 'a@example.com');"""

RULE = Rule(
    id="definer-rpc",
    severity=Severity.CRITICAL,
    summary="A SECURITY DEFINER function that clients may call reads or writes rows without asking whose they are.",
    why=(
        "The function runs with the rights of its owner, on Supabase `postgres`, whom no policy stops, and the API "
        "serves it as `POST /rest/v1/rpc/<name>`. New functions may be called by everybody. What it returns or changes "
        "for one caller it does for all. That somebody has to be signed in for it helps little: anybody can sign up, "
        "and an id to ask for stands in half of the application's rows."
    ),
    fix=(
        "Ask in the body: `where user_id = (select auth.uid())`. Or revoke the right to call it, from PUBLIC and from "
        "the roles by name: default privileges grant to `anon` and `authenticated` by name, so revoking from PUBLIC "
        "alone changes nothing. A function that needs no rights of its own is better `security invoker`."
    ),
    fine=(
        "A function that is the public interface on purpose: it looks up a row by a secret that the caller has, or "
        "shows what everybody may see. Declare it in the intent file: `[[function]]` with `callable_by`. Functions "
        "that answer only yes or no, and numbers that are only counted or summed up, are no finding."
    ),
    bad=(
        Example(
            "A search that an empty term answers with everybody",
            f"""{_ACCOUNTS}
            create function public.find_people(term text) returns table (id uuid, email text)
              language sql stable security definer set search_path = ''
              as $$ select a.id, a.email from public.accounts a where a.email ilike '%' || term || '%' $$;
            """,
        ),
        Example(
            "The whole table, in PL/pgSQL, revoked from PUBLIC alone",
            f"""{_ACCOUNTS}
            create function public.export_accounts() returns setof public.accounts
              language plpgsql security definer set search_path = ''
              as $$ begin return query select * from public.accounts; end $$;
            revoke execute on function public.export_accounts() from public;
            """,
        ),
        Example(
            "Whoever knows an id changes what belongs to it",
            f"""{_ACCOUNTS}
            create function public.set_plan(account uuid, new_plan text) returns void
              language sql security definer set search_path = ''
              as $$ update public.accounts set plan = new_plan where id = account $$;
            """,
        ),
        Example(
            "Users of Supabase Auth",
            """
            create function public.all_users() returns json language plpgsql security definer set search_path = ''
              as $$
              declare found json;
              begin
                select json_agg(u) into found from auth.users u;
                return found;
              end $$;
            """,
        ),
        Example(
            "Of whomever its caller names, for everybody who is signed in",
            f"""{_ACCOUNTS}
            create function public.account_of(someone uuid) returns setof public.accounts
              language sql stable security definer set search_path = ''
              as $$ select * from public.accounts a where a.user_id = someone and (select auth.uid()) is not null $$;
            """,
        ),
        Example(
            "Visitors have no id, and NOT NULL is no reason to refuse them",
            f"""{_ACCOUNTS}
            create function public.account_of(someone uuid) returns setof public.accounts
              language plpgsql stable security definer set search_path = ''
              as $$
              begin
                if not someone = (select auth.uid()) then raise exception 'no'; end if;
                return query select * from public.accounts a where a.user_id = someone;
              end $$;
            """,
        ),
        Example(
            "Everybody's but the caller's own",
            f"""{_ACCOUNTS}
            create function public.others() returns table (id uuid, email text)
              language sql stable security definer set search_path = ''
              as $$ select a.id, a.email from public.accounts a where a.user_id <> (select auth.uid()) $$;
            """,
        ),
        Example(
            "The next one in the queue, for a worker and for everybody else",
            """
            create table public.jobs (id bigint primary key, user_id uuid not null, payload jsonb, taken_at date);
            alter table public.jobs enable row level security;
            create function public.next_job() returns setof public.jobs
              language sql security definer set search_path = '' as $$
                update public.jobs set taken_at = now() where id =
                  (select j.id from public.jobs j where j.taken_at is null order by j.id limit 1 for update skip locked)
                returning * $$;
            """,
        ),
    ),
    good=(
        Example(
            "It asks who calls",
            f"""{_ACCOUNTS}
            create function public.my_account() returns setof public.accounts
              language sql stable security definer set search_path = ''
              as $$ select * from public.accounts a where a.user_id = (select auth.uid()) $$;
            """,
        ),
        Example(
            "Through a helper that asks who calls",
            f"""{_ACCOUNTS}
            create schema private;
            create function private.is_me(someone uuid) returns boolean
              language sql stable as $$ select someone = (select auth.uid()) $$;
            create function public.account_of(someone uuid) returns setof public.accounts
              language plpgsql stable security definer set search_path = ''
              as $$
              begin
                if private.is_me(someone) is not true then raise exception 'no'; end if;
                return query select * from public.accounts a where a.user_id = someone;
              end $$;
            """,
        ),
        Example(
            "Of a club that one is a member of, and by the code of an invitation",
            f"""{_ACCOUNTS}
            create table public.clubs (id uuid primary key, name text);
            create table public.members (club_id uuid references public.clubs, user_id uuid references auth.users,
              role text not null default 'member', primary key (club_id, user_id));
            create table public.invitations (id uuid primary key, club_id uuid references public.clubs,
              code text not null unique default encode(extensions.gen_random_bytes(12), 'hex'), used boolean);
            alter table public.clubs enable row level security;
            alter table public.members enable row level security;
            alter table public.invitations enable row level security;
            create function public.members_of(club uuid) returns setof public.members
              language sql stable security definer set search_path = '' as $$
                select m.* from public.members m where m.club_id = club and exists (
                  select from public.members o where o.club_id = club and o.user_id = (select auth.uid())) $$;
            create function public.accept(given text) returns void
              language plpgsql security definer set search_path = '' as $$
              declare found_club uuid;
              begin
                if auth.uid() is null then raise exception 'sign in'; end if;
                update public.invitations i set used = true where i.code = given returning i.club_id into found_club;
                if found_club is null then raise exception 'no such invitation'; end if;
                insert into public.members (club_id, user_id) values (found_club, auth.uid());
              end $$;
            """,
        ),
        Example(
            "Yes or no, and a number",
            f"""{_ACCOUNTS}
            create function public.is_taken(address text) returns boolean
              language sql stable security definer set search_path = ''
              as $$ select exists (select 1 from public.accounts a where a.email = address) $$;
            create function public.how_many() returns bigint
              language sql stable security definer set search_path = ''
              as $$ select count(*) from public.accounts $$;
            """,
        ),
        Example(
            "Nobody may call it",
            f"""{_ACCOUNTS}
            create function public.export_accounts() returns setof public.accounts
              language sql stable security definer set search_path = '' as $$ select * from public.accounts $$;
            revoke execute on function public.export_accounts() from public, anon, authenticated;
            """,
        ),
        Example(
            "A trigger function, which nobody can call",
            f"""{_ACCOUNTS}
            create function public.on_sign_up() returns trigger
              language plpgsql security definer set search_path = ''
              as $$ begin insert into public.accounts values (gen_random_uuid(), new.id, new.email); return new; end $$;
            create trigger on_sign_up after insert on auth.users for each row execute function public.on_sign_up();
            """,
        ),
        Example(
            "With the rights of whoever calls",
            f"""{_ACCOUNTS}
            create function public.accounts_like(term text) returns setof public.accounts
              language sql stable set search_path = ''
              as $$ select * from public.accounts a where a.email ilike '%' || term || '%' $$;
            """,
        ),
        Example(
            "On plain Postgres, over a table that the grants alone are for",
            """
            create table public.rates (id bigint primary key, rate numeric);
            create function public.rate(bigint) returns numeric language sql stable security definer
              as $$ select r.rate from public.rates r where r.id = $1 $$;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    check=check,
)
