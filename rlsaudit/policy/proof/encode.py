"""Typed expressions as formulas of the solver, in three-valued logic.

Everything that is said about a state of the database is necessary, none of it sufficient: a subquery that yields a row
has one for which its condition is true; that one that yields none has no such row is said of the rows at hand only. So
what the solver finds impossible is impossible, and what it finds possible has yet to be confirmed.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rlsaudit.policy.client import LEVEL, LEVELS
from rlsaudit.policy.evaluate import EvaluationError, State, Unknown, evaluate
from rlsaudit.policy.expr import (
    AFTER,
    TRUE,
    Aggregate,
    And,
    AnyRow,
    Call,
    Case,
    Const,
    Expr,
    Field,
    Given,
    IsNull,
    IsTrue,
    Lookup,
    Not,
    Opaque,
    Or,
    Query,
    Type,
    Who,
    below,
    type_of,
    walk,
)
from rlsaudit.policy.proof import solver as z3
from rlsaudit.policy.proof.afresh import Solved, always, never
from rlsaudit.policy.proof.containment import element_by_element
from rlsaudit.policy.proof.operators import (
    IMAGES,
    ORDERS,
    PARTS,
    PICKS,
    STRICT,
    SUMS,
    TELLING,
    are_numbers,
    as_one_kind,
    divisor,
    is_plain_pattern,
    is_whole_cast,
    keeps,
    ordered,
)
from rlsaudit.policy.proof.values import Codes, Family, Row, Term, constant, family, variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.policy.proof.tables import Tables

Env = tuple[Row, ...]
"""The rows at each place."""

MOST_ROWS = 40
MOST_INSTANCES = 12
MOST_PAIRS = 100
_LOGIC = (Not, And, Or, IsNull, IsTrue)
_CENTURY = (1735689600, 4102444800)
"""The beginnings of 2025 and of 2100: a policy that compares with another time is not waited for."""
_PICKED = frozenset({Who.CLIENT, Who.ARGUMENT})


@dataclass(frozen=True, slots=True)
class Equality:
    """That two values are equal, where `holds`."""

    left: Term
    right: Term
    holds: Solved
    telling: bool
    """Whether equal values of two rows tie one to the other: those of a Boolean or an enumeration do not, nor does a
    value that many rows have by itself (see `Term.shared`)."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A value that the client picks, compared with another: what it might pick."""

    key: tuple[Who, str]
    other: Term


@dataclass(frozen=True, slots=True)
class Applied:
    """A call that the solver knows nothing of but its result."""

    call: Call
    env: Env
    args: tuple[Term, ...]
    result: Term


@dataclass(slots=True)
class _Existence:
    """A subquery, to be asked of rows that turn up later: where `holds` is false, none of them meets `body`."""

    query: Query
    test: Expr
    env: Env
    holds: Solved
    tried: set[tuple[int, ...]] = field(default_factory=set)


class Encoder:
    """One predicate for one persona, and what is known of the states in which it can be asked.

    `facts` hold in every state, `equalities` are all that were met, `compared` what the client might pick. `referred`
    are the rows that foreign keys point at, `named` the codes of the texts that stand in the predicate, `failures`
    whether what handlers of errors are there for fails. `identities` are the persona's own, by key, as texts.
    `most_rounds` is how deep subqueries are asked of the rows at hand, `most_instances` how often.

    With `frugal` only states are looked for in which each table has as few rows as a single query of it needs: what
    several queries find there is found in the same ones. `repeats` is whether several look into one table at all.
    Where the target row is `stored` in its table, `same` has the rows that it may be, with what holds if it is.
    """

    def __init__(
        self,
        tables: Tables,
        identities: Mapping[str, str],
        relation: int,
        *,
        frugal: bool = False,
        stored: bool = False,
    ) -> None:
        self.same: list[tuple[Row, Solved]] = []
        self.stored = stored
        self.tables = tables
        self.repeats = False
        self._frugal = frugal
        self._common: dict[tuple[int, int], Row] = {}
        self.codes = Codes()
        self.named: set[int] = set()
        self.own = identities
        self.identities = frozenset(self.codes.of(one) for one in identities.values())
        self.facts: list[Solved] = []
        self.equalities: list[Equality] = []
        self.rows: list[Row] = []
        self.columns: dict[tuple[Row, int], tuple[Field, Term]] = {}
        self.given: dict[tuple[Who, str], Term] = {}
        self.kinds: dict[tuple[Who, str], Type] = {}
        self.compared: list[Compared] = []
        self.referred: set[Row] = set()
        self.applied: list[Applied] = []
        self.failures: list[Solved] = []
        self._me = {key: Term(z3.IntVal(self.codes.of(one)), never(), identity=True) for key, one in identities.items()}
        self._picked: Mapping[tuple[Who, str], Term] = {}
        self._memo: dict[tuple[Expr, Env], Term] = {}
        self._existences: list[_Existence] = []
        self._instances = self._rounds = 0
        self.most_rounds, self.most_instances = 1, MOST_INSTANCES
        self._names = itertools.count()
        self.target = self.row(relation, always(), target=True)
        self.truth = Term(never(), never())

    def predicate(self, expression: Expr, picked: Mapping[tuple[Who, str], Term] | None = None) -> Term:
        """Returns the truth of a Boolean expression over the target row, where the client picks `picked`."""
        self._picked = picked or {}
        self._memo.clear()
        self._existences.clear()
        self._common.clear()
        self.same.clear()
        self._instances = self._rounds = 0
        self.truth = self.term(expression, (self.target,))
        self._settle()
        return self.truth

    def columns_of(self, row: Row) -> list[tuple[Field, Term]]:
        """Returns the columns of a row that were asked for."""
        return [known for (owner, _), known in self.columns.items() if owner == row]

    def made_at_sign_up(self, row: Row) -> bool:
        """Whether everybody has such a row by signing up, and what was asked of it is known."""
        return self.tables.surely_filled(row.relation, [column for column, _ in self.columns_of(row)])

    def made_somehow(self, row: Row) -> bool:
        """Whether everybody has such a row by signing up, and what was asked of it is not known."""
        return self.tables.filled_at_sign_up(row.relation) and not self.made_at_sign_up(row)

    def linked(self, model: z3.ModelRef, *, chosen: bool = False) -> frozenset[Row]:
        """Returns the rows that a comparison ties to the target row in a model, directly or by way of others.

        `chosen`: also one with the same argument, which the client picks.
        """
        equal = [one for one in self._links(chosen=chosen) if z3.is_true(model.eval(one[2], model_completion=True))]
        found = {self.target}
        for _ in self.rows:
            more = {
                row
                for left, right, _ in equal
                for here, there in ((left, right), (right, left))
                if here & found
                for row in there
            }
            if more <= found:
                break
            found |= more
        return frozenset(found)

    def _links(self, *, chosen: bool) -> list[tuple[frozenset[Row], frozenset[Row], Solved]]:
        """The rows that comparisons tie to one another, with where that is so."""
        found = [(one.left.rows, one.right.rows, one.holds) for one in self.equalities]
        if not chosen:
            return found
        for (who, _), term in self.given.items():
            if who is not Who.ARGUMENT:
                continue
            same = [
                (a.rows, one.holds)
                for one in self.equalities
                for a, b in ((one.left, one.right), (one.right, one.left))
                if a.rows and not b.rows and b.value.eq(term.value)
            ]
            pairs = itertools.islice(itertools.combinations(same, 2), MOST_PAIRS)
            found += [(left, right, z3.And(here, there)) for (left, here), (right, there) in pairs]
        return found

    def tied(self, *, chosen: bool = False) -> tuple[Mapping[Row, Solved], list[Solved]]:
        """Returns for each row that it is tied to the target row, and what has to hold where that is so.

        `chosen` is as for `linked`.
        """
        links = self._links(chosen=chosen)
        flags = {row: z3.Bool(f"row {row.number} is tied to the target") for row in self.rows if not row.target}
        steps = {row: z3.Int(f"steps from row {row.number}") for row in flags}
        facts: list[Solved] = []
        for row, flag in flags.items():
            chains = [z3.BoolVal(val=False)]
            for left, right, holds in links:
                for here, there in ((left, right), (right, left)):
                    if row in here:
                        chains += [
                            holds if other.target else z3.And(holds, flags[other], steps[other] < steps[row])
                            for other in there
                            if other != row
                        ]
            chains += [both for other, both in self.same if other == row]
            facts.append(z3.Implies(flag, z3.Or(chains)))
        return flags, facts

    def claims(self) -> list[Term]:
        """Returns what the server gave to the persona, or did not."""
        return [term for (who, _), term in self.given.items() if who is Who.SERVER]

    def moments(self) -> list[list[Solved]]:
        """Returns what it means that it is early and late: what is reached has to be reached at either time."""
        clocks = [term.value for (who, _), term in self.given.items() if who is Who.CLOCK]
        begins, ends = _CENTURY
        return [[one == moment for one in clocks] for moment in (begins + 1, ends - 1)] if clocks else [[]]

    def assume(self, relation: int, columns: Sequence[tuple[Field, Term]], model: z3.ModelRef) -> None:
        """Puts a row of the persona's into a table, with the values that these columns have in a model."""
        row = self.row(relation, always())
        self.facts.append(row.mine)
        for column, term in columns:
            own = self.column(row, column)
            self.facts.append(own.null == model.eval(term.null, model_completion=True))
            self.facts.append(z3.Or(own.null, own.value == model.eval(term.value, model_completion=True)))

    def as_others_are(self, model: z3.ModelRef) -> Iterator[Solved]:
        """Yields that the target row is as in a model, and that whatever is not the persona's is a row of the model."""
        there: dict[int, list[Row]] = {}
        tied = {row: z3.Bool(f"row {row.number} is tied") for row in self.rows if not row.target}
        for one in self.equalities:
            for here, others in ((one.left.rows, one.right.rows), (one.right.rows, one.left.rows)):
                chained = z3.Or([always() if row.target else tied[row] for row in here])
                yield z3.Implies(z3.And(one.holds, chained), z3.And([tied[row] for row in others if not row.target]))
        for row in self.rows:
            foreign = z3.And(row.there, z3.Not(row.mine))
            if not row.target and z3.is_true(model.eval(foreign, model_completion=True)):
                there.setdefault(row.relation, []).append(row)
        for row in self.rows:
            if row.target:
                yield from (as_in(model, term) for _, term in self.columns_of(row))
                continue
            # What a row is like that has nothing to do with this one says nothing of this one.
            alike = [row.mine, z3.Not(tied[row])]
            for other in there.get(row.relation, []):
                known = {column.number: term for column, term in self.columns_of(other)}
                alike.append(
                    z3.And([self.like(model, term, known.get(one.number)) for one, term in self.columns_of(row)])
                )
            yield z3.Implies(row.there, z3.Or(alike))

    @staticmethod
    def like(model: z3.ModelRef, term: Term, other: Term | None) -> Solved:
        """Returns that a value is what another is in a model; of one that the model does not know, anything."""
        if other is None:
            return always()
        null = model.eval(other.null, model_completion=True)
        value = model.eval(other.value, model_completion=True)
        return z3.And(term.null == null, z3.Or(term.null, term.value == value))

    def row(self, relation: int, there: Solved, *, target: bool = False) -> Row:
        """Returns a new row."""
        number = len(self.rows)
        mine = never() if target else z3.Bool(f"mine{number}")
        made = Row(number, relation, there, mine, target)
        self.rows.append(made)
        return made

    def term(self, expression: Expr, env: Env) -> Term:
        """Returns the value of an expression; of a Boolean one, `value` is whether it is true."""
        key = (expression, env)
        if key not in self._memo:
            self._memo[key] = self._term(expression, env)
        return self._memo[key]

    def _term(self, expression: Expr, env: Env) -> Term:
        found = self._logic(expression, env) or self._queried(expression, env)
        if found is not None:
            return found
        match expression:
            case Const():
                found = self._const(expression)
            case Given():
                found = self._request(expression, expression.type)
            case Field():
                found = self.column(env[expression.place], expression)
            case Call(name=name):
                # A statement that fails reaches nothing: whether it does need not be said.
                found = self.term(expression.args[0], env) if name == AFTER else self._call(expression, env)
            case Case():
                found = self._case(expression, env)
            case Opaque():
                found = self._opaque(expression, env)
            case _:
                message = f"{type(expression).__name__} is not an expression that stands for itself"
                raise TypeError(message)
        return found

    def _logic(self, expression: Expr, env: Env) -> Term | None:
        parts = [self.term(one, env) for one in below(expression)] if isinstance(expression, _LOGIC) else []
        match expression:
            case Not():
                found = _truth(_false(parts[0]), parts[0].null, *parts)
            case And():
                true = z3.And([one.value for one in parts])
                found = _truth(true, z3.And(z3.Not(true), *(z3.Not(_false(one)) for one in parts)), *parts)
            case Or():
                true = z3.Or([one.value for one in parts])
                found = _truth(true, z3.And(z3.Not(true), z3.Or([one.null for one in parts])), *parts)
            case IsNull():
                found = _truth(parts[0].null, never(), *parts)
            case IsTrue():
                found = _truth(parts[0].value, never(), *parts)
            case _:
                return None
        return found

    def _queried(self, expression: Expr, env: Env) -> Term | None:
        match expression:
            case AnyRow():
                return self._any_row(expression, env)
            case Lookup():
                return self._lookup(expression, env)
            case Aggregate():
                return self._aggregate(expression, env)
            case _:
                return None

    def _const(self, const: Const) -> Term:
        kind = family(const.type)
        if const.value is None:
            return Term(never() if kind is Family.TRUTH else self._fresh("null", kind), always())
        value = constant(const.value, const.type, self.codes)
        if kind is Family.NAME and value is not None:
            self.named.add(value.as_long())
        return Term(self._fresh("const", kind) if value is None else value, never())

    def _request(self, given: Given, kind: Type) -> Term:
        """A value that comes with the request, read as a type: what is picked can be picked to be any of its values."""
        if given.who is Who.IDENTITY and given.key in self._me:
            return self._me[given.key]
        key = (given.who, given.key if kind == given.type else f"{given.key}::{kind.name}")
        if key in self._picked:
            return self._picked[key]
        if key not in self.given:
            null = z3.Bool(f"null of {given.who.value} {key[1]}") if given.nullable else never()
            value = variable(f"{given.who.value} {key[1]}", family(kind))
            made = Term(value, null, identity=given.who is Who.SERVER, chosen=given.who in _PICKED)
            self._limit(made, kind)
            if family(kind) is Family.TRUTH:
                self.facts.append(z3.Not(z3.And(value, null)))
            if key == (Who.CLIENT, LEVEL):
                # Every session has one, and there are no others.
                self.facts += [z3.Not(null), z3.Or([value == self.codes.of(one) for one in sorted(LEVELS)])]
            if given.who is Who.CLOCK and family(kind) is Family.MOMENT:
                self.facts.append(z3.And(value > _CENTURY[0], value < _CENTURY[1]))
            self.given[key], self.kinds[key] = made, kind
        return self.given[key]

    def column(self, row: Row, column: Field) -> Term:
        """Returns a column's value in a row."""
        key = (row, column.number)
        if key not in self.columns:
            kind = family(column.type)
            # Equal predicates share an answer, whatever their columns are called.
            name = f"column {len(self.columns)} of {row.number}"
            value = variable(name, kind)
            null = z3.Bool(f"{name} is null") if column.nullable else never()
            made = Term(value, null, frozenset({row}))
            shared, doubtful = self.tables.common(column, made, self.codes)
            made = replace(made, shared=shared, doubtful=doubtful)
            self.columns[key] = (column, made)
            self.facts.extend(self.tables.limits(column, made, self.codes))
            self._limit(made, column.type)
            if kind is Family.TRUTH:
                self.facts.append(z3.Not(z3.And(value, null)))
        return self.columns[key][1]

    def _limit(self, term: Term, kind: Type) -> None:
        """What is true of every value of a type."""
        if kind.name == "uuid":
            self.facts.append(z3.Or(term.null, term.value > 0))

    def _call(self, call: Call, env: Env) -> Term:
        if call.name.startswith("::") and isinstance(call.args[0], Given) and call.args[0].who in _PICKED:
            return self._request(call.args[0], call.type)
        if (other := _in_other_words(call)) is not None:
            return self.term(other, env)
        args = [self.term(one, env) for one in call.args]
        kinds = [family(type_of(one)) for one in call.args]
        null = z3.Or([one.null for one in args])
        match call.name, args:
            case (("=" | "<>"), [left, right]):
                equal = self._equal(call, left, right, kinds)
                if equal is not None:
                    holds = z3.And(z3.Not(null), equal)
                    self._note(call, left, right, holds)
                    true = holds if call.name == "=" else z3.And(z3.Not(null), z3.Not(equal))
                    return _truth(true, null, *args)
            case (("<" | "<=" | ">" | ">="), [left, right]) if ordered(call, kinds):
                return _truth(z3.And(z3.Not(null), ORDERS[call.name](*as_one_kind(left, right, kinds))), null, *args)
            case (("+" | "-"), [left, right]) if set(kinds) == {Family.WHOLE}:
                # Of other numbers there are infinite ones and what is none: NaN + 1 = NaN.
                total = SUMS[call.name](*as_one_kind(left, right, kinds))
                shared, doubtful = _common(args)
                return Term(total, null, _rows(args), personal=_personal(args), shared=shared, doubtful=doubtful)
            case "%", [left, right] if set(kinds) == {Family.WHOLE} and (by := divisor(call.args[1])):
                # The server's remainder has the sign of what is divided, the solver's has none.
                rest = z3.If(left.value < 0, -(-left.value % by), left.value % by)
                shared, _ = _common(args)
                return Term(rest, null, _rows(args), personal=_personal(args), shared=shared, doubtful=always())
            case _:
                if len(args) == 1 and call.name.startswith("::") and keeps(call, kinds[0], args[0]):
                    (inner,) = args
                    whole = family(call.type) is Family.REAL and kinds[0] is Family.WHOLE
                    return replace(inner, value=z3.ToReal(inner.value) if whole else inner.value)
        result = self._computed(call, args, null, env)
        self.applied.append(Applied(call, env, tuple(args), result))
        return result

    def _only_ids(self, array: Expr, env: Env) -> bool:
        """Whether an array holds ids of the persona's and nothing else."""
        if isinstance(array, Call) and (array.name in {"ARRAY", "||"} or array.name.startswith("::")):
            return bool(array.args) and all(self._only_ids(one, env) for one in array.args)
        return self.term(array, env).identity

    def _computed(self, call: Call, args: Sequence[Term], null: Solved, env: Env) -> Term:
        """A function of which only this is known: of the same values it makes the same."""
        kind = family(call.type)
        name = f"{call.name} {next(self._names)}"
        value = variable(name, kind)
        # Of arrays and documents, `||` leaves a NULL out.
        strict = call.name in STRICT or call.name.startswith("::") or (call.name == "||" and kind is Family.NAME)
        surely_null = null if strict else never()
        isnull = z3.Or(surely_null, z3.Bool(f"{name} is null"))
        if kind is Family.TRUTH:
            self.facts.append(z3.Not(z3.And(value, isnull)))
        rows = _rows(args)
        telling = TELLING.get("~~" if is_plain_pattern(call) else call.name)
        if telling is not None and kind is Family.TRUTH:
            for a, b in zip(*telling, strict=True):
                needle, held = args[a], args[b]
                # Of several elements in common one is enough.
                only = call.name != "&&" or self._only_ids(call.args[a], env)
                told = needle.identity and only and held.rows and not held.identity
                if told or (call.name == "= ANY" and needle.rows and held.rows):
                    self.equalities.append(Equality(needle, held, value, self._tells(call.args[a])))
        image = (call.name in IMAGES and kind is not Family.TRUTH) or is_whole_cast(call)
        identity = image and any(one.identity for one in args) and not rows and not any(one.chosen for one in args)
        chosen = all(one.chosen for one in args) and bool(args)
        # What is made of a value may be the same for many others.
        lossy = never() if image or call.name in PARTS else always()
        shared, doubtful = _common(args)
        made = Term(
            value,
            isnull,
            rows,
            identity,
            chosen,
            personal=_personal(args) and not identity,
            shared=shared,
            doubtful=z3.Or(lossy, doubtful),
        )
        self._limit(made, call.type)
        return made

    def _equal(self, call: Call, left: Term, right: Term, kinds: Sequence[Family]) -> Solved | None:
        types = {type_of(one) for one in call.args}
        if are_numbers(call, kinds):
            a, b = as_one_kind(left, right, kinds)
            return a == b
        if len(set(kinds)) > 1:
            return None
        if kinds[0] is Family.MOMENT and len(types) > 1:
            # A date is midnight of the session's time zone.
            return None
        if kinds[0] is Family.OTHER and len(types) > 1:
            return None
        return left.value == right.value

    def _tells(self, expression: Expr) -> bool:
        """Whether the values of an expression can tell rows apart: those of a Boolean or an enumeration do not."""
        moment_or_truth = family(type_of(expression)) in {Family.TRUTH, Family.MOMENT}
        return not moment_or_truth and not self.tables.listed(expression)

    def _note(self, call: Call, left: Term, right: Term, holds: Solved) -> None:
        telling = all(map(self._tells, call.args))
        for on_left, a in left.leaves or ((always(), left),):
            for on_right, b in right.leaves or ((always(), right),):
                self.equalities.append(Equality(a, b, z3.And(holds, on_left, on_right), telling))
        first, second = call.args
        for one, other, expression, other_expression in ((left, right, first, second), (right, left, second, first)):
            key = _picked_by(expression)
            if key is not None and not other.chosen and all(row.target for row in other.rows):
                self.compared.append(Compared(key, other))
            if one.identity and isinstance(other_expression, Const):
                # What the server gives to an ordinary user is not what a policy names: that is for the staff.
                self.facts.append(z3.Not(holds))

    def _case(self, case: Case, env: Env) -> Term:
        conditions = [self.term(one, env) for one, _ in case.branches]
        results = [self.term(one, env) for one in (*(result for _, result in case.branches), case.default)]
        value, null = results[-1].value, results[-1].null
        for met, then in zip(reversed(conditions), reversed(results[:-1]), strict=True):
            value, null = z3.If(met.value, then.value, value), z3.If(met.value, then.null, null)
        leaves: list[tuple[Solved, Term]] = []
        for number, result in enumerate(results):
            here = [z3.Not(one.value) for one in conditions[:number]] + [one.value for one in conditions[number:][:1]]
            # What is always NULL is equal to nothing.
            if not z3.is_true(result.null):
                leaves += [(z3.And(*here, deeper), one) for deeper, one in result.leaves or ((always(), result),)]
        several = [one for _, one in leaves]
        return Term(
            value,
            null,
            _rows(results),
            identity=bool(several) and all(one.identity for one in several),
            chosen=bool(several) and all(one.chosen for one in several),
            personal=any(one.identity or one.personal for one in several),
            leaves=tuple(leaves),
            shared=z3.Or([one.shared for one in results]),
            doubtful=z3.Or([one.doubtful for one in results]),
        )

    def _any_row(self, expression: AnyRow, env: Env) -> Term:
        name = f"any row {next(self._names)}"
        holds = z3.Bool(name)
        met = self._met(expression.query, expression.test, env, holds)
        self.facts.append(z3.Implies(holds, met))
        null = never()
        if expression.test != TRUE:
            null = z3.Bool(f"{name} is null")
            self.facts.append(z3.Not(z3.And(holds, null)))
        self._await(expression.query, expression.test, env, holds)
        return Term(holds, null, frozenset())

    def _lookup(self, lookup: Lookup, env: Env) -> Term:
        kind = family(lookup.type)
        name = f"lookup {next(self._names)}"
        value, found, null = variable(name, kind), z3.Bool(f"{name} finds"), z3.Bool(f"{name} is null")
        inner = self._inner(lookup.query, env, found)
        where, shown = self.term(lookup.query.where, inner), self.term(lookup.value, inner)
        self.facts.append(z3.Implies(z3.Not(null), found))
        self.facts.append(z3.Implies(found, where.value))
        self.facts.append(z3.Implies(found, z3.And(null == shown.null, z3.Or(null, value == shown.value))))
        if kind is Family.TRUTH:
            self.facts.append(z3.Not(z3.And(value, null)))
        self._await(lookup.query, TRUE, env, found)
        # It comes from the rows whose columns it shows: that others have to be there is what the query says of them.
        leaves = tuple((z3.And(found, on), one) for on, one in shown.leaves)
        return replace(shown, value=value, null=null, leaves=leaves)

    def _aggregate(self, aggregate: Aggregate, env: Env) -> Term:
        kind = family(aggregate.type)
        name = f"{aggregate.function} {next(self._names)}"
        value = variable(name, kind)
        if aggregate.function == "count" and kind is Family.WHOLE:
            test: Expr = TRUE if aggregate.value is None else Not(IsNull(aggregate.value))
            some = self.term(AnyRow(aggregate.query, test), env)
            self.facts += [value >= 0, (value > 0) == some.value]
            return Term(value, never())
        null = z3.Bool(f"{name} is null")
        if kind is Family.TRUTH:
            self.facts.append(z3.Not(z3.And(value, null)))
        inner = self._inner(aggregate.query, env, z3.Not(null))
        self.facts.append(z3.Implies(z3.Not(null), self.term(aggregate.query.where, inner).value))
        shown = Term(value, null) if aggregate.value is None else self.term(aggregate.value, inner)
        if aggregate.function in {"min", "max"}:
            self.facts.append(z3.Implies(z3.Not(null), z3.And(z3.Not(shown.null), value == shown.value)))
        doubtful = shown.doubtful if aggregate.function in PICKS else always()
        personal = shown.identity or shown.personal
        return Term(value, null, shown.rows, personal=personal, shared=shown.shared, doubtful=doubtful)

    def _opaque(self, opaque: Opaque, env: Env) -> Term:
        kind = family(opaque.type)
        name = f"opaque {next(self._names)}"
        # What it reads of tables of its own is part of what is not followed.
        reads = [self.term(one, env) for one in opaque.reads if isinstance(one, Field) and one.place < len(env)]
        value = variable(name, kind)
        null = z3.Bool(f"{name} is null") if opaque.nullable else never()
        if kind is Family.TRUTH:
            self.facts.append(z3.Not(z3.And(value, null)))
        if opaque.fails is not None:
            self.failures.append(value)
            self._without_claims(opaque.fails, value)
        return Term(value, null, _rows(reads), personal=True)

    def _without_claims(self, computed: Expr, fails: Solved) -> None:
        """Where the request brings nothing along, what fails is known."""
        brought = {(one.who, one.key): one for one in walk(computed) if isinstance(one, Given)}
        absent = {key: None for key, one in brought.items() if one.nullable}
        own = {(Who.IDENTITY, key): text for key, text in self.own.items()}
        if brought.keys() - absent.keys() - own.keys():
            return
        state = State({}, {}, {**own, **absent}, labels=self.tables.all_labels, bases=self.tables.bases)
        try:
            if isinstance(evaluate(computed, state), Unknown):
                return
        except EvaluationError:
            return
        nothing = [self._request(brought[key], brought[key].type).null for key in absent]
        self.facts.append(z3.Implies(z3.And(nothing), z3.Not(fails)))

    def _inner(self, query: Query, env: Env, there: Solved) -> Env:
        found: list[Row] = []
        met: Counter[int] = Counter()
        for one in query.sources:
            key = (one.relation, met[one.relation])
            met[one.relation] += 1
            self.repeats |= key in self._common
            if not self._frugal:
                self._common[key] = self.row(one.relation, there)
            elif key not in self._common:
                self._common[key] = self.row(one.relation, z3.Bool(f"row {len(self.rows)} is there"))
            if self._frugal:
                self.facts.append(z3.Implies(there, self._common[key].there))
            found.append(self._common[key])
        return (*env, *found)

    def _met(self, query: Query, test: Expr, env: Env, there: Solved) -> Solved:
        inner = self._inner(query, env, there)
        return self._body(query, test, inner)

    def _body(self, query: Query, test: Expr, inner: Env) -> Solved:
        return z3.And(self.term(query.where, inner).value, self.term(test, inner).value)

    def _await(self, query: Query, test: Expr, env: Env, holds: Solved) -> None:
        # One that is only asked of rows at hand is not asked of others in turn for ever.
        if query.exact and self._rounds < self.most_rounds and self._instances < self.most_instances:
            self._existences.append(_Existence(query, test, env, holds))

    def _settle(self) -> None:
        """Says of subqueries that yield nothing that no row at hand meets them, and of rows what limits them."""
        for row in list(self.rows):
            self._refer(row)
        while self._existences and self._rounds < self.most_rounds:
            self._rounds += 1
            waiting, self._existences = self._existences, []
            for existence in waiting:
                self._ask_rows_at_hand(existence)
        for row in list(self.rows):
            for check in self.tables.checks(row.relation, {number for one, number in self.columns if one is row}):
                self.facts.append(z3.Not(_false(self.term(check, (row,)))))
        self._tell_apart()

    def _ask_rows_at_hand(self, existence: _Existence) -> None:
        wanted = [[row for row in self.rows if row.relation == one.relation] for one in existence.query.sources]
        for rows in itertools.islice(itertools.product(*wanted), 12):
            full = self._instances >= self.most_instances or len(self.rows) >= MOST_ROWS
            if full or (any(one.target for one in rows) and not self.stored):
                continue
            self._instances += 1
            met = self._body(existence.query, existence.test, (*existence.env, *rows))
            there = z3.And([one.there for one in rows])
            self.facts.append(z3.Implies(z3.And(there, met), existence.holds))

    def _tell_apart(self) -> None:
        """Two rows of one key are one row; the target row is one of its table only where it is stored there."""
        pairs = [
            (one, other)
            for one, other in itertools.combinations(self.rows, 2)
            if one.relation == other.relation and (self.stored or not one.target)
        ]
        for one, other in pairs[:MOST_PAIRS]:
            for equal, alike in self._by_key(one, other):
                both = z3.And(one.there, other.there, equal)
                if one.target:
                    # Whose it is, is asked.
                    self.same.append((other, both))
                    self.facts.append(z3.Implies(both, alike))
                else:
                    self.facts.append(z3.Implies(both, z3.And(one.mine == other.mine, alike)))

    def _by_key(self, one: Row, other: Row) -> Iterator[tuple[Solved, Solved]]:
        """That two rows have a key in common, for each key that both are asked for, and that they are alike."""
        of_one, of_other = (
            {number: term for (row, number), (_, term) in self.columns.items() if row == each} for each in (one, other)
        )
        shared = of_one.keys() & of_other.keys()
        alike = z3.And(
            [
                z3.And(of_one[each].null == of_other[each].null, of_one[each].value == of_other[each].value)
                for each in sorted(shared)
            ]
        )
        for key in self.tables.keys(one.relation):
            if key <= shared:
                terms = [(of_one[each], of_other[each]) for each in sorted(key)]
                yield z3.And([z3.And(z3.Not(a.null), z3.Not(b.null), a.value == b.value) for a, b in terms]), alike

    def _refer(self, row: Row) -> None:
        """The rows that a row's foreign keys point at are there."""
        asked = {one.relation for each in self._existences for one in each.query.sources}
        for key in self.tables.references(row.relation):
            if key.to not in asked or len(self.rows) >= MOST_ROWS:
                continue
            known_columns = [self.columns.get((row, one.number)) for one in key.columns]
            pairs = list(zip(known_columns, key.others, strict=True))
            if any(known is None for known, _ in pairs):
                continue
            own = [known[1] for known, _ in pairs if known is not None]
            there = z3.And(row.there, *(z3.Not(one.null) for one in own))
            if row.target and key.to == row.relation:
                # It may point at itself, and not be there yet.
                itself = [self.column(row, other) for other in key.others]
                alike = [one.value == other.value for one, other in zip(own, itself, strict=True)]
                there = z3.And(there, z3.Not(z3.And(alike)))
            referred = self.row(key.to, there)
            self.referred.add(referred)
            for mine, (_, other) in zip(own, pairs, strict=True):
                pointed = self.column(referred, other)
                self.facts.append(z3.Implies(there, z3.And(z3.Not(pointed.null), pointed.value == mine.value)))
                self.equalities.append(Equality(mine, pointed, there, telling=True))

    def _fresh(self, name: str, kind: Family) -> Solved:
        return variable(f"{name} {next(self._names)}", kind)


def as_in(model: z3.ModelRef, term: Term) -> Solved:
    """That a value is what it is in a model."""
    if z3.is_true(model.eval(term.null, model_completion=True)):
        return term.null
    return z3.And(z3.Not(term.null), term.value == model.eval(term.value, model_completion=True))


def _truth(true: Solved, null: Solved, *parts: Term) -> Term:
    return Term(true, null, _rows(parts), shared=always())


def _common(parts: Sequence[Term]) -> tuple[Solved, Solved]:
    """Where what is made of several values is that of many rows, and where it may be: one that is not is enough."""
    of_rows = [one for one in parts if one.rows]
    if not of_rows:
        return never(), never()
    return z3.And([one.shared for one in of_rows]), z3.And([z3.Or(one.shared, one.doubtful) for one in of_rows])


def _false(term: Term) -> Solved:
    return z3.And(z3.Not(term.value), z3.Not(term.null))


def _personal(terms: Sequence[Term]) -> bool:
    return any(one.identity or one.personal for one in terms)


def _rows(terms: Sequence[Term]) -> frozenset[Row]:
    return frozenset().union(*(one.rows for one in terms))


def _in_other_words(call: Call) -> Expr | None:
    """The same as an expression of which more is known, None where there is none."""
    if call.name == "<> ALL":
        return Not(Call("= ANY", call.args, call.type))
    if call.name.startswith("::") and isinstance(call.args[0], Case):
        # NULLIF(claim, '')::uuid
        of = call.args[0]
        branches = tuple((one, replace(call, args=(value,))) for one, value in of.branches)
        return Case(branches, replace(call, args=(of.default,)), call.type)
    return element_by_element(call)


def _picked_by(expression: Expr) -> tuple[Who, str] | None:
    match expression:
        case Given(who, key) if who in _PICKED:
            return (who, key)
        case Call(name, (Given(who, key),), kind) if name.startswith("::") and who in _PICKED:
            return (who, f"{key}::{kind.name}")
        case _:
            return None
