"""Functions, called as a persona: do rows of others come back, and what happens to those that are stored?

A row that comes back is recognised by values that stand in rows of its table alone, of those that the function reads.
What is given as an argument may come back from any function, so such values do not count. What happens to rows is seen
as the connection sees it, before all is undone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.catalog.platform import SUPABASE_SYSTEM_SCHEMAS
from rlsaudit.model import Operation, Reach
from rlsaudit.names import literal
from rlsaudit.policy.consulted import read_in
from rlsaudit.policy.effects import reason_not_to_call
from rlsaudit.probe.attack.apart import Doubt, uninvolved
from rlsaudit.probe.attack.arguments import TEXTS, Arguments, written_call
from rlsaudit.probe.attack.callers import Whose, callers
from rlsaudit.probe.attack.identities import OTHERS, OWNER
from rlsaudit.probe.attack.restraint import Restraint
from rlsaudit.probe.attack.stored import Stored
from rlsaudit.probe.block import TIME_LIMIT
from rlsaudit.probe.outcome import Outcome, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function
    from rlsaudit.model import Persona
    from rlsaudit.probe.attack.arguments import Given
    from rlsaudit.probe.attack.callers import Caller
    from rlsaudit.probe.attack.stored import Done
    from rlsaudit.probe.attack.strangers import Strangers
    from rlsaudit.probe.outcome import Result
    from rlsaudit.probe.rows import Principal, Sown

    Run: TypeAlias = Callable[[Sequence[Probe]], tuple[Result, ...]]
    Key: TypeAlias = tuple[str, int, int, Operation]
    Touched: TypeAlias = tuple[int, Operation]

_CALLED_BY_NOBODY = frozenset({"trigger", "event_trigger"})
_CALLABLE = frozenset({"f", "p"})
_NOBODYS = "f" * 8
"""The mark of nobody, which stands in no row."""
_SHORT = 8
"""Shorter values may stand anywhere."""
_MOST_TOLD = 100_000
_AT_ONCE = 500
_SECONDS = 60.0
"""So long functions are called as one persona."""
_REFUSED = frozenset({"42501", "P0001"})
"""What a function says that refuses: for want of a privilege, or in its own words, which may have any code."""
_BROKEN = "23"
_TAKEN = "23505"
_POINTS_NOWHERE = "insert or update on table "
"""How a foreign key begins that is broken by what points at no row, other than by a row that others point at."""
_NEVER = "42"
"""The beginning of SQLSTATEs of statements that are wrong, whatever the rows are."""
_OF_ARGUMENTS = ("22", "42", "P0", "0A", "2D", "55000")
"""Beginnings of SQLSTATEs that tell of values that fit nothing, or of what can never, or not now, be done."""


@dataclass(frozen=True, slots=True)
class Called:
    """A call that reached rows of others: as SQL for people, and as the probe that did."""

    function: int
    relation: int
    operation: Operation
    sql: str
    probe: Probe

    def told(self) -> str:
        """What came of it, for people."""
        return _TOLD[self.operation]


_TOLD = {
    Operation.SELECT: "gave rows of others",
    Operation.INSERT: "put in a row of somebody else",
    Operation.UPDATE: "changed rows of others",
    Operation.DELETE: "deleted rows of others",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """How far calls of one function got as one persona, where every one had a clear answer.

    `reached` is how far, by relation (an OID) and operation; of others it was nothing, where they are among those that
    were `watched`, or whose rows would have been recognised if they had been `shown`. Of what is `unclear` it is not
    known, and where calls were `spoilt`, by an answer that is none, no more than what was reached.
    """

    reached: Mapping[Touched, Reach]
    watched: frozenset[int]
    shown: frozenset[int]
    unclear: frozenset[Touched]
    spoilt: bool = False

    def reach(self, relation: int, operation: Operation) -> Reach | None:
        """Returns how far calls got with an operation on a relation (an OID); None where that is not known."""
        reached = self.reached.get((relation, operation), Reach.NONE)
        if self.spoilt:
            return reached if reached >= Reach.SOME else None
        known = self.shown if operation is Operation.SELECT else self.watched
        if relation not in known or (relation, operation) in self.unclear:
            return None
        return reached


@dataclass(frozen=True, slots=True)
class Answers:
    """What calls as one persona came to.

    `called` are those that reached rows of others, `measured` says how far each function (an OID) got, and `left` which
    were not called, by their identities, with the reasons.
    """

    called: Mapping[Key, Called]
    measured: Mapping[int, Measured]
    left: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Call:
    function: Function
    by: Caller
    given: Given
    sql: str
    probe: Probe


@dataclass(slots=True)
class _Tally:
    """What the calls of one function come to, as they are looked at one after the other.

    `told` is whose calls after rows of others had a clear answer: a stranger's (True) and those of somebody who has
    rows, too; `finished` of whom one came to its end. `spoilt` is whether one had no answer, `broke` for whom one met a
    constraint, and `odd` for whom by a value that is like none; `missed` is who was told that its arguments are no
    good, and `works` whether those of somebody who names its own rows are. `places` are the rows that were touched,
    `shown` the relations whose rows would be recognised. `doubts` are the calls of which values came back that stand in
    several tables, each behind whether a stranger's.
    """

    told: set[bool] = field(default_factory=set)
    finished: set[bool] = field(default_factory=set)
    spoilt: bool = False
    broke: set[bool] = field(default_factory=set)
    missed: set[bool] = field(default_factory=set)
    works: bool = False
    odd: set[bool] = field(default_factory=set)
    reached: dict[Touched, Reach] = field(default_factory=dict)
    unclear: set[Touched] = field(default_factory=set)
    places: defaultdict[Touched, set[str]] = field(default_factory=lambda: defaultdict(set))
    shown: set[int] = field(default_factory=set)
    doubts: list[tuple[bool, Doubt]] = field(default_factory=list)


class Calls:
    """The calls to the functions of one database.

    Args:
        access: The facts.
        strangers: Whose rows are none of a persona's own.
        sown: The rows that were made.
        run: Runs probes and returns their results.
    """

    def __init__(self, access: Access, strangers: Strangers, sown: Sown, run: Run) -> None:
        self._access = access
        self._catalog = access.catalog
        self._strangers = strangers
        self._run = run
        self._arguments = Arguments(self._catalog, sown)
        self._stored = Stored(access, run)
        self._restraint = Restraint(access, throwaway=True)
        self._whose = Whose(self._catalog, self._stored.rows())
        self._made = {one.name: one for one in (OWNER, *OTHERS)}
        self._marks: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._marked = set[int]()
        self._reads: dict[int, set[int]] = {}
        self._holding: defaultdict[str, set[int]] = defaultdict(set)
        for row in sown.seeds.rows:
            owner = self._made.get(row.owner)
            for value in row.values.values():
                if value is not None and len(value) >= _SHORT:
                    self._holding[value].add(row.relation)
                    if owner and value.startswith(owner.mark):
                        self._marks[row.owner][value] = None
                        self._marked |= {row.relation} if owner in OTHERS else set()

    def answers(self, persona: Persona, schemas: frozenset[str], *, signed_up: bool) -> Answers:
        """Returns what the persona gets by calls; `signed_up` is whether its newcomer has an account."""
        left: dict[str, str] = {}
        functions: list[Function] = []
        for function in self.may_call(persona, schemas):
            reason = reason_not_to_call(self._catalog, function, throwaway=True)
            if reason:
                left[self._catalog.function_identity(function)] = reason
            # Triggers copy values into other tables, so what is recognised has to be what the body reads.
            elif self._strangers.unnamed(persona, self._read(function)):
                functions.append(function)
        every = [
            call
            for by in callers(persona, signed_up=signed_up)
            for function in functions
            for call in self._calls(function, by)
        ]
        answered = self._answered(every, left)
        tallies: defaultdict[int, _Tally] = defaultdict(_Tally)
        called: dict[Key, Called] = {}
        for call, result in answered:
            tally = tallies[call.function.oid]
            for touched, probe in self._reached(call, result, tally):
                key = (persona.name, call.function.oid, *touched)
                called.setdefault(key, Called(call.function.oid, *touched, call.sql, probe))
        for oid, tally in tallies.items():
            self._tell_apart(self._read(self._catalog.functions[oid]), tally)
        unnamed = {one.oid for one in self._catalog.snapshot.relations if self._strangers.unnamed(persona, [one.oid])}
        measured = {
            oid: self._measured(tally, unnamed)
            for oid, tally in tallies.items()
            if self._catalog.function_identity(self._catalog.functions[oid]) not in left
        }
        sound = {
            key: one for key, one in called.items() if one.operation is Operation.SELECT or one.relation in unnamed
        }
        return Answers(sound, measured, left)

    def _calls(self, function: Function, by: Caller) -> Iterator[_Call]:
        for given in self._arguments.of(function, own=by.names[:1], whose=by.after):
            yield self._call(function, by, given)

    def _call(self, function: Function, by: Caller, given: Given) -> _Call:
        call = written_call(self._catalog, function, given.values)
        sql = f"call {call}" if function.kind == "p" else f"select * from {call}"
        asked = sql if function.kind == "p" else _telling(call)
        probe = Probe(by.persona, -function.oid, Operation.SELECT, asked, tells=True, watch=self._stored.watch)
        return _Call(function, by, given, sql, probe)

    def _answered(self, every: Sequence[_Call], left: dict[str, str]) -> Iterator[tuple[_Call, Result]]:
        """Calls each function once, and then once more with everything else, but for those that do not come back."""
        until = time.monotonic() + _SECONDS
        first: dict[tuple[int, int], _Call] = {}
        for one in every:
            first.setdefault((one.function.oid, id(one.by)), one)
        begun = {id(one) for one in first.values()}
        for some in (list(first.values()), [one for one in every if id(one) not in begun]):
            for start in range(0, len(some), _AT_ONCE):
                asked = [one for one in some[start : start + _AT_ONCE] if self._identity(one) not in left]
                if time.monotonic() > until:
                    left |= {self._identity(one): "functions are slow here, and not all were called" for one in asked}
                    continue
                for one, result in self._with_new_names(asked):
                    if result.reason == TIME_LIMIT:
                        left[self._identity(one)] = TIME_LIMIT
                    yield one, result

    def _with_new_names(self, asked: Sequence[_Call]) -> Iterator[tuple[_Call, Result]]:
        """The answers to calls, where a name is taken those to the same with one that nobody has."""
        answers = self._run([one.probe for one in asked])
        again: dict[int, _Call] = {}
        for one, result in zip(asked, answers, strict=True):
            renamed = self._renamed(one, result.reason) if result.code == _TAKEN else None
            if renamed is not None:
                again[id(one)] = renamed
        renewed = dict(zip(again, self._run([one.probe for one in again.values()]), strict=True))
        for one, result in zip(asked, answers, strict=True):
            other = renewed.get(id(one))
            yield (one, result) if other is None else (again[id(one)], other)

    def _renamed(self, call: _Call, reason: str) -> _Call | None:
        """The same call with texts that nobody has for those that the key holds which the reason names; else None."""
        every = self._catalog.snapshot.constraints
        keys = [one for one in every if one.kind in "pu" and f'"{one.name}"' in reason]
        # What points at a row elsewhere names it, and nothing else would do.
        pointing = {(one.relation, number) for one in every if one.kind == "f" for number in one.columns}
        columns = {(one.relation, number) for one in keys for number in one.columns} - pointing
        held = {
            value
            for one in self._catalog.snapshot.columns
            if (one.relation, one.number) in columns and one.type in TEXTS
            for value in self._arguments.held(one)
        }
        given = call.given.values
        values = tuple(self._new_name(one) if one is not None and one in held else one for one in given)
        return None if values == given else self._call(call.function, call.by, replace(call.given, values=values))

    def _new_name(self, text: str) -> str:
        for one in self._made.values():
            text = text.replace(one.mark, _NOBODYS)
        return text

    def _identity(self, call: _Call) -> str:
        return self._catalog.function_identity(call.function)

    def _reached(self, call: _Call, result: Result, tally: _Tally) -> Iterator[tuple[Touched, Probe]]:
        """Yields what of others' was reached for certain, and notes the rest."""
        strange = call.by.owns is None
        who = {strange} if call.given.telling and call.by.after == OTHERS else set[bool]()
        if result.outcome is not Outcome.ROWS:
            if result.raised or result.code in _REFUSED or (result.code.startswith(_NEVER) and call.given.named):
                tally.told |= who
                tally.shown |= self._read(call.function) & self._marked if who else set()
            elif result.code.startswith(_BROKEN) and not result.reason.startswith(_POINTS_NOWHERE):
                (tally.broke if call.given.named else tally.odd).add(strange)
            elif result.code.startswith((*_OF_ARGUMENTS, _BROKEN)):
                tally.missed |= who if call.given.named else set()
            else:
                tally.spoilt = True
            return
        if result.after is None:
            tally.spoilt = True
            return
        tally.told |= who
        tally.finished |= who
        tally.works |= not strange and call.by.after != OTHERS
        tally.shown |= self._read(call.function) & self._marked if who else set()
        yield from self._shown(call, result, tally)
        yield from self._done(call, result, tally)

    def _shown(self, call: _Call, result: Result, tally: _Tally) -> Iterator[tuple[Touched, Probe]]:
        """Yields the tables of which rows of others came back, and notes those of which none did, or perhaps."""
        strange, read = call.by.owns is None, self._read(call.function)
        seen, own = (set(self._told(result.told, owners, call.given)) for owners in (OTHERS, (OWNER,)))
        for relation in sorted(read):
            key = relation, Operation.SELECT
            # What stands in several of the tables that are read does not tell which of them it came from.
            marks = [one for one in seen if self._holding[one] & read == {relation}]
            if marks and strange:
                _raise(tally, key, Reach.SOME)
                sql = _counting(written_call(self._catalog, call.function, call.given.values), sorted(marks))
                yield key, Probe(call.by.persona, relation, Operation.SELECT, sql)
            elif marks:
                tally.unclear.add(key)
            elif shared := frozenset(one for one in seen if relation in self._holding[one]):
                tally.doubts.append((strange, Doubt(relation, call.probe, result.told, shared)))
            elif not strange and any(relation in self._holding[one] for one in own):
                _raise(tally, key, Reach.OWN)

    def _tell_apart(self, read: set[int], tally: _Tally) -> None:
        """Finds out of which tables values came that stand in several; of those that may be it remains unclear."""
        emptied = [one for _, one in tally.doubts if one.relation in self._stored.watched]
        others = uninvolved(self._catalog, self._restraint, emptied, self._run)
        for strange, one in tally.doubts:
            key = one.relation, Operation.SELECT
            if one.relation in others:
                continue
            if strange and any(self._holding[value] & read - others == {one.relation} for value in one.values):
                _raise(tally, key, Reach.SOME)
            else:
                tally.unclear.add(key)

    def _told(self, text: str, owners: Iterable[Principal], given: Given) -> Iterator[str]:
        """What tells in a text of rows of these owners, but for what was given."""
        for owner in owners:
            there = (one for one in self._marks[owner.name] if one in text) if owner.mark in text else ()
            yield from (one for one in there if not any(one in each for each in given.values if each))

    def _done(self, call: _Call, result: Result, tally: _Tally) -> Iterator[tuple[Touched, Probe]]:
        done = self._stored.done(result.after or {})
        own = self._whose.own(call.by, (one for one in done if one.operation is Operation.INSERT))
        for one in done:
            certain, reach = self._whose_was_reached(call.by, one, own=one in own)
            for relation in self._stored.above(one.relation):
                key = relation, one.operation
                if reach is None:
                    tally.unclear.add(key)
                    continue
                _raise(tally, key, reach)
                if reach is Reach.SOME:
                    tally.places[key].add(one.place)
                if certain:
                    yield key, call.probe

    def _whose_was_reached(self, by: Caller, one: Done, *, own: bool) -> tuple[bool, Reach | None]:
        """Whether a row of somebody else's was reached for certain, and how far that goes; None where it is unclear."""
        values = tuple(one.values.values())
        mine = own or self._whose.is_own(by, values)
        if by.owns is not None:
            return False, Reach.OWN if mine else None
        if mine:
            return False, Reach.OWN
        if one.operation is Operation.INSERT:
            if self._whose.names_others(one):
                return one.certain, Reach.SOME if one.certain else None
            return False, Reach.SOME if one.certain and self._whose.hangs_on_others(one) else None
        if not one.certain or not by.is_others(values):
            return False, None
        return True, Reach.SOME

    def _measured(self, tally: _Tally, unnamed: Collection[int]) -> Measured:
        reached = {key: self._furthest(tally, key, reach) for key, reach in tally.reached.items()}
        # What is reached at least is reached, whatever else is not clear; that nothing is has to be clear.
        unclear = {one for one in tally.unclear if reached.get(one, Reach.NONE) < Reach.SOME}
        # What is not found, or no good, is refused where one's own rows are found and good.
        told = tally.told | (tally.missed if tally.works else set())
        clear = told - tally.broke - (tally.odd - tally.finished)
        spoilt = tally.spoilt or not clear
        watched = self._stored.watched & set(unnamed)
        return Measured(reached, watched, frozenset(tally.shown), frozenset(unclear), spoilt)

    def _furthest(self, tally: _Tally, key: Touched, reach: Reach) -> Reach:
        there = self._stored.places(key[0], (one.mark for one in OTHERS))
        every = len(there) > 1 and there <= tally.places.get(key, set())
        return Reach.ALL if reach is Reach.SOME and every and key[1] is not Operation.INSERT else reach

    def may_call(self, persona: Persona, schemas: frozenset[str]) -> Iterator[Function]:
        """Yields the functions that the persona can call, of those `schemas`."""
        role = self._catalog.roles_by_name[persona.role].oid
        for one in self._catalog.snapshot.functions:
            called = one.kind in _CALLABLE and one.returns not in _CALLED_BY_NOBODY and one.extension is None
            served = schemas - SUPABASE_SYSTEM_SCHEMAS
            if called and self._schema(one) in served and self._access.execute(role, one):
                yield one

    def _read(self, function: Function) -> set[int]:
        """The tables that the body names, also through views."""
        if function.oid not in self._reads:
            waiting, seen = list(read_in(self._catalog, [function.oid])), set[int]()
            while waiting:
                oid = waiting.pop()
                if oid not in seen:
                    seen.add(oid)
                    waiting += [ref.relation for one in self._catalog.rewrites[oid] for ref in one.columns]
            self._reads[function.oid] = seen
        return self._reads[function.oid]

    def _schema(self, function: Function) -> str:
        return self._catalog.schemas[function.schema].name


def _raise(tally: _Tally, key: Touched, reach: Reach) -> None:
    tally.reached[key] = max(tally.reached.get(key, Reach.NONE), reach)


def _telling(call: str) -> str:
    """A query that tells all that a call gives, as a text."""
    told = f"pg_catalog.left(pg_catalog.string_agg(called::pg_catalog.text, ' '), {_MOST_TOLD})"
    return f"select {told} from {call} as called"


def _counting(call: str, marks: Iterable[str]) -> str:
    """A query that counts the rows that a call gives in which one of the marks stands."""
    texts = ", ".join(literal(one).strip() for one in marks)
    return (
        f"select count(*) from {call} as shown where exists (select from pg_catalog.unnest("
        f"array[{texts}]::pg_catalog.text[]) as mark where pg_catalog.strpos(shown::pg_catalog.text, mark)"
        f" operator(pg_catalog.>) 0)"
    )
