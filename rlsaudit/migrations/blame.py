"""Blame: which statement opened a door.

An event for each change, in order; for a finding the last of those that could have opened what it is about.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rlsaudit.migrations.doors import doors
from rlsaudit.names import ident, qualified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import psycopg

    from rlsaudit.migrations.observe import Event
    from rlsaudit.model import Finding, Location, Report

_RELATIONS = frozenset({"table", "view", "materialized_view", "foreign_table", "sequence"})


@dataclass(frozen=True, slots=True)
class Names:
    """What objects are called at the end, and what hangs on what: OIDs as text, as in events."""

    relations: Mapping[str, str]
    functions: Mapping[str, str]
    schemas: Mapping[str, str]
    roles: Mapping[str, str]
    schema_of: Mapping[str, str]
    helpers: Mapping[str, tuple[str, ...]]
    """Functions that a relation's policies, rules and triggers call, by the relation; by the policy as well."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Who changed what. `events` are in the order in which they happened."""

    events: tuple[Event, ...] = ()
    names: Names = field(default_factory=lambda: Names({}, {}, {}, {}, {}, {}))

    def of(self, finding: Finding, *, fresh: frozenset[str] = frozenset()) -> Location | None:
        """Returns where the door was opened that `finding` tells of; None where no statement here did.

        Args:
            finding: What was found.
            fresh: The files that are new since the state it is compared with. What is new in the findings was made by
                one of them, if one of them touched it at all.
        """
        about = list(self._about(finding))
        opening = doors(finding.rule, finding.object.type)
        for files in (fresh, frozenset[str]()):
            here = [one for one in about if not files or one.location.file in files]
            chosen = [one for one in here if (one.kind, one.change) in opening] or here
            if chosen:
                return chosen[-1].location
        return None

    def _about(self, finding: Finding) -> Iterator[Event]:
        """The events of the object, in order."""
        keys = self._keys(finding)
        for one in self.events:
            if (one.kind, one.key) in keys or (one.kind, "<" + one.parent) in keys:
                yield one

    def _keys(self, finding: Finding) -> frozenset[tuple[str, str]]:
        """Which events are about a finding's object: kind with the row's key, or with `<` and its parent's."""
        ref = finding.object
        match ref.type:
            case kind if kind in _RELATIONS:
                return frozenset(self._relation(self.names.relations.get(ref.identity)))
            case "function":
                return frozenset(self._function(self.names.functions.get(ref.identity)))
            case "policy" | "trigger" | "column":
                return frozenset(self._part(ref.type, ref.identity))
            case "schema":
                oid = self.names.schemas.get(ref.identity, "")
                return frozenset({("schema", oid), ("default", "<" + oid), ("default", "<0")})
            case "role":
                oid = self.names.roles.get(ref.identity, "")
                return frozenset({("role", oid), ("member", "<" + oid), ("setting", "<" + oid)})
            case "publication" | "server" | "extension" | "bucket":
                return frozenset(self._named(ref.type, ref.identity, finding.relations))
            case _:
                return frozenset()

    def _relation(self, oid: str | None) -> Iterator[tuple[str, str]]:
        if oid is None:
            return
        yield "relation", oid
        for kind in ("column", "policy", "restriction", "rule", "trigger", "child", "published"):
            yield kind, "<" + oid
        if oid in self.names.schema_of:
            yield "schema", self.names.schema_of[oid]
        for function in self.names.helpers.get(oid, ()):
            yield "function", function

    def _function(self, oid: str | None) -> Iterator[tuple[str, str]]:
        if oid is not None:
            yield "function", oid
            if oid in self.names.schema_of:
                yield "schema", self.names.schema_of[oid]

    def _part(self, kind: str, identity: str) -> Iterator[tuple[str, str]]:
        """A policy, trigger or column: the relation's identity, a dot and its name."""
        for one in self.events:
            kinds = {"policy", "restriction"} if kind == "policy" else {kind}
            if one.kind not in kinds or not identity.endswith("." + ident(one.name)):
                continue
            relation = self.names.relations.get(identity[: -len(ident(one.name)) - 1])
            if relation == one.parent:
                yield one.kind, one.key
                if kind == "policy":
                    # What one policy lets through, another one may have kept back until then.
                    yield "restriction", "<" + one.parent
                for function in self.names.helpers.get(one.key, ()):
                    yield "function", function
                if kind == "column":
                    yield "relation", relation

    def _named(self, kind: str, identity: str, relations: Sequence[str]) -> Iterator[tuple[str, str]]:
        for one in self.events:
            if one.kind == kind and identity in {ident(one.name), one.name, one.key}:
                yield kind, one.key
        if kind == "publication":
            for relation in relations:
                yield "published", "<" + self.names.relations.get(relation, "")


def located(report: Report, blame: Blame, *, fresh: frozenset[str] = frozenset()) -> Report:
    """Returns the report with the place in each finding that a statement here is to blame for."""
    return replace(
        report,
        findings=_located(report.findings, blame, fresh),
        suppressed=_located(report.suppressed, blame, fresh),
    )


def _located(findings: Iterable[Finding], blame: Blame, fresh: frozenset[str]) -> tuple[Finding, ...]:
    return tuple(replace(one, location=blame.of(one, fresh=fresh) or one.location) for one in findings)


def blame_of(connection: psycopg.Connection[Any], events: Iterable[Event]) -> Blame:
    """Returns the blame for what is in the database now; `connection` is a superuser's."""
    relations, functions, schema_of = {}, {}, {}
    for oid, schema, name, space in connection.execute(
        "select c.oid::text, n.nspname, c.relname, n.oid::text from pg_catalog.pg_class c"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r','p','v','m','f','S')"
    ):
        relations[qualified(schema, name)] = oid
        schema_of[oid] = space
    for oid, schema, name, arguments, space in connection.execute(
        "select p.oid::text, n.nspname, p.proname, pg_catalog.array_to_string(array("
        " select pg_catalog.format_type(t.oid, null) from pg_catalog.unnest(p.proargtypes) with ordinality t (oid, i)"
        " order by t.i), ', '), n.oid::text from pg_catalog.pg_proc p"
        " join pg_catalog.pg_namespace n on n.oid = p.pronamespace where p.oid >= 16384"
    ):
        functions[f"{qualified(schema, name)}({arguments})"] = oid
        schema_of[oid] = space
    helpers: defaultdict[str, list[str]] = defaultdict(list)
    for relation, part, function in connection.execute(_HELPERS):
        helpers[relation].append(function)
        helpers[part].append(function)
    names = Names(
        relations,
        functions,
        _by_name(connection, "select nspname, oid::text from pg_catalog.pg_namespace"),
        _by_name(connection, "select rolname, oid::text from pg_catalog.pg_roles"),
        schema_of,
        {key: tuple(dict.fromkeys(group)) for key, group in helpers.items()},
    )
    return Blame(tuple(events), names)


def _by_name(connection: psycopg.Connection[Any], query: str) -> dict[str, str]:
    return {ident(name): oid for name, oid in connection.execute(query.encode())}


_HELPERS = """
select coalesce(p.polrelid, r.ev_class)::text, d.objid::text, d.refobjid::text
from pg_catalog.pg_depend d
left join pg_catalog.pg_policy p on d.classid = 'pg_catalog.pg_policy'::regclass and p.oid = d.objid
left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
where d.refclassid = 'pg_catalog.pg_proc'::regclass and coalesce(p.polrelid, r.ev_class) is not null
union all
select tgrelid::text, oid::text, tgfoid::text from pg_catalog.pg_trigger where not tgisinternal
"""
