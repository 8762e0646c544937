"""fk-oracle: a foreign key to private values tells whoever writes whether they exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident, remark
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import tables
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.unique_oracle import can_be_guessed, tries
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Column, Constraint, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields foreign keys of one column to a private one, which a persona writes, and reads not all of at its end."""
    for relation in tables(case):
        columns = {one.number: one for one in case.catalog.columns[relation.oid]}
        for key in case.catalog.constraints[relation.oid]:
            target = case.catalog.relations.get(key.foreign_relation)
            if key.kind != "f" or len(key.columns) != 1 or target is None:
                continue
            aimed = next(one for one in case.catalog.columns[target.oid] if one.number == key.foreign_columns[0])
            personas = [
                one
                for one in case.personas
                if _is_hidden(case, one, target) and _writes(case, one, relation, columns[key.columns[0]])
            ]
            if personas and can_be_guessed(case, target, aimed):
                yield _found(case, relation, key, columns[key.columns[0]], target, aimed, personas)


def _is_hidden(case: Case, persona: Persona, target: Relation) -> bool:
    cell = case.cell(persona, target, Operation.SELECT)
    return cell is None or cell.at_most < Reach.ALL


def _writes(case: Case, persona: Persona, relation: Relation, column: Column) -> bool:
    """Whether the persona tries values there, and that is not what is wrong: a table without RLS is told of as such."""
    operation = tries(case, persona, relation, column)
    cell = None if operation is None else case.cell(persona, relation, operation)
    return cell is not None and (relation.rls or cell.at_least <= cell.intended)


def _found(
    case: Case,
    relation: Relation,
    key: Constraint,
    column: Column,
    target: Relation,
    aimed: Column,
    personas: list[Persona],
) -> Found:
    identity, other = case.catalog.identity(relation), case.catalog.identity(target)
    operation = tries(case, personas[0], relation, column) or Operation.INSERT
    value = f"{other}.{ident(aimed.name)}"
    return Found(
        finding(
            RULE,
            ObjectRef("column", f"{identity}.{ident(column.name)}"),
            Who(personas[0].name, operation.value, Reach.SOME, Reach.OWN),
            title=f"Whoever writes {identity} learns which {value} there are",
            message=(
                f"{listed([one.name for one in personas])} may {operation.value} {ident(column.name)}, and the foreign "
                f"key {ident(key.name)} lets only values through that are in {value}, by rows too that policies hide."
            ),
            evidence=asked_as(
                case,
                personas[0],
                holds_on(case, relation, operation.value.upper(), columns=True),
                "granted; the key looks at all rows",
            ),
            fix=remark(
                f"Let another column than {ident(column.name)} point to a key of {other} that means nothing, such as a"
                " UUID,",
                f"fill it by a function that asks for the value, and then drop {ident(key.name)}.",
            ),
            relations=[identity, other],
        )
    )


_INVITES = """
            create table public.invites (id uuid primary key, invite_code text unique, org_id uuid);
            alter table public.invites enable row level security;
            create table public.claims (id uuid primary key, user_id uuid, {column});
            alter table public.claims enable row level security;
            create policy own on public.claims to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);"""

RULE = Rule(
    id="fk-oracle",
    severity=Severity.LOW,
    summary="A foreign key to private values tells whoever writes to the table which of them exist.",
    why=(
        "A foreign key looks at every row of the other table, whatever policies hide. Whoever may put in a row tries "
        "values: what is refused does not exist, and what goes through does. Codes of invitations, coupons and "
        "addresses are found out that way, one by one."
    ),
    fix="Let the foreign key point to an id that cannot be guessed, and look the value up in a function.",
    fine="Where the values may be known. Keys that cannot be guessed, as UUIDs, are no finding.",
    bad=(
        Example(
            "A code that is a secret",
            _INVITES.format(column="invite_code text references public.invites (invite_code)"),
        ),
        Example(
            "An address",
            """
            create table public.customers (email text primary key, name text);
            alter table public.customers enable row level security;
            create table public.orders (id uuid primary key, user_id uuid, customer text references public.customers);
            alter table public.orders enable row level security;
            create policy own on public.orders to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            """,
        ),
        Example(
            "From a table that everybody is meant to write to",
            """
            create table public.customers (email text primary key, name text);
            alter table public.customers enable row level security;
            create table public.ratings (id uuid primary key, customer text references public.customers, stars integer);
            revoke select, update, delete on public.ratings from anon, authenticated;
            """,
            intent='[[allow]]\nrelation = "public.ratings"\npersona = "*"\ninsert = "all"\n',
        ),
        Example(
            "On plain Postgres, where a grant says so",
            """
            create table public.customers (email text primary key, tenant_id text not null, name text);
            alter table public.customers enable row level security;
            create policy own on public.customers using (tenant_id = current_setting('app.tenant_id', true));
            grant select on public.customers to shop_app;
            create table public.ratings (id uuid primary key, customer text references public.customers, stars integer);
            grant insert on public.ratings to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example("An id", _INVITES.format(column="invite uuid references public.invites")),
        Example("No foreign key", _INVITES.format(column="invite_code text")),
        Example(
            "Nobody but the server writes",
            """
            create table public.customers (email text primary key, name text);
            alter table public.customers enable row level security;
            create table public.orders (id uuid primary key, user_id uuid, customer text references public.customers);
            alter table public.orders enable row level security;
            create policy own on public.orders for select to authenticated using ((select auth.uid()) = user_id);
            """,
        ),
    ),
    check=check,
)
