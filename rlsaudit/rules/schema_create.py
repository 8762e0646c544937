"""schema-create: a role that clients have may create objects in a schema that others use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.personas import speaks_sql
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Schema
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields schemas in which personas may create objects, though others own what is there."""
    for schema in case.catalog.snapshot.schemas:
        if schema.extension is not None:
            continue
        personas = [one for one in case.personas if _may_create(case, one, schema)]
        if personas:
            yield _found(case, schema, personas)


def _may_create(case: Case, persona: Persona, schema: Schema) -> bool:
    role = case.role(persona).oid
    if not case.access.create(role, schema) or case.access.roles.acts_as(role, schema.owner):
        return False
    # Without USAGE nobody finds what is made there by its name, least of all whoever made it.
    if not case.access.usage(role, schema):
        return False
    return not any(one.schema == schema.oid and one.owner == role for one in case.catalog.snapshot.relations)


def _found(case: Case, schema: Schema, personas: list[Persona]) -> Found:
    name = ident(schema.name)
    sends = [one for one in personas if case.platform is Platform.POSTGRES or speaks_sql(case.access, one.role)]
    everybody = any(one.privilege == "CREATE" and one.grantee == PUBLIC for one in schema.acl)
    needs = "" if sends else " The API has no request that creates anything, so this needs another way to run SQL."
    query = f"select has_schema_privilege({literal(schema.name).strip()}, 'CREATE') as may_create"
    return Found(
        finding(
            RULE,
            ObjectRef("schema", name),
            Who((sends or personas)[0].name, "create", Reach.ALL, Reach.NONE),
            title=f"Clients may create objects in schema {name}",
            message=(
                f"{listed([one.name for one in personas])} may create tables, functions and operators in {name}: "
                "whatever looks a name up there, a function with its owner's rights say, may run what they have put "
                f"there.{needs}"
            ),
            evidence=asked_as(case, (sends or personas)[0], query, "granted"),
            fix=f"revoke create on schema {name} from {', '.join(case.holders(personas, schema.acl, 'CREATE'))};",
            severity=Severity.HIGH if sends and everybody else Severity.MEDIUM,
        )
    )


RULE = Rule(
    id="schema-create",
    severity=Severity.HIGH,
    summary="Roles that clients have may create objects in a schema that others use.",
    why=(
        "Postgres looks names up along the search_path, and takes the function or operator that fits the arguments "
        "best. Whoever may create in a schema on that path puts one there that fits better than the real one, and "
        "waits for somebody with more rights to call it: a function with its owner's rights, a migration, a nightly "
        "job. Up to Postgres 14 everybody could create in public, and databases that were upgraded still let them."
    ),
    fix="Revoke CREATE on the schema. What runs the migrations owns the schema, or gets CREATE by its own name.",
    fine=(
        "A role that runs the migrations is none that clients have: audit the others by `--role`. A role that owns "
        "tables in the schema is no finding, and neither is the schema's owner."
    ),
    bad=(
        Example("Granted to whoever is signed in", "grant create on schema public to authenticated;"),
        Example(
            "As Postgres had it up to 14",
            "grant create on schema public to public;",
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example("Postgres as it is since 15", "select 1;", platform=Platform.POSTGRES, roles=("shop_app",)),
        Example(
            "A schema of the application's own",
            "create schema shop authorization shop_app;",
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "The role that the migrations run as",
            """
            grant create on schema public to shop_app;
            create table public.orders (id bigint primary key);
            alter table public.orders owner to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example("To the server's role alone", "grant create on schema public to service_role;"),
    ),
    check=check,
)
