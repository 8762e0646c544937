"""What a body surely does: along ways through it of which every condition is read and no statement can fail.

A way is taken where all of its conditions hold, so that rows that its queries find are shown, or written, in every
state in which these hold. What is not followed, or may fail, makes no claim: for how far a body may go see `follow`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, SubLinkType

from rlsaudit.model import Operation, Reach
from rlsaudit.policy import tree
from rlsaudit.policy.body import body_of
from rlsaudit.policy.deeds.deed import Sure
from rlsaudit.policy.deeds.unfailing import Known, is_harmless_call, never_fails
from rlsaudit.policy.expr import And, Call, Expr, Field, IsTrue, Not, type_of, walk
from rlsaudit.policy.helpers import PATH, own_names
from rlsaudit.policy.procedure import NotFollowed, names, paths
from rlsaudit.policy.procedure.declared import is_built_in
from rlsaudit.policy.procedure.path import (
    Assigns,
    Calls,
    Changed,
    Computed,
    Condition,
    Exists,
    FirstRow,
    Gives,
    Reads,
    Returned,
    Tells,
    Unknown,
)
from rlsaudit.policy.read import queries
from rlsaudit.policy.read.aggregates import sums
from rlsaudit.policy.read.here import LostError, TooLargeError
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.policy.read.shown_rows import among

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.deeds.deed import Ground
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
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_MOMENTS = ("date", "timestamp without time zone", "timestamp with time zone")
_KEPT = {
    "bigint": frozenset(_NUMBERS[:3]),
    "date": frozenset(_MOMENTS),
    "double precision": frozenset(_NUMBERS),
    "integer": frozenset(_NUMBERS[:2]),
    "json": frozenset({"json", "jsonb"}),
    "jsonb": frozenset({"json", "jsonb"}),
    "numeric": frozenset(_NUMBERS[:4]),
    "timestamp with time zone": frozenset(_MOMENTS),
    "timestamp without time zone": frozenset(_MOMENTS),
}
"""Of which types every value can be cast to a type."""
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
        self._role = body.here.scope.role
        self._own = own_names(database.catalog)
        self._harmless: dict[tuple[int, int], bool] = {}

    def along(self, ways: Iterable[Path], *, silent: bool) -> tuple[Sure, ...]:
        """Returns what is surely done on any of these ways; `silent`: the function hands out no rows."""
        settings = self._function.settings
        if self._function.strict or not all(one.startswith(PATH) for one in settings) or not self._may_read():
            return ()
        found: list[Sure] = []
        for path in ways:
            gate = self._gate(path) if isinstance(path.end, Returned) else None
            if gate is None or not all(map(self._goes_well, path.steps)):
                continue
            if not silent and self._gives_well(path):
                found += self._shown_on(path, gate)
        return tuple(dict.fromkeys(found))

    def _gate(self, path: Path) -> Expr | None:
        """What a way asks for; None where that is not all known."""
        asked: list[Expr] = []
        for one in path.conditions:
            if isinstance(one.test, Unknown):
                if one.test.reason == FAILS and not one.holds:
                    continue
                return None
            test = self._test(one)
            if test is None or not self._steady(test, one.after):
                return None
            asked.append(IsTrue(test) if one.holds else Not(IsTrue(test)))
        return conjunction(asked)

    def _test(self, condition: Condition) -> Expr | None:
        try:
            return self._body.test(condition)
        except LostError:
            return None

    # What may fail

    def _may_read(self) -> bool:
        """Whether the body may read all that it names, by whatever it calls."""
        return all(self._ground.opens(self._role, oid, Operation.SELECT) for oid in self._named(self._function))

    def _named(self, function: Function) -> Iterator[int]:
        for name in body_of(function).reads:
            yield from self._ground.relations(name)

    def _known(self, around: Node, bindings: Bindings) -> Known:
        def casts(cast: Node) -> bool:
            return self._is_kept(cast, around, bindings)

        def finds_one(select: Node) -> bool:
            return self._finds_one(select, bindings)

        return Known(self._own, self._body.here.scope.trusted, casts, finds_one)

    def _never_fails(self, node: Node, bindings: Bindings) -> bool:
        return never_fails(node, self._known(node, bindings))

    def _is_kept(self, cast: Node, around: Node, bindings: Bindings) -> bool:
        """Whether every value of a column, or a number of rows, can be cast to a type; or the claim that one brings."""
        if tree.modified(cast) or cast.typeName.arrayBounds:
            return False
        if _is_of_request(cast.arg, self._body.here.scope.trusted):
            return True
        target = tree.target(cast)
        if isinstance(cast.arg, ast.FuncCall):
            return target in _NUMBERS and tree.name(cast.arg.funcname) == ("count",)
        if not isinstance(cast.arg, ast.ColumnRef) or names.lookup(cast.arg, bindings) is not None:
            return False
        fields = cast.arg.fields or ()
        name = fields[-1].sval if fields and isinstance(fields[-1], ast.String) else None
        kinds = {
            column.type
            for one in tree.relations(around)
            for oid in self._ground.relations(_name(one))
            for column in self._database.catalog.columns[oid]
            if column.name == name
        }
        return bool(kinds) and kinds <= _KEPT.get(target, frozenset())

    def _finds_one(self, select: Node, bindings: Bindings) -> bool:
        """Whether a query finds one row at most, for it names a key of the only table that it reads."""
        if len(select.fromClause or ()) != 1 or not isinstance(select.fromClause[0], ast.RangeVar) or select.larg:
            return False
        (relation,) = select.fromClause
        found = list(self._ground.relations(_name(relation)))
        if len(found) != 1:
            return False
        alias = relation.alias.aliasname if relation.alias else relation.relname
        numbers = {one.name: one.number for one in self._database.catalog.columns[found[0]]}
        pinned = {numbers[one] for one in _equated(select.whereClause, alias, numbers.keys(), bindings)}
        return any(
            one.kind in "pu" and not one.deferrable and set(one.columns) <= pinned
            for one in self._database.catalog.constraints[found[0]]
        )

    def _goes_well(self, step: Step) -> bool:
        match step:
            case Reads(query, bindings):
                return self._never_fails(query, bindings)
            case Calls(call, bindings):
                return self._call_goes_well(call, bindings)
            case Assigns(_, value):
                return self._is_assigned(value)
            case Tells(node, bindings):
                return self._never_fails(node, bindings)
            case Gives(value, _, bindings):
                return value is None or (isinstance(value, ast.Node) and self._never_fails(value, bindings))
            case _:
                return False

    def _call_goes_well(self, call: Node, bindings: Bindings) -> bool:
        if is_harmless_call(call, self._known(call, bindings)):
            return True
        called = list(self._ground.functions(tree.name(call.funcname)))
        return bool(called) and all(self._is_harmless(one, self._role) for one in called)

    def _is_harmless(self, function: Function, role: int, depth: int = 0) -> bool:
        """Whether calling a function of the project's surely gives a value and does nothing else."""
        key = (function.oid, role)
        if key not in self._harmless:
            # What leads back to itself may go on for ever.
            self._harmless[key] = False
            self._harmless[key] = depth < _DEEPEST and self._gives_a_value(function, role, depth)
        return self._harmless[key]

    def _gives_a_value(self, function: Function, role: int, depth: int) -> bool:
        body = body_of(function)
        if function.extension is not None or function.returns_set or not self._ground.may_call(role, function):
            return False
        if not body.understood or body.dynamic or body.writes or body.raises:
            return False
        if not all(one.startswith(PATH) for one in function.settings):
            return False
        role = function.owner if function.security_definer else role
        if not all(self._ground.opens(role, oid, Operation.SELECT) for oid in self._named(function)):
            return False
        ways = paths(function)
        if isinstance(ways, NotFollowed) or not all(isinstance(one.end, Returned) for one in ways):
            return False
        return all(self._runs_through(one, role, depth) for one in ways)

    def _runs_through(self, path: Path, role: int, depth: int) -> bool:
        """Whether nothing fails on a way through a helper."""
        tests = [one for one in path.conditions if isinstance(one.test, ast.Node)]
        if not all(self._never_fails(one.test, one.bindings) for one in tests):
            return False
        if isinstance(path.end, Returned) and not self._never_fails(path.end.node, path.bindings):
            return False
        for step in path.steps:
            if isinstance(step, Calls) and not is_harmless_call(step.call, self._known(step.call, step.bindings)):
                called = list(self._ground.functions(tree.name(step.call.funcname)))
                if not called or not all(self._is_harmless(one, role, depth + 1) for one in called):
                    return False
            elif not isinstance(step, Calls) and not self._goes_well(step):
                return False
        return True

    def _is_assigned(self, value: Bound) -> bool:
        """Whether a variable surely takes a value."""
        match value:
            case Computed(node, bindings, declared):
                if not self._never_fails(node, bindings) or declared.not_null:
                    return False
                return not declared.type or self._fits(value)
            case FirstRow(strict=False, declared=declared):
                return not declared.not_null and (not declared.type or self._fits(value))
            case Exists() | Unknown():
                return True
            case Changed(_, _, inner):
                return self._is_assigned(inner)
            case _:
                return False

    def _fits(self, value: Computed | FirstRow) -> bool:
        """Whether a value has the type of the variable, or one that every value of it can be cast to."""
        written = value.declared.type.lower()
        if "(" in written:
            return False
        if isinstance(value, FirstRow) and value.whole is not False and not _is_plain(written):
            return True
        cast: Node = tree.expression(f"null::{written}")
        target = tree.target(cast) if isinstance(cast, ast.TypeCast) else ""
        if target in {"text", "character varying"}:
            return True
        node = value.node if isinstance(value, Computed) else None
        if isinstance(node, ast.A_Const) or (isinstance(node, ast.TypeCast) and tree.target(node) == target):
            return True
        try:
            kind = self._kind(value)
        except LostError:
            return False
        return kind == target or kind in _KEPT.get(target, frozenset())

    def _kind(self, value: Computed | FirstRow) -> str:
        """The type of a value before it is assigned."""
        if isinstance(value, Computed):
            if document := _document(value.node):
                return document
            return type_name(self._body.moment(value.bindings).read(value.node))
        here = self._body.moment(value.bindings)
        for made in queries.ways(value.query, here):
            if value.column >= len(made.columns):
                raise LostError("takes a column that is not there")
            targets = made.node.targetList or () if made.node is not None else ()
            if len(targets) == len(made.columns) and (document := _document(targets[value.column].val)):
                return document
            return type_name(made.columns[value.column][1](made.here.free))
        raise LostError("takes no row")

    # What is shown

    def _gives_well(self, path: Path) -> bool:
        end = path.end
        return isinstance(end, Returned) and (end.node is None or self._never_fails(end.node, path.bindings))

    def _shown_on(self, path: Path, gate: Expr) -> Iterator[Sure]:
        for one in self._handed_out(path):
            before = _until(path, one)
            try:
                found = list(self._rows(one))
            except (LostError, TooLargeError):
                continue
            for relation, rows, lone in found:
                if self._steady(rows, before):
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


def type_name(expression: Expr) -> str:
    """Returns the name of the type that an expression has."""
    return type_of(expression).name


def _is_of_request(node: Node, trusted: Collection[tuple[str, ...]]) -> bool:
    """Whether a value is taken out of the claims: the server gives them as what they are, or the client picks them."""
    while isinstance(node, ast.A_Expr) and tree.name(node.name) in {("->",), ("->>",)}:
        if not isinstance(node.rexpr, ast.A_Const):
            return False
        node = node.lexpr
    name = tree.name(node.funcname) if isinstance(node, ast.FuncCall) else ()
    return name in trusted and name[:1] == ("auth",)


def _document(node: Node) -> str:
    """The type of what makes a document; empty for anything else."""
    if isinstance(node, ast.CoalesceExpr) and node.args:
        return _document(node.args[0])
    name = tree.name(node.funcname)[-1] if isinstance(node, ast.FuncCall) else ""
    return name.partition("_")[0] if name.startswith(("json_", "jsonb_")) else ""


def _is_plain(written: str) -> bool:
    """Whether a variable of this type surely holds one value, and no row."""
    return written != "record" and is_built_in(written)


def _keeps_names(query: Node, bound: FirstRow) -> bool:
    """Whether a variable's fields are called as the columns of the query that filled it."""
    if bound.declared.type.lower() == "record":
        return True
    targets: Node = query.targetList or ()
    fields = targets[0].val.fields or () if len(targets) == 1 and isinstance(targets[0].val, ast.ColumnRef) else ()
    return bool(fields) and isinstance(fields[-1], ast.A_Star)


def _equated(where: Node, alias: str, columns: Collection[str], bindings: Bindings) -> Iterator[str]:
    """The columns of a table that must equal what is none of its columns."""
    parts: Node = where.args if isinstance(where, ast.BoolExpr) and where.boolop == BoolExprType.AND_EXPR else (where,)
    for one in parts:
        if not isinstance(one, ast.A_Expr) or one.kind != A_Expr_Kind.AEXPR_OP or tree.name(one.name) != ("=",):
            continue
        for column, other in ((one.lexpr, one.rexpr), (one.rexpr, one.lexpr)):
            name = names.parts(column) if isinstance(column, ast.ColumnRef) else ()
            named = [names.parts(each) for each in tree.walk(other) if isinstance(each, ast.ColumnRef)]
            ours = any(
                not each or alias in each or (len(each) == 1 and (each[0] in columns or each[0] not in bindings))
                for each in named
            )
            if name and name[-1] in columns and name[:-1] in {(), (alias,)} and name[0] not in bindings and not ours:
                yield name[-1]


def _name(relation: Node) -> tuple[str, ...]:
    return (relation.schemaname, relation.relname) if relation.schemaname else (relation.relname,)


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


def _until(path: Path, shown: _Shown) -> tuple[Step, ...]:
    """What is done before a query is run."""
    for place, step in enumerate(path.steps):
        if isinstance(step, Reads) and step.query is shown.query and step.bindings is shown.bindings:
            return path.steps[:place]
    return path.steps
