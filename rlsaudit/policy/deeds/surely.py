"""What a body surely does: along ways through it of which every condition is read and no statement can fail.

A way is taken where all of its conditions hold, so that rows that its queries find are shown, or written, in every
state in which these hold. What is not followed, or may fail, makes no claim: for how far a body may go see `follow`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SubLinkType

from rlsaudit.model import Operation, Reach
from rlsaudit.policy import tree
from rlsaudit.policy.deeds import typed
from rlsaudit.policy.deeds.deed import Sure, is_own_setting
from rlsaudit.policy.deeds.settled import settled, until
from rlsaudit.policy.deeds.sound import Sound, locks, type_name
from rlsaudit.policy.deeds.written import Writing
from rlsaudit.policy.expr import TRUE, UNKNOWN, And, Call, Expr, Field, IsNull, IsTrue, Not, walk
from rlsaudit.policy.helpers import PATH
from rlsaudit.policy.procedure import names
from rlsaudit.policy.procedure.declared import is_built_in
from rlsaudit.policy.procedure.path import (
    Changed,
    Computed,
    Condition,
    FirstRow,
    Gives,
    Returned,
    Sets,
    Unknown,
    Writes,
)
from rlsaudit.policy.read import queries, types
from rlsaudit.policy.read.aggregates import sums
from rlsaudit.policy.read.here import LostError, TooLargeError
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.policy.read.shown_rows import among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.deeds.deed import Ground
    from rlsaudit.policy.deeds.written import Written
    from rlsaudit.policy.procedure.path import Bindings, Bound, Path, Step
    from rlsaudit.policy.read import plpgsql
    from rlsaudit.policy.read.here import Here, Rows
    from rlsaudit.policy.tree import Node

FAILS = "whether a statement of the block fails"
"""Where a block has handlers, a way on which nothing fails asks for that; it is looked at statement by statement."""
_SHOWING = frozenset(
    {
        "array_agg", "json_agg", "json_build_array", "json_build_object", "jsonb_agg", "jsonb_build_array",
        "jsonb_build_object", "row_to_json", "string_agg", "to_json", "to_jsonb",
    }
)  # fmt: skip
"""Functions of whose result every argument is a part."""
_COLUMNS = re.compile(r"TABLE\((?P<columns>.*)\)", re.DOTALL)
_COLUMN = re.compile(r"(?:\"(?:[^\"]|\"\")*\"|[^\s,\"]+) (?P<type>(?:\"(?:[^\"]|\"\")*\"|[^,\"])+)(?:, |$)")
"""The result of a function as it is declared: `TABLE(id uuid, said text)`."""
_ANY = ""
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class _Shown:
    """A query of which something is handed out: all columns, or one by its number or name. `lone`: its first row."""

    query: Node
    bindings: Bindings
    column: int | str | None
    lone: bool


class Surely:
    """Reads the ways through one body that stands at `body`.

    `steady` says of an expression whether it is still what it was when the function was called, after these steps.
    """

    def __init__(
        self,
        function: Function,
        body: plpgsql.Body,
        database: Database,
        ground: Ground,
        steady: Callable[[Expr, Iterable[Step]], bool],
    ) -> None:
        self._function = function
        self._body = body
        self._database = database
        self._ground = ground
        self._steady = steady
        self._sound = Sound(function, body, database, ground)
        self._writing = Writing(body, database, ground, self._sound)

    def along(self, ways: Iterable[Path], *, silent: bool) -> tuple[Sure, ...]:
        """Returns what is surely done on any of these ways; `silent`: the function hands out no rows."""
        settings = self._function.settings
        if self._function.strict or not all(one.startswith(PATH) for one in settings) or not self._sound.may_read():
            return ()
        if self._function.volatility != "v" and locks(self._function):
            return ()
        found: list[Sure] = []
        for path in ways:
            gate = self._gate(path) if isinstance(path.end, Returned) else None
            if gate is None or not self._gives_well(path):
                continue
            written = self._written_on(path)
            if written is None:
                continue
            found_by, every = _must_find(path), written
            if found_by:
                # The row that is claimed to be written is the one that was to be found.
                written = [one for one in written if found_by == {id(one[0].statement)}]
            through = conjunction((gate, *(one.gate for one, _ in written)))
            done = [_done(one, through, every) for one, steady in written if steady]
            if not silent and not found_by:
                done += self._shown_on(path, through)
            if not typed.compares_unlike(one.rows for one in done):
                found += done
        return tuple(dict.fromkeys(found))

    def _gate(self, path: Path) -> Expr | None:
        """What a way asks for; None where that is not all known."""
        asked: list[Expr] = []
        for one in path.conditions:
            if isinstance(one.test, Unknown):
                if (one.test.reason == FAILS and not one.holds) or (one.test.wrote is not None and one.holds):
                    continue
                return None
            test = self._test(one)
            if test is None or not self._steady(test, settled(one)):
                return None
            asked.append(IsTrue(test) if one.holds else Not(IsTrue(test)))
        return conjunction(asked)

    def _test(self, condition: Condition) -> Expr | None:
        try:
            return self._body.test(condition)
        except LostError:
            return None

    def _stays(self, written: Written, before: Iterable[Step], then: Iterable[Step]) -> bool:
        """Whether a statement is about rows as they were, and what it makes of them stays."""
        gone = written.operation is Operation.DELETE
        return self._is_as_before(written.relation, written.rows, before) and (
            gone or self._is_as_before(written.relation, TRUE, then)
        )

    def _is_as_before(self, relation: int, rows: Expr, done: Iterable[Step]) -> bool:
        """Whether the rows of a relation, and what is asked of them, are what they were before these steps."""
        itself = IsNull(Field(0, relation, 0, "", UNKNOWN, nullable=True))
        return self._steady(And((rows, itself)), done)

    def _written_on(self, path: Path) -> list[tuple[Written, bool]] | None:
        """What is written on a way, with whether that is so of the state before it; None where something may fail."""
        found: list[tuple[Written, bool]] = []
        for place, step in enumerate(path.steps):
            if isinstance(step, Writes):
                # What is not volatile may not write.
                every = self._writing.of(step) if self._function.volatility == "v" else ()
                before, then = path.steps[:place], path.steps[place + 1 :]
                if not every or not all(self._steady(one.gate, before) for one in every):
                    return None
                found += ((one, self._stays(one, before, then)) for one in every)
            elif isinstance(step, Sets):
                if step.name is None or not is_own_setting(step.name):
                    return None
            elif not self._sound.goes_well(step):
                return None
        return found

    # What is shown

    def _gives_well(self, path: Path) -> bool:
        end = path.end
        if isinstance(end, Returned) and isinstance(end.node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
            # It is looked at where it is run.
            return True
        if not all(self._has_its_types(one) for one in path.steps if isinstance(one, Gives)):
            return False
        if not isinstance(end, Returned):
            return False
        return end.node is None or (
            self._sound.never_fails(end.node, path.bindings) and (end.query or self._becomes(end.node, path.bindings))
        )

    def _has_its_types(self, step: Gives) -> bool:
        """Whether RETURN QUERY gives what is declared: another type is an error, also one that could be cast."""
        if not step.query:
            return step.value is None or self._becomes(step.value, step.bindings)
        kinds = self._declared()
        if kinds is None or not isinstance(step.value, ast.SelectStmt):
            return True
        try:
            arm, here = next(queries.arms(step.value, self._body.moment(step.bindings)))
            made = next(queries.ways(arm, here))
        except LostError:
            return False
        read = [_read(partial(value, made.here.free)) for _, value in made.columns]
        return len(read) == len(kinds) and all(
            one is None or type_name(one) in {kind, UNKNOWN.name, _ANY} for one, kind in zip(read, kinds, strict=True)
        )

    def _declared(self) -> list[str] | None:
        """The types of the columns of rows that are declared to come out; None where they are not known."""
        returns = self._function.returns
        if listed := _COLUMNS.fullmatch(returns):
            return [one["type"] for one in _COLUMN.finditer(listed["columns"])]
        name = returns.removeprefix("SETOF ")
        if is_built_in(name):
            return [name]
        catalog = self._database.catalog
        table = next((one for one in catalog.snapshot.relations if catalog.identity(one) == name), None)
        return None if table is None else [types.of_column(one).name for one in self._database.columns(table).values()]

    def _becomes(self, value: Node, bindings: Bindings) -> bool:
        """Whether a value that is given back by itself surely can be cast to what is declared, as far as is known."""
        try:
            kind = self._sound.kind_of(Computed(value, bindings))
        except LostError:
            return True
        return not typed.may_not_fit(kind, self._function.returns.removeprefix("SETOF "))

    def _shown_on(self, path: Path, gate: Expr) -> Iterator[Sure]:
        for one in self._handed_out(path):
            done = until(one.query, one.bindings, path.steps)
            before = path.steps if done is None else done
            try:
                found = list(self._rows(one))
            except (LostError, TooLargeError):
                continue
            for relation, rows, lone in found:
                if self._is_as_before(relation, rows, before):
                    most = Reach.SOME if lone else Reach.ALL
                    yield Sure(Operation.SELECT, relation, conjunction((gate, rows)), most)

    def _handed_out(self, path: Path) -> Iterator[_Shown]:
        outputs = [one.name for one in self._function.parameters if one.mode in "bot" and one.name]
        for step in path.steps:
            if isinstance(step, Gives) and not step.maybe:
                if step.value is None:
                    yield from self._of_outputs(outputs, step.bindings)
                elif step.query and isinstance(step.value, ast.SelectStmt):
                    yield _Shown(step.value, step.bindings, None, lone=False)
                elif isinstance(step.value, ast.Node) and not step.query:
                    yield from self._of_value(step.value, step.bindings)
        end = path.end
        if not isinstance(end, Returned):
            return
        if end.node is None and not self._function.returns_set:
            yield from self._of_outputs(outputs, path.bindings)
        elif end.query and isinstance(end.node, ast.SelectStmt):
            yield _Shown(end.node, path.bindings, None, lone=not self._function.returns_set)
        elif end.node is not None and not end.query:
            yield from self._of_value(end.node, path.bindings)

    def _of_outputs(self, outputs: Iterable[str], bindings: Bindings) -> Iterator[_Shown]:
        for one in outputs:
            if one in bindings:
                yield from self._of_bound(bindings[one], (), 0)

    def _of_value(self, node: Node, bindings: Bindings, depth: int = 0) -> Iterator[_Shown]:
        """The queries that a value is made of, so that what they give can be seen in it."""
        for one in _parts(node):
            match one:
                case ast.SubLink(subLinkType=SubLinkType.EXPR_SUBLINK):
                    yield _Shown(one.subselect, bindings, None, lone=True)
                case ast.SubLink(subLinkType=SubLinkType.ARRAY_SUBLINK):
                    yield _Shown(one.subselect, bindings, None, lone=False)
                case ast.ColumnRef() | ast.ParamRef():
                    found = names.lookup(one, bindings)
                    if found is not None and depth < _DEEPEST:
                        yield from self._of_bound(*found, depth + 1)
                case _:
                    pass

    def _of_bound(self, bound: Bound, fields: tuple[str, ...], depth: int) -> Iterator[_Shown]:
        match bound:
            case Computed(node, bindings) if not fields:
                yield from self._of_value(node, bindings, depth)
            case FirstRow(query, column, whole, bindings=bindings):
                if not fields:
                    yield _Shown(query, bindings, None if whole else column, lone=True)
                elif len(fields) == 1 and whole is not False and _keeps_names(query, bound):
                    yield _Shown(query, bindings, fields[0], lone=True)
            case Changed(whole, name, value) if fields:
                yield from self._of_bound(*((value, fields[1:]) if fields[0] == name else (whole, fields)), depth)
            case _:
                pass

    def _rows(self, shown: _Shown) -> Iterator[tuple[int, Expr, bool]]:
        """The tables of which a query shows rows by a column of theirs, which of them, and whether only the first."""
        here = self._body.moment(shown.bindings)
        yield from self._within(shown.query, here, (), shown.column, lone=shown.lone)

    def _within(
        self, select: Node, here: Here, around: tuple[Rows, ...], column: int | str | None, *, lone: bool
    ) -> Iterator[tuple[int, Expr, bool]]:
        for arm, stands in queries.arms(select, here):
            for made in queries.ways(arm, stands):
                if made.node is None or _leaves_out(made.node):
                    continue
                queries.permitted(made)
                every = sums(made.node) and not made.node.groupClause
                first = (lone and not every) or made.node.limitCount is not None
                nest = (*around, made)
                places, nested = _seen(made, column)
                for source in made.sources:
                    if source.place in places:
                        rows = among(nest, source)
                        alone = self._is_one(made)
                        yield source.relation, rows, first and not alone
                for link in nested:
                    only = link.subLinkType == SubLinkType.EXPR_SUBLINK
                    inner = made.here
                    for relation, rows, cut in self._within(link.subselect, inner, nest, None, lone=only):
                        yield relation, rows, cut or first

    def _is_one(self, made: Rows) -> bool:
        """Whether a query finds one row at most, by a key that it names."""
        if len(made.sources) != 1:
            return False
        (source,) = made.sources
        where = queries.where(made)
        pinned = {
            number
            for one in (where.operands if isinstance(where, And) else (where,))
            for number in _pinned(one, source.place)
        }
        return any(
            one.kind in "pu" and not one.deferrable and set(one.columns) <= pinned
            for one in self._database.catalog.constraints[source.relation]
        )


def _done(one: Written, through: Expr, every: Iterable[tuple[Written, bool]]) -> Sure:
    others = frozenset(other.relation for other, _ in every if other.statement is not one.statement)
    rows = conjunction((through, one.rows))
    return Sure(one.operation, one.relation, rows, one.most, one.columns, one.sets, others)


def _must_find(path: Path) -> set[int]:
    """The statements that have to write a row on a way, but for those that put one in, and always do."""
    wrote = [one.test.wrote for one in path.conditions if isinstance(one.test, Unknown) and one.holds]
    return {id(one) for one in wrote if one is not None and not _puts_in(one)}


def _puts_in(statement: Node) -> bool:
    return isinstance(statement, ast.InsertStmt) and statement.onConflictClause is None


def _keeps_names(query: Node, bound: FirstRow) -> bool:
    """Whether a variable's fields are called as the columns of the query that filled it."""
    if bound.declared.type.lower() == "record":
        return True
    targets: Node = query.targetList or ()
    fields = targets[0].val.fields or () if len(targets) == 1 and isinstance(targets[0].val, ast.ColumnRef) else ()
    return bool(fields) and isinstance(fields[-1], ast.A_Star)


def _leaves_out(select: Node) -> bool:
    """Whether a query may give none of the rows that meet its conditions."""
    count = select.limitCount
    nothing = isinstance(count, ast.A_Const) and isinstance(count.val, ast.Integer) and not count.val.ival
    computed = count is not None and not isinstance(count, ast.A_Const)
    return bool(
        select.havingClause or select.limitOffset or select.windowClause or queries.distinct_on(select) or nothing
    ) or (computed and not isinstance(count, ast.ColumnRef | ast.ParamRef | ast.MinMaxExpr))


def _parts(node: Node) -> Iterator[Node]:
    """What a value is made of in such a way that it can be seen in it."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        match current:
            case ast.FuncCall() if tree.name(current.funcname)[-1] in _SHOWING:
                if current.agg_filter is None and current.over is None:
                    waiting.extend((current.args or ())[:1] if _joins(current) else current.args or ())
            case ast.CoalesceExpr():
                waiting.extend((current.args or ())[:1])
            case ast.TypeCast():
                waiting.append(current.arg)
            case ast.RowExpr():
                waiting.extend(current.args or ())
            case ast.A_ArrayExpr():
                waiting.extend(current.elements or ())
            case ast.ColumnRef() | ast.ParamRef() | ast.SubLink():
                yield current
            case _:
                pass


def _joins(call: Node) -> bool:
    return tree.name(call.funcname)[-1] == "string_agg"


def _seen(made: Rows, column: int | str | None) -> tuple[set[int], list[Node]]:
    """The places of rows of which a column comes out, and subqueries whose rows do."""
    free = made.here.free
    places: set[int] = set()
    nested: list[Node] = []
    for number, (name, value) in enumerate(made.columns):
        if column in {None, number, name}:
            found = _read(partial(value, free))
            if isinstance(found, Field):
                places.add(found.place)
    targets = made.node.targetList or ()
    if len(targets) != len(made.columns):
        return places, nested
    for number, (target, (name, _)) in enumerate(zip(targets, made.columns, strict=True)):
        if column not in {None, number, name}:
            continue
        for one in _parts(target.val):
            if isinstance(one, ast.SubLink):
                if tree.is_scalar(one):
                    nested.append(one)
                continue
            found = _read(partial(made.here.read, one))
            if isinstance(found, Field):
                places.add(found.place)
            places |= _whole(one, made)
    return places, nested


def _whole(node: Node, made: Rows) -> set[int]:
    """The places of a row that is named as a whole."""
    fields = node.fields or () if isinstance(node, ast.ColumnRef) else ()
    if len(fields) != 1 or not isinstance(fields[0], ast.String):
        return set()
    named = [one for one in made.tables if one.alias == fields[0].sval and fields[0].sval not in one.columns]
    found = [_read(partial(value, made.here.free)) for one in named for value in one.columns.values()]
    return {one.place for one in found if isinstance(one, Field)}


def _read(of: Callable[[], Expr]) -> Expr | None:
    try:
        return of()
    except LostError:
        return None


def _pinned(condition: Expr, place: int) -> Iterator[int]:
    """The columns of the row at a place that must equal something else."""
    if not isinstance(condition, Call) or condition.name != "=":
        return
    for one, other in (condition.args, condition.args[::-1]):
        itself = any(isinstance(each, Field) and each.place == place for each in walk(other))
        if isinstance(one, Field) and one.place == place and not itself:
            yield one.number
