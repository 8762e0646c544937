"""definer-rpc: a function that runs with the rights of its owner, does not ask whose rows it is about, and is open."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Severity
from rlsaudit.policy.answers import doing_of
from rlsaudit.reach.meant import columns_meant
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.by_chain import evidence, opened_by_chain
from rlsaudit.rules.callers import may_call
from rlsaudit.rules.rpc_effects import afterwards, effects, in_spite
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.rules.by_chain import Opened
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.rpc_effects import Effect

_ASKS_NOBODY = "its body asks nobody's identity"
_ASKS_IN_VAIN = "what its body asks of who calls lets rows of others pass"


def check(case: Case) -> Iterator[Found]:
    """Yields functions by which a persona reads or writes rows that are closed to it, without being asked who it is."""
    callers: dict[int, tuple[Function, list[Persona]]] = {}
    for persona in case.personas:
        for function in case.indirect.callable_definers(persona):
            if _is_meant(case, function, persona):
                continue
            callers.setdefault(function.oid, (function, []))[1].append(persona)
    opened: defaultdict[tuple[str, int], list[Opened]] = defaultdict(list)
    for one in opened_by_chain(case):
        opened[one.cell.persona, one.steps[0].function].append(one)
    for function, personas in callers.values():
        body = case.indirect.body(function)
        # What the rest of it does may depend on what a dynamic part asks.
        if not body.understood or body.dynamic:
            continue
        asks = body.asks_identity
        doing = doing_of(function, partial(columns_meant, case.catalog, function), records=asks)
        if asks:
            found = [one for persona in personas for one in in_spite(case, function, doing, persona)]
        else:
            found = [one for persona in personas for one in effects(case, function, doing, persona)]
        for persona in personas:
            found += afterwards(case, opened[persona.name, function.oid], persona)
        if found:
            yield _found(case, function, found, asks=asks)


def _is_meant(case: Case, function: Function, persona: Persona) -> bool:
    if case.is_platforms(case.catalog.schemas[function.schema].name):
        return True
    if case.access.roles.acts_as(case.role(persona).oid, function.owner):
        return True
    return case.intent.function_allowed(case.catalog.function_identity(function), persona.name, role=persona.role)


def _found(case: Case, function: Function, got: list[Effect], *, asks: bool) -> Found:
    identity = case.catalog.function_identity(function)
    worst = max(one.severity for one in got)
    first = next(one for one in got if one.severity is worst)
    personas = list({one.persona.name: one.persona for one in got}.values())
    relations = list({one.relation.oid: one.relation for one in got if one.relation is not None}.values())
    does = list(dict.fromkeys(one.does for one in sorted(got, key=lambda one: -one.severity.rank)))
    owner = case.catalog.roles[function.owner].name
    kind = "procedure" if function.kind == "p" else "function"
    in_vain = asks and any(one.opened is None for one in got)
    chained = [one.opened for one in got if one.opened is not None]
    holders = case.holders(personas, function.acl, "EXECUTE")
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(first.persona.name, "execute", first.reach, first.intended),
            title=(
                f"Whoever calls {identity} lets itself in"
                if first.opened is not None
                else f"{identity} runs as {owner} and does not ask {'whose the rows are' if asks else 'who calls'}"
            ),
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which {'; it '.join(does)}."
                f"{' What it asks of its caller does not keep it to rows of its own.' if in_vain else ''}"
            ),
            evidence=(evidence(case, first.opened) if first.opened is not None else None)
            or case.call_evidence(first.persona, function)
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
        case.claims([], [*case.led_by(identity, relations), *(one.gained for one in chained)]),
    )


_ACCOUNTS = """
            create table public.accounts (id uuid primary key, user_id uuid, email text, plan text default 'free');
            alter table public.accounts enable row level security;
            create policy "own account" on public.accounts for select to authenticated
              using ((select auth.uid()) = user_id);
            insert into public.accounts values (gen_random_uuid(), gen_random_uuid(), 'a@example.com');"""

_OWN_ROLES = """
            create table public.profiles (id uuid primary key references auth.users,
              role text not null default 'reader');
            create table public.reports (id bigint primary key, body text);
            alter table public.profiles enable row level security;
            alter table public.reports enable row level security;
            create policy "own profile" on public.profiles for select to authenticated
              using ((select auth.uid()) = id);
            create policy "admins" on public.reports for select to authenticated using (exists (
              select from public.profiles p where p.id = (select auth.uid()) and p.role = 'admin'));"""

RULE = Rule(
    id="definer-rpc",
    severity=Severity.CRITICAL,
    summary="A SECURITY DEFINER function that clients may call reads or writes rows without asking whose they are.",
    why=(
        "The function runs with the rights of its owner, on Supabase `postgres`, whom no policy stops, and the API "
        "serves it as `POST /rest/v1/rpc/<name>`. New functions may be called by everybody. What it returns or changes "
        "for one caller it does for all. That somebody has to be signed in for it helps little: anybody can sign up, "
        "and an id to ask for stands in half of the application's rows. A function that changes only its caller's own "
        "row does harm as well where policies ask what stands there: whoever may call it lets itself in."
    ),
    fix=(
        "Ask in the body: `where user_id = (select auth.uid())`. Or revoke the right to call it, from PUBLIC and from "
        "the roles by name: default privileges grant to `anon` and `authenticated` by name, so revoking from PUBLIC "
        "alone changes nothing. Where callers say what they become or join, let the body take what is open to "
        "all, or what they were invited to. A function that needs no rights of its own is better `security invoker`."
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
            "All products, where the published ones are meant",
            """
            create table public.products (id bigint primary key, name text, state text not null default 'draft');
            alter table public.products enable row level security;
            create policy "published" on public.products for select using (state = 'published');
            create function public.products_by_name() returns setof public.products
              language sql stable security definer set search_path = ''
              as $$ select * from public.products p order by p.name $$;
            """,
            intent="""
            [[allow]]
            relation = "public.products"
            persona = ["anon", "authenticated"]
            select = "some"
            """,
        ),
        Example(
            "A role for the asking, which a policy then asks for",
            f"""{_OWN_ROLES}
            create function public.set_my_role(new_role text) returns void
              language sql security definer set search_path = ''
              as $$ update public.profiles set role = new_role where id = (select auth.uid()) $$;
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
            "A role for the asking, but not the one that a policy asks for",
            f"""{_OWN_ROLES}
            create function public.set_my_role(new_role text) returns void
              language plpgsql security definer set search_path = ''
              as $$
              begin
                if new_role not in ('reader', 'writer') then raise exception 'no such role'; end if;
                update public.profiles set role = new_role where id = (select auth.uid());
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
