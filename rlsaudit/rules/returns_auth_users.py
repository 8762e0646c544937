"""returns-auth-users: a function that gives accounts of others to whoever is signed in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import USERS, Platform
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.policy.answers import doing_of
from rlsaudit.policy.asked import unasked
from rlsaudit.policy.injected import injected_of
from rlsaudit.reach.meant import columns_meant, relation_meant
from rlsaudit.rules.auth_exposure import HARMLESS
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import callers, may_call, revoke
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.answers import Read
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields functions that show accounts of others, and ask of their caller no more than to be signed in."""
    if case.platform is not Platform.SUPABASE:
        return
    for function, personas in callers(case, lambda one: one.security_definer):
        body = case.indirect.body(function)
        if body.understood and not body.asks_identity and not body.dynamic:
            # The rule for functions that ask nobody tells of those.
            continue
        if injected_of(function, case.asks):
            continue
        asking = [one for one in personas if _may_show(case, function, one)]
        shown = _shown(case, function)
        if asking and shown:
            yield _found(case, function, asking, shown)
        elif asking and _is_account(function) and not body.understood:
            yield _not_followed(case, function, asking)


def _is_account(function: Function) -> bool:
    return function.returns.removeprefix("SETOF ") == ".".join(USERS)


def _may_show(case: Case, function: Function, persona: Persona) -> bool:
    """Whether a call may lead the persona to accounts of others, as far as its body is followed."""
    users = case.catalog.relations_by_name.get(USERS)
    identity = case.catalog.function_identity(function)
    ways = case.indirect.ways(persona, users, Operation.SELECT) if users is not None else ()
    return any(one.via == identity and one.at_most >= Reach.SOME for one in ways)


def _shown(case: Case, function: Function) -> dict[str, tuple[Relation, Read]]:
    """The columns of accounts that come out whoever calls, by their names: what tells no more than an id is left."""
    doing = doing_of(function, partial(columns_meant, case.catalog, function), records=True)
    free = unasked(function, case.asks, case.refuses) if doing is not None else frozenset[str]()
    found: dict[str, tuple[Relation, Read]] = {}
    for read in doing.reads if doing is not None else ():
        for name, column in sorted(read.shown) if read.sql in free else ():
            relation = relation_meant(case.catalog, function, name)
            if relation is not None and case.is_auth(relation) and column not in HARMLESS:
                shown = "every column" if column == "*" else column
                found[f"{shown} of {case.catalog.identity(relation)}"] = (relation, read)
    return found


def _found(case: Case, function: Function, personas: list[Persona], shown: dict[str, tuple[Relation, Read]]) -> Found:
    identity = case.catalog.function_identity(function)
    relations = list({one.oid: one for one, _ in shown.values()}.values())
    keyed = all(read.keys for _, read in shown.values())
    to_whom = "to whoever names the right one" if keyed else "of everybody"
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(personas[0].name, "execute", Reach.SOME if keyed else Reach.ALL, Reach.NONE),
            title=f"{identity} shows accounts of others",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which shows {listed(list(shown))} "
                f"{to_whom}: who is calling it does not ask, or only that somebody is."
            ),
            evidence=case.call_evidence(personas[-1], function)
            or may_call(case, personas[-1], function, "granted; no condition of the query depends on who calls"),
            fix=revoke(case, function, personas),
            relations=[case.catalog.identity(one) for one in relations],
            severity=Severity.HIGH if keyed else Severity.CRITICAL,
        ),
        case.claims([], case.led_by(identity, relations)),
    )


def _not_followed(case: Case, function: Function, personas: list[Persona]) -> Found:
    identity = case.catalog.function_identity(function)
    users = ".".join(USERS)
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(personas[0].name, "execute", Reach.UNKNOWN, Reach.NONE),
            title=f"{identity} returns accounts",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which returns rows of {users} with all "
                "that is in them. Whose they are is not known: its body is not understood."
            ),
            evidence=may_call(case, personas[0], function, f"granted; returns {function.returns}"),
            fix=revoke(case, function, personas),
            relations=[users],
            severity=Severity.MEDIUM,
        )
    )


RULE = Rule(
    id="returns-auth-users",
    severity=Severity.CRITICAL,
    summary="A function shows accounts of Supabase Auth to whoever is signed in.",
    why=(
        "auth.users holds everybody's e-mail address, phone number and metadata, the hash of the password, and tokens "
        "with which accounts are taken over. A function that runs as its owner reads them, and to ask that somebody is "
        "signed in keeps nobody out: anybody can sign up."
    ),
    fix=(
        "Return what is needed and no more, and only what is the caller's: `where id = (select auth.uid())`. Ask "
        "whether the caller is one of the staff before anything else is shown. Or revoke the right to call it, from "
        "PUBLIC and from the roles by name."
    ),
    fine=(
        "A function that asks first whether its caller may see others (a table of the staff, app_metadata), or whose "
        "query does. Functions that ask nobody anything are told of by the rule `definer-rpc`. Where it is meant, "
        "declare it in the intent file: `[[function]]` with `callable_by`."
    ),
    bad=(
        Example(
            "For everybody who is signed in",
            """
            create function public.people() returns table (id uuid, email text)
              language plpgsql security definer set search_path = '' as $$
              begin
                if auth.uid() is null then raise exception 'sign in first'; end if;
                return query select u.id, u.email::text from auth.users u;
              end $$;
            """,
        ),
        Example(
            "Whole rows, beside a look-up of the caller's own",
            """
            create table public.profiles (id uuid primary key, name text);
            create function public.account_of(someone uuid) returns auth.users
              language plpgsql security definer set search_path = '' as $$
              declare found auth.users; caller text;
              begin
                select name into caller from public.profiles where id = auth.uid();
                raise log 'asked for by %', caller;
                select * into found from auth.users u where u.id = someone;
                return found;
              end $$;
            alter table public.profiles enable row level security;
            """,
        ),
        Example(
            "A helper that fails only for those who are not signed in, and one whose answer nobody heeds",
            """
            create table public.crew (club uuid, user_id uuid, primary key (club, user_id));
            alter table public.crew enable row level security;
            create function public.signed_in() returns uuid language plpgsql as $$
              begin
                if auth.uid() is null then
                  raise exception 'sign in first';
                end if;
                return auth.uid();
              end $$;
            create function public.is_crew(of_club uuid) returns boolean
              language plpgsql security definer set search_path = '' as $$
              begin
                return exists (select from public.crew c where c.club = of_club and c.user_id = auth.uid());
              end $$;
            create function public.crew_emails(of_club uuid) returns setof text
              language plpgsql security definer set search_path = '' as $$
              begin
                perform public.signed_in();
                perform public.is_crew(of_club);
                return query select u.email::text from public.crew c join auth.users u on u.id = c.user_id
                  where c.club = of_club;
              end $$;
            """,
        ),
    ),
    good=(
        Example(
            "The caller's own account",
            """
            create function public.me() returns table (id uuid, email text)
              language sql security definer set search_path = ''
              as $$ select u.id, u.email::text from auth.users u where u.id = auth.uid() $$;
            """,
        ),
        Example(
            "For the staff",
            """
            create schema private;
            create table private.staff (user_id uuid primary key);
            create function public.people() returns table (id uuid, email text)
              language plpgsql security definer set search_path = '' as $$
              begin
                if not exists (select 1 from private.staff s where s.user_id = auth.uid()) then
                  raise exception 'for the staff';
                end if;
                return query select u.id, u.email::text from auth.users u;
              end $$;
            """,
        ),
        Example(
            "For members, as a helper sees to that fails for everybody else",
            """
            create table public.crew (club uuid, user_id uuid, rank text not null, primary key (club, user_id));
            alter table public.crew enable row level security;
            create table public.clubs (id uuid primary key, founder uuid not null references auth.users);
            alter table public.clubs enable row level security;
            create function public.my_rank(of_club uuid) returns text
              language plpgsql security definer set search_path = '' as $$
              declare found_rank text;
              begin
                select c.rank into found_rank from public.crew c where c.club = of_club and c.user_id = auth.uid();
                if found_rank is null then
                  raise exception 'not found';
                end if;
                return found_rank;
              end $$;
            create function public.contact(of_club uuid) returns jsonb
              language plpgsql security definer set search_path = '' as $$
              declare mine text; found_contact jsonb;
              begin
                select public.my_rank(of_club) into mine;
                select jsonb_build_object('email', u.email, 'rank', mine) into found_contact
                from public.clubs c join auth.users u on u.id = c.founder where c.id = of_club;
                return found_contact;
              end $$;
            """,
        ),
        Example(
            "Those who share a club with the caller",
            """
            create table public.members (club int, user_id uuid, primary key (club, user_id));
            alter table public.members enable row level security;
            create function public.friends() returns table (id uuid, email text)
              language sql security definer set search_path = '' as $$
                select u.id, u.email::text from auth.users u join public.members m on m.user_id = u.id
                where m.club in (select mine.club from public.members mine where mine.user_id = auth.uid())
              $$;
            """,
        ),
    ),
    check=check,
)
