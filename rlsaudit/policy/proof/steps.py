"""A chain of statements, tried: the rows of a model are put in and changed one by one, and each check is evaluated.

Only what comes out so is claimed: at the end the predicate is true of the stranger's row, and none of the rows that
were there before names the persona but as ordinary users have them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.names import ident, literal, qualified
from rlsaudit.policy.evaluate import EvaluationError, Json, Unknown, evaluate
from rlsaudit.policy.expr import And, Who
from rlsaudit.policy.proof.solution import Step
from rlsaudit.policy.proof.witness import Filled, tables_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import z3

    from rlsaudit.policy.evaluate import Result, State, Value
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.proof.chained import ChainedEncoder, Made, Way
    from rlsaudit.policy.proof.makings import Called
    from rlsaudit.policy.proof.solution import Witness
    from rlsaudit.policy.proof.values import Row

    Values = Mapping[int, Value]


@dataclass(frozen=True, slots=True)
class Tried:
    """A chain that was confirmed: its statements in order, the rows that they make, and the state at the end."""

    steps: tuple[Step, ...]
    rows: tuple[tuple[Row, Way], ...]
    """The rows that were made, and by which statement each."""
    witness: Witness


def tried(expression: Expr, encoder: ChainedEncoder, model: z3.ModelRef) -> Tried | None:
    """Returns the chain of a model where it comes out, None where it does not."""
    return _Chain(expression, encoder, model).tried()


class _Chain(Filled):
    """The values of one model, and the rows that its chain makes."""

    def __init__(self, expression: Expr, encoder: ChainedEncoder, model: z3.ModelRef) -> None:
        asked = [one for made in encoder.made.values() for one in _asked(made)]
        super().__init__(And((expression, *asked)), encoder, model)
        self._chained = encoder
        self._predicate = expression

    def make_alike(self, fillers: Mapping[Row, set[int]]) -> None:
        """Leaves rows of one key as they are: here they are one row before a step and after it."""

    def tried(self) -> Tried | None:
        state = self.state()
        if state is None or any(self._true(one.other) for one in self._chained.made.values() if one.row in self._rows):
            return None
        made = [one for row, one in self._chained.made.items() if row in self._rows and self._true(one.at_all)]
        if not self._keeps_unknown(made) or not self.allowed(state) or not self.plausible():
            return None
        if not made or self._names_the_persona(state, made):
            return None
        ordered = sorted(made, key=lambda one: (-self._chained.level(one.row), one.row.number))
        current = [row for row in self._rows if not row.target and row not in {one.row for one in made}]
        if self._have_one_key(current):
            return None
        start = self._with(state, current)
        steps = []
        done: list[tuple[Row, Way]] = []
        for one in ordered:
            if self._is_there(one.row, current):
                # What is asked for twice is made once.
                continue
            way = self._way(one)
            if way is None or not self._goes_through(one, way, state, current) or self._takes_a_name(one, current):
                return None
            steps.append(replace(self._step(one, way), start=start))
            done.append((one.row, way))
            current = [row for row in current if way.writing.inserts or row != one.before] + [one.row]
            if self._have_one_key(current):
                return None
        if not all(_true(self._predicate, one) for one in self._ends(state, current)):
            return None
        return Tried(tuple(steps), tuple(done), self._with(state, current))

    def _way(self, made: Made) -> Way | None:
        return next((one for one in made.ways if self._true(one.holds)), None)

    def _with(self, state: State, rows: Collection[Row]) -> Witness:
        """The state with these rows beside the one that is asked for."""
        whole = self._rows
        self._rows = {row: values for row, values in whole.items() if row.target or row in rows}
        found = self.witness(state)
        self._rows = whole
        return found

    def _goes_through(self, made: Made, way: Way, state: State, current: Sequence[Row]) -> bool:
        """Whether what the statement asks is true at its time, and what it gives is what the row has then."""
        statement = way.writing
        if not self._points_somewhere(made.row, current):
            return False
        passing = self._passing(way.step)
        if passing is None:
            return False
        now = replace(state, tables=self._tables(current), given={**state.given, **passing})
        if statement.called is not None and not self._calls_for_it_alone(made, way, now, current, passing.values()):
            return False
        if not statement.inserts:
            before = made.before
            if before not in current or before is None:
                return False
            old = replace(now, row=self._rows[before])
            new = self._rows[made.row]
            if not _true(statement.using, old) or not all(
                column.number not in new or _evaluated(value, old) == new[column.number]
                for column, value in statement.sets
            ):
                return False
        return _true(statement.check, replace(now, row=self._rows[made.row]))

    def _calls_for_it_alone(
        self, made: Made, way: Way, now: State, current: Iterable[Row], sent: Iterable[Value]
    ) -> bool:
        """Whether a call can be written down, and changes no other row: it changes all that meet what it asks."""
        if any(isinstance(one, Json | list) for one in sent):
            return False
        if way.writing.inserts:
            return True
        others = [one for one in (*current, self._chained.target) if one.relation == made.row.relation]
        asked = (replace(now, row=self._rows[one]) for one in others if one != made.before)
        return all(_evaluated(way.writing.using, one) in {False, None} for one in asked)

    def _passing(self, step: int) -> Mapping[tuple[Who, str], Value] | None:
        found: dict[tuple[Who, str], Value] = {}
        for (who, key), (term, kind) in self._chained.passing.get(step, {}).items():
            value = self.sent(who, key, term, kind)
            base = key.partition("::")[0]
            if isinstance(value, Unknown) or found.setdefault((who, base), value) != value:
                return None
        return found

    def _ends(self, state: State, current: Sequence[Row]) -> Iterable[State]:
        """The states at the end: the row is in its table, or about to be put there."""
        target = self._chained.target
        end = replace(state, tables=self._tables(current))
        yield end
        if target.relation in end.tables:
            rows = [*end.tables[target.relation], self._rows[target]]
            yield replace(end, tables={**end.tables, target.relation: rows})

    def _tables(self, rows: Iterable[Row]) -> dict[int, list[Mapping[int, Value]]]:
        return tables_of(self._expression, ((row, self._rows[row]) for row in rows))

    def _keeps_unknown(self, made: Iterable[Made]) -> bool:
        """Gives columns of which the model says nothing the value that they had; whether there is one."""
        for one in made:
            for number in self._rows[one.row]:
                if (one.row, number) in self._chained.columns:
                    continue
                way = self._way(one)
                if way is not None and not way.writing.inserts and one.before is not None:
                    self._rows[one.row][number] = self._rows[one.before][number]
                elif way is None or number not in way.writing.settable:
                    return False
        return True

    def _names_the_persona(self, state: State, made: Iterable[Made]) -> bool:
        """Whether a row that is not the persona's held its id before the chain."""
        own = {one.row for one in made}
        whole = self._rows
        self._rows = {row: values for row, values in whole.items() if row not in own}
        found = self.names_the_persona(state)
        self._rows = whole
        return found

    def _have_one_key(self, rows: Sequence[Row]) -> bool:
        """Whether two rows have one key, or may be kept apart by an exclusion constraint."""
        every = [*rows, self._chained.target]
        for number, one in enumerate(every):
            for other in every[number + 1 :]:
                if one.relation != other.relation:
                    continue
                mine, theirs = self._rows[one], self._rows[other]
                if mine == theirs and not {one, other} & (self._chained.made.keys() | {self._chained.target}):
                    continue
                if self._chained.tables.excludes(one.relation):
                    return True
                for key in self._chained.tables.keys(one.relation):
                    if key <= mine.keys() & theirs.keys() and all(
                        mine[each] is not None and mine[each] == theirs[each] for each in key
                    ):
                        return True
        return False

    def _is_there(self, row: Row, rows: Sequence[Row]) -> bool:
        """Whether a row like it was made before."""
        alike = (one for one in rows if one.relation == row.relation and one in self._chained.made)
        return any(self._rows[one] == self._rows[row] for one in alike)

    def _takes_a_name(self, made: Made, current: Sequence[Row]) -> bool:
        """Whether a row gets the name of something that is there, or is spoken of where no foreign key says so."""
        tables, values = self._chained.tables, self._rows[made.row]
        pointing = {one.number for reference in tables.references(made.row.relation) for one in reference.columns}
        old = self._rows.get(made.before, {}) if made.before is not None else {}
        own = [next(iter(key)) for key in tables.keys(made.row.relation) if len(key) == 1 and not key & pointing]
        new = {value for one in own if isinstance(value := values.get(one), str | int) and value != old.get(one)}
        others = [self._rows[row] for row in (*current, self._chained.target) if row not in self._chained.made]
        spoken = (value for row in others for value in row.values() if isinstance(value, str | int))
        return any(value in new for value in spoken)

    def _points_somewhere(self, row: Row, current: Sequence[Row]) -> bool:
        """Whether the rows are there that a row's foreign keys point at, as far as their tables are in the state."""
        values = self._rows[row]
        for reference in self._chained.tables.references(row.relation):
            wanted = {
                other.number: values.get(own.number)
                for own, other in zip(reference.columns, reference.others, strict=True)
            }
            if None in wanted.values() or self._chained.own.get("sub") in wanted.values():
                continue
            there = [self._rows[one] for one in (*current, self._chained.target) if one.relation == reference.to]
            known = [one for one in there if wanted.keys() <= one.keys()]
            asked = bool(known) or any(made.row.relation == reference.to for made in self._chained.made.values())
            if asked and not any(all(one[number] == value for number, value in wanted.items()) for one in known):
                return False
        return True

    def _step(self, made: Made, way: Way) -> Step:
        catalog = self._chained.tables.catalog
        relation = catalog.relations[made.row.relation]
        name = qualified(catalog.schema_name(relation), relation.name)
        names = {one.number: ident(one.name) for one in catalog.columns[relation.oid]}
        facts = {one.number: one.name for one in catalog.columns[relation.oid]}
        new = self._rows[made.row]
        settable = way.writing.settable
        if way.writing.called is not None:
            step = self._call(way, relation.oid, way.writing.called)
            row = {facts[number]: value for number, value in new.items()}
            return replace(step, columns=_named(facts, sorted(settable & new.keys())), row=row)
        if way.writing.inserts or made.before is None:
            sets = {number: value for number, value in new.items() if number in settable and value is not None}
            columns, values = ", ".join(names[one] for one in sets), ", ".join(map(self._shown, sets.values()))
            what = f"({columns}) values ({values})" if sets else "default values"
            step = Step(relation.oid, f"insert into {name} {what}", inserts=True, columns=_named(facts, sets))
            return replace(step, row={facts[number]: value for number, value in sets.items()})
        old = self._rows[made.before]
        changed = {number: value for number, value in new.items() if number in settable and value != old[number]}
        changes = ", ".join(f"{names[number]} = {self._shown(value)}" for number, value in changed.items())
        own = [number for number, value in old.items() if value == self._chained.own.get("sub")]
        keys = [*own, *(number for key in self._chained.tables.keys(relation.oid) for number in sorted(key))]
        where = next((f" where {names[one]} = {self._shown(old[one])}" for one in keys if old.get(one) is not None), "")
        step = Step(relation.oid, f"update {name} set {changes}{where}", inserts=False, columns=_named(facts, changed))
        return replace(step, row={facts[number]: value for number, value in new.items()})

    def _call(self, way: Way, relation: int, called: Called) -> Step:
        """A call as people write it: with the names of arguments, where all that are sent have one."""
        catalog = self._chained.tables.catalog
        function = catalog.functions[called.function]
        passing = self._passing(way.step) or {}
        sent: list[tuple[str, str]] = []
        for number, name in enumerate(called.parameters):
            key = (Who.ARGUMENT, f"{called.function}.{number}")
            if key in passing or number < called.required:
                sent.append((name, self._shown(passing.get(key))))
        by_name = all(name for name, _ in sent)
        arguments = ", ".join(f"{ident(name)} => {value}" if by_name else value for name, value in sent)
        name = qualified(catalog.schemas[function.schema].name, function.name)
        return Step(
            relation, f"select {name}({arguments})", inserts=way.writing.inserts, columns=(), function=called.function
        )

    def _shown(self, value: Value) -> str:
        if value is not None and value == self._chained.own.get("sub") and self._chained.tables.users is not None:
            return "auth.uid()"
        match value:
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case int():
                return str(value)
            case _:
                return literal(str(value)).strip()


def _named(names: Mapping[int, str], numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(names[one] for one in numbers)


def _asked(made: Made) -> Iterable[Expr]:
    return (each for way in made.ways for each in way.writing.asked)


def _true(expression: Expr, state: State) -> bool:
    return _evaluated(expression, state) is True


def _evaluated(expression: Expr, state: State) -> Result:
    """The value of an expression, anything where it fails."""
    try:
        return evaluate(expression, state)
    except EvaluationError:
        return Unknown.ANYTHING
