"""Reach, by asking the solver what is impossible, and by confirming what it finds possible.

Four questions about one predicate, over all states of the database and all identities of the persona:

- Can it be true at all? If not, nothing is reached.
- Can it be true of a stranger's row? If not, only what is tied to the persona. A state in which the row is a stranger's
  is one where no chain of equal values leads from the row to a row that names the persona. Rows that name it are there
  all the same, but ordinary ones: nobody gave it a role.
- Can it be anything but true of a stranger's row, whatever the client picks? If not, every row is reached.
- Is there a state, with all values filled in, in which it is true (or, of a stranger's row, is not)?
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.model import STRANGER, VARIES, Reach
from rlsaudit.policy.expr import Expr, Field, Given, Who, walk
from rlsaudit.policy.failing import may_fail
from rlsaudit.policy.over_all import is_over_all
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.encode import Encoder, as_in
from rlsaudit.policy.proof.solution import Solution
from rlsaudit.policy.proof.values import Family, family
from rlsaudit.policy.proof.wishes import can_write_anything
from rlsaudit.policy.proof.witness import confirmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.model import Persona
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.proof.solution import Witness
    from rlsaudit.policy.proof.tables import Tables, Thing
    from rlsaudit.policy.proof.values import Row, Term

    Choice = tuple[Who, str]

PERSONAL = frozenset({Who.IDENTITY, Who.SERVER})
_EFFORT = 600_000
"""What the solver may spend on one question, in its own units: unlike seconds they are the same on every machine."""
_CLOSER = (2, 24)
"""Rounds and instances, for what is open after a quick look."""
_MOST_CHOICES = 24
_MOST_TRIES = 3
_USER = 0
"""The number of users among the things that an id may be the id of."""


def solve(expression: Expr, persona: Persona, tables: Tables, relation: int, *, stored: bool = False) -> Solution:
    """Returns how far a predicate lets a persona go over the rows of `relation` (an OID, 0 for none).

    `stored` is as for `most`.
    """
    return _Question(expression, persona, tables, relation, stored=stored).answer()


def most(expression: Expr, persona: Persona, tables: Tables, relation: int, *, stored: bool = False) -> Reach:
    """Returns the upper bound alone, of `none`, `own` and `all`: it takes no witness, and so little time.

    `stored` is whether the row is in its table, in the state that is asked about, so that one of its key is itself.
    """
    return _Question(expression, persona, tables, relation, stored=stored).most()


def example(expression: Expr, persona: Persona, tables: Tables, relation: int) -> Witness | None:
    """Returns a state in which a predicate is true of a row that names nobody, whoever let the persona get so far.

    It may hold any rows of the persona's: that of a member, or of staff. So it says nothing of reach.
    """
    return _Question(expression, persona, tables, relation, stored=False).example()


def as_member(
    expression: Expr, persona: Persona, tables: Tables, relation: int, members: frozenset[int]
) -> Witness | None:
    """Returns a state in which a predicate is true of a stranger's row for who is a member of something else.

    `members` are the tables that name the persona: what else is given to it, it has not. Nor is it a member of one
    that the predicate names. Whether people have such memberships is not said.
    """
    return _Question(expression, persona, tables, relation, stored=False).as_member(members)


class _Question:
    def __init__(self, expression: Expr, persona: Persona, tables: Tables, relation: int, *, stored: bool) -> None:
        self._expression = expression
        self._persona = persona
        self._tables = tables
        self._relation = relation
        self._stored = stored
        self._personal = any(isinstance(one, Given) and one.who in PERSONAL for one in walk(expression))
        self._stopped = ""

    def answer(self) -> Solution:
        """Returns both bounds, the upper one by a closer look where a quick one leaves them apart."""
        found = self._answer()
        return found if found.at_least is found.at_most else self._looked_closer(found)

    def _looked_closer(self, found: Solution) -> Solution:
        """The bounds where subqueries within subqueries are asked of the rows at hand as well."""
        encoder = self._encoder()
        encoder.most_rounds, encoder.most_instances = _CLOSER
        truth = encoder.predicate(self._expression)
        strangers = _strangers(encoder) if self._personal else [z3.Not(row.mine) for row in encoder.rows]
        if found.at_least is Reach.NONE and self._never(encoder, [truth.value, *_no_staff(encoder)]):
            return replace(found, at_most=Reach.NONE, why="")
        if found.at_least < Reach.SOME <= found.at_most and self._never(encoder, [truth.value, *strangers]):
            return replace(found, at_most=Reach.OWN, why="")
        if found.at_least is Reach.SOME and self._never(encoder, [z3.Not(truth.value), *strangers]):
            return replace(found, at_least=Reach.ALL, why="")
        return found

    def _never(self, encoder: Encoder, asked: Sequence[Solved]) -> bool:
        """Whether there is no such state."""
        solver = self._solver()
        solver.add(*encoder.facts, *asked)
        return bool(solver.check() == z3.unsat)

    def _answer(self) -> Solution:
        encoder = self._encoder()
        truth = encoder.predicate(self._expression)
        ever = self._models(encoder, [truth.value, *_no_staff(encoder)])
        if next(ever, None) is None:
            return Solution(Reach.NONE, Reach.ALL if self._stopped else Reach.NONE, why=self._stopped)
        # Without an identity in it, nothing that it lets through is anybody's own.
        personal = self._personal
        strangers = _strangers(encoder) if personal else [z3.Not(row.mine) for row in encoder.rows]
        foreign = self._models(encoder, [truth.value, *strangers])
        solution = Solution(Reach.NONE, Reach.OWN)
        if next(foreign, None) is not None or self._stopped:
            solution = self._of_strangers(encoder, truth, strangers)
        if solution.at_least is not Reach.NONE:
            return solution
        witness = self._own(encoder, truth, strange=not personal)
        if witness is None and personal and encoder.repeats:
            witness = self._of_one_row(strange=False)
        least = Reach.NONE if witness is None else Reach.OWN if personal else Reach.SOME
        return replace(solution, at_least=least, passes=witness, why=self._stopped)

    def _own(self, encoder: Encoder, truth: Term, *, strange: bool) -> Witness | None:
        """A state in which the predicate is true of a row of the persona's; of nobody's where that is `strange`."""
        # What is asked for by the argument that the row is found by has to do with it.
        chosen = not strange
        asked = [truth.value, *_no_staff(encoder, chosen=chosen), *_apart(encoder, chosen=chosen), *sensible(encoder)]
        return self._confirm(encoder, asked, strange=strange)[0]

    def _of_one_row(self, *, strange: bool) -> Witness | None:
        """The same where several queries find one row: whose it is and what it may is often asked in two of them."""
        encoder = self._encoder(frugal=True)
        truth = encoder.predicate(self._expression)
        if not strange:
            return self._own(encoder, truth, strange=False)
        strangers = _strangers(encoder, surely=True) if self._personal else [z3.Not(row.mine) for row in encoder.rows]
        asked = [truth.value, *strangers, *_apart(encoder), *sensible(encoder)]
        return self._confirm(encoder, asked, strange=True)[0]

    def example(self) -> Witness | None:
        """A state in which the predicate is true, with any rows of the persona's own."""
        encoder = self._encoder()
        truth = encoder.predicate(self._expression)
        asked = [truth.value, z3.Not(encoder.target.mine), *named(encoder), *sensible(encoder)]
        for model in itertools.islice(self._models(encoder, asked), _MOST_TRIES):
            found = confirmed(self._expression, encoder, model, wanted=True, strange=True, alone=False)
            if found is not None:
                return found
        return None

    def as_member(self, members: frozenset[int]) -> Witness | None:
        """A state in which it is true of a stranger's row, with memberships that have nothing to do with that."""
        encoder = self._encoder()
        encoder.most_rounds, encoder.most_instances = _CLOSER
        truth = encoder.predicate(self._expression)
        asked = [truth.value, *_strangers(encoder, surely=True), *_only_member(encoder, members), *sensible(encoder)]
        for model in itertools.islice(self._models(encoder, asked), _MOST_TRIES):
            found = confirmed(self._expression, encoder, model, wanted=True, strange=True, alone=False)
            if found is not None:
                return found
        return None

    def most(self) -> Reach:
        encoder = self._encoder()
        truth = encoder.predicate(self._expression)
        if next(self._models(encoder, [truth.value, *_no_staff(encoder)]), None) is None and not self._stopped:
            return Reach.NONE
        if not self._personal or self._stopped:
            return Reach.ALL
        foreign = next(self._models(encoder, [truth.value, *_strangers(encoder)]), None)
        return Reach.OWN if foreign is None and not self._stopped else Reach.ALL

    def _of_strangers(self, encoder: Encoder, truth: Term, strangers: Sequence[Solved]) -> Solution:
        """The bounds where a stranger's row may be reached."""
        surely = [*strangers, *(_strangers(encoder, surely=True) if self._personal else ())]
        asked = [truth.value, *surely, *_apart(encoder), *sensible(encoder)]
        witness, witnessed = self._confirm(encoder, asked, strange=True)
        if witness is None and encoder.repeats:
            witness = self._of_one_row(strange=True)
        at_least = Reach.NONE if witness is None else Reach.SOME
        picked = {key: term for key, term in encoder.given.items() if term.chosen}
        refused = self._models(encoder, [z3.Not(truth.value), *strangers])
        always = next(refused, None) is None
        stopped = self._stopped
        # What is never false may be an error instead, for everybody.
        sound = witness is not None or not any(map(may_fail, walk(self._expression)))
        if always and sound and not stopped:
            return Solution(Reach.ALL, Reach.ALL, witness)
        passes = self._passes_by_choice(picked) if picked else self._passes_for_somebody(encoder, strangers, witnessed)
        if passes and sound:
            return Solution(Reach.ALL, Reach.ALL, witness, given=not picked)
        self._stopped = stopped
        barred: Witness | None = None
        for now in encoder.moments():
            refused = self._likely(encoder, [z3.Not(truth.value), *surely, *sensible(encoder), *now])
            barred = self._barred(encoder, [truth.value, *strangers, *now], refused, sure=not picked)
            if barred is None:
                break
        return Solution(at_least, Reach.ALL if barred is None else Reach.SOME, witness, barred, self._stopped)

    def _passes_for_somebody(self, encoder: Encoder, strangers: Sequence[Solved], model: z3.ModelRef | None) -> bool:
        """Whether there is somebody for whom the predicate is true of every stranger's row.

        Tried are one whom no row names, and one with the rows of a model in which something passes, as far as signing
        up makes them: who is given others may be staff.
        """
        if not self._personal:
            return False
        nobody = self._solver()
        nobody.add(*encoder.facts, *strangers, z3.Not(encoder.truth.value), *(z3.Not(row.mine) for row in encoder.rows))
        nobody.add(*(term.null for term in encoder.claims()))
        if nobody.check() == z3.unsat:
            return True
        if model is None:
            return False
        having = self._encoder()
        for row in encoder.rows:
            there = z3.And(row.there, row.mine)
            given = not row.target and encoder.made_at_sign_up(row)
            if given and z3.is_true(model.eval(there, model_completion=True)):
                having.assume(row.relation, encoder.columns_of(row), model)
        truth = having.predicate(self._expression)
        solver = self._solver()
        solver.add(*having.facts, *_strangers(having), z3.Not(truth.value))
        solver.add(*(as_in(model, term) for term in having.claims()))
        return bool(solver.check() == z3.unsat)

    def _passes_by_choice(self, picked: Mapping[Choice, Term]) -> bool:
        """Whether of every stranger's row the predicate is true for some choice of the client's."""
        if not all(who is Who.ARGUMENT or can_write_anything(key.partition("::")[0]) for who, key in picked):
            return False
        if len({key.partition("::")[0] for _, key in picked}) < len(picked):
            # One value that is read as two types cannot be picked for each by itself.
            return False
        encoder = self._encoder()
        encoder.predicate(self._expression)
        refused = [z3.Not(encoder.predicate(self._expression, one).value) for one in _choices(encoder)]
        solver = self._solver()
        solver.add(*encoder.facts, *refused, *_strangers(encoder))
        return bool(solver.check() == z3.unsat)

    def _barred(
        self,
        encoder: Encoder,
        passing: Sequence[Solved],
        models: Iterator[z3.ModelRef],
        *,
        sure: bool,
    ) -> Witness | None:
        """A stranger's row of which the predicate is true for nobody, with the rows of others as they are.

        `passing` says that it is true of a stranger's row. `sure`: the client picks nothing, so that evaluating it once
        is enough where no identity is asked for.
        """
        for model in models:
            witness = confirmed(self._expression, encoder, model, wanted=False if sure else None, strange=True)
            if witness is None:
                continue
            if sure and not self._personal and len(encoder.rows) == 1:
                return witness
            solver = self._solver()
            solver.add(*encoder.facts, *passing, *encoder.as_others_are(model))
            if solver.check() == z3.unsat:
                return witness
        return None

    def _confirm(
        self, encoder: Encoder, asked: Sequence[Solved], *, strange: bool
    ) -> tuple[Witness | None, z3.ModelRef | None]:
        """A state in which the predicate is true, and its model, if there is one at any time."""
        found: tuple[Witness | None, z3.ModelRef | None] = None, None
        for now in encoder.moments():
            for model in self._likely(encoder, [*asked, *now]):
                witness = confirmed(self._expression, encoder, model, wanted=True, strange=strange)
                if witness is not None:
                    found = witness, model
                    break
            else:
                return None, None
        return found

    def _likely(self, encoder: Encoder, more: Sequence[Solved]) -> Iterator[z3.ModelRef]:
        """Yields a few states, first those of whom the server gave nothing: of what it may give the type is known."""
        nothing = [term.null for term in encoder.claims()]
        for asked in ([*more, *nothing], more) if nothing else (more,):
            yield from itertools.islice(self._models(encoder, asked), _MOST_TRIES)

    def _models(self, encoder: Encoder, more: Sequence[Solved]) -> Iterator[z3.ModelRef]:
        """Yields states that the solver holds possible, each with other values than the ones before."""
        solver = self._solver()
        solver.add(*encoder.facts, *more)
        while True:
            answer = solver.check()
            if answer == z3.unknown:
                self._stopped = "time"
            if answer != z3.sat:
                return
            model = solver.model()
            yield model
            solver.add(z3.Or([z3.Not(as_in(model, term)) for _, term in encoder.columns.values()]))

    def _encoder(self, *, frugal: bool = False) -> Encoder:
        named = identities(self._persona)
        return Encoder(self._tables, named, self._relation, frugal=frugal, stored=self._stored)

    @staticmethod
    def _solver() -> z3.Solver:
        return bounded()


def identities(persona: Persona) -> Mapping[str, str]:
    """Returns what tells the persona from others, by key."""
    sub = persona.claims.get("sub")
    if sub is None:
        return {"role": persona.role}
    # One that varies is asked for as probes send it, for it has to be an id.
    return {"sub": STRANGER if str(sub).startswith(VARIES) else str(sub), "role": persona.role}


def bounded() -> z3.Solver:
    """Returns a solver with nothing said yet, and an end to its efforts."""
    made = z3.SimpleSolver()
    made.set("rlimit", _EFFORT)
    return made


def _choices(encoder: Encoder) -> Iterator[Mapping[Choice, Term]]:
    """What the client may pick: all combinations of what its values are compared with."""
    options: list[list[tuple[Choice, Term]]] = []
    for key, term in encoder.given.items():
        if term.chosen:
            sort = term.value.sort()
            found = [one.other for one in encoder.compared if one.key == key and one.other.value.sort() == sort]
            options.append([(key, one) for one in dict.fromkeys(found)] or [(key, term)])
    for combination in itertools.islice(itertools.product(*options), _MOST_CHOICES):
        yield dict(combination)


def _strangers(encoder: Encoder, *, surely: bool = False) -> list[Solved]:
    """That the target row is a stranger's, and that nobody gave the persona anything special.

    `surely`: also where a value that may be that of many rows is not.
    """
    found = [*ties(encoder, surely=surely), *(z3.Implies(both, z3.Not(row.mine)) for row, both in encoder.same)]
    if surely:
        # Nor does it have rows of which it is not known what they hold.
        found += [z3.Not(row.mine) for row in encoder.rows if not row.target and encoder.made_somehow(row)]
    return found + [z3.Implies(row.mine, one) for row, one in ordinary(encoder)]


def ties(encoder: Encoder, *, surely: bool = False) -> list[Solved]:
    """That what is equal is the persona's or is not: what names it is, the target row is not."""
    found: list[Solved] = []
    for one in encoder.equalities:
        for a, b in ((one.left, one.right), (one.right, one.left)):
            if a.identity and b.rows and not (b.identity or b.personal):
                found.append(z3.Implies(one.holds, z3.Or([row.mine for row in b.rows])))
        left, right = one.left.rows, one.right.rows
        mixed = one.left.personal or one.right.personal
        if one.telling and left and right and not left & right and not mixed:
            for a, b in ((one.left, one.right), (one.right, one.left)):
                common = a.shared if surely else z3.Or(a.shared, a.doubtful)
                tied = z3.And(one.holds, z3.Not(common), z3.Or([row.mine for row in a.rows]))
                found.append(z3.Implies(tied, z3.Or([row.mine for row in b.rows])))
    return found


def _no_staff(encoder: Encoder, *, chosen: bool = False) -> list[Solved]:
    """That the persona is no staff: those of its rows that are not tied to the target row are ordinary ones.

    `chosen` is as for `_apart`.
    """
    tied, facts = encoder.tied(chosen=chosen)
    special = [z3.Implies(z3.And(row.mine, z3.Not(tied[row])), one) for row, one in ordinary(encoder)]
    return named(encoder) + facts + special


def named(encoder: Encoder) -> list[Solved]:
    """That rows that name the persona are its own, but for the target row, of which that is left open."""
    found: list[Solved] = []
    for one in encoder.equalities:
        for a, b in ((one.left, one.right), (one.right, one.left)):
            if a.identity and b.rows and encoder.target not in b.rows and not (b.identity or b.personal):
                found.append(z3.Implies(one.holds, z3.Or([row.mine for row in b.rows])))
    return found


def _only_member(encoder: Encoder, members: frozenset[int]) -> Iterator[Solved]:
    """Yields that no rows but those of `members` name the persona, none of them by an id that the predicate names.

    Nor do they say by a plain word that it is of those who run all of it: `super_admin` is nobody's but theirs.
    """
    yield from (term.null for term in encoder.claims())
    for one in encoder.equalities:
        for a, b in ((one.left, one.right), (one.right, one.left)):
            if a.identity and any(row.relation not in members for row in b.rows):
                yield z3.Not(one.holds)
    for (row, _), (column, term) in encoder.columns.items():
        if not row.target and row.relation in members and encoder.tables.thing(row.relation, column.number) is not None:
            usual = encoder.tables.ordinary(column, term, encoder.codes, encoder.named - encoder.identities)
            if usual is not None:
                yield z3.Implies(row.mine, usual)
        if not row.target and row.relation in members:
            yield from (z3.Implies(row.mine, z3.Or(term.null, one)) for one in _not_over_all(encoder, column, term))


def _not_over_all(encoder: Encoder, column: Field, term: Term) -> Iterator[Solved]:
    match family(column.type):
        case Family.NAME:
            named = (code for text, code in encoder.codes.texts.items() if is_over_all(text))
            yield from (term.value != code for code in named)
        case Family.TRUTH if is_over_all(column.name):
            yield z3.Not(term.value)
        case _:
            pass


def _apart(encoder: Encoder, *, chosen: bool = False) -> list[Solved]:
    """That no row is there that has nothing to do with the target row, but for those that signing up makes.

    `chosen`: what a client asks for by the same argument has to do with one another.
    """
    tied, facts = encoder.tied(chosen=chosen)
    return facts + [
        z3.Implies(row.there, z3.Or(tied[row], z3.And(row.mine, encoder.made_at_sign_up(row))))
        for row in encoder.rows
        if not row.target
    ]


def sensible(encoder: Encoder) -> Iterator[Solved]:
    """Yields what no state has to be and states are.

    No id is that of two things, as a uuid might be and never is: that of a user is no organisation's. And a row that
    signing up made holds nothing yet where nothing was put.
    """
    for (row, _), (column, term) in encoder.columns.items():
        if encoder.made_at_sign_up(row) and encoder.tables.unset_at_sign_up(column):
            yield z3.Implies(row.mine, term.null)
    numbers: dict[Thing, int] = {}
    meant = z3.Function("what an id is the id of", z3.IntSort(), z3.IntSort())
    for (row, number), (_, term) in encoder.columns.items():
        thing = encoder.tables.thing(row.relation, number)
        if thing is not None:
            user = encoder.tables.is_users(thing)
            kind = _USER if user else numbers.setdefault(thing, len(numbers) + 1)
            yield z3.Or(term.null, meant(term.value) == kind)
    yield from (meant(code) == _USER for code in encoder.identities)
    # What a handler of errors is there for is as it is meant to be.
    yield from (z3.Not(one) for one in encoder.failures)


def _within_memberships(encoder: Encoder) -> frozenset[Row]:
    """Rows of memberships, and those that only these lead to, as a role that a membership names by its id.

    A role in an organisation is nothing special: everybody may have one of their own.
    """
    tables = encoder.tables
    links = [pair for one in encoder.equalities for pair in ((one.left, one.right), (one.right, one.left))]
    named = {row for a, b in links if a.identity for row in b.rows}
    found = {row for row in encoder.rows if tables.belongs(row.relation)}
    more = found
    while more:
        more = {
            row
            for a, b in links
            for row in b.rows - named - found
            if not row.target and any(one in found and tables.belongs(one.relation, row.relation) for one in a.rows)
        }
        found |= more
    return frozenset(found)


def ordinary(encoder: Encoder) -> Iterator[tuple[Row, Solved]]:
    """What a row of the persona's is like that nobody took special care of."""
    within = _within_memberships(encoder)
    for (row, _), (column, term) in encoder.columns.items():
        if row.target or row in within:
            continue
        usual = encoder.tables.ordinary(column, term, encoder.codes, encoder.named - encoder.identities)
        if usual is not None:
            yield row, usual
