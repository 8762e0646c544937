"""public-grant: private data, or the right to write, is granted to PUBLIC, which is every role there will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.platform import Platform
from rlsaudit.catalog.protection import is_protected
from rlsaudit.model import Operation, Reach, Severity
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields relations that nothing but grants keeps, and that PUBLIC may write, or read private columns of."""
    for relation in case.exposed:
        if relation.extension is not None or is_protected(case.catalog, relation) or case.beyond(relation):
            continue
        schema = case.catalog.schemas[relation.schema]
        usable = any(one.grantee == PUBLIC and one.privilege == "USAGE" for one in schema.acl)
        held = [one for one in Operation if usable and _is_everybodys(relation, one) and not _is_idle(relation, one)]
        personas = [one for one in case.personas if case.is_exposed(one, relation)]
        declared = any(
            case.intent.declared(one.name, case.catalog.identity(relation), operation, role=one.role)
            for one in personas
            for operation in Operation
        )
        private = case.sensitive(relation) if Operation.SELECT in held else ()
        writes = [one for one in held if one is not Operation.SELECT]
        if (private or writes) and personas and not declared:
            yield _found(case, relation, personas[0], held, private)


_EVENTS = {Operation.UPDATE: 1 << 2, Operation.INSERT: 1 << 3, Operation.DELETE: 1 << 4}


def _is_everybodys(relation: Relation, operation: Operation) -> bool:
    return any(one.grantee == PUBLIC and one.privilege == operation.value.upper() for one in relation.acl)


def _is_idle(relation: Relation, operation: Operation) -> bool:
    """Whether the relation cannot be written that way, whatever is granted."""
    return operation is not Operation.SELECT and not relation.updatable & _EVENTS[operation]


def _found(case: Case, relation: Relation, persona: Persona, held: list[Operation], private: tuple[str, ...]) -> Found:
    identity = case.catalog.identity(relation)
    verbs = listed([one.value for one in held])
    shows = f", {listed(list(private))} among them" if private else ""
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who("public", held[0].value if len(held) == 1 else "all", Reach.ALL, Reach.NONE),
            title=f"{identity} is open to every role",
            message=(
                f"PUBLIC may {verbs} rows of {identity}{shows}: every role that logs in to this database, "
                "and each that will be made."
            ),
            evidence=asked_as(
                case, persona, holds_on(case, relation, *(one.value.upper() for one in held)), "granted to PUBLIC"
            ),
            fix=f"revoke {', '.join(one.value for one in held)} on {identity} from public;",
            relations=[identity],
        )
    )


RULE = Rule(
    id="public-grant",
    severity=Severity.MEDIUM,
    summary="Private data, or the right to write, is granted to PUBLIC: to every role there is and will be.",
    why=(
        "PUBLIC is not the public of a web site, it is every role of the server: the one for metrics, the one that a "
        "colleague made for a try, the next application's. Who has what is not to be seen any more from the roles, and "
        "revoking from a role takes nothing away."
    ),
    fix="Revoke it from PUBLIC, and grant it to the roles that need it, by name or through a group role.",
    fine=(
        "Lists that hold nothing private, and are only read: these are no finding. Others are none once the intent "
        "file declares the relation."
    ),
    bad=(
        Example(
            "Customers, for every login",
            """
            create table public.customers (id bigint primary key, name text, email text);
            grant select on public.customers to public;
            """,
            platform=Platform.POSTGRES,
            roles=("metrics_app",),
        ),
        Example(
            "Settings, written by every login",
            """
            create table public.settings (name text primary key, value text);
            grant select, update on public.settings to public;
            """,
            platform=Platform.POSTGRES,
            roles=("metrics_app",),
        ),
    ),
    good=(
        Example(
            "A list of countries, to be read",
            """
            create table public.countries (code text primary key, name text);
            grant select on public.countries to public;
            """,
            platform=Platform.POSTGRES,
            roles=("metrics_app",),
        ),
        Example(
            "By the role's name",
            """
            create table public.customers (id bigint primary key, name text, email text);
            grant select on public.customers to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "With policies, which say who sees what",
            """
            create table public.customers (id bigint primary key, owner name, email text);
            alter table public.customers enable row level security;
            create policy own on public.customers using (owner = current_user);
            grant select on public.customers to public;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "In a schema that is not everybody's",
            """
            create schema shop;
            grant usage on schema shop to shop_app;
            create table shop.customers (id bigint primary key, email text);
            grant select on shop.customers to public;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    check=check,
)
