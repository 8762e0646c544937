"""default-grant: tables that are yet to be made will be open to every role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.platform import Platform, is_platforms_role
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import may_find
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import DefaultAcl, Schema
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_TABLES = "r"
_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def check(case: Case) -> Iterator[Found]:
    """Yields for each schema the default privileges that open new tables to PUBLIC, where a persona may find them."""
    opened: dict[int, list[_Default]] = {}
    for one in case.catalog.snapshot.default_acls:
        everybodys = {each.privilege for each in one.acl if each.grantee == PUBLIC}
        held = tuple(name for name in _ROWS if name in everybodys)
        stock = case.platform is Platform.SUPABASE and one.creator != _owner(case)
        if one.objects != _TABLES or not held or (stock and is_platforms_role(case.access.name(one.creator))):
            continue
        schemas = [each for each in case.catalog.snapshot.schemas if one.schema in {0, each.oid}]
        reached = ((each, persona) for each in schemas for persona in case.personas if may_find(case, persona, each))
        first = next(reached, None)
        if first is not None:
            opened.setdefault(first[0].oid, []).append(_Default(one, first[1], held))
    for oid, found in opened.items():
        yield _found(case, case.catalog.schemas[oid], found)


@dataclass(frozen=True, slots=True)
class _Default:
    """Default privileges that give PUBLIC the privileges `held`, on tables that `persona` may address."""

    acl: DefaultAcl
    persona: Persona
    held: tuple[str, ...]

    def whose(self, case: Case) -> str:
        """Whose defaults, and in which schema, as SQL writes it; without a schema where it is for all."""
        schema = case.catalog.schemas.get(self.acl.schema)
        where = f" in schema {ident(schema.name)}" if schema is not None else ""
        return f"for role {ident(case.access.name(self.acl.creator))}{where}"


def _owner(case: Case) -> int:
    """The role that makes the project's objects on Supabase: one of the platform's whose defaults are the project's."""
    return case.catalog.snapshot.server.database_owner


def _found(case: Case, schema: Schema, found: list[_Default]) -> Found:
    first = found[0]
    verbs = [one.lower() for one in _ROWS if any(one in each.held for each in found)]
    namespace = "0" if first.acl.schema == 0 else f"{literal(ident(schema.name)).strip()}::regnamespace"
    creator = literal(ident(case.access.name(first.acl.creator))).strip()
    query = (
        f"select defaclacl from pg_default_acl where defaclrole = {creator}::regrole"
        f" and defaclnamespace = {namespace} and defaclobjtype = '{_TABLES}'"
    )
    return Found(
        finding(
            RULE,
            ObjectRef("schema", ident(schema.name)),
            Who("public", verbs[0] if len(verbs) == 1 else "all", Reach.ALL, Reach.NONE),
            title=f"New tables in {ident(schema.name)} will be open to every role",
            message=(
                f"Default privileges {listed([one.whose(case) for one in found])} give PUBLIC {listed(verbs)} on each "
                "new table and view: it is open to all before anybody thinks of it, until row-level security is "
                "enabled."
            ),
            evidence=asked_as(case, first.persona, query, f"granted to PUBLIC: {listed(verbs)}"),
            fix="\n".join(
                f"alter default privileges {one.whose(case)} revoke all on tables from public;" for one in found
            ),
        )
    )


RULE = Rule(
    id="default-grant",
    severity=Severity.MEDIUM,
    summary="Default privileges open every new table to PUBLIC.",
    why=(
        "`alter default privileges … grant select on tables to public` is written once, and from then on each "
        "migration that creates a table opens it to every role there is, without saying so. The table that nobody "
        "meant to show is found later."
    ),
    fix=(
        "Revoke them, and grant what is needed table by table, or to a role by name. Tables that are there keep the "
        "grants that they got."
    ),
    fine=(
        "Default privileges for a role by its name, an application's say, are no finding, and neither are those that a "
        "Supabase project comes with for `anon` and `authenticated`."
    ),
    bad=(
        Example(
            "For every schema",
            "alter default privileges grant select on tables to public;",
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "In the schema that the API serves",
            "alter default privileges in schema public grant select, insert on tables to public;",
        ),
    ),
    good=(
        Example(
            "To a role by its name",
            "alter default privileges in schema public grant select on tables to shop_app;",
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "In a schema that the role cannot use",
            """
            create schema internal;
            alter default privileges in schema internal grant select on tables to public;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example("What a Supabase project comes with", "select 1;"),
    ),
    check=check,
)
