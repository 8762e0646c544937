"""bypass-roles: clients have, or can take, a role that no policy binds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import ROWS, clients, may_touch, protected_tables
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation, Role
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_SET_IS_A_PRIVILEGE = 16


def check(case: Case) -> Iterator[Found]:
    """Yields the roles of clients that no policy binds, or that can become such a role."""
    for persona in clients(case):
        role = case.role(persona)
        if is_unbound(role):
            yield from _is_one(case, persona)
        elif targets := _targets(case, role):
            yield _becomes(case, persona, targets)


def is_unbound(role: Role) -> bool:
    """Whether no policy binds the role, on whatever table."""
    return role.superuser or role.bypass_rls


def leaving(case: Case, role: int, targets: list[Role]) -> str:
    """Returns SQL that takes memberships away through which `role` comes to be one of `targets`."""
    wanted = {one.oid for one in targets}
    on_the_way = case.access.roles.memberships(role)
    pairs = dict.fromkeys(
        (case.access.name(one.role), case.access.name(one.member))
        for one in case.catalog.snapshot.memberships
        if one.role in wanted and one.member in on_the_way
    )
    return "\n".join(f"revoke {ident(one)} from {ident(member)};" for one, member in pairs)


def _targets(case: Case, role: Role) -> list[Role]:
    """The unbound roles that a role can become, as far as there are rows that policies would keep from it."""
    reachable = case.access.roles.settable(role.oid) - {role.oid}
    tables = protected_tables(case)
    return [
        one
        for one in case.catalog.snapshot.roles
        if one.oid in reachable and is_unbound(one) and any(_holds(case, one, table) for table in tables)
    ]


def _holds(case: Case, role: Role, table: Relation) -> bool:
    """Whether a role gets at rows of a table, wherever that is."""
    return case.access.usage(role.oid, case.catalog.schemas[table.schema]) and any(
        case.access.on_any_column(role.oid, table, one) for one in ROWS
    )


def _is_one(case: Case, persona: Persona) -> Iterator[Found]:
    tables = [one for one in protected_tables(case) if may_touch(case, persona, one)]
    if not tables:
        return
    bound = any(
        may_touch(case, other, one)
        for other in clients(case)
        if other.role != persona.role and not is_unbound(case.role(other))
        for one in tables
    )
    name = ident(persona.role)
    what = "is a superuser" if case.role(persona).superuser else "has BYPASSRLS"
    nobody = "" if bound else " No other role of clients may touch these tables, so their policies are asked of nobody."
    question = "select rolsuper or rolbypassrls as unbound from pg_roles where rolname = current_user"
    yield Found(
        finding(
            RULE,
            ObjectRef("role", name),
            Who(persona.name, "all", Reach.ALL, Reach.NONE if bound else Reach.OWN),
            title=f"No policy binds {name}",
            message=(
                f"{name} {what}: it reaches every row of {len(tables)} "
                f"{'table' if len(tables) == 1 else 'tables'} with row-level security.{nobody}"
            ),
            evidence=asked_as(case, persona, question, what),
            fix=f"alter role {name} {'nosuperuser ' if case.role(persona).superuser else ''}nobypassrls;",
            relations=[case.catalog.identity(one) for one in tables],
            severity=Severity.INFO if bound else Severity.HIGH,
        )
    )


def _becomes(case: Case, persona: Persona, targets: list[Role]) -> Found:
    name = ident(persona.role)
    privilege = "SET" if case.catalog.snapshot.server.major >= _SET_IS_A_PRIVILEGE else "MEMBER"
    question = f"select pg_has_role({literal(targets[0].name).strip()}, '{privilege}') as may_become"
    named = listed([ident(one.name) for one in targets])
    return Found(
        finding(
            RULE,
            ObjectRef("role", name),
            Who(persona.name, "all", Reach.ALL, Reach.OWN),
            title=f"{name} can become a role that no policy binds",
            message=(
                f"{name} may SET ROLE to {named}, which no policy binds: one statement, or one injected "
                "`set_config('role', …)`, and row-level security is over."
            ),
            evidence=asked_as(case, persona, question, "it may"),
            fix=leaving(case, case.role(persona).oid, targets),
            severity=Severity.HIGH,
        )
    )


_ORDERS = """
            create table public.orders (id bigint primary key, tenant text not null, total numeric);
            alter table public.orders enable row level security;
            create policy tenant on public.orders using (tenant = current_setting('app.tenant', true));"""
_GRANT = """
            grant select, insert, update, delete on public.orders to shop_app;"""

RULE = Rule(
    id="bypass-roles",
    severity=Severity.HIGH,
    summary="Clients have, or can take by SET ROLE, a role that no policy binds.",
    why=(
        "Superusers and roles with BYPASSRLS see every row. A membership is enough to become one: `set role` needs no "
        "password, and neither does `set_config` within an injected expression. Where the only role that an "
        "application connects as is one itself, its policies are never asked, and nothing tells."
    ),
    fix=(
        "Take the membership or the attribute away. A job that has to see every row gets a login of its own, which "
        "clients do not have."
    ),
    fine=(
        "A backup, an export, the server's own administration: such a role is an info finding as long as policies bind "
        "some other role. On Supabase, `authenticator` can become `service_role` by design, and no persona has it."
    ),
    bad=(
        Example(
            "A membership in a role for administrators",
            f"""{_ORDERS}{_GRANT}
            alter role shop_admin bypassrls;
            grant select on public.orders to shop_admin;
            grant shop_admin to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app", "shop_admin"),
        ),
        Example(
            "The only role there is",
            f"""{_ORDERS}{_GRANT}
            alter role shop_app bypassrls;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "A role for exports, beside one that policies bind: only to know",
            f"""{_ORDERS}{_GRANT}
            alter role shop_export bypassrls;
            grant select on public.orders to shop_export;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app", "shop_export"),
        ),
    ),
    good=(
        Example("A role that policies bind", _ORDERS + _GRANT, platform=Platform.POSTGRES, roles=("shop_app",)),
        Example(
            "A membership in another role that policies bind",
            f"""{_ORDERS}
            grant select, insert, update, delete on public.orders to shop_users;
            grant shop_users to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app", "shop_users"),
        ),
        Example(
            "A role for maintenance, which gets at no row of any table",
            f"""{_ORDERS}{_GRANT}
            alter role shop_admin bypassrls;
            grant shop_admin to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app", "shop_admin"),
        ),
        Example("A new project of Supabase's", "select 1;"),
    ),
    check=check,
)
