"""All attacks on a database, in one transaction that never happened: rows are made, attacked, and rolled back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.catalog.platform import FILES, platform_of
from rlsaudit.model import Operation, Skipped
from rlsaudit.policy.consulted import consulted
from rlsaudit.policy.said import said
from rlsaudit.probe.attack.arguments import Arguments
from rlsaudit.probe.attack.attacked import NOTHING, Attacked, judged
from rlsaudit.probe.attack.calls import Called, Calls
from rlsaudit.probe.attack.chains import Chained, Chains
from rlsaudit.probe.attack.identities import NEWCOMER, identities, posing_as, principals, settings_of
from rlsaudit.probe.attack.plan import Attacks
from rlsaudit.probe.attack.posing import Posing
from rlsaudit.probe.attack.run import run
from rlsaudit.probe.attack.signing import sign_up
from rlsaudit.probe.attack.uploads import told, uploads
from rlsaudit.probe.outcome import Outcome
from rlsaudit.probe.rows import seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.connect import Session
    from rlsaudit.model import Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.probe.attack.attempt import Attempt
    from rlsaudit.probe.outcome import Probe, Result
    from rlsaudit.probe.rows import Row

Key: TypeAlias = tuple[str, int, Operation]
"""A persona's name, a relation's OID, an operation."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the attacks came to.

    `attacked` has the cells that were attacked, `chained` those that a chain of statements opens, `called` the calls
    that gave rows of others, by persona, function and relation; `skipped` says what was not attacked, and why.
    """

    attacked: Mapping[Key, Attacked]
    chained: Mapping[Key, Chained]
    called: Mapping[tuple[str, int, int], Called]
    skipped: tuple[Skipped, ...]


NO_CAMPAIGN = Campaign({}, {}, {}, ())
"""Where nothing was attacked."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is attacked, and by whom.

    `exposure` are the relations and `served` the schemas that each persona can address, by its name. `conditions` are
    what policies ask, each behind the relation that it is about: rows are made that show what they let through, and
    chains begin in the tables that they look into. On a `throwaway` server, which is nobody's, sequences may be
    advanced, users made and functions called.
    """

    access: Access
    personas: Sequence[Persona]
    exposure: Mapping[str, Sequence[Relation]]
    served: Mapping[str, frozenset[str]]
    conditions: Sequence[tuple[int, Expr]]
    throwaway: bool


def attack(
    session: Session, ground: Ground, *, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Campaign:
    """Puts rows in, attacks them as every persona, and rolls all of it back.

    Args:
        session: A session in the database whose role is kept from no row; it must not be in a transaction.
        ground: What is attacked.
        progress: Told how many probes are done, of how many known so far.

    Raises:
        psycopg.Error: the connection was lost, or the server refuses even the block.
    """
    with session.rolled_back():
        return _Campaign(session, ground, progress).fought()


class _Campaign:
    def __init__(self, session: Session, ground: Ground, progress: Callable[[int, int], None]) -> None:
        self._session = session
        self._ground = ground
        self._catalog = ground.access.catalog
        self._platform = platform_of(self._catalog)
        self._progress = progress
        self._done = self._asked = 0
        self._cut: list[str] = []
        self._unsigned = ""

    def fought(self) -> Campaign:
        catalog, ground = self._catalog, self._ground
        exposure, throwaway = ground.exposure, ground.throwaway
        settable = catalog.snapshot.viewer.settable
        cast = [one for one in ground.personas if catalog.roles_by_name[one.role].oid in settable]
        # What is checked at the end of a transaction is checked after each statement, for there is no end.
        self._session.execute("set constraints all immediate")
        tables = self._tables(exposure)
        texts = said(condition for _, condition in ground.conditions)
        people = principals(settings_of(cast))
        sown = seed(self._session, catalog, tables, people, texts, throwaway=throwaway)
        attacks = Attacks(ground.access, sown, people, throwaway=throwaway)
        shown = {one.oid: one for name in exposure for one in exposure[name]}
        totals = self._totals(attacks, shown.values())
        first = [
            attempt
            for persona in cast
            for by in identities(persona)
            for one in exposure[persona.name]
            for attempt in (
                *attacks.on_rows(by, one, totals.get(one.oid, 0)),
                *attacks.new_rows(by, one),
                *attacks.upserts(by, one),
            )
        ]
        answered = self._answered(first)
        then = [
            more
            for attempt, result in answered
            for more in attacks.one_by_one(attempt, result, totals.get(attempt.probe.relation, 0))
        ]
        answered += self._answered(then)
        deciding = consulted(catalog, ground.conditions)
        found = {
            key: judged(
                key[2],
                tries,
                totals.get(key[1], 0),
                seeded=attacks.covers(shown[key[1]], key[2], deciding.get(key[1], frozenset())),
                rewritten=attacks.rewrites(shown[key[1]], key[2]),
            )
            for key, tries in _by_cell(answered).items()
        }
        for key, beside in self._uploaded(cast, sown.seeds.rows, attacks, shown).items():
            found[key] = replace(found.get(key, NOTHING), beside=beside)
        # A newcomer signs up first, which on somebody's server is not for us to do.
        chained = self._chained(attacks, cast, exposure, deciding) if throwaway else {}
        called, uncalled = self._called(cast, sown.seeds.rows) if throwaway else ({}, ())
        posed = self._posed(attacks, cast, sown.seeds.rows) if throwaway else {}
        roles = {catalog.roles_by_name[one.role].oid for one in cast}
        missing = {
            oid: why
            for oid, why in sown.seeds.missing.items()
            if oid in shown and any(attacks.concerns(role, shown[oid]) for role in roles)
        }
        skipped = (
            *self._skipped(shown, attacks.left, missing),
            *(Skipped(f"calls of {one}", why) for one, why in uncalled),
        )
        return Campaign(found, {**posed, **chained}, called, skipped)

    def _called(
        self, cast: Sequence[Persona], rows: Sequence[Row]
    ) -> tuple[Mapping[tuple[str, int, int], Called], Iterable[tuple[str, str]]]:
        calls = Calls(self._ground.access, rows, self._run)
        found: dict[tuple[str, int, int], Called] = {}
        uncalled: dict[str, str] = {}
        for persona in cast:
            if identities(persona)[0].strange:
                called, left = calls.found(persona, self._ground.served[persona.name])
                found |= called
                uncalled |= left
        return found, uncalled.items()

    def _uploaded(
        self, cast: Sequence[Persona], rows: Sequence[Row], attacks: Attacks, shown: Mapping[int, Relation]
    ) -> Mapping[Key, str]:
        """What of the folders of others in Storage is reached by files of one's own."""
        objects = self._catalog.relations_by_name.get(FILES)
        if objects is None or objects.oid not in shown or not attacks.may_put_in(objects):
            return {}
        found: dict[Key, str] = {}
        for persona in cast:
            tried = [one for by in identities(persona) for one in uploads(self._catalog, by, rows)]
            answers = self._run([one.probe for one in tried])
            if beside := told(list(zip(tried, answers, strict=True))):
                found[persona.name, objects.oid, Operation.INSERT] = beside
        return found

    def _posed(self, attacks: Attacks, cast: Sequence[Persona], rows: Sequence[Row]) -> Mapping[Key, Chained]:
        """What calls open that set who is asking, for the statements after them."""
        ground, found = self._ground, dict[Key, Chained]()
        arguments = Arguments(self._catalog, rows)
        for persona in cast:
            if identities(persona)[0].strange:
                posing = Posing(ground.access, attacks, arguments, persona, self._run)
                found |= posing.found(ground.exposure[persona.name], ground.served[persona.name])
                self._cut += [persona.name] if posing.cut else []
        return found

    def _chained(
        self,
        attacks: Attacks,
        cast: Sequence[Persona],
        exposure: Mapping[str, Sequence[Relation]],
        deciding: Mapping[int, frozenset[int]],
    ) -> Mapping[Key, Chained]:
        self._unsigned = sign_up(self._session, self._catalog, NEWCOMER)
        found: dict[Key, Chained] = {}
        for persona in cast:
            if identities(persona)[0].strange:
                newcomer = posing_as(NEWCOMER, persona)
                chains = Chains(attacks, newcomer, exposure[persona.name], deciding, self._run)
                found |= chains.found()
                self._cut += [persona.name] if chains.cut else []
        return found

    def _tables(self, exposure: Mapping[str, Sequence[Relation]]) -> Sequence[Relation]:
        """The tables that are exposed, and those that policies and views look into."""
        catalog = self._catalog
        looked = {one.oid for name in exposure for one in exposure[name]}
        looked |= {ref.relation for one in catalog.snapshot.policies for ref in one.columns}
        looked |= {ref.relation for one in catalog.snapshot.rewrites for ref in one.columns}
        return [one for one in catalog.snapshot.relations if one.oid in looked and one.kind in "rp"]

    def _totals(self, attacks: Attacks, relations: Iterable[Relation]) -> Mapping[int, int]:
        probes = list(attacks.totals(relations))
        return {one.probe.relation: one.rows for one in self._run(probes) if one.outcome is Outcome.ROWS}

    def _answered(self, attempts: Sequence[Attempt]) -> list[tuple[Attempt, Result]]:
        return list(zip(attempts, self._run([one.probe for one in attempts]), strict=True))

    def _run(self, probes: Sequence[Probe]) -> tuple[Result, ...]:
        self._asked += len(probes)
        return run(self._session, self._catalog, self._platform, probes, progress=self._count)

    def _count(self, more: int) -> None:
        self._done += more
        self._progress(self._done, self._asked)

    def _skipped(
        self,
        shown: Mapping[int, Relation],
        left: Mapping[tuple[int, str], set[Operation]],
        missing: Mapping[int, str],
    ) -> Iterable[Skipped]:
        if self._unsigned:
            yield Skipped("chains of statements by somebody who has just signed up", f"no account: {self._unsigned}")
        for name in dict.fromkeys(self._cut):
            yield Skipped(f"chains of statements as {name}", "there are so many that not all were tried")
        for (oid, why), operations in left.items():
            tried = ", ".join(one.value for one in Operation if one in operations)
            yield Skipped(f"attacks on {self._catalog.identity(shown[oid])} ({tried})", why)
        for oid, why in missing.items():
            yield Skipped(f"rows of {self._catalog.identity(shown[oid])} to attack", f"none could be put in: {why}")


def _by_cell(answered: Iterable[tuple[Attempt, Result]]) -> Mapping[Key, Sequence[tuple[Attempt, Result]]]:
    cells: defaultdict[Key, list[tuple[Attempt, Result]]] = defaultdict(list)
    for attempt, result in answered:
        cells[attempt.by.persona.name, attempt.probe.relation, attempt.probe.operation].append((attempt, result))
    return cells
