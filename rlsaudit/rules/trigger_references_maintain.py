"""trigger-references-maintain: privileges on tables that let a role do more than read and write rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_LETS: Final[Mapping[str, str]] = {
    "TRIGGER": "have code of its own run as whoever writes a row",
    "REFERENCES": "keep rows from being deleted, and try which keys there are",
    "MAINTAIN": "lock the tables for as long as it likes",
}
_MOST_NAMED = 3


def check(case: Case) -> Iterator[Found]:
    """Yields for each role that sends SQL the tables of others on which it holds such privileges."""
    for persona in clients(case):
        if not sends_sql(case, persona):
            continue
        role = case.role(persona).oid
        held = {
            privilege: tables
            for privilege in _LETS
            if (
                tables := [
                    one
                    for one in case.exposure[persona.name]
                    if _is_anothers(case, role, one) and case.access.on_table(role, one, privilege)
                ]
            )
        }
        if held:
            yield _found(case, persona, held)


def _is_anothers(case: Case, role: int, relation: Relation) -> bool:
    platforms = case.is_platforms(case.catalog.schema_name(relation))
    return (
        relation.kind in "rp"
        and relation.extension is None
        and not platforms
        and not case.access.roles.acts_as(role, relation.owner)
    )


def _found(case: Case, persona: Persona, held: dict[str, list[Relation]]) -> Found:
    name = ident(persona.role)
    tables = list({one.oid: one for group in held.values() for one in group}.values())
    identities = [case.catalog.identity(one) for one in tables]
    more = len(identities) - _MOST_NAMED
    named = [*identities[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    words = [one.lower() for one in held]
    first = next(iter(held))
    return Found(
        finding(
            RULE,
            ObjectRef("role", name),
            Who(persona.name, words[0] if len(words) == 1 else "all", Reach.ALL, Reach.NONE),
            title=f"{name} holds {listed(list(held))} on tables of others",
            message=f"{name} may {listed([_LETS[one] for one in held])}: on {listed(named)}, which it does not own.",
            evidence=asked_as(case, persona, holds_on(case, held[first][0], first), "granted"),
            fix="\n".join(
                f"revoke {', '.join(one.lower() for one, group in held.items() if table in group)}"
                f" on {case.catalog.identity(table)} from {', '.join(_holders(case, persona, table, held))};"
                for table in tables
            ),
            relations=identities,
            severity=Severity.MEDIUM if "TRIGGER" in held else Severity.LOW,
        )
    )


def _holders(case: Case, persona: Persona, table: Relation, held: dict[str, list[Relation]]) -> tuple[str, ...]:
    found = dict.fromkeys(
        name
        for privilege, group in held.items()
        if table in group
        for name in case.holders([persona], table.acl, privilege)
    )
    return tuple(found) or (ident(persona.role),)


RULE = Rule(
    id="trigger-references-maintain",
    severity=Severity.MEDIUM,
    summary="A role of clients holds TRIGGER, REFERENCES or MAINTAIN on tables of others, as `grant all` gives them.",
    why=(
        "TRIGGER lets a role hang a function of its own on the table, which then runs with the rights of whoever "
        "writes there next: the migrations' role, a superuser. REFERENCES ties rows of others by a foreign key, so "
        "that they cannot be deleted, and tells which keys exist. MAINTAIN, since Postgres 17, locks and rewrites. No "
        "application that reads and writes rows needs any of them."
    ),
    fix="Revoke them, and grant `select, insert, update, delete` instead of `all`, in default privileges too.",
    fine=(
        "A role that runs migrations over tables of others. Without TRIGGER it is of level low. On Supabase they are "
        "granted by default, and the API has no request for them: there it is a finding for roles that send SQL."
    ),
    bad=(
        Example(
            "`grant all`",
            """
            create table public.orders (id bigint primary key, total numeric);
            grant all on public.orders to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Through PUBLIC: of level low",
            """
            create table public.orders (id bigint primary key, total numeric);
            grant references on public.orders to public;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example(
            "What an application needs",
            """
            create table public.orders (id bigint primary key, total numeric);
            grant select, insert, update, delete on public.orders to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "A table of its own",
            """
            create table public.orders (id bigint primary key, total numeric);
            alter table public.orders owner to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "What a Supabase project grants by default",
            """
            create table public.orders (id bigint primary key, user_id uuid, total numeric);
            alter table public.orders enable row level security;
            """,
        ),
    ),
    check=check,
)
