"""Secrets in what the catalog says of functions and foreign servers, and who reads it there."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.detector import kinds_in, shapes
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Reach, Severity
from rlsaudit.names import ident, literal, remark
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules.asked import asked_as
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.rule import Found
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import ForeignServer, Function, UserMapping
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case
    from rlsaudit.rules.rule import Rule

_OPTION = re.compile(r"(?:^|_)(?:password|passwd|secret|token|key|credentials?|conn_string)$", re.IGNORECASE)
"""Names of options that hold a secret itself: `api_key_id` says where in the vault it is."""
_KEPT = {
    Platform.SUPABASE: "out of the vault",
    Platform.POSTGRES: "by the application, or out of a table that its owner alone reads",
}


def found_in_catalog(case: Case, rule: Rule) -> Iterator[Found]:
    """Yields secrets in bodies of functions and in options, of foreign servers and of user mappings."""
    readers = [one for one in case.personas if sends_sql(case, one)]
    for function in case.catalog.snapshot.functions:
        platforms = case.is_platforms(case.catalog.schemas[function.schema].name)
        if function.extension is None and not platforms and (kinds := kinds_in(function.body)):
            yield _in_body(case, rule, function, kinds, _others(case, readers, function.owner))
    for server in case.catalog.snapshot.foreign_servers:
        options = [one for one in server.options if _OPTION.search(one)]
        if options:
            yield _in_options(case, rule, server, options, _others(case, readers, server.owner))
    yield from _in_mappings(case, rule)


def _others(case: Case, personas: list[Persona], owner: int) -> list[Persona]:
    return [one for one in personas if not case.access.roles.acts_as(case.role(one).oid, owner)]


def _in_body(case: Case, rule: Rule, function: Function, kinds: tuple[str, ...], readers: list[Persona]) -> Found:
    identity = case.catalog.function_identity(function)
    shape = next(one for one in shapes() if one.kind == kinds[0] and one.kind in kinds_in(function.body))
    compared = f"operator(pg_catalog.{'~*' if shape.any_case else '~'}) {literal(shape.pattern).strip()}"
    query = (
        "select pg_catalog.bool_or(coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)"
        f" {compared}) as held from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
        f" where n.nspname = {_text(case.catalog.schemas[function.schema].name)} and p.proname = {_text(function.name)}"
    )
    made = settings(case.catalog, case.platform, (readers or list(case.personas))[0])
    return Found(
        finding(
            rule,
            ObjectRef("function", identity),
            _reader(readers),
            title=f"a secret stands in the body of {identity}",
            message=f"What looks like a secret stands in {identity}: {listed(list(kinds))}. {_whoever(readers)}",
            evidence=Evidence(EvidenceKind.CATALOG, transcript(made, query), "true; what it is was not noted"),
            fix=remark("Replace the secret where it is from, and have the new one read", f"{_KEPT[case.platform]}."),
            severity=Severity.HIGH if readers else Severity.LOW,
        )
    )


def _in_options(case: Case, rule: Rule, server: ForeignServer, options: list[str], readers: list[Persona]) -> Found:
    name = ident(server.name)
    query = (
        "select srvoptions is not null as readable from pg_catalog.pg_foreign_server"
        f" where srvname = {_text(server.name)}"
    )
    made = settings(case.catalog, case.platform, (readers or list(case.personas))[0])
    return Found(
        finding(
            rule,
            ObjectRef("server", name),
            _reader(readers),
            title=f"a secret stands in the options of the foreign server {name}",
            message=f"The foreign server {name} has {listed(options)} among its options. {_whoever(readers)}",
            evidence=Evidence(EvidenceKind.CATALOG, transcript(made, query), "true; the options' values were not read"),
            fix=remark(
                "Replace the secret where it is from, and give it to a user mapping, which its user alone can read:",
                f"create user mapping for … server {name} options ({', '.join(f'{ident(one)} …' for one in options)});",
                f"alter server {name} options ({', '.join(f'drop {ident(one)}' for one in options)});",
            ),
            severity=Severity.HIGH if readers else Severity.LOW,
        )
    )


def _in_mappings(case: Case, rule: Rule) -> Iterator[Found]:
    """What a role reads of the password with which the server is to log in elsewhere for it: one for each role.

    `pg_user_mappings` shows its options to whom they are for, where that role holds USAGE on the foreign server, which
    it does not need to read foreign tables; those for PUBLIC to the server's owner; and all to superusers.
    """
    servers = {one.oid: one for one in case.catalog.snapshot.foreign_servers}
    shown: defaultdict[str, dict[int, tuple[UserMapping, ForeignServer]]] = defaultdict(dict)
    for mapping in case.catalog.snapshot.user_mappings:
        server = servers[mapping.server]
        for persona in case.personas:
            if _shows(case, persona, mapping, server):
                shown[persona.role][server.oid] = (mapping, server)
    for name, several in shown.items():
        persona = next(one for one in case.personas if one.role == name)
        yield _mapped(case, rule, persona, list(several.values()))


def _shows(case: Case, persona: Persona, mapping: UserMapping, server: ForeignServer) -> bool:
    role = case.role(persona).oid
    if mapping.role != role or case.access.roles.acts_as(role, server.owner):
        return False
    inherited = case.access.roles.inherited(role)
    used = any(one.privilege == "USAGE" and one.grantee in inherited for one in server.acl)
    return used and (mapping.options is None or any(map(_OPTION.search, mapping.options)))


def _mapped(case: Case, rule: Rule, persona: Persona, several: list[tuple[UserMapping, ForeignServer]]) -> Found:
    role = ident(persona.role)
    servers = listed([ident(one.name) for _, one in several])
    named = list(dict.fromkeys(name for one, _ in several for name in one.options or () if _OPTION.search(name)))
    query = (
        "select bool_or(has_server_privilege(srvid, 'USAGE')) as usage, count(umoptions) as readable"
        " from pg_catalog.pg_user_mappings"
        f" where usename = current_user and srvname in ({', '.join(_text(one.name) for _, one in several)})"
    )
    revoked = dict.fromkeys(
        f"revoke usage on foreign server {ident(one.name)} from"
        f" {', '.join(case.holders([persona], one.acl, 'USAGE')) or role};"
        for _, one in several
    )
    able = sends_sql(case, persona)
    what = listed(named) if named else "what the server logs in with (this connection may not see what that is)"
    needs = "" if able else " Clients of the API send no SQL, but for another hole."
    return Found(
        finding(
            rule,
            ObjectRef("role", role),
            Who(persona.name, "select", Reach.OWN, Reach.NONE),
            title=f"{role} reads what the server logs in with for it on {servers}",
            message=(
                f"{persona.name} holds USAGE on the foreign {'server' if len(several) == 1 else 'servers'} {servers}, "
                f"so pg_user_mappings shows it {what} of its user mapping. Reading foreign tables takes no such "
                f"privilege.{needs}"
            ),
            evidence=asked_as(case, persona, query, "usage: true; the options' values were not read"),
            fix="\n".join(revoked),
            severity=Severity.MEDIUM if named and able else Severity.LOW,
        )
    )


def _text(value: str) -> str:
    return literal(value).strip()


def _reader(readers: list[Persona]) -> Who:
    return Who(readers[0].name if readers else "public", "select", Reach.ALL, Reach.NONE)


def _whoever(readers: list[Persona]) -> str:
    if readers:
        return f"{listed([one.name for one in readers])} can read that in the catalog, as whoever sends SQL can."
    return "Whoever sends SQL can read that in the catalog; clients of the API send none, but for another hole."
