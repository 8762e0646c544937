"""Asks the server whether its policies would let rows pass that do not exist: without writing, within READ ONLY.

The policies' own expressions, as the server writes them out, are evaluated as the persona over a record that
`jsonb_populate_record` makes. The record goes by the table's name, as columns and whole rows do in a policy. Permissive
policies are ORed and restrictive ones ANDed, as in src/backend/rewrite/rowsecurity.c.
"""

from __future__ import annotations

import enum
import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import platform_of
from rlsaudit.model import STRANGER, Operation
from rlsaudit.names import ident, literal
from rlsaudit.personas import owns_nothing
from rlsaudit.policy.effects import reason_not_to_run, reason_not_to_write
from rlsaudit.policy.supposed import Clause, Supposed
from rlsaudit.probe.attack.identities import OTHERS
from rlsaudit.probe.outcome import Outcome, Probe, Result
from rlsaudit.probe.request import settings
from rlsaudit.probe.rows.made_up import MadeUp
from rlsaudit.probe.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from rlsaudit.access import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import JsonObject, Persona
    from rlsaudit.policy.supposed import Asked

    Run: TypeAlias = Callable[[Sequence[Probe]], tuple[Result, ...]]
    Key: TypeAlias = tuple[str, int, Operation]
    """A persona's name, a relation's OID, an operation."""

_OF_THE_ROW = ("21", "22", "23", "P0")
"""Beginnings of SQLSTATEs that tell of values: of what a policy computes, or of the row."""


_SOMEBODY = OTHERS[0]


class Said(enum.Enum):
    """What the server says of a row that does not exist."""

    PASSES = "true"
    FAILS = "false or NULL"
    ERROR = "an error"
    NOTHING = "nothing"
    """It was not asked, or what came back is about something else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said of rows that were supposed. `reason` is its message where that was an error."""

    supposed: Supposed
    said: Said
    probe: Probe
    reason: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the server says what the proof does."""
        return self.supposed.passes is not None and self.said is (Said.PASSES if self.supposed.passes else Said.FAILS)

    @property
    def contradicts(self) -> bool:
        """Whether it says something else, of a row on which it has to say the same."""
        if not self.supposed.exact or self.said is Said.NOTHING or self.supposed.passes is None:
            return False
        return (self.said is Said.PASSES) is not self.supposed.passes


def of_strangers(catalog: Catalog, asked: Iterable[Asked]) -> Iterator[Supposed]:
    """Yields rows of somebody else's that are held against what policies ask: only for those who own no row."""
    listed = [one for one in asked if owns_nothing(one.persona)]
    made_up = MadeUp(catalog, _SOMEBODY, ((one.like, one.expression) for one in listed))
    for one in listed:
        relation = catalog.relations[one.relation]
        asker = _apart(one.persona)
        rows = tuple(row for row in made_up.rows(relation, one.like, one.expression) if not _names(asker, row))
        if rows:
            yield Supposed(
                cell=one.persona.name,
                asker=asker,
                relation=one.relation,
                operation=one.operation,
                clause=one.clause,
                rows=rows,
                passes=False if one.refuting else None,
                exact=True,
                holding=made_up.holding(relation),
            )


def _apart(persona: Persona) -> Persona:
    """The persona with an address of a domain of its own: who shares one may be meant to see one another."""
    if not persona.claims.get("email"):
        # Who has no account has no address, whoever it is.
        return persona
    return replace(persona, claims={**persona.claims, "email": f"stranger@{STRANGER[:8]}.example"})


def _names(asker: Persona, row: JsonObject) -> bool:
    """Whether something in a row tells of the one who asks."""
    own = {asker.role, STRANGER, str(asker.claims.get("email", STRANGER))}
    return any(one == str(value) or (one in str(value) and one != asker.role) for value in row.values() for one in own)


class Questions:
    """What the server is asked about rows that do not exist; what is the same for several cells it is asked once.

    Nothing is asked as a role that this connection may not become, or that may have effects: `throwaway` is as in
    `reason_not_to_run`.

    Args:
        access: The facts.
        supposed: The rows, and what is asked of each.
        throwaway: Whether the server is nobody's.
    """

    def __init__(self, access: Access, supposed: Iterable[Supposed], *, throwaway: bool = False) -> None:
        self._access = access
        self._catalog = access.catalog
        self._platform = platform_of(access.catalog)
        self._throwaway = throwaway
        self._reasons: dict[tuple[int, bool], str] = {}
        self._staging = Staging(access)
        asked: defaultdict[tuple[str, ...], list[Supposed]] = defaultdict(list)
        # Those of one request go together into batches.
        for one in filter(self._may_be_asked, supposed):
            asked[*_request(one.asker), *self._staging.statements(one), question(access, one)].append(one)
        self._asked = [asked[key] for key in sorted(asked)]
        self.probes = tuple(self._probe(alike[0]) for alike in self._asked)

    def answers(self, results: Sequence[Result], run: Run) -> tuple[Answer, ...]:
        """Returns what the server said, from the results of `probes`. `run` is for what has to be asked once more."""
        failed = [place for place, one in enumerate(results) if _is_of_a_row(one)]
        again = [(place, one) for place in failed for one in self._again(self._asked[place][0])]
        said = dict.fromkeys(failed, Said.NOTHING)
        for (place, _), result in zip(again, run([one for _, one in again]) if again else (), strict=True):
            if result.outcome is Outcome.ROWS and result.rows:
                # A lone row can be there, so that it is the policies that fail; of several, one passes.
                said[place] = Said.ERROR if len(self._asked[place][0].rows) == 1 else Said.PASSES
        found: list[Answer] = []
        for place, (alike, result) in enumerate(zip(self._asked, results, strict=True)):
            default = Said.NOTHING if result.outcome is not Outcome.ROWS else _said(result, alike[0])
            found += (Answer(one, said.get(place, default), result.probe, result.reason) for one in alike)
        return tuple(found)

    def _may_be_asked(self, supposed: Supposed) -> bool:
        role = self._catalog.roles_by_name[supposed.asker.role]
        relation = self._catalog.relations[supposed.relation]
        if role.oid not in self._catalog.snapshot.viewer.settable:
            return False
        if not self._access.usage(role.oid, self._catalog.schemas[relation.schema]):
            return False
        if not is_looked_up_first(settings(self._catalog, self._platform, supposed.asker)):
            return False
        if not self._staging.can(supposed):
            return False
        key = relation.oid, bool(supposed.holding)
        if key not in self._reasons:
            self._reasons[key] = self._reason(relation, conditions=bool(supposed.holding))
        return not self._reasons[key]

    def _reason(self, relation: Relation, *, conditions: bool) -> str:
        """Why the relation's policies should not be evaluated, and where `conditions` are asked what it checks."""
        reason = reason_not_to_run(self._catalog, relation, throwaway=self._throwaway)
        if reason or not conditions:
            return reason
        every = [one.number for one in self._catalog.columns[relation.oid]]
        return reason_not_to_write(self._catalog, relation, [Operation.INSERT], every, throwaway=self._throwaway)

    def _again(self, supposed: Supposed) -> Iterable[Probe]:
        """What is asked where a query failed: whether the row can be there at all, or each of several by itself."""
        if len(supposed.rows) == 1:
            return [self._probe(supposed, _records(self._catalog, supposed))]
        return [self._probe(replace(supposed, rows=(one,))) for one in supposed.rows]

    def _probe(self, supposed: Supposed, query: str = "") -> Probe:
        stage = tuple(self._staging.statements(supposed))
        return Probe(
            supposed.asker,
            supposed.relation,
            supposed.operation,
            query or question(self._access, supposed),
            stage=stage,
        )


def question(access: Access, supposed: Supposed) -> str:
    """Returns the query that counts the rows that the policies which apply let pass."""
    relation = access.catalog.relations[supposed.relation]
    role = access.catalog.roles_by_name[supposed.asker.role].oid
    policies = access.policies(role, relation, supposed.operation)
    conditions = [f"(({one}) is not false)" for one in supposed.holding]
    if supposed.clause is not Clause.CHECK:
        conditions.append(_condition((one.permissive, one.using) for one in policies))
    if supposed.clause is not Clause.USING:
        conditions.append(_condition((one.permissive, one.check or one.using) for one in policies))
    return f"{_records(access.catalog, supposed)} where {' and '.join(dict.fromkeys(conditions))}"


def is_looked_up_first(made: Mapping[str, str]) -> bool:
    """Returns whether names that policies write without a schema mean Postgres's own functions in a request.

    A search_path that does not name pg_catalog has it first by itself; where it names it behind others, theirs are.
    """
    names = [one.strip().strip('"') for one in made["search_path"].split(",")]
    return "pg_catalog" not in names[1:]


def _records(catalog: Catalog, supposed: Supposed) -> str:
    relation = catalog.relations[supposed.relation]
    several = len(supposed.rows) > 1
    rows = literal(json.dumps(list(supposed.rows) if several else supposed.rows[0], ensure_ascii=False)).strip()
    function = "pg_catalog.jsonb_populate_recordset" if several else "pg_catalog.jsonb_populate_record"
    made = f"{function}(null::{catalog.identity(relation)}, {rows}::pg_catalog.jsonb)"
    return f"select count(*) from {made} as {ident(relation.name)}"


def _request(asker: Persona) -> tuple[str, str]:
    return asker.name, json.dumps([asker.claims, asker.settings], sort_keys=True)


def _condition(texts: Iterable[tuple[bool, str | None]]) -> str:
    listed = [(is_permissive, text) for is_permissive, text in texts if text]
    permissive = " or ".join(f"({text})" for is_permissive, text in listed if is_permissive)
    restrictive = (f"({text})" for is_permissive, text in listed if not is_permissive)
    return " and ".join((f"({permissive or 'false'})", *restrictive))


def _said(result: Result, supposed: Supposed) -> Said:
    every = supposed.passes is True
    return Said.PASSES if result.rows >= (len(supposed.rows) if every else 1) else Said.FAILS


def _is_of_a_row(result: Result) -> bool:
    return result.outcome is Outcome.INCONCLUSIVE and result.code.startswith(_OF_THE_ROW)


def superseding(answers: Iterable[Answer], staged: Iterable[Answer]) -> tuple[Answer, ...]:
    """Returns all answers, but those over a state that is not the proof's where one over that state is there."""
    listed = [one for one in staged if one.said is not Said.NOTHING]
    told = {_about(one.supposed) for one in listed}
    return (*(one for one in answers if one.supposed.exact or _about(one.supposed) not in told), *listed)


def _about(supposed: Supposed) -> tuple[object, ...]:
    return supposed.cell, supposed.relation, supposed.operation, supposed.clause, supposed.passes


def by_cell(found: Iterable[Answer]) -> Mapping[Key, tuple[Answer, ...]]:
    """Returns the answers by the cells that they are about."""
    cells: defaultdict[Key, tuple[Answer, ...]] = defaultdict(tuple)
    for one in found:
        cells[one.supposed.cell, one.supposed.relation, one.supposed.operation] += (one,)
    return cells


def opened_by(answers: Sequence[Answer]) -> Answer | None:
    """Returns the answer by which a stranger's row passes of which proofs leave it open; None where there is none."""
    return next((one for one in answers if one.supposed.passes is None and one.said is Said.PASSES), None)
