"""role-chain: a role that clients have can grant itself roles that it has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.bypass_roles import is_unbound
from rlsaudit.rules.clients import clients, sends_sql
from rlsaudit.rules.predefined_roles import LEAVES_DATABASE
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Role
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_MOST_NAMED = 5


def check(case: Case) -> Iterator[Found]:
    """Yields the roles of clients that come by further roles through grants of their own."""
    for persona in clients(case):
        role = case.role(persona)
        mine = case.access.roles.settable(role.oid) | case.access.roles.inherited(role.oid)
        further = [
            one for one in case.catalog.snapshot.roles if one.oid in case.access.roles.obtainable(role.oid) - mine
        ]
        if further and not role.superuser and sends_sql(case, persona):
            yield _found(case, persona, further)


def _found(case: Case, persona: Persona, further: list[Role]) -> Found:
    role, name = case.role(persona), ident(persona.role)
    given = case.access.roles.administrable(role.oid)
    # What is worst comes first, of what one grant gets.
    ranked = sorted(further, key=lambda one: (not _is_grave(one), one.oid not in given, one.name))
    direct = next((one for one in ranked if one.oid in given), None)
    named = [ident(one.name) for one in ranked[:_MOST_NAMED]]
    named += [f"{len(ranked) - _MOST_NAMED} more"] if len(ranked) > _MOST_NAMED else []
    if direct is None:
        holder = next(
            one
            for one in case.catalog.snapshot.roles
            if one.create_role and one.oid in case.access.roles.settable(role.oid)
        )
        how = "by CREATEROLE, which up to Postgres 15 may grant any role that is no superuser"
        query = f"select rolcreaterole from pg_roles where rolname = {literal(holder.name).strip()}"
        fix = f"alter role {ident(holder.name)} nocreaterole;"
    else:
        how = "by ADMIN OPTION, its own or of a role that it can become"
        query = f"select pg_has_role({literal(direct.name).strip()}, 'MEMBER WITH ADMIN OPTION') as may_grant"
        fix = _without_option(case, role, direct)
    return Found(
        finding(
            RULE,
            ObjectRef("role", name),
            Who(persona.name, "all", Reach.ALL, Reach.OWN),
            title=f"{name} can grant itself further roles",
            message=f"{name} can make itself a member of {listed(named)}, {how}.",
            evidence=asked_as(case, persona, query, "it may"),
            fix=fix,
            severity=Severity.HIGH if any(map(_is_grave, further)) else Severity.LOW,
        )
    )


def _is_grave(role: Role) -> bool:
    return is_unbound(role) or role.name in LEAVES_DATABASE


def _without_option(case: Case, role: Role, target: Role) -> str:
    members = case.access.roles.memberships(role.oid)
    found = [
        case.access.name(one.member)
        for one in case.catalog.snapshot.memberships
        if one.role == target.oid and one.admin and one.member in members
    ]
    return "\n".join(f"revoke admin option for {ident(target.name)} from {ident(one)};" for one in dict.fromkeys(found))


_GIVES = """
            do $$
            begin
              if current_setting('server_version_num')::int >= 160000 then
                execute 'grant {given} to shop_app with admin option, inherit false, set false';
              else
                alter role shop_app createrole;
              end if;
            end
            $$;"""

RULE = Rule(
    id="role-chain",
    severity=Severity.HIGH,
    summary="A role that clients have can grant itself roles that it has not.",
    why=(
        "Whoever holds ADMIN OPTION on a role gives it away, to itself as well. Up to Postgres 15 CREATEROLE gives "
        "every role away that is no superuser: `grant pg_execute_server_program to shop_app` and the server runs "
        "commands. What the role may do today says little then about what it may do after one more statement."
    ),
    fix=(
        "Take the option away, and keep CREATEROLE for a role that clients do not have. What has to make roles for "
        "tenants does it by a function with its owner's rights, which looks at the names."
    ),
    fine=(
        "Roles for administration: since Postgres 16 whoever makes a role has the option on it. Name the roles that "
        "clients have by `--role`. It is of level low where no such role is let past policies or out of the database."
    ),
    bad=(
        Example(
            "The option on a role that sees everything",
            f"""
            alter role shop_admin bypassrls;{_GIVES.format(given="shop_admin")}
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app", "shop_admin"),
        ),
        Example(
            "A role that the application gives to tenants, and could take itself",
            f"""{_GIVES.format(given="shop_audit")}
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app", "shop_audit"),
        ),
    ),
    good=(
        Example(
            "A membership without the option",
            "grant shop_users to shop_app;",
            platform=Platform.POSTGRES,
            roles=("shop_app", "shop_users"),
        ),
        Example("No membership", "select 1;", platform=Platform.POSTGRES, roles=("shop_app",)),
        Example("A new project of Supabase's, where postgres makes roles", "select 1;"),
    ),
    check=check,
)
