"""An intent file of what is there: today's reach by zone, and what looks dangerous left out, to be asked about.

What is proposed is what no grave finding speaks of. What is left out stays as the platform's pack has it, so that an
audit with the file finds just that.
"""

from __future__ import annotations

import glob
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import tomlkit

from rlsaudit.catalog.platform import Platform, is_platforms_role
from rlsaudit.intent.zones import ZONES
from rlsaudit.model import Operation, Reach, Report, Severity
from rlsaudit.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell, Finding
    from rlsaudit.rules import Case

_ANON = "anon"
_SIGNED_IN = "authenticated"
_WRITES = tuple(one for one in Operation if one is not Operation.SELECT)
_GRAVE = Severity.HIGH
"""From this severity on a finding keeps what it speaks of out of the proposal."""
_TOLD = Severity.LOW
"""From this severity on what is still found is a question."""
_PROJECTS = "postgres"
"""The role that owns what a Supabase project makes."""
_HEADER = (
    "What everybody may reach in this database, as rlsaudit found it. Read it as a proposal: take out what is not",
    "meant, and an audit with this file finds it. docs/intent.md explains the zones and all other entries.",
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is proposed of a relation: for each operation and persona the reach; nothing where it is left out."""

    relation: str
    reaches: Mapping[Operation, Mapping[str, Reach]]
    tenant: bool

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return set(self.reaches) == set(Operation)


@dataclass(slots=True)
class _File:
    """The entries: relations by zone, with the zones of what differs there, and relations by what they allow."""

    zones: defaultdict[str, list[tuple[str, dict[str, str]]]] = field(default_factory=lambda: defaultdict(list))
    allows: defaultdict[tuple[tuple[str, tuple[tuple[str, str], ...]], ...], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )


def propose(report: Report, case: Case) -> str:
    """Returns an intent file, in TOML, of what a report without one says; `case` is what it rests on."""
    file = _File()
    sessions = {one.name for one in case.personas if one.role == _SIGNED_IN} - {_SIGNED_IN}
    for one in _wanted(report, case):
        if not _by_zone(file, one, case.platform):
            _by_persona(file, one, sessions)
    document = tomlkit.document()
    for line in _HEADER:
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    document.add("extends", tomlkit.item(case.platform.value))
    _write_zones(document, file)
    _write_allows(document, file)
    _write_buckets(document, case)
    return tomlkit.dumps(document)


def with_questions(proposal: str, report: Report) -> str:
    """Returns the proposal with what an audit with it still finds, and what is not known, as comments at its end."""
    document = tomlkit.parse(proposal)
    found = [one for one in report.findings if one.severity >= _TOLD]
    unknown = [one for one in report.matrix if not one.reach.decided]
    for title, lines in (
        ("Left out, for it looks dangerous. Mend it, or say above that it is meant:", map(_told, found)),
        ("Not known, and so not proposed:", map(_open, unknown)),
    ):
        listed = list(lines)
        if listed:
            document.add(tomlkit.nl())
            for line in (title, *(f"  {one}" for one in listed)):
                document.add(tomlkit.comment(printable(line)))
    return tomlkit.dumps(document)


def _told(finding: Finding) -> str:
    return f"{finding.severity.value} {finding.rule}: {finding.title}"


def _open(cell: Cell) -> str:
    return f"{cell.persona} {cell.operation.value} {cell.relation}: {cell.because}"


def _wanted(report: Report, case: Case) -> Iterator[_Wanted]:
    grave = {relation for one in report.findings if one.severity >= _GRAVE for relation in one.relations}
    cells: defaultdict[str, defaultdict[Operation, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
    for one in report.matrix:
        cells[one.relation][one.operation][one.persona] = one
    there = {case.catalog.identity(one): one for one in case.catalog.snapshot.relations}
    for relation, operations in cells.items():
        if _is_platforms(case, there[relation]) and not _is_reached(operations.values()):
            continue
        reaches = {
            operation: {persona: one.reach for persona, one in by_persona.items()}
            for operation, by_persona in operations.items()
            if all(_is_proposed(one, grave) for one in by_persona.values())
        }
        tenant = any(case.intent.names_tenant(one.name) for one in case.catalog.columns[there[relation].oid])
        yield _Wanted(relation, reaches, tenant)


def _is_platforms(case: Case, relation: Relation) -> bool:
    """Whether a relation is Supabase's own: it came with the project."""
    owner = case.catalog.roles.get(relation.owner)
    return case.platform is Platform.SUPABASE and owner is not None and _serves(owner.name)


def _serves(role: str) -> bool:
    return is_platforms_role(role) and role != _PROJECTS


def _is_reached(operations: Iterable[Mapping[str, Cell]]) -> bool:
    return any(one.reach is not Reach.NONE for by_persona in operations for one in by_persona.values())


def _is_proposed(cell: Cell, grave: set[str]) -> bool:
    """Whether a cell is known, and within what is assumed or such as may well be meant."""
    known = (cell.reach, cell.escalated)
    if not cell.reach.decided or any(one.decided and one > cell.reach for one in known):
        return False
    if cell.reach <= cell.intended:
        return True
    return cell.relation not in grave and cell.operation in {Operation.SELECT, Operation.INSERT}


def _by_zone(file: _File, wanted: _Wanted, platform: Platform) -> bool:
    """Files a relation under a zone, if there is one that says just what is wanted."""
    if not wanted.whole:
        return False
    zones = {operation: _zone(by_persona, platform, wanted) for operation, by_persona in wanted.reaches.items()}
    zone = zones[Operation.SELECT]
    if zone is None or None in zones.values():
        return False
    others = {one.value: name for one in _WRITES if (name := zones[one]) and name != ZONES[zone].writes}
    file.zones[zone].append((wanted.relation, others))
    return True


def _zone(by_persona: Mapping[str, Reach], platform: Platform, wanted: _Wanted) -> str | None:
    """The zone in which every persona reaches just that far; None where there is none."""
    anonymous = by_persona.get(_ANON, Reach.NONE) if platform is Platform.SUPABASE else None
    signed_in = {reach for persona, reach in by_persona.items() if anonymous is None or persona != _ANON}
    if len(signed_in) != 1:
        return None
    (reach,) = signed_in
    fitting = [
        name
        for name, zone in ZONES.items()
        if zone.signed_in is reach and (anonymous is None or zone.anonymous is anonymous)
    ]
    if anonymous is None and reach is Reach.ALL:
        return "signed-in"
    owned = "tenant" if wanted.tenant else "owner"
    return next((one for one in fitting if reach is not Reach.OWN or one == owned), None)


def _by_persona(file: _File, wanted: _Wanted, sessions: Collection[str]) -> None:
    """Files a relation under what each persona may do, one by one; `sessions` are others of the role of users."""
    personas = dict.fromkeys(persona for by_persona in wanted.reaches.values() for persona in by_persona)
    entries = []
    for persona in personas:
        said = {one.value: reaches[persona].value for one, reaches in wanted.reaches.items() if persona in reaches}
        # What the role says it says of sessions of that role too.
        if said and not (persona in sessions and (_SIGNED_IN, tuple(said.items())) in entries):
            entries.append((persona, tuple(said.items())))
    if entries:
        file.allows[tuple(entries)].append(wanted.relation)


def _write_zones(document: tomlkit.TOMLDocument, file: _File) -> None:
    if not file.zones:
        return
    table = tomlkit.table()
    for name in ZONES:
        members = tomlkit.array().multiline(multiline=True)
        for relation, others in file.zones.get(name, ()):
            members.append(_pattern(relation) if not others else _inline({"relation": _pattern(relation), **others}))
        if len(members):
            table.add(name, members)
    document.add("zones", table)


def _write_allows(document: tomlkit.TOMLDocument, file: _File) -> None:
    entries = tomlkit.aot()
    for said, relations in file.allows.items():
        for persona, reaches in said:
            entry = tomlkit.table()
            entry.add("relation", _one_or_more(map(_pattern, relations)))
            entry.add("persona", _pattern(persona))
            for operation, reach in reaches:
                entry.add(operation, reach)
            entries.append(entry)
    if len(entries):
        document.add("allow", entries)


def _write_buckets(document: tomlkit.TOMLDocument, case: Case) -> None:
    public = [one.name for one in case.catalog.snapshot.buckets if one.public]
    if public:
        table = tomlkit.table()
        table.add("public", [_pattern(one) for one in public])
        document.add("buckets", table)


def _inline(items: Mapping[str, str]) -> Any:  # noqa: ANN401  tomlkit's item
    table = tomlkit.inline_table()
    table.update(items)
    return table


def _one_or_more(names: Iterable[str]) -> str | list[str]:
    listed = list(names)
    return listed[0] if len(listed) == 1 else listed


def _pattern(name: str) -> str:
    """A pattern that fits this name alone."""
    return glob.escape(name)
