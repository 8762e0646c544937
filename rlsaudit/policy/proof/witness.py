"""From what the solver holds possible to a state with all values filled in, in which the predicate is evaluated.

The solver knows no text but by its code and no function but that it is one. So values are chosen for it: where a column
goes through a function whose result is known, the column is given a value that yields it. What comes out counts only if
evaluating the predicate over these rows gives what was wanted.
"""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import starmap
from typing import TYPE_CHECKING

import z3

from rlsaudit.policy.evaluate import EvaluationError, Json, State, Unknown, evaluate
from rlsaudit.policy.expr import Expr, Field, Type, Who, sources, walk
from rlsaudit.policy.proof.solution import Witness
from rlsaudit.policy.proof.values import Family, Row, Term, family, is_uuid, unnamed
from rlsaudit.policy.proof.wishes import NOTHING as _NOTHING
from rlsaudit.policy.proof.wishes import can_write, sent_wishes, wishes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.policy.evaluate import Result, Value
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.proof.encode import Encoder
    from rlsaudit.policy.proof.tables import Thing

_MOST_OPTIONAL = 3
_USER = "sub"
_TELLING = 6
"""How long a value has to be to tell anybody by: a role of two letters stands in many words."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def confirmed(
    expression: Expr,
    encoder: Encoder,
    model: z3.ModelRef,
    *,
    wanted: bool | None,
    strange: bool,
    alone: bool = True,
) -> Witness | None:
    """Returns the state of a model if the predicate is what is `wanted` in it: true, or anything but; None if not.

    With `wanted` None any value will do: it is known otherwise. `strange`: the row has to be a stranger's, so nothing
    that tells the persona from others may stand in it, nor in a row that is not the persona's. `alone`: what is true
    has to be so without rows that have nothing to do with it.
    """
    filled = Filled(expression, encoder, model)
    state = filled.state()
    if state is None or not filled.allowed(state) or filled.has_doubles() or not filled.plausible():
        return None
    if strange and filled.names_the_persona(state):
        return None
    if wanted is None:
        return filled.witness(state)
    for fewer in filled.smaller(state) if wanted else (state,):
        if all(
            _comes_out(expression, one, wanted=wanted)
            for one in filled.variants(fewer, alone=wanted and alone, chosen=not strange)
        ):
            return filled.witness(fewer)
    return None


def _comes_out(expression: Expr, state: State, *, wanted: bool) -> bool:
    try:
        value = evaluate(expression, state)
    except EvaluationError:
        return False
    return value is True if wanted else value is False or value is None


class Filled:
    """The values of one model."""

    def __init__(self, expression: Expr, encoder: Encoder, model: z3.ModelRef) -> None:
        self._expression = expression
        self._encoder = encoder
        self._model = model
        self._wishes = wishes(encoder, self._known)
        self._sent = sent_wishes(encoder, self._known)
        self._rows: dict[Row, dict[int, Value]] = {}

    def state(self) -> State | None:
        """Returns what the model says, None where there are no such values."""
        asked = {(one.relation, one.number): one for one in walk(self._expression) if isinstance(one, Field)}
        fillers: dict[Row, set[int]] = {}
        for row in self._encoder.rows:
            if not row.target and not self._true(row.there):
                continue
            values: dict[int, Value] = {}
            fillers[row] = set()
            for (relation, number), column in asked.items():
                known = self._encoder.columns.get((row, number))
                if relation == row.relation:
                    fillers[row] |= {number} if known is None else set()
                    value = self._filler(column, row) if known is None else self._value(row, *known)
                    if isinstance(value, Unknown):
                        return None
                    values[number] = value
            self._rows[row] = values
        self.make_alike(fillers)
        request = self._request()
        if request is None:
            return None
        tables = tables_of(self._expression, ((row, values) for row, values in self._rows.items() if not row.target))
        facts = self._encoder.tables
        return State(
            self._rows[self._encoder.target], tables, request, labels=facts.all_labels, bases=facts.bases, utc=True
        )

    def make_alike(self, fillers: Mapping[Row, set[int]]) -> None:
        """Fills rows of one key in alike, which are one row: what the model does not say of one it may of another."""
        for (row, here), (another, there) in itertools.combinations(self._rows.items(), 2):
            apart = row.target and not self._encoder.stored
            if apart or row.relation != another.relation or not self._is_one_row(row.relation, here, there):
                continue
            for number in here.keys() & there.keys():
                if number in fillers[another]:
                    there[number] = here[number]
                elif number in fillers[row]:
                    here[number] = there[number]

    def _is_one_row(self, relation: int, here: Mapping[int, Value], there: Mapping[int, Value]) -> bool:
        return any(
            all(here.get(each) is not None and here[each] == there.get(each) for each in key)
            for key in self._encoder.tables.keys(relation)
        )

    def smaller(self, state: State) -> Iterator[State]:
        """Yields the state with fewer and with all of its rows, those that keys point at always among them."""
        every = [row for row in self._rows if not row.target]
        optional = [row for row in every if row not in self._encoder.referred]
        if len(optional) > _MOST_OPTIONAL:
            yield state
            return
        whole = dict(self._rows)
        for count in range(len(optional) + 1):
            for kept in itertools.combinations(optional, count):
                self._rows = {row: values for row, values in whole.items() if row not in optional or row in kept}
                held = ((row, values) for row, values in self._rows.items() if not row.target)
                yield replace(state, tables=tables_of(self._expression, held))
        self._rows = whole

    def variants(self, state: State, *, alone: bool, chosen: bool) -> tuple[State, ...]:
        """The states in which the predicate has to be the same.

        The row is in its table already, or is about to be put there, unless it is known which. `alone`: rows that have
        nothing to do with this one are not counted on, but for those that the persona got when it signed up. Who has
        others may be staff. `chosen` is as for `Encoder.linked`.
        """
        found = [state]
        linked = self._encoder.linked(self._model, chosen=chosen)
        apart = [row for row in self._rows if row not in linked and not row.target and not self._given(row)]
        if alone and apart:
            kept = [(row, values) for row, values in self._rows.items() if row not in apart and not row.target]
            found.append(replace(state, tables=tables_of(self._expression, kept)))
        target = self._encoder.target
        if target.relation in state.tables:
            itself = self._rows[target]
            there = [
                replace(one, tables={**one.tables, target.relation: [*rows, itself]})
                if itself not in (rows := one.tables[target.relation]) or not self._encoder.stored
                else one
                for one in found
            ]
            found = there if self._encoder.stored else found + there
        return tuple(found)

    def _given(self, row: Row) -> bool:
        return self._true(row.mine) and self._encoder.made_at_sign_up(row)

    def plausible(self) -> bool:
        """Whether no id is that of two things: a user's id that is an organisation's as well is nobody's."""
        meant: dict[str, set[Thing]] = {}
        facts, own = self._encoder.tables, self._encoder.own.get(_USER)
        for row, values in self._rows.items():
            for number, value in values.items():
                thing = facts.thing(row.relation, number)
                if isinstance(value, str) and thing is not None:
                    meant.setdefault(value, set()).add(thing)
        return all(len(things) == 1 or value == own for value, things in meant.items()) and all(
            map(facts.is_users, meant.get(own or "", ()))
        )

    def names_the_persona(self, state: State) -> bool:
        """Whether a row that is not the persona's holds its id, or what the server gave to it."""
        ids = [
            str(value).lower()
            for (who, _), value in state.given.items()
            if who in {Who.IDENTITY, Who.SERVER} and value is not None
        ]
        foreign = [values for row, values in self._rows.items() if row.target or not self._true(row.mine)]
        held = [str(value).lower() for values in foreign for value in values.values() if isinstance(value, str | list)]
        return any(one in text for one in ids if len(one) >= _TELLING for text in held)

    def allowed(self, state: State) -> bool:
        """Whether rows like these can be in the tables, as far as the columns that are asked for go."""
        for row, values in self._rows.items():
            if not all(self._encoder.tables.holds(row.relation, number, value) for number, value in values.items()):
                return False
            for check in self._encoder.tables.checks(row.relation, values):
                if not _comes_out(check, replace(state, row=values), wanted=True):
                    return False
        return True

    def has_doubles(self) -> bool:
        """Whether two different rows have one key, as no state has them: those of a chain are of several states.

        Nor two which an exclusion constraint may keep apart, whatever it asks.
        """
        return any(starmap(self._is_double, itertools.combinations(self._rows.items(), 2)))

    def _is_double(self, one: tuple[Row, Mapping[int, Value]], other: tuple[Row, Mapping[int, Value]]) -> bool:
        """Whether two rows of a table have a key in common, and so are one row, and are not alike."""
        (row, here), (another, there) = one, other
        if row.relation != another.relation or all(here[each] == there[each] for each in here.keys() & there.keys()):
            return False
        return self._encoder.tables.excludes(row.relation) or self._is_one_row(row.relation, here, there)

    def witness(self, state: State) -> Witness:
        """Returns the state in words."""
        catalog = self._encoder.tables.catalog
        named = {
            row: {one.name: values[one.number] for one in catalog.columns[row.relation] if one.number in values}
            for row, values in self._rows.items()
        }
        others = tuple(
            (catalog.identity(catalog.relations[row.relation]), values)
            for row, values in named.items()
            if not row.target and values
        )
        request = {key: value for (_, key), value in state.given.items()}
        return Witness(named[self._encoder.target], others, request)

    def _request(self) -> dict[tuple[Who, str], Value] | None:
        """The values that the request brings along; None where one would have to be two things at once."""
        found: dict[tuple[Who, str], Value] = {(Who.IDENTITY, key): text for key, text in self._encoder.own.items()}
        for (who, key), term in self._encoder.given.items():
            given = self.sent(who, key, term, self._encoder.kinds[who, key])
            if isinstance(given, Unknown) or found.setdefault((who, key.partition("::")[0]), given) != given:
                return None
        return found

    def sent(self, who: Who, key: str, term: Term, kind: Type) -> Result:
        """Returns a value that a request brings along; none where it cannot."""
        base, cast, _ = key.partition("::")
        value = self._sent[key] if who is Who.CLIENT and key in self._sent else self._decoded(term, kind)
        if isinstance(value, Unknown):
            return value
        given = value if value is None or not cast else _text(value)
        return _NOTHING if who is Who.CLIENT and not can_write(base, given) else given

    def _value(self, row: Row, column: Field, term: Term) -> Result:
        if self._true(term.null):
            return None
        if (row, column.number) in self._wishes:
            return self._wishes[row, column.number]
        return self._decoded(term, column.type)

    def _filler(self, column: Field, row: Row) -> Result:
        """A value for a column that the model says nothing of."""
        if column.nullable:
            return None
        if column.type.name == "uuid":
            return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{row.number} {column.number}"))
        few = self._encoder.tables.allowed(column)
        if few:
            return few[0]
        made: dict[Family, Value] = {
            Family.TRUTH: False,
            Family.WHOLE: 0,
            Family.REAL: Decimal(0),
            Family.MOMENT: _moment(Decimal(0), column.type),
            Family.NAME: f"filler{row.number}",
        }
        return made.get(family(column.type), _NOTHING)

    def _known(self, term: Term, kind: Type) -> Result:
        """A value in the model, `_NOTHING` where there is none of the kind."""
        return self._decoded(term, kind)

    def _decoded(self, term: Term, kind: Type) -> Result:
        if self._true(term.null):
            return None
        value = self._model.eval(term.value, model_completion=True)
        match family(kind):
            case Family.TRUTH:
                return bool(z3.is_true(value))
            case Family.WHOLE:
                return int(value.as_long())
            case Family.REAL:
                return _decimal(value)
            case Family.MOMENT:
                return _moment(_decimal(value), kind)
            case Family.NAME:
                return self._text(value.as_long(), kind)
            case _:
                return [] if kind.name.endswith("[]") else Json({}) if kind.name in {"json", "jsonb"} else _NOTHING

    def _text(self, code: int, kind: Type) -> Result:
        named = self._encoder.codes.text(code)
        text = unnamed(code) if named is None else named
        if kind.name == "uuid":
            return text if is_uuid(text) else _NOTHING
        return _NOTHING if kind.kind == "e" and named is None else text

    def _true(self, term: Solved) -> bool:
        return bool(z3.is_true(self._model.eval(term, model_completion=True)))


def tables_of(
    expression: Expr, held: Iterable[tuple[Row, Mapping[int, Value]]]
) -> dict[int, list[Mapping[int, Value]]]:
    """The rows of all tables that a predicate reads."""
    found: dict[int, list[Mapping[int, Value]]] = {
        source.relation: [] for one in walk(expression) for source in sources(one)
    }
    for row, values in held:
        rows = found.setdefault(row.relation, [])
        if values not in rows:
            rows.append(values)
    return found


def _decimal(value: Solved) -> Decimal:
    if z3.is_algebraic_value(value):
        value = value.approx(10)
    return Decimal(value.numerator_as_long()) / Decimal(value.denominator_as_long())


def _moment(since: Decimal, kind: Type) -> Value:
    moment = _EPOCH + timedelta(seconds=float(since))
    if kind.name == "date":
        return moment.date()
    return moment if kind.name == "timestamp with time zone" else moment.replace(tzinfo=None)


def _text(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
