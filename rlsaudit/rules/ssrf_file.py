"""ssrf-file: functions by which clients have the server send requests, connect elsewhere, or read its files."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Reach, Severity
from rlsaudit.names import literal
from rlsaudit.policy.outside import CONNECTIONS, FILES, REQUESTS, handed_by
from rlsaudit.probe.request import settings, transcript
from rlsaudit.reach.indirect import TELLS_NOTHING
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.callers import callers, may_call, revoke
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.extension_in_public import moved
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.catalog.facts import Function, SystemFunction
    from rlsaudit.model import Persona
    from rlsaudit.policy.outside import Handed
    from rlsaudit.rules.case import Case

_MOST_NAMED = 4


def check(case: Case) -> Iterator[Found]:
    """Yields functions by which personas leave the database: those of extensions, and those of the project's."""
    yield from _of_extensions(case)
    yield from _of_files(case)
    for function, personas in callers(case, lambda one: one.language in {"sql", "plpgsql"}):
        handing = [(one, _handed(case, function, one)) for one in personas]
        found = [(one, handed) for one, handed in handing if handed]
        if found:
            yield _handing(case, function, [one for one, _ in found], found[0][1])


def _of_extensions(case: Case) -> Iterator[Found]:
    """The functions of extensions that a persona may call by their names: no more than once for each extension."""
    found: defaultdict[str, list[tuple[Persona, Function]]] = defaultdict(list)
    for persona in case.personas:
        role = case.role(persona).oid
        for one in case.catalog.snapshot.functions:
            if one.extension is None or one.name not in REQUESTS | CONNECTIONS:
                continue
            served = case.catalog.schemas[one.schema].name in case.served[persona.name]
            identity = case.catalog.function_identity(one)
            meant = case.intent.function_allowed(identity, persona.name, role=persona.role)
            if served and not meant and case.access.execute(role, one):
                found[one.extension].append((persona, one))
    for extension, calls in found.items():
        yield _extension(case, extension, calls)


def _extension(case: Case, extension: str, calls: Sequence[tuple[Persona, Function]]) -> Found:
    by_api = [one for one in calls if not sends_sql(case, one[0])]
    persona, function = (by_api or calls)[0]
    personas = list({one.name: one for one, _ in by_api or calls}.values())
    functions = list({one.oid: one for _, one in by_api or calls}.values())
    names = [case.catalog.function_identity(one) for one in functions]
    more = len(names) - _MOST_NAMED
    told = listed(names if more <= 0 else [*names[:_MOST_NAMED], f"{more} more"])
    does = "connects to other databases" if function.name in CONNECTIONS else "sends requests"
    holders = dict.fromkeys(name for one in functions for name in case.holders(personas, one.acl, "EXECUTE"))
    return Found(
        finding(
            RULE,
            ObjectRef("extension", extension),
            Who(persona.name, "execute", Reach.ALL, Reach.NONE),
            title=f"clients may call the extension {extension}, which {does}",
            message=(
                f"{listed([one.name for one in personas])} may call {told}: the server {does} wherever they say, from "
                "within its own network."
            ),
            evidence=may_call(case, persona, function, "granted; it was not called"),
            fix=_kept_away(case, extension, functions)
            or f"revoke execute on function {', '.join(names)} from {', '.join(holders) or 'public'};",
            severity=Severity.CRITICAL if by_api else Severity.MEDIUM,
        )
    )


def _kept_away(case: Case, name: str, functions: Sequence[Function]) -> str:
    """SQL that moves the extension out of the API's sight; empty where that is no way.

    On Supabase a project does not own what is in an extension, and can take no privilege on it away.
    """
    extension = next((one for one in case.catalog.snapshot.extensions if one.name == name), None)
    own = all(not case.is_platforms(case.catalog.schemas[one.schema].name) for one in functions)
    return moved(case, extension) if case.platform is Platform.SUPABASE and own and extension is not None else ""


def _of_files(case: Case) -> Iterator[Found]:
    """Postgres's own functions for files, where somebody granted them to whoever sends SQL."""
    for one in case.catalog.snapshot.system_functions:
        personas = [
            each
            for each in case.personas
            if sends_sql(case, each)
            and not case.access.roles.is_superuser(case.role(each).oid)
            and case.access.holds(case.role(each).oid, one.acl, "EXECUTE")
        ]
        if personas:
            yield _file(case, one, personas)


def _file(case: Case, function: SystemFunction, personas: list[Persona]) -> Found:
    identity = f"pg_catalog.{function.name}({function.arguments})"
    query = f"select pg_catalog.has_function_privilege({literal(identity).strip()}, 'EXECUTE') as granted"
    made = settings(case.catalog, case.platform, personas[0])
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(personas[0].name, "execute", Reach.ALL, Reach.NONE),
            title=f"{identity} is granted, and with it files of the server",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which nobody but superusers may where "
                "it was not granted: it reaches files as the operating system's account of the server."
            ),
            evidence=Evidence(EvidenceKind.CATALOG, transcript(made, query), "granted; it was not called"),
            fix=(
                f"revoke execute on function {identity} from "
                f"{', '.join(case.holders(personas, function.acl, 'EXECUTE')) or 'public'};"
            ),
            severity=Severity.HIGH,
        )
    )


def _handed(case: Case, function: Function, persona: Persona) -> tuple[Handed, ...]:
    doer = function.owner if function.security_definer else case.role(persona).oid
    return handed_by(function, case.asks, partial(_leaves, case, doer), case.named)


def _leaves(case: Case, role: int, name: tuple[str, ...]) -> bool:
    """Whether a name means a function of an extension, or of Postgres's own, that the role may call."""
    if name[-1] in FILES:
        known = [one for one in case.catalog.snapshot.system_functions if one.name == name[-1]]
        return len(name) == 1 and any(case.access.holds(role, one.acl, "EXECUTE") for one in known)
    return any(
        one.extension is not None
        and one.name == name[-1]
        and name[-2:-1] in {(), (case.catalog.schemas[one.schema].name,)}
        and case.access.execute(role, one)
        for one in case.catalog.snapshot.functions
    )


def _handing(case: Case, function: Function, personas: list[Persona], handed: tuple[Handed, ...]) -> Found:
    identity = case.catalog.function_identity(function)
    opened = [one for one in handed if not one.keyed]
    handed = tuple(opened) or handed
    names = {one.name[-1] for one in handed}
    arguments = listed(sorted({argument for one in handed for argument in one.arguments}))
    by_api = any(not sends_sql(case, one) for one in personas)
    if names & FILES:
        does, worst = "reads or writes the file", Severity.CRITICAL
    elif names & CONNECTIONS:
        does, worst = "connects to the database, or runs there the SQL,", Severity.CRITICAL
    elif not opened:
        # What the key is for is not seen: it may be the one that row-level security does not stop.
        does, worst = "sends a request with a key of the project's, for the path", Severity.HIGH
    else:
        does = "sends a request to the address"
        # Whoever sees no answer still reaches what trusts requests from within.
        worst = Severity.HIGH if function.returns in {*TELLS_NOTHING, "bigint"} else Severity.CRITICAL
    called = ", ".join(".".join(one) for one in sorted({one.name for one in handed}))
    return Found(
        finding(
            RULE,
            ObjectRef("function", identity),
            Who(personas[0].name, "execute", Reach.ALL, Reach.NONE),
            title=f"{identity} {does} that its caller names",
            message=(
                f"{listed([one.name for one in personas])} may call {identity}, which hands {arguments} on to {called}"
                f": it {does} that they name, as the server itself."
            ),
            evidence=may_call(case, personas[0], function, f"granted; {arguments} goes to {called}; it was not called"),
            fix=revoke(case, function, personas),
            severity=worst if by_api else min(worst, Severity.HIGH),
        )
    )


RULE = Rule(
    id="ssrf-file",
    severity=Severity.CRITICAL,
    summary="Clients may call a function that sends requests where they say, connects elsewhere, or reads files.",
    why=(
        "The request comes from the database server: from within its network, past the firewall, where other services "
        "trust it, and where a cloud tells its own machines their credentials. `dblink` logs in to other databases, "
        "and to this one, as whoever it names; `pg_read_file` reads passwords and keys. Extensions grant their "
        "functions to everybody, and in the schema `public` the API serves them."
    ),
    fix=(
        "Install extensions in a schema that the API does not serve: `create extension http with schema extensions`. "
        "Take addresses from a table or a list of your own, and let the caller say no more than which, or what comes "
        "after the host. Or revoke the right to call the function, from PUBLIC and from the roles by name."
    ),
    fine=(
        "A function of the project's that asks first who calls, or takes only what is on a list, is no finding, and "
        "one in a schema that is not served is none for clients of the API. Where it is meant, declare it in the "
        "intent file: `[[function]]` with `callable_by`."
    ),
    bad=(
        Example(
            "An extension in a schema that is served",
            """
            create extension http with schema public;
            """,
        ),
        Example(
            "A request to whatever address",
            """
            create extension http with schema extensions;
            create function public.preview(address text) returns text language plpgsql security definer
              set search_path = '' as $$
              declare found text;
              begin
                if auth.uid() is null then raise exception 'sign in first'; end if;
                select content into found from extensions.http_get(address);
                return found;
              end $$;
            """,
        ),
        Example(
            "A message that somebody else's server gets",
            """
            create extension pg_net;
            create function public.notify(host text, message jsonb) returns void language sql security definer
              set search_path = '' as $$ select net.http_post(url := 'https://' || host || '/hook', body := message) $$;
            """,
        ),
        Example(
            "With the project's key, for whatever path: `..` leaves the bucket, and the API for files",
            """
            create extension http with schema extensions;
            create function public.delete_file(bucket text, object text) returns void language plpgsql security definer
              set search_path = '' as $$
              declare url text := 'https://api.example.com/storage/v1/object/' || bucket || '/' || object;
              begin
                perform status from extensions.http(('DELETE', url, array[extensions.http_header(
                  'authorization', 'Bearer ' || current_setting('app.key'))], null, null)::extensions.http_request);
              end $$;
            """,
        ),
        Example(
            "On plain Postgres, files",
            """
            grant execute on function pg_catalog.pg_read_file(text) to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example(
            "Extensions that the API does not serve",
            """
            create extension http with schema extensions;
            create extension pg_net;
            """,
        ),
        Example(
            "The host is the project's",
            """
            create extension pg_net;
            create function public.notify(path text, message jsonb) returns void language sql security definer
              set search_path = ''
              as $$ select net.http_post(url := 'https://example.com/hooks/' || path, body := message) $$;
            """,
        ),
        Example(
            "With the project's key, for a path that says itself what it is",
            """
            create extension pg_net;
            create function public.refresh(customer uuid, term text) returns void language sql security definer
              set search_path = '' as $$
                select net.http_get(url := 'https://example.com/customers/' || customer || '?q=' || term,
                  headers := jsonb_build_object('Authorization', 'Bearer ' || current_setting('app.key'))) $$;
            """,
        ),
        Example(
            "An address of the project's table",
            """
            create extension pg_net;
            create schema private;
            create table private.hooks (name text primary key, url text not null);
            create function public.notify(hook text, message jsonb) returns void language plpgsql security definer
              set search_path = '' as $$
              declare address text;
              begin
                select url into address from private.hooks where name = hook;
                perform net.http_post(url := address, body := message);
              end $$;
            """,
        ),
        Example(
            "For the server",
            """
            create extension http with schema extensions;
            create function public.preview(address text) returns text language sql security definer
              set search_path = '' as $$ select content from extensions.http_get(address) $$;
            revoke execute on function public.preview(text) from public, anon, authenticated;
            """,
        ),
    ),
    check=check,
)
