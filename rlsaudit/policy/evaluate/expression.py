"""An expression's value: three-valued logic, and what may be an error kept apart from what is merely not known.

The server may compute operands of AND and OR in any order, and constants before all else. So where one operand decides
and another fails, the outcome is not known; where none decides, it fails either way.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from rlsaudit.policy.evaluate import calls, documents, text
from rlsaudit.policy.evaluate.sums import summed
from rlsaudit.policy.evaluate.values import EvaluationError, Json, State, Unknown
from rlsaudit.policy.expr import (
    AFTER,
    UNKNOWN,
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
    below,
    type_of,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.policy.evaluate.values import Result, Value

_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found out before, of parts of the expression by their identity, for as long as that is evaluated.

    `failing` says of constants whether they fail, `places` which rows a part reads, `leaves` what the conditions of a
    query are made of, each with the places that it reads, and `answers` what a subquery came to, by the rows around it.
    """

    failing: dict[int, bool] = field(default_factory=dict)
    places: dict[int, frozenset[int]] = field(default_factory=dict)
    leaves: dict[tuple[int, ...], tuple[tuple[Expr, frozenset[int]], ...]] = field(default_factory=dict)
    answers: dict[tuple[int, tuple[tuple[int, int], ...]], Result | EvaluationError] = field(default_factory=dict)

    def reads(self, part: Expr) -> frozenset[int]:
        """Returns the places whose rows a part of the expression reads."""
        if id(part) not in self.places:
            self.places[id(part)] = frozenset(one.place for one in walk(part) if isinstance(one, Field))
        return self.places[id(part)]

    def made_of(self, parts: tuple[Expr, ...]) -> tuple[tuple[Expr, frozenset[int]], ...]:
        """Returns the conditions below AND, OR and NOT that parts are made of, with the places that they read."""
        key = tuple(map(id, parts))
        if key not in self.leaves:
            every = {id(one): one for part in parts for one in _leaves(part)}
            self.leaves[key] = tuple((one, self.reads(one)) for one in every.values())
        return self.leaves[key]


@dataclass(frozen=True, slots=True)
class Env:
    """Where an expression is evaluated: `rows` by place, and what is known already."""

    state: State
    rows: Mapping[int, Mapping[int, Value]]
    known: _Known = field(default_factory=_Known)

    def at(self, rows: Mapping[int, Mapping[int, Value]]) -> Env:
        """Returns the same with more rows."""
        return Env(self.state, {**self.rows, **rows}, self.known)


def evaluate(expression: Expr, state: State) -> Result:
    """Returns the value that the server computes for `expression` in `state`, or `Unknown`: never another value.

    Texts are compared as all deterministic collations do, and otherwise by none.

    Raises:
        EvaluationError: the server raises an error.
    """
    return value_of(expression, Env(state, {0: state.row}))


def value_of(expression: Expr, env: Env) -> Result:
    """Returns the value of an expression among others."""
    found: Result
    match expression:
        case Const(value=value, type=kind):
            # Of a text that no type was found for, all that can be asked is whether it is NULL.
            found = value if kind == UNKNOWN else text.from_text(value, kind, env.state)
        case Given(who=who, key=key, type=kind):
            known = (who, key) in env.state.given
            found = _typed(env.state.given[who, key], kind, env.state) if known else Unknown.VALUE
        case Field():
            found = _column(expression, env)
        case Call(name=name):
            found = _after(expression, env) if name == AFTER else _call(expression, env)
        case Not(operand):
            inner = value_of(operand, env)
            found = inner if isinstance(inner, Unknown) or inner is None else not inner
        case And(operands):
            found = junction(operands, env, absorbing=False)
        case Or(operands):
            found = junction(operands, env, absorbing=True)
        case IsNull(operand):
            inner = value_of(operand, env)
            found = _never_null(operand, inner) if isinstance(inner, Unknown) else inner is None
        case IsTrue(operand):
            inner = value_of(operand, env)
            found = inner if isinstance(inner, Unknown) else inner is True
        case Case():
            found = _case(expression, env)
        case AnyRow() | Lookup() | Aggregate():
            found = _queried(expression, env)
        case Opaque():
            found = Unknown.ANYTHING
    return found


def _queried(expression: AnyRow | Lookup | Aggregate, env: Env) -> Result:
    """The value of a subquery, which is asked over and over for the same rows around it."""
    reads = env.known.reads(expression)
    key = (id(expression), tuple((place, id(row)) for place, row in env.rows.items() if place in reads))
    if key not in env.known.answers:
        try:
            env.known.answers[key] = _of_query(expression, env)
        except EvaluationError as error:
            env.known.answers[key] = error
    answer = env.known.answers[key]
    if isinstance(answer, EvaluationError):
        raise answer
    return answer


def _of_query(expression: AnyRow | Lookup | Aggregate, env: Env) -> Result:
    match expression:
        case AnyRow(query, test):
            return _any_row(query, test, env)
        case Lookup():
            return _lookup(expression, env)
        case Aggregate():
            return _aggregate(expression, env)


def _never_null(operand: Expr, inner: Unknown) -> Result:
    """Whether something that is not known is NULL."""
    if inner is Unknown.VALUE and isinstance(operand, Field | Given) and not operand.nullable:
        return False
    return inner


def _typed(value: Value, kind: Type, state: State) -> Result:
    """A value that was given, as one of the type."""
    kind = state.base(kind)
    if value is None:
        return None
    if kind.name in {"json", "jsonb"}:
        return value if isinstance(value, Json) else Unknown.VALUE
    if isinstance(value, Json):
        found = documents.as_text(value.value, "jsonb")
        if not isinstance(found, str):
            return found
        value = found
    if isinstance(value, str):
        return text.from_text(value, kind, state)
    if isinstance(value, int) and not isinstance(value, bool) and kind.name == "numeric":
        return Decimal(value)
    if isinstance(value, bool | int | Decimal) and kind.name in {"text", "character varying"}:
        return text.to_text(value, kind)
    return value


def _column(column: Field, env: Env) -> Result:
    row = env.rows.get(column.place)
    if row is None or column.number not in row:
        return Unknown.VALUE
    try:
        found = _typed(row[column.number], column.type, env.state)
    except EvaluationError:
        return Unknown.VALUE
    # A column is there, whatever is known of it.
    return Unknown.VALUE if isinstance(found, Unknown) else found


def _after(expression: Call, env: Env) -> Result:
    """What a body comes to. Whether arguments that it does not ask for are computed is the planner's to say."""
    found = value_of(expression.args[0], env)
    for one in expression.args[1:]:
        try:
            if value_of(one, env) is Unknown.ANYTHING:
                return Unknown.ANYTHING
        except EvaluationError:
            return Unknown.ANYTHING
    return found


def _call(expression: Call, env: Env) -> Result:
    values: list[Result] = []
    failure: EvaluationError | None = None
    for one in expression.args:
        try:
            values.append(value_of(one, env))
        except EvaluationError as error:
            failure = failure or error
    if failure is not None:
        if any(one is None or one == [] or isinstance(one, Unknown) for one in values):
            # A strict function of NULL is NULL at once, where that is seen first; and what is looked for among no
            # elements of an array is not computed, where that is written as a query.
            return Unknown.ANYTHING
        raise failure
    kinds = [type_of(one) for one in expression.args]
    return calls.call(expression.name, values, kinds, expression.type, env.state)


def junction(operands: tuple[Expr, ...], env: Env, *, absorbing: bool) -> Result:
    """Returns AND (`absorbing` False) or OR (True) of all operands."""
    values: list[Result] = []
    failure: EvaluationError | None = None
    for one in operands:
        try:
            values.append(value_of(one, env))
        except EvaluationError as error:
            failure = failure or error
    return _joined(values, failure, absorbing=absorbing)


def _joined(values: list[Result], failure: EvaluationError | None, *, absorbing: bool) -> Result:
    if failure is not None:
        if any(one is absorbing or isinstance(one, Unknown) for one in values):
            return Unknown.ANYTHING
        raise failure
    for least in (Unknown.ANYTHING, absorbing, Unknown.VALUE, None):
        if any(one is least for one in values):
            return least
    return not absorbing


def _case(expression: Case, env: Env) -> Result:
    parts = [one for branch in expression.branches for one in branch]
    for number, (condition, value) in enumerate(expression.branches):
        met = value_of(condition, env)
        if isinstance(met, Unknown):
            rest = Case(expression.branches[number + 1 :], expression.default, expression.type)
            return Unknown.ANYTHING if _fails_early(parts, env) else _either(met, value, rest, env)
        if met is True:
            others = [*parts[1 : 2 * number : 2], *parts[2 * number + 2 :], expression.default]
            return Unknown.ANYTHING if _fails_early(others, env) else value_of(value, env)
    others = parts[1::2]
    return Unknown.ANYTHING if _fails_early(others, env) else value_of(expression.default, env)


def _either(met: Unknown, value: Expr, rest: Case, env: Env) -> Result:
    """One of two values, if they are the same."""
    try:
        first, second = value_of(value, env), value_of(rest, env)
    except EvaluationError:
        return Unknown.ANYTHING
    if Unknown.ANYTHING in (met, first, second):
        return Unknown.ANYTHING
    same = type(first) is type(second) and first == second and not isinstance(first, list | Json)
    return first if same else Unknown.VALUE


def _fails_early(parts: list[Expr], env: Env) -> bool:
    """Whether something in parts that are not reached fails all the same, as it reads no row and is computed first."""
    every = [one for part in parts for one in walk(part)]
    # What is not followed and reads nothing may be a constant, too.
    lost = any(isinstance(one, Opaque) and not one.reads for one in every)
    return lost or any(_constant_fails(one, env) for one in every if isinstance(one, Call))


def _constant_fails(call: Call, env: Env) -> bool:
    failures = env.known.failing
    if id(call) not in failures:
        failing = False
        if not any(isinstance(one, Field | AnyRow | Lookup | Aggregate | Opaque) for one in walk(call)):
            try:
                value_of(call, env)
            except EvaluationError:
                failing = True
        failures[id(call)] = failing
    return failures[id(call)]


def _any_row(query: Query, test: Expr, env: Env) -> Result:
    if _may_fail(query, (query.where, test), env):
        return Unknown.ANYTHING
    found: list[Result] = []
    for inner in _combinations(query, env):
        present = value_of(query.where, inner)
        if present is False or present is None:
            continue
        value = value_of(test, inner)
        if (isinstance(present, Unknown) or not query.exact) and value is not False:
            value = (
                Unknown.VALUE if value is not Unknown.ANYTHING and present is not Unknown.ANYTHING else Unknown.ANYTHING
            )
        found.append(value)
    return _joined(found, None, absorbing=True)


def _lookup(expression: Lookup, env: Env) -> Result:
    query = expression.query
    if _may_fail(query, (query.where, expression.value), env):
        return Unknown.ANYTHING
    values: list[Result] = []
    for inner in _combinations(query, env):
        present = value_of(query.where, inner)
        if present is False or present is None:
            continue
        if isinstance(present, Unknown):
            return Unknown.ANYTHING
        values.append(value_of(expression.value, inner))
    if Unknown.ANYTHING in values:
        return Unknown.ANYTHING
    if expression.strict and len(values) > 1:
        if not query.exact:
            return Unknown.ANYTHING
        raise EvaluationError("more than one row returned by a subquery used as an expression", "21000")
    if not values:
        return None
    first = values[0]
    if isinstance(first, Unknown) or (not query.exact and first is not None):
        return Unknown.VALUE
    alike = all(_identical(one, first) for one in values)
    return first if alike else Unknown.VALUE


def _identical(left: Result, right: Result) -> bool:
    return type(left) is type(right) and str(left) == str(right)


def _aggregate(expression: Aggregate, env: Env) -> Result:
    query = expression.query
    parts = (query.where,) if expression.value is None else (query.where, expression.value)
    if _may_fail(query, parts, env):
        return Unknown.ANYTHING
    values: list[Value] = []
    for inner in _combinations(query, env):
        present = value_of(query.where, inner)
        if present is False or present is None:
            continue
        value = True if expression.value is None else value_of(expression.value, inner)
        if isinstance(present, Unknown) or isinstance(value, Unknown) or not query.exact:
            return Unknown.ANYTHING
        values.append(value)
    kind = type_of(expression.value) if expression.value is not None else expression.type
    return summed(expression.function, values, env.state.base(kind), env.state)


def _combinations(query: Query, env: Env, places: frozenset[int] | None = None) -> Iterator[Env]:
    """All combinations of rows of a query's sources, or of those at `places`."""
    sources = [one for one in query.sources if places is None or one.place in places]
    for rows in itertools.product(*(env.state.tables[one.relation] for one in sources)):
        yield env.at({source.place: row for source, row in zip(sources, rows, strict=True)})


def _may_fail(query: Query, parts: tuple[Expr, ...], env: Env) -> bool:
    """Whether the server may meet an error, or rows that are not known.

    It may ask any condition of any rows, in an order of its own: of one table before it is joined with the others.
    """
    count = 1
    for source in query.sources:
        if source.relation not in env.state.tables:
            return True
        count *= max(len(env.state.tables[source.relation]), 1)
    if count > _MOST_ROWS:
        return True
    own = frozenset(one.place for one in query.sources)
    for leaf, reads in env.known.made_of(parts):
        for inner in _combinations(query, env, own & reads):
            try:
                if value_of(leaf, inner) is Unknown.ANYTHING:
                    return True
            except EvaluationError:
                return True
    return False


def _leaves(expression: Expr) -> Iterator[Expr]:
    match expression:
        case And() | Or() | Not() | IsTrue() | IsNull():
            for one in below(expression):
                yield from _leaves(one)
        case _:
            yield expression
