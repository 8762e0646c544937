"""What a chain of allowed statements gains: reach over states that the persona has had a hand in.

The questions are those of `solve`, put to states that a chain leads to. What is impossible there no chain brings about;
what is possible counts only if the chain was tried. That it opens every row of a stranger's is shown with the rows that
it made, written in terms of the row that is asked for: `org_id` is the row's own.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.expr import Given, walk
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.afresh import always, never
from rlsaudit.policy.proof.chained import LONGEST, ChainedEncoder
from rlsaudit.policy.proof.claimed import claimed
from rlsaudit.policy.proof.encode import as_in
from rlsaudit.policy.proof.solution import Gain
from rlsaudit.policy.proof.solve import PERSONAL, bounded, identities, named, ordinary, sensible, ties
from rlsaudit.policy.proof.steps import tried
from rlsaudit.policy.proof.template import Template
from rlsaudit.policy.proof.values import Family, Term, family
from rlsaudit.policy.proof.witness import confirmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.model import Persona
    from rlsaudit.policy.expr import Expr, Field
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.proof.makings import Makings
    from rlsaudit.policy.proof.steps import Tried
    from rlsaudit.policy.proof.tables import Tables
    from rlsaudit.policy.proof.values import Row

_MOST_TRIES = 4
_MOST_CALLED = 6


def escalate(expression: Expr, persona: Persona, tables: Tables, relation: int, makings: Makings, reach: Reach) -> Gain:
    """Returns how far a predicate lets a persona go over the rows of `relation`, after statements of its own.

    `reach` is how far it gets without.
    """
    return _Question(expression, persona, tables, relation, makings).answer(reach)


class _Question:
    def __init__(self, expression: Expr, persona: Persona, tables: Tables, relation: int, makings: Makings) -> None:
        self._expression = expression
        self._persona = persona
        self._tables = tables
        self._relation = relation
        self._makings = makings
        self._stopped = False

    def answer(self, reach: Reach) -> Gain:
        """The bounds, from single steps where these decide, for most do and they are soon gone through."""
        encoder = self._encoder(1)
        gain = self._answer(encoder, reach)
        decided = gain.at_most <= max(reach, gain.at_least)
        # What comes about in ways that are not followed does so in longer chains as well.
        if decided or gain.steps or any(one.making.otherwise for one in encoder.made.values()):
            return gain
        return self._answer(self._encoder(LONGEST), reach)

    def _answer(self, encoder: ChainedEncoder, reach: Reach) -> Gain:
        truth = encoder.predicate(self._expression)
        personal = self._is_personal(encoder)
        strange = _strangers(encoder, personal=personal)
        if self._never(encoder, [truth.value, *strange]):
            least_own = self._never(encoder, [truth.value, *_no_staff(encoder)])
            return Gain(Reach.NONE, Reach.NONE if least_own else Reach.OWN)
        found = self._found(encoder, truth, strange)
        if found is None:
            some = reach is Reach.SOME and self._bars_some(encoder, truth, strange)
            return Gain(Reach.NONE, Reach.SOME if some else Reach.ALL, why=self._open(encoder))
        chain = found[1]
        if self._opens_all(*found):
            return Gain(Reach.ALL, Reach.ALL, chain.steps, chain.witness)
        at_most = Reach.SOME if self._bars_some(encoder, truth, strange) else Reach.ALL
        return Gain(Reach.SOME, at_most, chain.steps, chain.witness, "some strangers' rows at least, perhaps all")

    def _found(
        self, encoder: ChainedEncoder, truth: Term, strange: Sequence[Solved]
    ) -> tuple[ChainedEncoder, Tried, z3.ModelRef] | None:
        """A chain that comes out, with its model: of statements alone first, then with calls of one function or other.

        What one of them asks is in the way of the others: each is looked for by itself.
        """
        makings = list(dict.fromkeys(one.making for one in encoder.made.values()))
        if not any(one.calls or one.bounds for one in makings):
            found = self._tried(encoder, truth, strange)
            return None if found is None else (encoder, *found)
        calls = (one.called.function for making in makings for one in making.calls if one.called is not None)
        for function in itertools.islice(dict.fromkeys((0, *calls)), _MOST_CALLED):
            alone = self._encoder(encoder.longest, function)
            truth = alone.predicate(self._expression)
            found = self._tried(alone, truth, _strangers(alone, personal=self._is_personal(alone)))
            if found is not None:
                return (alone, *found)
        return None

    def _encoder(self, longest: int, surely: int | None = None) -> ChainedEncoder:
        return ChainedEncoder(self._tables, identities(self._persona), self._relation, self._makings, longest, surely)

    def _is_personal(self, encoder: ChainedEncoder) -> bool:
        asked = [self._expression]
        for made in encoder.made.values():
            asked += [part for way in made.ways for part in way.writing.asked]
        return any(isinstance(one, Given) and one.who in PERSONAL for each in asked for one in walk(each))

    def _never(self, encoder: ChainedEncoder, more: Sequence[Solved]) -> bool:
        solver = bounded()
        solver.add(*encoder.facts, *more)
        answer = solver.check()
        self._stopped |= answer == z3.unknown
        return bool(answer == z3.unsat)

    def _always(self, encoder: ChainedEncoder, truth: Term, strange: Sequence[Solved]) -> bool:
        """Whether a predicate is true of every stranger's row, of which there are some."""
        return not self._never(encoder, strange) and self._never(encoder, [z3.Not(truth.value), *strange])

    def _tried(
        self, encoder: ChainedEncoder, truth: Term, strange: Sequence[Solved]
    ) -> tuple[Tried, z3.ModelRef] | None:
        """A chain that comes out, with its model; of short ones first."""
        solver = bounded()
        solver.add(*encoder.facts, truth.value, *strange, *claimed(encoder), *_apart(encoder), *sensible(encoder))
        if solver.check() != z3.sat:
            return None
        made = [z3.And(row.there, encoder.was_made(row)) for row in encoder.made]
        for length in range(1, LONGEST + 1):
            short = z3.AtMost(*made, length)
            for _ in range(_MOST_TRIES):
                if solver.check(short) != z3.sat:
                    break
                model = solver.model()
                found = tried(self._expression, encoder, model)
                if found is not None and found.steps:
                    return found, model
                if found is not None:
                    # It had all that it takes, and changed a row into itself: that is no chain. Without, one may do.
                    solver.add(*_changing(encoder))
                solver.add(z3.Or([z3.Not(as_in(model, term)) for _, term in encoder.columns.values()]))
        return None

    def _open(self, encoder: ChainedEncoder) -> str:
        """Why nothing is known of what a chain gains."""
        if self._stopped:
            return "the proof was stopped"
        catalog = self._tables.catalog
        for made in encoder.made.values():
            table = catalog.identity(catalog.relations[made.row.relation])
            doubts = [one.doubt for one in made.making.at_most if one.doubt]
            for why in (made.making.otherwise, *doubts):
                if why:
                    return f"rows of {table}: {why}"
        tables = dict.fromkeys(catalog.identity(catalog.relations[one.row.relation]) for one in encoder.made.values())
        return f"it may put in or change rows of {', '.join(tables)}"

    def _opens_all(self, encoder: ChainedEncoder, found: Tried, model: z3.ModelRef) -> bool:
        """Whether the same chain, with values of the row that is asked for, opens every row of a stranger's."""
        personal = self._is_personal(encoder)
        template = Template(encoder, model)
        for row, way in found.rows:
            made = encoder.made[row]
            if not template.fits(row, way.writing):
                return False
            if not way.writing.inserts and (made.before is None or not template.is_own(made.before)):
                return False
        end = self._encoder(0)
        truth = end.predicate(self._expression) if not template.put(end, found, len(found.rows)) else None
        if truth is None:
            return False
        strange = _strangers(end, personal=personal)
        if not self._always(end, truth, strange):
            return False
        return all(self._always_goes_through(encoder, template, found, number) for number in range(len(found.rows)))

    def _always_goes_through(self, encoder: ChainedEncoder, template: Template, found: Tried, number: int) -> bool:
        row, way = found.rows[number]
        made = encoder.made[row]
        statement = way.writing
        questions = [(row, statement.check)]
        if not statement.inserts and made.before is not None and made.before not in {one for one, _ in found.rows}:
            questions.append((made.before, statement.using))
        for asked, expression in questions:
            then = self._encoder(0)
            if template.put(then, found, number):
                return False
            put = template.row(then, asked, there=never())
            if put is None:
                return False
            truth = then.asked_of(put, expression, template.sent(then, way.step))
            strange = _strangers(then, personal=True)
            if not self._always(then, truth, strange):
                return False
        return not statement.sets or self._always_gives(encoder, template, found, number)

    def _always_gives(self, encoder: ChainedEncoder, template: Template, found: Tried, number: int) -> bool:
        """Whether a call gives its row the same values of the one before, whichever row is asked for."""
        row, way = found.rows[number]
        before = encoder.made[row].before
        then = self._encoder(0)
        if before is None or template.put(then, found, number):
            return False
        old, new = (template.row(then, one, there=never()) for one in (before, row))
        if old is None or new is None:
            return False
        same = then.asked_to_give(way.writing, new, old, template.sent(then, way.step))
        return same is not None and self._always(then, same, _strangers(then, personal=True))

    def _bars_some(self, encoder: ChainedEncoder, truth: Term, strange: Sequence[Solved]) -> bool:
        """Whether strangers' rows of some content stay out of reach whatever the persona makes."""
        for column, term in encoder.columns_of(encoder.target):
            for content in _contents(encoder, column, term):
                if self._never(encoder, [truth.value, content, *strange]) and not self._never(
                    encoder, [content, *strange]
                ):
                    return True
        return self._bars_one(encoder, truth, strange)

    def _bars_one(self, encoder: ChainedEncoder, truth: Term, strange: Sequence[Solved]) -> bool:
        """Whether there is a stranger's row that stays out of reach, with the rows of others as they are."""
        solver = bounded()
        untouched = [z3.Not(encoder.was_made(row)) for row in encoder.rows]
        solver.add(*encoder.facts, *strange, z3.Not(truth.value), *untouched)
        for _ in range(_MOST_TRIES):
            if solver.check() != z3.sat:
                return False
            model = solver.model()
            witness = confirmed(self._expression, encoder, model, wanted=None, strange=True)
            if witness is not None and self._never(encoder, [*strange, truth.value, *_as_others_were(encoder, model)]):
                return True
            solver.add(z3.Or([z3.Not(as_in(model, term)) for _, term in encoder.columns.values()]))
        return False


def _as_others_were(encoder: ChainedEncoder, model: z3.ModelRef) -> Iterator[Solved]:
    """Yields that the target row is as in a model, and that what the persona did not make is a row of the model.

    As far as it has to do with the target row.
    """
    nodes = [row for row in (*encoder.rows, *encoder.parts.values()) if not row.target]
    tied = {row: z3.Bool(f"node {row.number} is tied") for row in nodes} | {encoder.target: always()}
    for equality in encoder.equalities:
        for here, there in itertools.product(equality.left.rows, equality.right.rows):
            yield z3.Implies(equality.holds, tied[here] == tied[there])
    for (row, _), part in encoder.parts.items():
        yield z3.Or(encoder.was_made(row), tied[row] == tied[part])
    for _, term in encoder.columns_of(encoder.target):
        yield as_in(model, term)
    others = [
        row
        for row in encoder.rows
        if not row.target and z3.is_true(model.eval(z3.And(row.there, z3.Not(row.mine)), model_completion=True))
    ]
    for row in encoder.rows:
        if row.target:
            continue
        alike = [encoder.was_made(row), row.mine, z3.Not(tied[row])]
        for other in others:
            if other.relation == row.relation:
                known = {column.number: term for column, term in encoder.columns_of(other)}
                alike.append(
                    z3.And([encoder.like(model, term, known.get(one.number)) for one, term in encoder.columns_of(row)])
                )
        yield z3.Implies(row.there, z3.Or(alike))


def _contents(encoder: ChainedEncoder, column: Field, term: Term) -> Iterator[Solved]:
    """What a row may hold in a column, of that which makes a difference; only what a row surely can."""
    if column.nullable:
        yield term.null
    kind = family(column.type)
    known = encoder.tables.column(column.relation, column.number)
    if known is None or not known.free:
        return
    if kind is Family.TRUTH:
        yield from (z3.And(z3.Not(term.null), term.value), z3.And(z3.Not(term.null), z3.Not(term.value)))
    elif kind is Family.NAME:
        others = [term.value != code for code in sorted(encoder.named | encoder.identities)]
        yield z3.And(z3.Not(term.null), *others)


def _strangers(encoder: ChainedEncoder, *, personal: bool) -> list[Solved]:
    """That the target row is a stranger's, and that nobody gave the persona anything special."""
    if not personal:
        return [z3.Not(row.mine) for row in (*encoder.rows, *encoder.parts.values())]
    usual = [z3.Implies(z3.And(row.mine, z3.Not(encoder.was_made(row))), one) for row, one in ordinary(encoder)]
    return ties(encoder) + usual


def _changing(encoder: ChainedEncoder) -> Iterator[Solved]:
    """Yields that a row that was changed is another than before, of what is asked."""
    for made in encoder.made.values():
        if made.before is not None:
            before = {column.number: term for column, term in encoder.columns_of(made.before)}
            pairs = [(term, before[one.number]) for one, term in encoder.columns_of(made.row) if one.number in before]
            other = [z3.Or(a.null != b.null, z3.And(z3.Not(a.null), a.value != b.value)) for a, b in pairs]
            yield z3.Implies(made.updated, z3.Or(other))


def _no_staff(encoder: ChainedEncoder) -> list[Solved]:
    """That the persona is no staff: rows that it did not make, and that the target row is not tied to, are ordinary."""
    tied, facts = _tied(encoder)
    special = [
        z3.Implies(z3.And(row.mine, z3.Not(encoder.was_made(row)), z3.Not(tied[row])), one)
        for row, one in ordinary(encoder)
    ]
    return named(encoder) + facts + special


def _apart(encoder: ChainedEncoder) -> list[Solved]:
    """That no row was there that has nothing to do with the target row, but for those that signing up makes.

    And for rows that the chain changes.
    """
    tied, facts = _tied(encoder)
    parts: dict[Row, list[Solved]] = {}
    for (row, _), part in encoder.parts.items():
        parts.setdefault(row, []).append(tied[part])
    changed = {made.before for made in encoder.made.values()}
    return facts + [
        z3.Implies(
            z3.And(row.there, z3.Not(encoder.was_made(row))),
            z3.Or(
                tied[row],
                *parts.get(row, []),
                z3.And(row.mine, encoder.tables.filled_at_sign_up(row.relation)),
            ),
        )
        for row in encoder.rows
        if not row.target and row not in changed
    ]


def _tied(encoder: ChainedEncoder) -> tuple[Mapping[Row, Solved], list[Solved]]:
    """Returns for each row and each column of one that it is tied to the target row, and what holds where that is so.

    The columns of a row that was made are tied each by itself.
    """
    nodes = [row for row in (*encoder.rows, *encoder.parts.values()) if not row.target]
    flags = {row: z3.Bool(f"node {row.number} is tied to the target") for row in nodes}
    steps = {row: z3.Int(f"steps from node {row.number}") for row in nodes}
    chains: dict[Row, list[Solved]] = {row: [] for row in nodes}

    def link(one: Row, other: Row, holds: Solved) -> None:
        chains[one].append(holds if other.target else z3.And(holds, flags[other], steps[other] < steps[one]))

    for equality in encoder.equalities:
        for here, there in itertools.product(equality.left.rows, equality.right.rows):
            for one, other in ((here, there), (there, here)):
                if one != other and not one.target:
                    link(one, other, equality.holds)
    for one, other, holds in encoder.sent_alike():
        link(one, other, holds)
        if not other.target:
            link(other, one, holds)
    for (row, _), part in encoder.parts.items():
        whole = z3.Not(encoder.was_made(row))
        link(row, part, whole)
        link(part, row, whole)
    return flags, [z3.Implies(flags[row], z3.Or(chains[row])) for row in nodes]
