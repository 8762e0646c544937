"""A predicate in a state that the persona has had a hand in: rows that it put in or changed are among those of others.

The state is one that a chain of statements leads to. Each row in it is as it was before the chain, or was made: put in,
so that the check for new rows was true of it, or changed, so that it was another row before. What a check reads, it
read at another time: such rows are rows of their own, and that a check's subquery yields nothing says nothing. Beyond
the longest chain, a row of a table that can be written may be anything. All of this is necessary only.

A row that was made ties nothing to anybody by being there. But what a column of it is equal to, is equal: so the
columns of such rows, and not the rows, are the persona's or not.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.policy.expr import BOOLEAN, Call, Given, Who
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.afresh import always, never
from rlsaudit.policy.proof.encode import MOST_INSTANCES, MOST_PAIRS, MOST_ROWS, Encoder
from rlsaudit.policy.proof.values import Family, Row, Term, family, variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.policy.expr import Expr, Field, Type
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.proof.makings import Making, Makings, Writing
    from rlsaudit.policy.proof.tables import Tables

LONGEST = 3
"""How many rows a chain makes, each for the sake of the one before."""
_EARLIER = 0.5
"""By how much a row that is changed is there before it: less than a statement, for it may have been there anyway."""
_FIRST_PART = 100_000
_PASSING = frozenset({Who.CLIENT, Who.ARGUMENT, Who.CLOCK})
"""What may be another at each statement."""


@dataclass(frozen=True, slots=True)
class Way:
    """A statement that made a row, where `holds`; `step` is its number."""

    writing: Writing
    holds: Solved
    step: int


@dataclass(frozen=True, slots=True)
class Made:
    """How a row came about: `inserted`, `updated` from the row `before`, or in some `other` way; none of it: as it was.

    By which statement is among the `ways`.
    """

    row: Row
    making: Making
    inserted: Solved
    updated: Solved
    other: Solved
    before: Row | None = None
    ways: tuple[Way, ...] = ()

    @property
    def at_all(self) -> Solved:
        """That the row was made."""
        return z3.Or(self.inserted, self.updated, self.other)


class ChainedEncoder(Encoder):
    """One predicate for one persona, in states that it may have changed.

    Chains make `longest` rows for the sake of one another; with none, no row was made but those that `put` puts there.
    They make them in all ways that there may be, or if `surely` is given in those that are known for certain, by
    statements and by calls of that function (an OID; 0: of none).
    """

    def __init__(
        self,
        tables: Tables,
        identities: Mapping[str, str],
        relation: int,
        makings: Makings,
        longest: int = LONGEST,
        surely: int | None = None,
    ) -> None:
        self.makings = makings
        self.made: dict[Row, Made] = {}
        self.parts: dict[tuple[Row, int], Row] = {}
        self._wholes: dict[Row, Row] = {}
        self.passing: dict[int, dict[tuple[Who, str], tuple[Term, Type]]] = {}
        self.longest = longest
        self._surely = surely
        self._put: list[Row] = []
        self._same: dict[Row, list[Solved]] = {}
        self._level, self._step, self._steps = 0.0, 0, 0
        self._levels: dict[Row, float] = {}
        self._before: set[Row] = set()
        super().__init__(tables, identities, relation)
        # Rows that are put there are all that there is to know, and few: a membership that asks for itself is met.
        self.most_rounds = 1 if longest else 2

    def predicate(self, expression: Expr, picked: Mapping[tuple[Who, str], Term] | None = None) -> Term:
        """Returns the truth of a Boolean expression over the target row, at the end of a chain."""
        truth = super().predicate(expression, picked)
        self._chain()
        return truth

    def asked_of(self, row: Row, expression: Expr, picked: Mapping[tuple[Who, str], Term] | None = None) -> Term:
        """Returns the truth of an expression over another row than the target; a call is sent what is `picked`."""
        self._picked = picked or {}
        self.truth = self.term(expression, (row,))
        self._settle()
        self._chain()
        return self.truth

    def asked_to_give(
        self, writing: Writing, row: Row, before: Row, picked: Mapping[tuple[Who, str], Term]
    ) -> Term | None:
        """Returns whether a call gives a row the values that it has; None where that is not told of all of them."""
        self._picked = picked
        same = list(self.given_values(writing, row, before, always()))
        self.truth = Term(z3.And(same), never())
        self._settle()
        self._chain()
        return self.truth if len(same) == len(writing.sets) else None

    def put(self, relation: int, columns: Iterable[tuple[Field, Term]], *, there: Solved) -> Row:
        """Puts a row there that the persona made, with these values."""
        row = self.row(relation, there)
        self._put.append(row)
        for column, term in columns:
            own = self.column(row, column)
            self.facts += [own.null == term.null, z3.Or(own.null, own.value == term.value)]
        return row

    def row(self, relation: int, there: Solved, *, target: bool = False) -> Row:
        """Returns a new row."""
        made = super().row(relation, there, target=target)
        self._levels[made] = self._level
        return made

    def column(self, row: Row, column: Field) -> Term:
        """Returns a column's value in a row."""
        known = (row, column.number) in self.columns
        term = super().column(row, column)
        if known or row.target or self.makings.of(row.relation) is None:
            return term
        mine = z3.Bool(f"mine{row.number}.{column.number}")
        part = Row(_FIRST_PART + len(self.parts), row.relation, row.there, mine)
        self.parts[row, column.number] = part
        self._wholes[part] = row
        term = replace(term, rows=frozenset({part}))
        self.columns[row, column.number] = (column, term)
        return term

    def level(self, row: Row) -> float:
        """Returns how many statements before the last a row is read."""
        return self._levels[row]

    def whole(self, node: Row) -> Row:
        """Returns the row that a column's node is a part of; a row's own is the row."""
        return self._wholes.get(node, node)

    def was_made(self, row: Row) -> Solved:
        """That the persona made a row."""
        if row in self._put:
            return always()
        return self.made[row].at_all if row in self.made else z3.Or(self._same.get(row, []))

    def sent_alike(self) -> Iterator[tuple[Row, Row, Solved]]:
        """Yields rows that one call asks for by the same argument, with where that is so; the target row is second."""
        sent = [term for each in self.passing.values() for (who, _), (term, _) in each.items() if who is Who.ARGUMENT]
        for term in sent:
            found = [
                (row, one.holds)
                for one in self.equalities
                for named, by in ((one.left, one.right), (one.right, one.left))
                if not by.rows and by.value.eq(term.value)
                for row in named.rows
            ]
            for (row, here), (other, there) in itertools.islice(itertools.combinations(found, 2), MOST_PAIRS):
                if row != other:
                    yield (other, row, z3.And(here, there)) if row.target else (row, other, z3.And(here, there))

    def _request(self, given: Given, kind: Type) -> Term:
        if not self._step or given.who not in _PASSING:
            return super()._request(given, kind)
        key = (given.who, given.key if kind == given.type else f"{given.key}::{kind.name}")
        known = self.passing.setdefault(self._step, {})
        if key not in known:
            name = f"{given.who.value} {key[1]} at {self._step}"
            null = z3.Bool(f"null of {name}") if given.nullable else never()
            value = variable(name, family(kind))
            if family(kind) is Family.TRUTH:
                self.facts.append(z3.Not(z3.And(value, null)))
            known[key] = Term(value, null, chosen=given.who is not Who.CLOCK), kind
        return known[key][0]

    def _chain(self) -> None:
        """Says how rows came about, and those that had to be there for it in turn."""
        # What is asked from here on was asked at another time: no subquery waits for rows at hand.
        self._instances = MOST_INSTANCES
        done = 0
        while done < len(self.rows):
            row = self.rows[done]
            done += 1
            making = None if row.target or row in self._put or not self.longest else self.makings.of(row.relation)
            if making is not None:
                self.made[row] = self._made(row, making)
        self._step = 0
        for one in list(self.made.values()):
            self._carry_over(one)
        for row in list(self.rows):
            if not row.target and row not in self._put:
                self._same[row] = [self._is(row, one) for one in self._put if one.relation == row.relation]
        for (row, _), part in self.parts.items():
            if row not in self._put:
                self.facts.append(z3.Or(self.was_made(row), part.mine == row.mine))
        self._keep_keys()
        self._keep_fresh()

    def _made(self, row: Row, making: Making) -> Made:
        other = z3.Bool(f"row {row.number} was made")
        beyond = self._levels[row] >= self.longest or len(self.rows) >= MOST_ROWS
        if beyond:
            return Made(row, making, never(), never(), other)
        if not making.otherwise:
            self.facts.append(z3.Not(other))
        # A row that was changed several times was another before the first of them.
        possible = [one for one in self._writings(making) if one.inserts or row not in self._before]
        flags = [z3.Bool(f"row {row.number} was made by {number}") for number in range(len(possible))]
        inserted = z3.Or([flag for one, flag in zip(possible, flags, strict=True) if one.inserts])
        updated = z3.Or([flag for one, flag in zip(possible, flags, strict=True) if not one.inserts])
        self._level = self._levels[row] + 1
        before: Row | None = None
        ways: list[Way] = []
        for writing, flag in zip(possible, flags, strict=True):
            step = self._at_a_new_step()
            ways.append(Way(writing, flag, step))
            if not writing.inserts:
                if before is None:
                    before = self.row(row.relation, z3.And(row.there, updated))
                    self._before.add(before)
                    self._levels[before] = self._levels[row] + _EARLIER
                self.facts.append(z3.Implies(flag, self.term(writing.using, (before,)).value))
                self.facts += (z3.Implies(flag, one) for one in self.given_values(writing, row, before, flag))
            self.facts.append(z3.Implies(flag, self.term(writing.check, (row,)).value))
        self._level, self._step = 0.0, 0
        return Made(row, making, inserted, updated, other, before, tuple(ways))

    def _writings(self, making: Making) -> tuple[Writing, ...]:
        return making.at_most if self._surely is None else making.surely(self._surely)

    def given_values(self, writing: Writing, row: Row, before: Row, holds: Solved) -> Iterator[Solved]:
        """Yields that the columns of a row have the values that a call gives them, of the row before."""
        for column, value in writing.sets:
            new, given = self.column(row, column), self.term(value, (before,))
            if new.value.sort() != given.value.sort():
                continue
            same = z3.And(z3.Not(new.null), z3.Not(given.null), new.value == given.value)
            self._note(Call("=", (column, value), BOOLEAN), new, given, z3.And(holds, same))
            yield z3.Or(same, z3.And(new.null, given.null))

    def _is(self, row: Row, put: Row) -> Solved:
        """That a row is one that was put there."""
        same = z3.Bool(f"row {row.number} is {put.number}")
        for column, term in self.columns_of(row):
            own = self.column(put, column)
            alike = [own.null == term.null, z3.Or(own.null, own.value == term.value)]
            if (row, column.number) in self.parts:
                alike.append(self.parts[row, column.number].mine == self.parts[put, column.number].mine)
            self.facts.append(z3.Implies(same, z3.And(alike)))
        return same

    def _at_a_new_step(self) -> int:
        self._memo.clear()
        self._steps += 1
        self._step = self._steps
        return self._step

    def _carry_over(self, made: Made) -> None:
        """The values that a statement left as they were."""
        known = {column.number: column for column, _ in self.columns_of(made.row)}
        before = made.before
        if before is not None:
            known |= {column.number: column for column, _ in self.columns_of(before)}
        named = {number for key in self.tables.keys(made.row.relation) for number in key}
        for number, column in known.items():
            term = self.column(made.row, column)
            if before is not None and number in named:
                # Under the same key it is the same row, and whatever points at it still does.
                old = self.column(before, column)
                same = _equal([(old, term)])
                mine = self.parts[before, number].mine == self.parts[made.row, number].mine
                self.facts.append(z3.Implies(z3.And(made.updated, same), mine))
            for way in made.ways:
                if number not in way.writing.kept:
                    continue
                if way.writing.inserts:
                    default = self._default(column, term)
                    if default is not None:
                        self.facts.append(z3.Implies(way.holds, default))
                elif before is not None:
                    old = self.column(before, column)
                    same = z3.And(old.null == term.null, z3.Or(old.null, old.value == term.value))
                    mine = self.parts[before, number].mine == self.parts[made.row, number].mine
                    self.facts.append(z3.Implies(way.holds, z3.And(same, mine)))

    def _default(self, column: Field, term: Term) -> Solved | None:
        """That a column has its default; None where that is computed."""
        fact = self.tables.fact(column.relation, column.number)
        if fact is None or fact.generated or fact.identity:
            return None
        if fact.default:
            return self.tables.ordinary(column, term, self.codes, ()) if fact.constant is not None else None
        return term.null

    def _keep_keys(self) -> None:
        """A row gets no key that another has: none of those that are as they were, none that a row points at."""
        for made in list(self.made.values()):
            if made.making.otherwise:
                continue
            relation = made.row.relation
            for key in self.tables.keys(relation):
                own = {number: self.columns.get((made.row, number)) for number in key}
                if None in own.values():
                    continue
                terms = {number: known[1] for number, known in own.items() if known is not None}
                new = self.newly_named(made, terms)
                for row in self.rows:
                    if row not in {made.row, made.before}:
                        self.facts += self._other_key(made, terms, new, row)

    def _keep_fresh(self) -> None:
        """A row that was put in for another has a key that none had: it is no row that was there, or is pointed at."""
        for made in list(self.made.values()):
            for way in made.ways:
                for number, relation, key in way.writing.fresh:
                    known = self.columns.get((made.row, number))
                    if known is not None:
                        self.facts += self._not_there(way.holds, known[1], relation, key)

    def _not_there(self, holds: Solved, value: Term, relation: int, key: int) -> Iterator[Solved]:
        making = self.makings.of(relation)
        for row in self.rows:
            alive = z3.And(holds, row.there, z3.Not(self.was_made(row)))
            others = [
                own.number
                for reference in self.tables.references(row.relation)
                for own, other in zip(reference.columns, reference.others, strict=True)
                if reference.to == relation and other.number == key
            ]
            if row.relation == relation and (row.target or making is None or not making.removes):
                others.append(key)
            for number in others:
                theirs = self.columns.get((row, number))
                if theirs is not None:
                    yield z3.Implies(alive, z3.Not(_equal([(value, theirs[1])])))

    def newly_named(self, made: Made, key: Mapping[int, Term]) -> Solved:
        """That a row was put in, or given another key than it had."""
        if made.before is None:
            return made.inserted
        before = {number: known[1] for number in key if (known := self.columns.get((made.before, number))) is not None}
        same = before.keys() != key.keys() or _equal((key[one], before[one]) for one in key)
        return z3.Or(made.inserted, z3.And(made.updated, z3.Not(same)))

    def _other_key(self, made: Made, key: Mapping[int, Term], new: Solved, row: Row) -> Iterable[Solved]:
        relation = made.row.relation
        alive = z3.And(new, made.row.there, row.there, z3.Not(self.was_made(row)))
        kept = all(key.keys() <= one.kept for one in self._writings(made.making) if not one.inserts)
        if row.relation == relation and not row.target and not made.making.removes and kept:
            theirs = {number: known[1] for number in key if (known := self.columns.get((row, number))) is not None}
            if theirs.keys() == key.keys():
                yield z3.Implies(alive, z3.Not(_equal((key[one], theirs[one]) for one in key)))
        if row.target and row.relation == relation:
            own = {number: known[1] for number in key if (known := self.columns.get((row, number))) is not None}
            if own.keys() == key.keys():
                yield z3.Implies(alive, z3.Not(_equal((key[one], own[one]) for one in key)))
        for reference in self.tables.references(row.relation):
            others = [one.number for one in reference.others]
            if reference.to != relation or set(others) != set(key):
                continue
            pointing = [self.columns.get((row, one.number)) for one in reference.columns]
            if None not in pointing:
                pairs = zip(others, (one[1] for one in pointing if one is not None), strict=True)
                yield z3.Implies(alive, z3.Not(_equal((key[number], term) for number, term in pairs)))


def _equal(pairs: Iterable[tuple[Term, Term]]) -> Solved:
    listed = list(pairs)
    if any(one.value.sort() != other.value.sort() for one, other in listed):
        return never()
    return z3.And([z3.And(z3.Not(one.null), z3.Not(other.null), one.value == other.value) for one, other in listed])
