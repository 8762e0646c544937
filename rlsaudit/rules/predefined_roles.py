"""predefined-roles: clients have a role of Postgres's own that reaches past tables and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import clients, sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

LEAVES_DATABASE: Final[Mapping[str, str]] = {
    "pg_execute_server_program": "runs programs on the server",
    "pg_write_server_files": "writes files of the server",
    "pg_read_server_files": "reads files of the server, such as those of the database",
}
"""Predefined roles that act on the server as its operating system's user, and what they do there."""
_EVERY_ROW: Final[Mapping[str, str]] = {
    "pg_read_all_data": (
        "reads every table and the catalog's own: passwords as they are stored, and samples of all rows, also of "
        "tables with row-level security, which the planner keeps in pg_statistic"
    ),
    "pg_write_all_data": "writes every table that no policy keeps",
}
_READS_ALL = "pg_read_all_data"


def check(case: Case) -> Iterator[Found]:
    """Yields the roles of clients that have, or can become, such a predefined role."""
    for persona in clients(case):
        role = case.role(persona)
        if role.superuser:
            continue
        oids = case.access.roles.inherited(role.oid) | case.access.roles.settable(role.oid)
        names = {one.name for one in case.catalog.snapshot.roles if one.oid in oids}
        # Whoever is let past every policy is meant to read and write all there is.
        wanted = LEAVES_DATABASE if role.bypass_rls else {**LEAVES_DATABASE, **_EVERY_ROW}
        held = [one for one in wanted if one in names]
        if held:
            yield _found(case, persona, held)


def _found(case: Case, persona: Persona, held: list[str]) -> Found:
    name = ident(persona.role)
    means = {**LEAVES_DATABASE, **_EVERY_ROW}
    grave = any(one in LEAVES_DATABASE for one in held) or _READS_ALL in held
    # Which of its members a role is given to does not matter: whoever is one, however far off, can come to it.
    question = f"select pg_has_role({literal(held[0]).strip()}, 'MEMBER') as is_member"
    members = case.access.roles.memberships(case.role(persona).oid)
    pairs = dict.fromkeys(
        (case.access.name(one.role), case.access.name(one.member))
        for one in case.catalog.snapshot.memberships
        if case.access.name(one.role) in held and one.member in members
    )
    needs = "" if sends_sql(case, persona) else " The API does not send SQL of clients: it takes an injection."
    return Found(
        finding(
            RULE,
            ObjectRef("role", name),
            Who(persona.name, "all", Reach.ALL, Reach.OWN),
            title=f"{name} is a member of {listed(held)}",
            message=f"{listed([f'{one} {means[one]}' for one in held])}.{needs}",
            evidence=asked_as(case, persona, question, "it is"),
            fix="\n".join(f"revoke {ident(one)} from {ident(member)};" for one, member in pairs),
            severity=Severity.HIGH if grave else Severity.MEDIUM,
        )
    )


RULE = Rule(
    id="predefined-roles",
    severity=Severity.HIGH,
    summary="Clients have one of Postgres's own roles that reach past tables and policies.",
    why=(
        "`pg_execute_server_program` runs commands as the server's user, and the roles for the server's files read and "
        "write the database below all privileges. `pg_read_all_data` looks harmless, for policies bind it: but it "
        "reads `pg_authid`, where passwords are, and `pg_statistic`, where the planner keeps the most common values of "
        "every column, of tables with row-level security as well."
    ),
    fix="Revoke it, and grant what the role needs on the tables that it needs.",
    fine=(
        "A role that is let past all policies by BYPASSRLS, for backups say, is no finding for reading and writing all "
        "data. For the others: name the roles that clients have by `--role`."
    ),
    bad=(
        Example(
            "Reads everything, or so it seems",
            "grant pg_read_all_data to reports_app;",
            platform=Platform.POSTGRES,
            roles=("reports_app",),
        ),
        Example(
            "Loads files, through a role in between",
            """
            grant pg_read_server_files, pg_write_all_data to loader;
            grant loader to import_app;
            """,
            platform=Platform.POSTGRES,
            roles=("import_app", "loader"),
        ),
    ),
    good=(
        Example(
            "What the role needs",
            """
            create table public.orders (id bigint primary key, total numeric);
            grant select on public.orders to reports_app;
            """,
            platform=Platform.POSTGRES,
            roles=("reports_app",),
        ),
        Example(
            "A backup, which is let past every policy",
            """
            alter role backup bypassrls;
            grant pg_read_all_data to backup;
            """,
            platform=Platform.POSTGRES,
            roles=("backup",),
        ),
        Example(
            "A role that watches the server",
            "grant pg_monitor to watcher;",
            platform=Platform.POSTGRES,
            roles=("watcher",),
        ),
        Example("Supabase's own roles", "select 1;"),
    ),
    check=check,
)
