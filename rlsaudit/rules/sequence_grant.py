"""sequence-grant: a role may set sequences of tables into which it cannot insert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, may_find, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_MOST_NAMED = 3


def check(case: Case) -> Iterator[Found]:
    """Yields for each role that sends SQL the sequences that it may set to whatever it likes."""
    tables = {one.sequence: one.relation for one in case.catalog.snapshot.sequence_owners}
    for persona in clients(case):
        settable = [
            one
            for one in case.catalog.snapshot.relations
            if one.kind == "S" and one.extension is None and one.oid in tables and sends_sql(case, persona)
            if _may_set(case, persona, one) and not _inserts(case, persona, case.catalog.relations[tables[one.oid]])
        ]
        if settable:
            yield _found(case, persona, settable)


def _may_set(case: Case, persona: Persona, sequence: Relation) -> bool:
    role = case.role(persona).oid
    return (
        may_find(case, persona, case.catalog.schemas[sequence.schema])
        and case.access.on_table(role, sequence, "UPDATE")
        and not case.access.roles.acts_as(role, sequence.owner)
    )


def _inserts(case: Case, persona: Persona, table: Relation) -> bool:
    cell = case.cell(persona, table, Operation.INSERT)
    return cell is not None and cell.at_most is not Reach.NONE


def _found(case: Case, persona: Persona, sequences: list[Relation]) -> Found:
    name = ident(persona.role)
    identities = [case.catalog.identity(one) for one in sequences]
    more = len(identities) - _MOST_NAMED
    named = [*identities[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    fixes = [
        f"revoke update on sequence {case.catalog.identity(one)} from "
        f"{', '.join(case.holders([persona], one.acl, 'UPDATE')) or name};"
        for one in sequences
    ]
    query = f"select has_sequence_privilege({literal(identities[0]).strip()}, 'UPDATE') as may_set"
    return Found(
        finding(
            RULE,
            ObjectRef("role", name),
            Who(persona.name, "update", Reach.ALL, Reach.NONE),
            title=f"{name} may set sequences of tables into which it cannot insert",
            message=(
                f"{name} may set {listed(named)} back: the next inserts of others then fail on a key that is taken, "
                "or take the key of a row that is gone."
            ),
            evidence=asked_as(case, persona, query, "granted"),
            fix="\n".join(fixes),
            relations=identities,
        )
    )


RULE = Rule(
    id="sequence-grant",
    severity=Severity.LOW,
    summary="A role may set sequences from which the keys of tables come that it cannot insert into.",
    why=(
        "UPDATE on a sequence lets a role call `setval`: back to 1, and inserts fail one after the other on keys that "
        "are taken; to its end, and none is left. Reading it tells how many rows there were."
    ),
    fix="Revoke UPDATE. A role that inserts needs USAGE on the sequence, and on that of an identity column nothing.",
    fine="A role that loads data and sets sequences afterwards. On Supabase it is granted by default.",
    bad=(
        Example(
            "`grant all on all sequences`",
            """
            create table public.orders (id bigserial primary key, total numeric);
            grant select on public.orders to reports_app;
            grant all on all sequences in schema public to reports_app;
            """,
            platform=Platform.POSTGRES,
            roles=("reports_app",),
        ),
        Example(
            "Through PUBLIC",
            """
            create table public.orders (id bigint generated always as identity primary key, total numeric);
            grant update on sequence public.orders_id_seq to public;
            """,
            platform=Platform.POSTGRES,
            roles=("reports_app",),
        ),
    ),
    good=(
        Example(
            "USAGE, to insert",
            """
            create table public.orders (id bigserial primary key, total numeric);
            grant select, insert on public.orders to shop_app;
            grant usage on sequence public.orders_id_seq to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "More than that, where it inserts anyway",
            """
            create table public.orders (id bigserial primary key, total numeric);
            grant select, insert on public.orders to shop_app;
            grant all on all sequences in schema public to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "What a Supabase project grants by default",
            """
            create table public.orders (id bigserial primary key, user_id uuid);
            alter table public.orders enable row level security;
            """,
        ),
    ),
    check=check,
)
