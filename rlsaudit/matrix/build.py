"""The matrix: for every persona, exposed relation and operation one verdict, from all ways and all probes together.

Proof and probe check each other. A probe can only show that rows are reached (what it did not see may be elsewhere), so
it raises the lower bound; where it contradicts a proof the cell is unknown, and that is a bug of ours.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.index import KINDS
from rlsaudit.catalog.protection import is_protected
from rlsaudit.matrix.agreement import measured, with_attacks, with_calls, with_chain, with_probe, with_supposed
from rlsaudit.matrix.conditions import with_condition
from rlsaudit.model import Cell, EvidenceKind, Operation, Reach
from rlsaudit.policy.gains import UNDECIDED
from rlsaudit.probe import Outcome, Result
from rlsaudit.probe.attack import NO_CAMPAIGN, Called, Campaign, Measured
from rlsaudit.probe.supposed import by_cell, opened_by
from rlsaudit.reach import Way, widest
from rlsaudit.reach.family import ancestors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.matrix.sources import Sources
    from rlsaudit.model import Persona
    from rlsaudit.policy.proof import Step
    from rlsaudit.probe.supposed import Answer

_MOST_PATHS = 8


@dataclass(frozen=True, slots=True)
class Matrix:
    """All verdicts of an audit, with what the rules need to explain them.

    `cells` are in the order personas, relations, operations; `by_key` finds them by persona, relation and operation,
    `totals` are the rows of relations that the connection could count. `direct` is the reach of addressing the relation
    by name, `results` the probes' answers, `steps` the statements of chains that gain
    something, `supposed` what the server said of rows that do not exist: all four by (persona's name, relation's OID,
    operation). `fought` is what attacks came to.
    """

    cells: tuple[Cell, ...]
    by_key: Mapping[tuple[str, str, Operation], Cell]
    direct: Mapping[tuple[str, int, Operation], Way]
    results: Mapping[tuple[str, int, Operation], Result]
    totals: Mapping[int, int]
    steps: Mapping[tuple[str, int, Operation], tuple[Step, ...]]
    fought: Campaign
    supposed: Mapping[tuple[str, int, Operation], tuple[Answer, ...]]


def exposed(
    access: Access, persona: Persona, relations: Iterable[Relation], schemas: Collection[str]
) -> tuple[Relation, ...]:
    """Returns the relations that the persona could address: in a served schema on which its role has USAGE."""
    role = access.catalog.roles_by_name[persona.role].oid
    return tuple(
        one
        for one in relations
        if one.kind in KINDS
        and one.kind != "S"
        and access.catalog.schema_name(one) in schemas
        and access.usage(role, access.catalog.schemas[one.schema])
    )


def build(
    sources: Sources,
    personas: Sequence[Persona],
    exposure: Mapping[str, tuple[Relation, ...]],
    results: Iterable[Result],
    fought: Campaign = NO_CAMPAIGN,
    supposed: Iterable[Answer] = (),
    outside: Iterable[Result] = (),
) -> Matrix:
    """Returns the matrix over `exposure`, the relations of each persona by its name.

    `results` are what probes answered, `fought` what attacks came to, `supposed` what the server said of rows that do
    not exist, `outside` what was read of rows that a condition of the intent leaves out.
    """
    results = tuple(results)
    answered = {
        (one.probe.persona.name, one.probe.relation, one.probe.operation): one for one in results if one.probe.persona
    }
    left_out = {
        (one.probe.persona.name, one.probe.relation, one.probe.operation): one for one in outside if one.probe.persona
    }
    asked = by_cell(supposed)
    totals = {
        one.probe.relation: one.rows for one in results if one.probe.persona is None and one.outcome is Outcome.ROWS
    }
    called: defaultdict[tuple[str, int, Operation], dict[str, Called]] = defaultdict(dict)
    catalog = sources.access.catalog
    for (name, function, oid, done), call in fought.called.items():
        called[name, oid, done][catalog.function_identity(catalog.functions[function])] = call
    calls = _calls(sources.access, personas, fought)
    ways: dict[tuple[str, int, Operation], Way] = {}
    steps: dict[tuple[str, int, Operation], tuple[Step, ...]] = {}
    cells: list[Cell] = []
    for persona in personas:
        for relation in exposure[persona.name]:
            for operation in Operation:
                key = (persona.name, relation.oid, operation)
                addressed = sources.direct.way(persona, relation, operation)
                found = [addressed, *sources.indirect.ways(persona, relation, operation)]
                said = asked.get(key, ())
                opening = opened_by(said)
                unhindered = opening is not None and sources.direct.unhindered(persona, relation, operation)
                found[0], refuted = with_supposed(addressed, said, unhindered=unhindered)
                found[0], contradiction = with_probe(
                    found[0],
                    persona,
                    answered.get(key),
                    totals.get(relation.oid),
                    stands_for_all=relation.kind != "v" or operation in {Operation.SELECT, Operation.DELETE},
                )
                attacked = fought.attacked.get(key)
                found, disagreed = with_attacks(found, catalog.identity(relation), operation, attacked)
                contradiction = refuted or contradiction or disagreed
                if reached := called.get(key):
                    found, disagreed = with_calls(found, reached)
                    contradiction = contradiction or disagreed
                ways[key] = found[0]
                chained = sources.escalation.way(persona, relation, operation, found, fails=_fails(answered.get(key)))
                chained = with_chain(chained, fought.chained.get(key))
                if chained.steps:
                    steps[key] = chained.steps
                cell = _cell(sources, persona, relation, operation, found, chained, contradiction=contradiction)
                cell = with_condition(cell, sources, persona, relation, found, left_out.get(key))
                got = attacked.measured if attacked else None
                if cell.reach is Reach.NONE and got is Reach.OWN:
                    # Rows that were made up made their owner staff, or such as nobody has: proofs speak of others.
                    got = None
                if not cell.reach.decided:
                    led = calls[persona.name]
                    known = {one.via: led[one.via] for one in found if one.via in led}
                    by_call = {via: one.reach(relation.oid, operation) if one else None for via, one in known.items()}
                    by_whole = _by_wholes(catalog, fought, persona, relation, operation)
                    got = measured(found, got, {**by_call, **by_whole})
                cells.append(cell if got is None else replace(cell, attacked=got))
    by_key = {(one.persona, one.relation, one.operation): one for one in cells}
    return Matrix(tuple(cells), by_key, ways, answered, totals, steps, fought, asked)


def _calls(
    access: Access, personas: Iterable[Persona], fought: Campaign
) -> Mapping[str, Mapping[str, Measured | None]]:
    """What calls came to, by the persona's name and the function's identity; None where it was not called."""
    named = {access.catalog.function_identity(one): one.oid for one in access.catalog.snapshot.functions}
    return {
        persona.name: {via: fought.measured.get((persona.name, oid)) for via, oid in named.items()}
        for persona in personas
    }


def _by_wholes(
    catalog: Catalog, fought: Campaign, persona: Persona, relation: Relation, operation: Operation
) -> Mapping[str, Reach | None]:
    """How far statements on what the relation is a part of got, by its identity; None also where not all is known.

    Of which parts the rows were of which some were reached is not told.
    """
    found: dict[str, Reach | None] = {}
    for whole in ancestors(catalog, relation):
        attacked = fought.attacked.get((persona.name, whole.oid, operation))
        got = attacked.measured if attacked else None
        found[catalog.identity(whole)] = None if got is Reach.SOME else got
    return found


def _cell(
    sources: Sources,
    persona: Persona,
    relation: Relation,
    operation: Operation,
    ways: Sequence[Way],
    chained: Way,
    *,
    contradiction: str,
) -> Cell:
    identity = sources.access.catalog.identity(relation)
    addressed, way = ways[0], widest(ways)
    reach = way.at_least if way.decided and not contradiction else Reach.UNKNOWN
    open_ways = [one.via for one in ways if one.via and one.at_most is not Reach.NONE]
    protected = is_protected(sources.access.catalog, relation)
    escalated, why = _escalated(way, chained, reach)
    return Cell(
        persona=persona.name,
        role=persona.role,
        relation=identity,
        kind=KINDS[relation.kind],
        operation=operation,
        reach=reach,
        escalated=escalated,
        intended=sources.intent.intended(persona.name, persona.role, identity, operation, protected=protected),
        evidence=way.evidence if reach.decided else EvidenceKind.NONE,
        because=contradiction or way.because,
        columns=addressed.columns if addressed.at_most is not Reach.NONE else None,
        at_least=way.at_least,
        at_most=Reach.ALL if contradiction else way.at_most,
        paths=tuple(dict.fromkeys(open_ways))[:_MOST_PATHS],
        escalated_because=why,
        escalated_at_least=escalated if escalated.decided else max(way.at_least, chained.at_least),
        chain=tuple(one.sql for one in chained.steps) if escalated is not reach else (),
    )


def _why(chained: Way) -> str:
    """Why it is not known what a chain gains, without the policies that leave it open."""
    _, undecided, why = chained.because.partition(UNDECIDED)
    return f"{undecided}{why}" or chained.because


def _fails(result: Result | None) -> bool:
    """Whether the statement failed where it was tried: then no claim is made that it goes through after others."""
    return result is not None and result.outcome in {Outcome.DENIED, Outcome.RECURSION, Outcome.INCONCLUSIVE}


def _escalated(way: Way, chained: Way, reach: Reach) -> tuple[Reach, str]:
    """Returns how far a chain gets, and why that is not as far as a single statement, or not known."""
    at_least = max(way.at_least, chained.at_least)
    chain = "; then ".join(one.sql for one in chained.steps)
    if at_least is not chained.at_most and not (reach.decided and chained.at_most <= reach):
        return Reach.UNKNOWN, f"{at_least.value} at least: first {chain}" if chain else _why(chained)
    escalated = max(at_least, reach) if reach.decided else at_least
    if escalated is reach:
        return escalated, ""
    return escalated, f"first {chain}" if chain else chained.because
