"""graphql-exposure: pg_graphql shows the names of tables and columns whose rows a role does not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_EXTENSION = "pg_graphql"
_RESOLVES = ("graphql_public", "graphql")
_MOST_NAMED = 5


def check(case: Case) -> Iterator[Found]:
    """Yields the relations of which a persona reads no row, and whose columns GraphQL lists for it all the same."""
    if case.platform is not Platform.SUPABASE or all(
        one.name != _EXTENSION for one in case.catalog.snapshot.extensions
    ):
        return
    for persona in clients(case):
        role = case.role(persona).oid
        asks = any(case.access.execute(role, one) for one in case.catalog.functions_by_name[_RESOLVES])
        shown = [one for one in case.exposure[persona.name] if asks and _is_named(case, persona, one)]
        if shown and not sends_sql(case, persona):
            # Whoever signs in sees what visitors see, and more of it is rarely news.
            yield _found(case, persona, shown)
            return


def _is_named(case: Case, persona: Persona, relation: Relation) -> bool:
    """Whether GraphQL has a type for the relation, though no row of it is the persona's to see."""
    cell = case.cell(persona, relation, Operation.SELECT)
    platforms = case.is_platforms(case.catalog.schema_name(relation)) or relation.extension is not None
    keyed = relation.kind not in "rp" or any(one.kind == "p" for one in case.catalog.constraints[relation.oid])
    granted = case.access.on_any_column(case.role(persona).oid, relation, "SELECT")
    return granted and keyed and not platforms and cell is not None and cell.at_most is Reach.NONE


def _is_idle(case: Case, persona: Persona, relation: Relation) -> bool:
    named = case.is_exposed(persona, relation) and _is_named(case, persona, relation)
    return named and not sends_sql(case, persona)


def _revoked(case: Case, relation: Relation, personas: list[Persona]) -> str:
    holders = case.holders(personas, relation.acl, "SELECT") or tuple(ident(one.role) for one in personas)
    return f"revoke select on {case.catalog.identity(relation)} from {', '.join(holders)};"


def _found(case: Case, persona: Persona, shown: list[Relation]) -> Found:
    identities = [case.catalog.identity(one) for one in shown]
    more = len(identities) - _MOST_NAMED
    named = listed([*identities[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
    # Whoever else reads no row of it needs no privilege either, and would be told of next.
    idle = {one.oid: [each for each in clients(case) if _is_idle(case, each, one)] for one in shown}
    return Found(
        finding(
            RULE,
            ObjectRef("extension", ident(_EXTENSION)),
            Who(persona.name, "select", Reach.NONE, Reach.NONE),
            title=f"GraphQL shows {persona.name} tables of which it reads no row",
            message=(
                f"{persona.name} may ask pg_graphql for its schema, which lists the columns of {named}: the privilege "
                "to read them is there, and policies only keep the rows."
            ),
            evidence=asked_as(
                case, persona, holds_on(case, shown[0], "SELECT", columns=True), "granted; no policy lets a row through"
            ),
            fix="\n".join(_revoked(case, one, idle[one.oid]) for one in shown),
            relations=identities,
        )
    )


RULE = Rule(
    id="graphql-exposure",
    severity=Severity.LOW,
    summary="GraphQL lists tables and columns for a role that reads none of their rows.",
    why=(
        "pg_graphql makes its schema of what the role may select, whatever policies say of the rows. With the key in "
        "the browser's bundle, one introspection query gives the names of all tables and columns, of features that are "
        "yet to come as well. It is the map, not the treasure."
    ),
    fix="Revoke SELECT where no row is meant to be read, or drop the extension where nobody uses GraphQL.",
    fine="Where the names tell nothing. Projects that do not have pg_graphql, as new ones, are no finding.",
    bad=(
        Example(
            "Nobody but the server reads it",
            """
            create table public.fraud_signals (id bigint primary key, score numeric);
            alter table public.fraud_signals enable row level security;
            """,
            before="create extension pg_graphql with schema graphql;",
        ),
        Example(
            "Visitors read none of it",
            """
            create table public.invoices (id bigint primary key, user_id uuid, total numeric);
            alter table public.invoices enable row level security;
            create policy own on public.invoices to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
            before="create extension pg_graphql with schema graphql;",
        ),
    ),
    good=(
        Example(
            "Revoked from visitors",
            """
            create table public.invoices (id bigint primary key, user_id uuid, total numeric);
            alter table public.invoices enable row level security;
            revoke all on public.invoices from anon;
            create policy own on public.invoices to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
            before="create extension pg_graphql with schema graphql;",
        ),
        Example(
            "Without the extension",
            """
            create table public.fraud_signals (id bigint primary key, score numeric);
            alter table public.fraud_signals enable row level security;
            """,
        ),
        Example("Without a table", "select 1;", before="create extension pg_graphql with schema graphql;"),
    ),
    check=check,
)
