"""foreign-table: the API serves a foreign table, on which row-level security cannot be put."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import ForeignServer, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_LOGS_IN = frozenset({"postgres_fdw_handler", "dblink_fdw_handler"})
"""Handlers of wrappers that need a user mapping of whoever asks, and fail without one."""


def check(case: Case) -> Iterator[Found]:
    """Yields foreign tables that a persona may address further than intended, and whose server answers it."""
    servers = {one.oid: one for one in case.catalog.snapshot.foreign_servers}
    behind = {
        one.relation: servers[one.server] for one in case.catalog.snapshot.foreign_tables if one.server in servers
    }
    for relation in case.exposed:
        if relation.kind != "f" or relation.extension is not None or relation.oid not in behind:
            continue
        server = behind[relation.oid]
        open_to = {
            persona.name: operations
            for persona in case.personas
            if (operations := [*_operations(case, persona, relation, server)])
        }
        if open_to:
            yield _found(case, relation, server, open_to)


def _operations(case: Case, persona: Persona, relation: Relation, server: ForeignServer) -> Iterator[Operation]:
    if not case.is_exposed(persona, relation) or not _answers(case, persona, server):
        return
    role = case.role(persona).oid
    for one in Operation:
        writable = one is Operation.SELECT or relation.updatable & _WRITES[one]
        granted = case.access.on_any_column(role, relation, one.value.upper())
        if writable and granted and case.intended(persona, relation, one) < Reach.ALL:
            yield one


_WRITES = {Operation.UPDATE: 1 << 2, Operation.INSERT: 1 << 3, Operation.DELETE: 1 << 4}


def _answers(case: Case, persona: Persona, server: ForeignServer) -> bool:
    """Whether the server may answer the persona. Older snapshots do not tell which wrapper it is."""
    if server.wrapper is not None and server.handler is None:
        return False
    role = case.role(persona).oid
    mapped = any(one.server == server.oid and one.role in {role, PUBLIC} for one in case.catalog.snapshot.user_mappings)
    return mapped or server.handler not in _LOGS_IN


def _found(case: Case, relation: Relation, server: ForeignServer, open_to: dict[str, list[Operation]]) -> Found:
    identity = case.catalog.identity(relation)
    personas = [case.persona(one) for one in open_to]
    first, operations = personas[0], open_to[personas[0].name]
    verbs = listed(list(dict.fromkeys(one.value for group in open_to.values() for one in group)))
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who(
                first.name,
                operations[0].value if len(operations) == 1 else "all",
                Reach.ALL,
                case.intended(first, relation, operations[0]),
            ),
            title=f"Foreign table {identity} is open, and cannot have row-level security",
            message=(
                f"{listed([one.name for one in personas])} may {verbs} any row of {identity}: it stands for what lies "
                f"on the server {ident(server.name)}, which is asked with credentials of the database's, and Postgres "
                "has no policies for foreign tables."
            ),
            evidence=asked_as(
                case,
                first,
                holds_on(case, relation, operations[0].value.upper(), columns=operations[0] is not Operation.DELETE),
                "granted, and no policy can be put on it",
            ),
            fix=f"revoke all on {identity} from {', '.join(_holders(case, personas, relation, operations))};",
            relations=[identity],
        ),
        case.claims([relation]),
    )


def _holders(case: Case, personas: list[Persona], relation: Relation, operations: list[Operation]) -> tuple[str, ...]:
    columns = [grant for one in case.catalog.columns[relation.oid] for grant in one.acl]
    named = dict.fromkeys(
        name for one in operations for name in case.holders(personas, (*relation.acl, *columns), one.value.upper())
    )
    return tuple(named) or tuple(ident(one.role) for one in personas)


_ENABLED = """
            create extension postgres_fdw with schema extensions;
            grant usage on foreign data wrapper postgres_fdw to postgres;"""
_SERVER = """
            create server shop foreign data wrapper postgres_fdw options (host '192.0.2.1');"""
_TABLE = """
            create foreign table public.orders (id bigint, email text, total numeric) server shop;"""
_MAPPED = """
            create user mapping for authenticated server shop options (user 'reader', password 'none');"""

RULE = Rule(
    id="foreign-table",
    severity=Severity.HIGH,
    summary="The API serves a foreign table: rows of another server that no policy can protect.",
    why=(
        "A foreign table shows what the database's own credentials may read elsewhere: customers and subscriptions at "
        "a payment service, another database, files. Postgres has no row-level security for it. By default the API "
        "roles may read and write tables in public, and so everybody gets at everybody's."
    ),
    fix=(
        "Revoke it from the API roles, or keep it in a schema that the API does not serve. Serve it through a function "
        "that asks who calls."
    ),
    fine=(
        "Where everybody may see what it shows: declare it in the intent file. A wrapper that logs in elsewhere for "
        "each role, as postgres_fdw does, is no finding for roles without a user mapping: they get an error."
    ),
    bad=(
        Example("Another database, with a login for whoever is signed in", _SERVER + _MAPPED + _TABLE, before=_ENABLED),
        Example(
            "A wrapper whose server knows the credentials itself",
            """
            create server customers foreign data wrapper payments options (api_key_id 'of the vault');
            create foreign table public.customers (id text, email text) server customers;
            revoke insert, update, delete on public.customers from anon, authenticated;
            """,
            before="""
            create extension wrappers with schema extensions;
            create foreign data wrapper payments handler extensions.stripe_fdw_handler;
            grant usage on foreign data wrapper payments to postgres;""",
        ),
    ),
    good=(
        Example(
            "Revoked",
            f"""{_SERVER}{_MAPPED}{_TABLE}
            revoke all on public.orders from anon, authenticated;
            """,
            before=_ENABLED,
        ),
        Example(
            "In a schema that the API does not serve",
            f"""{_SERVER}{_MAPPED}
            create schema elsewhere;
            create foreign table elsewhere.orders (id bigint, email text) server shop;
            """,
            before=_ENABLED,
        ),
        Example("No role of the API's can log in there", _SERVER + _TABLE, before=_ENABLED),
    ),
    check=check,
)
