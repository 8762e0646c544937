"""What a rule looks at: facts, matrix and intent, with the questions that most rules ask of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING

from rlsaudit.access.views import reads_through
from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.index import KINDS
from rlsaudit.catalog.platform import SUPABASE_SYSTEM_SCHEMAS, Platform
from rlsaudit.catalog.protection import is_protected
from rlsaudit.model import Cell, Evidence, EvidenceKind, ObjectRef, Operation, Reach
from rlsaudit.names import ident, literal
from rlsaudit.policy.asked import refuses_others
from rlsaudit.policy.consulted import consulted, read_in
from rlsaudit.policy.flaws import Flaws
from rlsaudit.policy.poses import named_in
from rlsaudit.probe.outcome import Outcome
from rlsaudit.probe.request import settings, transcript
from rlsaudit.probe.supposed import opened_by
from rlsaudit.reach.origins import Origins
from rlsaudit.reach.witnesses import Witnesses
from rlsaudit.rules.cause import causes
from rlsaudit.rules.ownership import telling_whose
from rlsaudit.rules.sown import sown
from rlsaudit.rules.surely_led import surely_led
from rlsaudit.rules.witnessed import put_there, witnessed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from rlsaudit.access import Access, ViewRead
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Grant, Policy, Relation, Role
    from rlsaudit.intent import Allowance, Intent
    from rlsaudit.matrix import Matrix
    from rlsaudit.model import Finding, Persona
    from rlsaudit.policy.poses import Named
    from rlsaudit.probe import Held, Scheduled
    from rlsaudit.reach import Direct, Indirect, Way
    from rlsaudit.reach.predicates import Predicates
    from rlsaudit.reach.views import Views
    from rlsaudit.rules.cause import Cause, Reached
    from rlsaudit.rules.ownership import Asked
    from rlsaudit.rules.rule import CellKey
    from rlsaudit.rules.surely_led import Led

WRITES = (Operation.INSERT, Operation.UPDATE, Operation.DELETE)
_DEEPEST_HELPER = 4


@dataclass(frozen=True)
class Case:
    """One audit, as the rules see it.

    `exposure` are the relations that each persona could address, by its name, `served` the schemas that it can.
    `stands_in` is whether the server is one of ours, in the place of the project's: then its version is none of theirs.
    `secrets` are what personas were seen to read of those, `jobs` those of pg_cron in whose commands some stand.
    `explained` and `found` are what earlier rules came to, `today` is the day for which suppressions hold or do not.
    """

    access: Access
    platform: Platform
    personas: tuple[Persona, ...]
    exposure: Mapping[str, tuple[Relation, ...]]
    served: Mapping[str, frozenset[str]]
    predicates: Predicates
    direct: Direct
    indirect: Indirect
    matrix: Matrix
    intent: Intent
    stands_in: bool = False
    secrets: tuple[Held, ...] = ()
    jobs: tuple[Scheduled, ...] = ()
    explained: frozenset[CellKey] = field(default=frozenset())
    found: tuple[Finding, ...] = ()
    today: date = date.max

    @property
    def catalog(self) -> Catalog:
        """The facts."""
        return self.access.catalog

    @cached_property
    def exposed(self) -> tuple[Relation, ...]:
        """Every relation that some persona could address."""
        found = {one.oid: one for group in self.exposure.values() for one in group}
        return tuple(sorted(found.values(), key=self.catalog.identity))

    @cached_property
    def views(self) -> Views:
        """The reach of views, and their shapes."""
        return self.direct.views

    @cached_property
    def witnesses(self) -> Witnesses:
        """The rows that proofs show."""
        return Witnesses(self.access, self.predicates, self.direct)

    @cached_property
    def origins(self) -> Origins:
        """Where the values of columns come from."""
        return Origins(self.catalog, self.indirect.body)

    @cached_property
    def consulted(self) -> Mapping[int, frozenset[int]]:
        """The relations that decide on the rows of others, all by OID."""
        return consulted(self.catalog, self.predicates.conditions(self.personas))

    @cached_property
    def auth_relations(self) -> frozenset[int]:
        """The OIDs of Supabase's own tables of users and sessions."""
        return frozenset(one.oid for one in self.catalog.snapshot.relations if self.is_auth(one))

    @cached_property
    def _addressed(self) -> Mapping[str, frozenset[int]]:
        return {name: frozenset(one.oid for one in group) for name, group in self.exposure.items()}

    def is_exposed(self, persona: Persona, relation: Relation) -> bool:
        """Whether the persona could address the relation."""
        return relation.oid in self._addressed[persona.name]

    @cached_property
    def flaws(self) -> Flaws:
        """What is wrong with policies, looked for where it is asked for."""
        return Flaws(self.access, self.predicates, self.personas)

    @cached_property
    def telling_whose(self) -> tuple[tuple[Relation, Policy, Asked], ...]:
        """The policies that may tell whose a row is, with their tables and the columns that they ask for."""
        return tuple(telling_whose(self))

    @cached_property
    def led(self) -> Mapping[str, Mapping[str, Led]]:
        """Where calls lead each persona for certain, by its name and the function's identity."""
        return {one.name: surely_led(self, one, self.exposed) for one in self.personas}

    @cached_property
    def _causes(self) -> Mapping[Cause, tuple[Reached, ...]]:
        found: defaultdict[Cause, list[Reached]] = defaultdict(list)
        for one in causes(self):
            found[one.cause].append(one)
        return {cause: tuple(listed) for cause, listed in found.items()}

    def reached(self, cause: Cause) -> tuple[Reached, ...]:
        """What policies open beyond intent for this cause, and nothing explains so far."""
        return self._causes.get(cause, ())

    def after(self, explained: Iterable[CellKey], found: Iterable[Finding]) -> Case:
        """The same audit for rules that come later; what was looked up for it is kept."""
        later = replace(self, explained=frozenset(explained), found=tuple(found))
        fresh = {*vars(later), "_causes"}
        kept = {name: one for name, one in vars(self).items() if name not in fresh}
        vars(later).update(kept)
        return later

    def role(self, persona: Persona) -> Role:
        """The database role of a persona."""
        return self.catalog.roles_by_name[persona.role]

    def cell(self, persona: Persona, relation: Relation, operation: Operation) -> Cell | None:
        """The verdict; None where the persona is not exposed to the relation."""
        return self.matrix.by_key.get((persona.name, self.catalog.identity(relation), operation))

    def beyond(self, relation: Relation, operations: Iterable[Operation] = tuple(Operation)) -> tuple[Cell, ...]:
        """The cells of a relation that surely reach further than intended, least privileged persona first."""
        wanted = tuple(operations)
        found = (self.cell(persona, relation, one) for persona in self.personas for one in wanted)
        return tuple(one for one in found if one is not None and one.at_least > one.intended)

    def way(self, cell: Cell, relation: Relation) -> Way:
        """How far addressing the relation by name gets, apart from other ways to its rows."""
        return self.matrix.direct[cell.persona, relation.oid, cell.operation]

    def addressed(self, persona: Persona, relation: Relation, operation: Operation) -> Reach:
        """How far the persona surely gets by the relation's own name: nowhere where the API does not serve it."""
        way = self.matrix.direct.get((persona.name, relation.oid, operation))
        return Reach.NONE if way is None else way.at_least

    def intended(self, persona: Persona, relation: Relation, operation: Operation) -> Reach:
        """The most reach that is meant, also for relations that are not exposed."""
        protected = is_protected(self.catalog, relation)
        identity = self.catalog.identity(relation)
        return self.intent.intended(persona.name, persona.role, identity, operation, protected=protected)

    def deciding(self, persona: Persona, relation: Relation, operation: Operation) -> Allowance | None:
        """The entry of the intent that says how far the persona may get; None where none does."""
        protected = is_protected(self.catalog, relation)
        identity = self.catalog.identity(relation)
        return self.intent.deciding(persona.name, persona.role, identity, operation, protected=protected)

    def reads(self, persona: Persona, view: Relation) -> tuple[ViewRead, ...]:
        """The tables that a query of the persona on a view reads."""
        return reads_through(self.access, view, self.role(persona).oid)

    def is_auth(self, relation: Relation) -> bool:
        """Whether the relation is one of Supabase's own, in which it keeps users and their sessions."""
        return self.platform is Platform.SUPABASE and self.catalog.schema_name(relation) == "auth"

    def is_platforms(self, schema: str) -> bool:
        """Whether a schema's objects are the platform's, not the project's."""
        return self.platform is Platform.SUPABASE and schema in SUPABASE_SYSTEM_SCHEMAS

    def holders(self, personas: Iterable[Persona], acl: Iterable[Grant], privilege: str) -> tuple[str, ...]:
        """The grantees through which personas hold a privilege, as REVOKE names them.

        To revoke from PUBLIC alone is not enough where roles hold grants of their own, and the other way round.
        """
        inherited = {oid for one in personas for oid in self.access.roles.inherited(self.role(one).oid)}
        found = {one.grantee for one in acl if one.privilege == privilege and one.grantee in inherited}
        named = sorted(self.catalog.roles[oid].name for oid in found if oid in self.catalog.roles)
        return (*(["public"] if PUBLIC in found else []), *(ident(name) for name in named))

    def sensitive(
        self, relation: Relation, columns: Iterable[str] | None = None, reader: Cell | Persona | None = None
    ) -> tuple[str, ...]:
        """The columns that hold private data, to judge by their names; among `columns` only, where given.

        Not those that the intent lets `reader` see, or anybody, where it is not told who reads. A view's columns are
        judged by the names as well that they have in the tables that they show.
        """
        identity = self.catalog.identity(relation)
        names = [one.name for one in self.catalog.columns[relation.oid]] if columns is None else list(columns)
        whose: tuple[str, ...] = ()
        if reader is not None:
            whose = (reader.persona if isinstance(reader, Cell) else reader.name, reader.role)
        return tuple(
            one
            for one in names
            if self.intent.is_sensitive(identity, one, *whose)
            or (
                not self.intent.is_meant(identity, one, *whose)
                and any(
                    self.intent.is_sensitive(self.catalog.identity(table), column, *whose)
                    for table, column in self._known_origin(relation, one)
                )
            )
        )

    def readable(self, relation: Relation) -> frozenset[str]:
        """The columns that some persona reads beyond intent: all of them where it is not about reading."""
        ways = [self.way(one, relation).columns for one in self.beyond(relation, [Operation.SELECT])]
        if ways and None not in ways:
            return frozenset(name for columns in ways for name in columns or ())
        return frozenset(one.name for one in self.catalog.columns[relation.oid])

    def owner_columns(self, relation: Relation) -> tuple[str, ...]:
        """The columns that say whose row, or which tenant's, it is; a view's by the names in its tables as well."""
        return tuple(
            one.name
            for one in self.catalog.columns[relation.oid]
            if any(
                self.intent.names_owner(name) or self.intent.names_tenant(name)
                for name in (one.name, *(column for _, column in self._known_origin(relation, one.name)))
            )
        )

    def _known_origin(self, relation: Relation, column: str) -> tuple[tuple[Relation, str], ...]:
        """The columns of tables that a view's column shows; what it only may show says nothing of what it is."""
        if relation.kind not in "vm":
            return ()
        origin = self.origins.of(relation, column)
        return (
            tuple((self.catalog.relations[oid], name) for oid, name in sorted(origin.columns)) if origin.known else ()
        )

    def persona(self, name: str) -> Persona:
        """The persona of that name."""
        return next(one for one in self.personas if one.name == name)

    def read_evidence(self, persona: Persona, relation: Relation) -> Evidence | None:
        """The probe that read rows of the relation as the persona; None where none did."""
        result = self.matrix.results.get((persona.name, relation.oid, Operation.SELECT))
        if result is None or result.outcome is not Outcome.ROWS or result.rows == 0:
            return None
        seen = result.seen(self.matrix.totals.get(relation.oid))
        made = settings(self.catalog, self.platform, persona)
        return Evidence(EvidenceKind.PROBE, transcript(made, result.probe.sql), seen)

    def attack_evidence(self, persona: Persona, relation: Relation, operation: Operation) -> Evidence | None:
        """The statement that reached rows made for the purpose; None where none did."""
        attacked = self.matrix.fought.attacked.get((persona.name, relation.oid, operation))
        if attacked is None or attacked.probe is None or attacked.probe.persona is None:
            return None
        made = settings(self.catalog, self.platform, attacked.probe.persona)
        stage = put_there(self, attacked.probe.persona, relation, operation) or sown(
            self, attacked.probe.persona, [relation.oid], [attacked.probe.sql]
        )
        sql = transcript(made, attacked.probe.sql, writes=attacked.probe.writes, stage=stage)
        return Evidence(EvidenceKind.PROBE, sql, f"{attacked.told(operation)}, {_made(stage)}")

    def supposed_evidence(self, persona: Persona, relation: Relation, operation: Operation) -> Evidence | None:
        """What the server computed of rows that do not exist, where a verdict rests on that."""
        answer = opened_by(self.matrix.supposed.get((persona.name, relation.oid, operation), ()))
        if answer is None:
            return None
        made = settings(self.catalog, self.platform, answer.supposed.asker)
        passed = "rows of somebody else's, none of which exists, pass the policies"
        return Evidence(EvidenceKind.PROBE, transcript(made, answer.probe.sql), passed)

    def asks(self, name: tuple[str, ...]) -> bool:
        """Whether one of the project's functions of that name asks who is calling, itself or below."""
        return any(self.indirect.body(one).asks_identity for one in self.named(name))

    def refuses(self, name: tuple[str, ...], depth: int = 0) -> bool:
        """Whether one of the project's functions of that name fails for whom it does not like, itself or below."""
        found = list(self.named(name)) if depth <= _DEEPEST_HELPER else []
        below = partial(self.refuses, depth=depth + 1)
        return bool(found) and all(refuses_others(one, self.asks, below) for one in found)

    @cached_property
    def named(self) -> Named:
        """The project's functions that a name in a body may mean."""
        return named_in(self.catalog)

    def call_evidence(self, persona: Persona, function: Function) -> Evidence | None:
        """The call that reached rows of others, made for the purpose; None where none did."""
        for (name, oid, *_), called in self.matrix.fought.called.items():
            if name == persona.name and oid == function.oid:
                by = called.probe.persona or persona
                made = settings(self.catalog, self.platform, by)
                shown = self.catalog.identity(self.catalog.relations[called.relation])
                read = {called.relation, *read_in(self.catalog, [function.oid])}
                stage = sown(self, by, read, [called.sql])
                return Evidence(
                    EvidenceKind.PROBE,
                    transcript(made, called.sql, writes=True, stage=stage),
                    f"{called.told()} of {shown}, {_made(stage)}",
                )
        return None

    def chain_evidence(self, persona: Persona, relation: Relation, operation: Operation) -> Evidence | None:
        """The statements that reached rows made for the purpose, one after the other; None where none did."""
        tried = self.matrix.fought.chained.get((persona.name, relation.oid, operation))
        if tried is None or tried.probe.persona is None:
            return None
        made = settings(self.catalog, self.platform, tried.probe.persona)
        written = {one.relation for one in tried.steps if one.relation}
        stage = sown(self, tried.probe.persona, {relation.oid, *written}, [*tried.probe.first, tried.probe.sql])
        sql = transcript(made, tried.probe.sql, first=tried.probe.first, writes=True, stage=stage)
        result = f"executed: the last one reached rows of others, as it did not before, {_made(stage)}"
        return Evidence(EvidenceKind.PROBE, sql, result)

    def granted_evidence(self, persona: Persona, relation: Relation, operation: Operation, because: str) -> Evidence:
        """What the catalog says of a privilege, as a query that shows it."""
        function = "has_any_column_privilege" if operation is not Operation.DELETE else "has_table_privilege"
        schema, name = (literal(one).strip() for one in (self.catalog.schema_name(relation), relation.name))
        query = (
            f"select {function}(c.oid, '{operation.value}') as granted, c.relrowsecurity as rls"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            f" where n.nspname = {schema} and c.relname = {name}"
        )
        sql = transcript(settings(self.catalog, self.platform, persona), query)
        return Evidence(EvidenceKind.CATALOG, sql, f"granted; RLS {'on' if relation.rls else 'off'}; {because}")

    def evidence(self, cells: Iterable[Cell], relation: Relation) -> Evidence:
        """The best evidence for cells beyond intent: rows that were reached, else what decided the first of them."""
        listed = list(cells)
        for cell in listed:
            if cell.operation is Operation.SELECT:
                read = self.read_evidence(self.persona(cell.persona), relation)
                if read is not None:
                    return read
        for cell in listed:
            fought = self.attack_evidence(self.persona(cell.persona), relation, cell.operation)
            if fought is not None and cell.evidence is EvidenceKind.PROBE:
                return fought
        for cell in listed:
            # Where policies decide it, a row that they let through.
            if cell.evidence is not EvidenceKind.CATALOG:
                proved = witnessed(self, self.persona(cell.persona), relation, cell.operation, cell.because)
                if proved is not None:
                    return replace(proved, kind=EvidenceKind.PROBE) if cell.evidence is EvidenceKind.PROBE else proved
        for cell in listed:
            opened = self.supposed_evidence(self.persona(cell.persona), relation, cell.operation)
            if opened is not None and cell.evidence is EvidenceKind.PROBE:
                return opened
        first = listed[0]
        shown = self.granted_evidence(self.persona(first.persona), relation, first.operation, first.because)
        kind = first.evidence if first.evidence in {EvidenceKind.PROOF, EvidenceKind.PROBE} else shown.kind
        return Evidence(kind, shown.sql, shown.result)

    def claims(self, relations: Iterable[Relation], cells: Iterable[Cell] = ()) -> frozenset[CellKey]:
        """The cells that a finding explains: all of `relations`, and those given."""
        keys = {
            (persona.name, self.catalog.identity(one), operation)
            for one in relations
            for persona in self.personas
            for operation in Operation
        }
        return frozenset(keys | {(one.persona, one.relation, one.operation) for one in cells})

    def led_by(self, via: str, relations: Iterable[Relation]) -> tuple[Cell, ...]:
        """The cells of `relations` whose rows are reached through `via`, and not by the relation's own name as well."""
        found = (
            (cell, self.way(cell, relation))
            for relation in relations
            for persona in self.personas
            for operation in Operation
            if (cell := self.cell(persona, relation, operation)) is not None
        )
        return tuple(cell for cell, way in found if via in cell.paths and way.at_least <= cell.intended)

    def ref(self, relation: Relation) -> ObjectRef:
        """The relation as the report names objects."""
        return ObjectRef(KINDS[relation.kind], self.catalog.identity(relation))


def _made(stage: Collection[str]) -> str:
    """What of rows of attacks is there again when a transcript is run."""
    return f"made for the purpose{'; some like them are put there first' if stage else ''}"
