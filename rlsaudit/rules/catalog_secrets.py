"""Secrets in what the catalog says of functions and of foreign servers, tables and wrappers, and who reads it there."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
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
    """Yields secrets in bodies of functions and in options, of what is foreign and of user mappings."""
    readers = [one for one in case.personas if sends_sql(case, one)]
    for function in case.catalog.snapshot.functions:
        platforms = case.is_platforms(case.catalog.schemas[function.schema].name)
        if function.extension is None and not platforms and (kinds := kinds_in(function.body)):
            yield _in_body(case, rule, function, kinds, _others(case, readers, function.owner))
    for place, owner, options in _places(case):
        secret = [one for one in options if _OPTION.search(one)]
        if secret:
            yield _in_options(case, rule, place, secret, _others(case, readers, owner))
    yield from _in_mappings(case, rule)


def _others(case: Case, personas: list[Persona], owner: int) -> list[Persona]:
    return [one for one in personas if not case.access.roles.acts_as(case.role(one).oid, owner)]


@dataclass(frozen=True, slots=True)
class _Place:
    """What options are of: `kind` and `name` as SQL has them; `query` asks whether they can be read."""

    ref: ObjectRef
    kind: str
    name: str
    query: str


def _places(case: Case) -> Iterator[tuple[_Place, int, tuple[str, ...]]]:
    """The places of options that the catalog shows to everybody, with their owners and the names of the options."""
    facts = case.catalog.snapshot
    for server in facts.foreign_servers:
        query = "srvoptions is not null as readable from pg_catalog.pg_foreign_server where srvname = {}"
        yield (
            _place("server", "server", ident(server.name), query.format(_text(server.name))),
            server.owner,
            server.options,
        )
    for wrapper in facts.foreign_wrappers:
        query = "fdwoptions is not null as readable from pg_catalog.pg_foreign_data_wrapper where fdwname = {}"
        place = _place("server", "foreign data wrapper", ident(wrapper.name), query.format(_text(wrapper.name)))
        yield place, wrapper.owner, wrapper.options
    for table in facts.foreign_tables:
        relation = case.catalog.relations[table.relation]
        identity = case.catalog.identity(relation)
        query = (
            "t.ftoptions is not null as readable from pg_catalog.pg_foreign_table t"
            " join pg_catalog.pg_class c on c.oid = t.ftrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
            f" where n.nspname = {_text(case.catalog.schema_name(relation))} and c.relname = {_text(relation.name)}"
        )
        yield _place("foreign_table", "foreign table", identity, query), relation.owner, table.options


def _place(kind: str, words: str, name: str, query: str) -> _Place:
    # A server and its wrapper may have one name.
    identity = f"{words} {name}" if kind == "server" and words != "server" else name
    return _Place(ObjectRef(kind, identity), words, name, f"select {query}")


def _in_body(case: Case, rule: Rule, function: Function, kinds: tuple[str, ...], readers: list[Persona]) -> Found:
    identity = case.catalog.function_identity(function)
    shape = next(one for one in shapes() if one.kind == kinds[0])
    compared = f"operator(pg_catalog.{'~*' if shape.any_case else '~'}) {literal(shape.pattern).strip()}"
    query = (
        "select pg_catalog.bool_or(coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)"
        f" {compared}) as held from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace"
        f" where n.nspname = {_text(case.catalog.schemas[function.schema].name)} and p.proname = {_text(function.name)}"
    )
    fix = remark("Replace the secret where it is from, and have the new one read", f"{_KEPT[case.platform]}.")
    said = f"What looks like a secret stands in {identity}: {listed(list(kinds))}."
    place = f"the body of {identity}"
    return _stands(case, rule, (ObjectRef("function", identity), place, said), query, fix, readers)


def _in_options(case: Case, rule: Rule, place: _Place, options: list[str], readers: list[Persona]) -> Found:
    words = f"the foreign server {place.name}" if place.kind == "server" else f"the {place.kind} {place.name}"
    names = ", ".join(f"{ident(one)} …" for one in options)
    where = f"server {place.name}" if place.kind == "server" else "server …"
    fix = remark(
        "Replace the secret where it is from, and give it to a user mapping, which its user alone can read:",
        f"create user mapping for … {where} options ({names});",
        f"alter {place.kind} {place.name} options ({', '.join(f'drop {ident(one)}' for one in options)});",
    )
    said = f"{words[0].upper()}{words[1:]} has {listed(options)} among its options."
    return _stands(case, rule, (place.ref, f"the options of {words}", said), place.query, fix, readers)


def _stands(
    case: Case, rule: Rule, what: tuple[ObjectRef, str, str], query: str, fix: str, readers: list[Persona]
) -> Found:
    """A secret in what everybody reads in the catalog: `what` it is, where it stands, and that said as a sentence."""
    ref, place, said = what
    made = settings(case.catalog, case.platform, (readers or list(case.personas))[0])
    return Found(
        finding(
            rule,
            ref,
            _reader(readers),
            title=f"a secret stands in {place}",
            message=f"{said} {_whoever(readers)}",
            evidence=Evidence(EvidenceKind.CATALOG, transcript(made, query), "true; what it is was not noted"),
            fix=fix,
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
