"""What a chain of allowed statements gains: reach over states that the persona has had a hand in.

The questions are those of `solve`, put to states that a chain leads to. What is impossible there no chain brings about;
what is possible counts only if the chain was tried. That it opens every row of a stranger's is shown with the rows that
it made, written in terms of the row that is asked for: `org_id` is the row's own.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rlsaudit.model import Reach
from rlsaudit.policy.expr import UUID, Given, Who, walk
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.afresh import always, never
from rlsaudit.policy.proof.chained import LONGEST, ChainedEncoder, writing
from rlsaudit.policy.proof.encode import as_in
from rlsaudit.policy.proof.solution import Gain
from rlsaudit.policy.proof.solve import PERSONAL, bounded, identities, named, ordinary, sensible, ties
from rlsaudit.policy.proof.steps import tried
from rlsaudit.policy.proof.values import Family, Term, family, unnamed
from rlsaudit.policy.proof.witness import confirmed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from rlsaudit.model import Persona
    from rlsaudit.policy.expr import Expr, Field
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.proof.chained import Made
    from rlsaudit.policy.proof.makings import Makings
    from rlsaudit.policy.proof.steps import Tried
    from rlsaudit.policy.proof.tables import Tables
    from rlsaudit.policy.proof.values import Row

_MOST_TRIES = 4


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
        found, model = self._tried(encoder, truth, strange)
        if found is None or model is None:
            some = reach is Reach.SOME and self._bars_some(encoder, truth, strange)
            return Gain(Reach.NONE, Reach.SOME if some else Reach.ALL, why=self._open(encoder))
        if self._opens_all(encoder, found, model, personal=personal):
            return Gain(Reach.ALL, Reach.ALL, found.steps, found.witness)
        at_most = Reach.SOME if self._bars_some(encoder, truth, strange) else Reach.ALL
        return Gain(Reach.SOME, at_most, found.steps, found.witness, "some strangers' rows at least, perhaps all")

    def _encoder(self, longest: int) -> ChainedEncoder:
        return ChainedEncoder(self._tables, identities(self._persona), self._relation, self._makings, longest)

    def _is_personal(self, encoder: ChainedEncoder) -> bool:
        asked = [self._expression]
        for made in encoder.made.values():
            asked += [
                part
                for one in (made.making.insert, made.making.update)
                if one is not None
                for part in (one.using, one.check)
            ]
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
    ) -> tuple[Tried | None, z3.ModelRef | None]:
        """A chain that comes out, with its model; of short ones first."""
        solver = bounded()
        solver.add(*encoder.facts, truth.value, *strange, *_claimed(encoder), *_apart(encoder), *sensible(encoder))
        if solver.check() != z3.sat:
            return None, None
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
        return None, None

    def _open(self, encoder: ChainedEncoder) -> str:
        """Why nothing is known of what a chain gains."""
        if self._stopped:
            return "the proof was stopped"
        catalog = self._tables.catalog
        for made in encoder.made.values():
            table = catalog.identity(catalog.relations[made.row.relation])
            doubts = [one.doubt for one in (made.making.insert, made.making.update) if one is not None and one.doubt]
            for why in (made.making.otherwise, *doubts):
                if why:
                    return f"rows of {table}: {why}"
        tables = dict.fromkeys(catalog.identity(catalog.relations[one.row.relation]) for one in encoder.made.values())
        return f"it may put in or change rows of {', '.join(tables)}"

    def _opens_all(self, encoder: ChainedEncoder, found: Tried, model: z3.ModelRef, *, personal: bool) -> bool:
        """Whether the same chain, with values of the row that is asked for, opens every row of a stranger's."""
        template = _Template(encoder, model)
        for row, inserted in found.rows:
            made = encoder.made[row]
            if not template.fits(row, inserted=inserted):
                return False
            if not inserted and (made.before is None or not template.is_own(made.before)):
                return False
        end = self._encoder(0)
        truth = end.predicate(self._expression) if not template.put(end, found, len(found.rows)) else None
        if truth is None:
            return False
        strange = _strangers(end, personal=personal)
        if not self._always(end, truth, strange):
            return False
        return all(self._always_goes_through(encoder, template, found, number) for number in range(len(found.rows)))

    def _always_goes_through(self, encoder: ChainedEncoder, template: _Template, found: Tried, number: int) -> bool:
        row, inserted = found.rows[number]
        made = encoder.made[row]
        statement = writing(made, inserted=inserted)
        if statement is None:
            return False
        questions = [(row, statement.check)]
        if not inserted and made.before is not None and made.before not in {one for one, _ in found.rows}:
            questions.append((made.before, statement.using))
        for asked, expression in questions:
            then = self._encoder(0)
            if template.put(then, found, number):
                return False
            put = template.row(then, asked, there=never())
            if put is None:
                return False
            truth = then.asked_of(put, expression)
            strange = _strangers(then, personal=True)
            if not self._always(then, truth, strange):
                return False
        return True

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


class _Template:
    """The rows of a chain in terms of the row that is asked for, and of the persona."""

    def __init__(self, encoder: ChainedEncoder, model: z3.ModelRef) -> None:
        self._encoder = encoder
        self._model = model
        self._me = encoder.codes.of(encoder.own["sub"]) if "sub" in encoder.own else None

    def is_own(self, row: Row) -> bool:
        """Whether a row was there as ordinary users have one, or was made by the chain."""
        return self._holds(z3.Or(row.mine, self._encoder.was_made(row)))

    def fits(self, row: Row, *, inserted: bool) -> bool:
        """Whether the row can be made for every row of a stranger's: under a new key, pointing at what is there."""
        tables, columns = self._encoder.tables, dict(self._columns(row))
        statement = writing(self._encoder.made[row], inserted=inserted)
        changed = set(columns) if inserted or statement is None else set(columns) - statement.kept
        for key in tables.keys(row.relation):
            if key <= columns.keys() and key & changed and not any(self._is_me(columns[one][1]) for one in key):
                return False
        for reference in tables.references(row.relation):
            for own, other in zip(reference.columns, reference.others, strict=True):
                if own.number not in changed:
                    continue
                term = columns[own.number][1]
                if self._holds(term.null) or self._is_me(term):
                    continue
                source = self._of_target(*columns[own.number])
                if source is None or not self._is_there(source, reference.to, other.number):
                    return False
        return True

    def _is_there(self, source: Field, relation: int, number: int) -> bool:
        """Whether what the target's column says is surely found in a column of another relation."""
        if (source.relation, source.number) == (relation, number):
            return True
        return any(
            reference.to == relation and own.number == source.number and other.number == number
            for reference in self._encoder.tables.references(source.relation)
            for own, other in zip(reference.columns, reference.others, strict=True)
        )

    def put(self, encoder: ChainedEncoder, found: Tried, count: int) -> bool:
        """Puts the first rows of the chain into another encoder, without those that were changed; whether it failed."""
        rows = [row for row, _ in found.rows[:count]]
        replaced = {self._encoder.made[row].before for row, inserted in found.rows[:count] if not inserted}
        return any(self.row(encoder, row, there=always()) is None for row in rows if row not in replaced)

    def row(self, encoder: ChainedEncoder, row: Row, *, there: Solved) -> Row | None:
        """Puts a row into another encoder; None where its values cannot be told there."""
        columns: list[tuple[Field, Term]] = []
        for column, term in self._columns(row).values():
            told = self._told(encoder, column, term)
            if told is None:
                return None
            columns.append((column, told))
        return encoder.put(row.relation, columns, there=there)

    def _told(self, encoder: ChainedEncoder, column: Field, term: Term) -> Term | None:
        kind = family(column.type)
        if self._holds(term.null):
            return Term(self._model.eval(term.value, model_completion=True), always()) if column.nullable else None
        if self._is_me(term):
            return encoder.term(Given(Who.IDENTITY, "sub", UUID, nullable=False), ())
        source = self._of_target(column, term)
        if source is not None:
            if source.nullable and not column.nullable:
                return None
            return encoder.column(encoder.target, source)
        if kind is Family.OTHER:
            return None
        value = self._model.eval(term.value, model_completion=True)
        if kind is Family.NAME:
            code = value.as_long()
            text = self._encoder.codes.text(code)
            value = z3.IntVal(encoder.codes.of(unnamed(code) if text is None else text))
        return Term(value, never())

    def _of_target(self, column: Field, term: Term) -> Field | None:
        """The target's column that a value is the value of."""
        known = self._encoder.tables.column(column.relation, column.number)
        if known is None or not known.free or family(column.type) not in {Family.NAME, Family.WHOLE}:
            return None
        for source, other in self._encoder.columns_of(self._encoder.target):
            if source.type == column.type and not self._holds(other.null):
                value = self._model.eval(term.value, model_completion=True)
                fresh = family(column.type) is Family.WHOLE or self._encoder.codes.text(value.as_long()) is None
                if fresh and self._holds(value == other.value):
                    return source
        return None

    def _columns(self, row: Row) -> Mapping[int, tuple[Field, Term]]:
        return {column.number: (column, term) for column, term in self._encoder.columns_of(row)}

    def _is_me(self, term: Term) -> bool:
        return (
            self._me is not None
            and z3.is_int(term.value)
            and self._holds(z3.And(z3.Not(term.null), term.value == self._me))
        )

    def _holds(self, term: Solved) -> bool:
        return bool(z3.is_true(self._model.eval(term, model_completion=True)))


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
    for (row, _), part in encoder.parts.items():
        whole = z3.Not(encoder.was_made(row))
        link(row, part, whole)
        link(part, row, whole)
    return flags, [z3.Implies(flags[row], z3.Or(chains[row])) for row in nodes]


def _claimed(encoder: ChainedEncoder) -> Iterator[Solved]:
    """That rows were made in ways of which all is known."""
    before = {row: z3.And(row.there, z3.Not(encoder.was_made(row))) for row in encoder.rows}
    for made in encoder.made.values():
        yield z3.Not(made.other)
        yield z3.Not(z3.And(made.inserted, made.updated))
        known = {column.number for column, _ in encoder.columns_of(made.row)}
        insert, update = (
            None if one is None or one.doubt or not known <= one.settable | one.kept else one
            for one in (made.making.insert, made.making.update)
        )
        if insert is not None and (
            encoder.tables.filled_at_sign_up(made.row.relation) or _computes(encoder, made.row, insert.kept)
        ):
            # The row is there since signing up, or has a value that is not known.
            insert = None
        if insert is None:
            yield z3.Not(made.inserted)
        if update is None:
            yield z3.Not(made.updated)
        changed = known if insert is not None else known - update.kept if update is not None else set[int]()
        yield from _names_nothing(encoder, made, before, changed)


def _computes(encoder: ChainedEncoder, row: Row, kept: frozenset[int]) -> bool:
    """Whether a column that is asked for, and cannot be set, has a default that is computed."""
    for column, _ in encoder.columns_of(row):
        fact = encoder.tables.fact(column.relation, column.number)
        computed = fact is None or fact.generated or fact.identity or (fact.default and fact.constant is None)
        if column.number in kept and computed:
            return True
    return False


def _names_nothing(
    encoder: ChainedEncoder, made: Made, before: Mapping[Row, Solved], changed: Collection[int]
) -> Iterator[Solved]:
    """That a row is not given the name of something that is there, where no foreign key tells that it is taken."""
    tables, row = encoder.tables, made.row
    pointing = {one.number for reference in tables.references(row.relation) for one in reference.columns}
    for column, term in encoder.columns_of(row):
        number = column.number
        if number not in changed or number in pointing or frozenset({number}) not in tables.keys(row.relation):
            continue
        new, part = encoder.newly_named(made, {number: term}), encoder.parts.get((row, number))
        for equality in encoder.equalities:
            for here, there in ((equality.left, equality.right), (equality.right, equality.left)):
                if part is not None and part in here.rows and not there.identity:
                    old = [before.get(encoder.whole(one), always()) for one in there.rows if one != part]
                    yield z3.Implies(z3.And(new, equality.holds), z3.Not(z3.Or(old)))
