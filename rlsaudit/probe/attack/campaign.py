"""All attacks on a database, in one transaction that never happened: rows are made, attacked, and rolled back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.catalog.platform import FILES, platform_of
from rlsaudit.model import Operation, Skipped
from rlsaudit.personas import reads_claim
from rlsaudit.policy.consulted import consulted, touched_in
from rlsaudit.policy.said import said
from rlsaudit.probe.attack.arguments import Arguments
from rlsaudit.probe.attack.attacked import NOTHING, Attacked, judged
from rlsaudit.probe.attack.calls import Answers, Called, Calls, Measured
from rlsaudit.probe.attack.chains import Chained, Chains
from rlsaudit.probe.attack.identities import LEVEL, OTHERS, OWNER, identities, newcomer_as, principals
from rlsaudit.probe.attack.measured import by_session, furthest
from rlsaudit.probe.attack.measured import measured as measured_by
from rlsaudit.probe.attack.plainly import Plainly
from rlsaudit.probe.attack.plan import Attacks
from rlsaudit.probe.attack.posing import Posing
from rlsaudit.probe.attack.run import run
from rlsaudit.probe.attack.signing import sign_up
from rlsaudit.probe.attack.strangers import Strangers
from rlsaudit.probe.attack.uploads import told, uploads
from rlsaudit.probe.outcome import Outcome
from rlsaudit.probe.rows import seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.connect import Session
    from rlsaudit.model import Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.probe.attack.attempt import Attempt
    from rlsaudit.probe.attack.identities import Identity
    from rlsaudit.probe.outcome import Probe, Result
    from rlsaudit.probe.rows import Row, Sown

Key: TypeAlias = tuple[str, int, Operation]
"""A persona's name, a relation's OID, an operation."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the attacks came to.

    `attacked` has the cells that were attacked, `chained` those that a chain of statements opens, `called` the calls
    that reached rows of others, by persona, function, relation and operation; `measured` says how far all calls of a
    function got, by persona and function; `skipped` says what was not attacked, and why. `rows` are those that were
    made for it.
    """

    attacked: Mapping[Key, Attacked]
    chained: Mapping[Key, Chained]
    called: Mapping[tuple[str, int, int, Operation], Called]
    skipped: tuple[Skipped, ...]
    measured: Mapping[tuple[str, int], Measured] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()


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
        self._unsigned: dict[str, str] = {}

    def fought(self) -> Campaign:
        catalog, ground = self._catalog, self._ground
        exposure, throwaway = ground.exposure, ground.throwaway
        settable = catalog.snapshot.viewer.settable
        cast = [one for one in ground.personas if catalog.roles_by_name[one.role].oid in settable]
        # What is checked at the end of a transaction is checked after each statement, for there is no end.
        self._session.execute("set constraints all immediate")
        tables = self._tables(exposure)
        texts = said(condition for _, condition in ground.conditions)
        people = principals(cast)
        sown = seed(self._session, catalog, tables, people, texts, throwaway=throwaway)
        deciding = consulted(catalog, ground.conditions)
        strangers = Strangers(self._session, ground.access, deciding, throwaway=throwaway)
        strangers.look(cast, exposure)
        attacks = Attacks(ground.access, sown, people, throwaway=throwaway)
        attacks.restraint.sized(self._run(list(attacks.restraint.sizes())))
        shown = {one.oid: one for name in exposure for one in exposure[name]}
        totals = self._totals(attacks, shown.values())
        leveled = reads_claim(catalog, LEVEL)
        first = [
            attempt
            for persona in cast
            for who in identities(persona, leveled=leveled)
            for one in exposure[persona.name]
            for attempt in _attempts(attacks, strangers, who, one, totals.get(one.oid, 0))
        ]
        answered = self._answered(first)
        then = [
            more
            for attempt, result in answered
            for more in attacks.one_by_one(attempt, result, totals.get(attempt.probe.relation, 0))
        ]
        answered += self._answered(then)
        found: dict[Key, Attacked] = {}
        for (name, oid, operation), tries in _by_cell(answered).items():
            there, rewritten = totals.get(oid, 0), attacks.rewrites(shown[oid], operation)
            seeded = attacks.covers(shown[oid], operation, deciding.get(oid, frozenset()))
            sessions = by_session(tries)
            reached = max(
                (judged(operation, one, there, seeded=seeded, rewritten=rewritten) for one in sessions),
                key=lambda one: one.reach,
            )
            levels = [
                measured_by(
                    operation,
                    one,
                    there=there,
                    of_others=attacks.made_for(OTHERS, oid),
                    of_owner=attacks.made_for((OWNER,), oid),
                    rewritten=rewritten,
                )
                for one in sessions
            ]
            found[name, oid, operation] = replace(reached, measured=furthest(levels))
        if throwaway:
            left = {key: tries for key, tries in _by_cell(answered).items() if found[key].measured is None}
            plainly = Plainly(catalog, attacks, sown, deciding, self._run)
            for key, further in plainly.measured(cast, left, totals, leveled=leveled):
                found[key] = replace(found[key], measured=further)
        for key, beside in self._uploaded(cast, sown.seeds.rows, attacks, shown).items():
            found[key] = replace(found.get(key, NOTHING), beside=beside)
        # A newcomer signs up first, which on somebody's server is not for us to do.
        chained = self._chained(attacks, strangers, cast, deciding) if throwaway else {}
        calls = Calls(ground.access, strangers, sown, self._run)
        answers = self._called(calls, cast) if throwaway else {}
        posed = self._posed(attacks, strangers, cast, sown) if throwaway else {}
        roles = {catalog.roles_by_name[one.role].oid for one in cast}
        # Rows that nobody may touch by the table's name functions may lead to.
        served = ((one, ground.served[one.name]) for one in cast)
        called_by = {each.oid for one, schemas in served for each in calls.may_call(one, schemas)}
        led = frozenset(touched_in(catalog, called_by)) if throwaway else frozenset()
        missing = {
            oid: why
            for oid, why in sown.seeds.missing.items()
            if oid in shown and (oid in led or any(attacks.concerns(role, shown[oid]) for role in roles))
        }
        skipped = (
            *self._skipped(shown, attacks.restraint.left, missing),
            *(Skipped(f"calls of {one}", why) for each in answers.values() for one, why in each.left.items()),
        )
        called = {key: one for each in answers.values() for key, one in each.called.items()}
        measured = {(name, oid): one for name, each in answers.items() for oid, one in each.measured.items()}
        return Campaign(found, {**posed, **chained}, called, tuple(dict.fromkeys(skipped)), measured, sown.lasting)

    def _called(self, calls: Calls, cast: Sequence[Persona]) -> Mapping[str, Answers]:
        """What calls come to, by the persona's name: the newcomer has signed up before, where that went well."""
        return {
            one.name: calls.answers(
                one, self._ground.served[one.name], signed_up=self._unsigned.get(newcomer_as(one).name) == ""
            )
            for one in cast
        }

    def _uploaded(
        self, cast: Sequence[Persona], rows: Sequence[Row], attacks: Attacks, shown: Mapping[int, Relation]
    ) -> Mapping[Key, str]:
        """What of the folders of others in Storage is reached by files of one's own."""
        objects = self._catalog.relations_by_name.get(FILES)
        if objects is None or objects.oid not in shown or not attacks.restraint.may(objects, Operation.INSERT):
            return {}
        found: dict[Key, str] = {}
        for persona in cast:
            tried = [one for by in identities(persona) for one in uploads(self._catalog, by, rows)]
            answers = self._run([one.probe for one in tried])
            if beside := told(list(zip(tried, answers, strict=True))):
                found[persona.name, objects.oid, Operation.INSERT] = beside
        return found

    def _posed(
        self, attacks: Attacks, strangers: Strangers, cast: Sequence[Persona], sown: Sown
    ) -> Mapping[Key, Chained]:
        """What calls open that set who is asking, for the statements after them."""
        ground, found = self._ground, dict[Key, Chained]()
        arguments = Arguments(self._catalog, sown)
        for persona in cast:
            strange = [one for one in ground.exposure[persona.name] if strangers.owns_nothing(persona, one)]
            posing = Posing(ground.access, attacks, arguments, persona, self._run)
            found |= posing.found(strange, ground.served[persona.name])
            self._cut += [persona.name] if posing.cut else []
        return found

    def _chained(
        self,
        attacks: Attacks,
        strangers: Strangers,
        cast: Sequence[Persona],
        deciding: Mapping[int, frozenset[int]],
    ) -> Mapping[Key, Chained]:
        found: dict[Key, Chained] = {}
        for persona in cast:
            newcomer = newcomer_as(persona)
            if newcomer.name not in self._unsigned:
                self._unsigned[newcomer.name] = sign_up(self._session, self._catalog, newcomer)
            addressed = self._ground.exposure[persona.name]
            strange = frozenset(one.oid for one in addressed if strangers.owns_nothing(persona, one))
            chains = Chains(attacks, newcomer, persona, addressed, strange, deciding, self._run)
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
        for why in filter(None, self._unsigned.values()):
            yield Skipped("chains of statements by somebody who has just signed up", f"no account: {why}")
        for name in dict.fromkeys(self._cut):
            yield Skipped(f"chains of statements as {name}", "there are so many that not all were tried")
        for (oid, why), operations in left.items():
            tried = ", ".join(one.value for one in Operation if one in operations)
            yield Skipped(f"attacks on {self._catalog.identity(shown[oid])} ({tried})", why)
        for oid, why in missing.items():
            yield Skipped(f"rows of {self._catalog.identity(shown[oid])} to attack", f"none could be put in: {why}")


def _attempts(
    attacks: Attacks, strangers: Strangers, who: Identity, relation: Relation, there: int
) -> Iterator[Attempt]:
    """The attempts of somebody on a relation: what comes of them tells of a stranger's rows, or of its own."""
    for operation in (None, Operation.INSERT):
        strange = who.owns is None and strangers.owns_nothing(who.persona, relation, operation)
        if strange or who.owns is not None:
            by = replace(who, strange=strange)
            if operation is None:
                yield from attacks.on_rows(by, relation, there)
                yield from attacks.upserts(by, relation)
            else:
                yield from attacks.new_rows(by, relation)


def _by_cell(answered: Iterable[tuple[Attempt, Result]]) -> Mapping[Key, Sequence[tuple[Attempt, Result]]]:
    cells: defaultdict[Key, list[tuple[Attempt, Result]]] = defaultdict(list)
    for attempt, result in answered:
        cells[attempt.by.persona.name, attempt.probe.relation, attempt.probe.operation].append((attempt, result))
    return cells
