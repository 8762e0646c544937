"""What surely goes well in a body: expressions that give a value, variables that take it, helpers that only look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType

from rlsaudit.model import Operation
from rlsaudit.policy import tree
from rlsaudit.policy.body import body_of
from rlsaudit.policy.deeds import unfailing
from rlsaudit.policy.deeds.unfailing import Known, is_harmless_call
from rlsaudit.policy.expr import Expr, type_of
from rlsaudit.policy.helpers import PATH, own_names
from rlsaudit.policy.procedure import NotFollowed, names, paths
from rlsaudit.policy.procedure.declared import is_built_in
from rlsaudit.policy.procedure.path import (
    Argument,
    Assigns,
    Calls,
    Changed,
    Computed,
    Declared,
    Exists,
    FirstRow,
    Gives,
    Reads,
    Returned,
    Tells,
    Unknown,
)
from rlsaudit.policy.procedure.walk import FOUND
from rlsaudit.policy.read import queries
from rlsaudit.policy.read.here import LostError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rlsaudit.catalog.facts import Column, Function
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.deeds.deed import Ground
    from rlsaudit.policy.procedure.path import Bindings, Bound, Path, Step
    from rlsaudit.policy.read import plpgsql
    from rlsaudit.policy.tree import Node

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
_NOW = frozenset({"clock_timestamp", "now", "statement_timestamp", "transaction_timestamp"})
_DEEPEST = 12


class Sound:
    """Tells what goes well in one body that stands at `body`. Constraints and writes are another question."""

    def __init__(self, function: Function, body: plpgsql.Body, database: Database, ground: Ground) -> None:
        self._function = function
        self._body = body
        self._database = database
        self._ground = ground
        self._role = body.here.scope.role
        self._own = own_names(database.catalog)
        self._harmless: dict[tuple[int, int], bool] = {}
        self._shown: dict[int, bool] = {}

    def may_read(self) -> bool:
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

    def never_fails(self, node: Node, bindings: Bindings) -> bool:
        """Whether evaluating it under these bindings surely succeeds, calls of the project's own put aside."""
        if self._clashes(node, bindings):
            return False
        return unfailing.never_fails(node, self._known(node, bindings)) and all(map(self._is_shown, self._views(node)))

    def _views(self, node: Node) -> set[int]:
        named = (oid for one in tree.relations(node) for oid in self._ground.relations(_name(one)))
        return {oid for oid in named if self._database.catalog.relations[oid].kind == "v"}

    def _is_shown(self, view: int) -> bool:
        """Whether the query of a view surely succeeds, with what it calls: a cast may fail for any of the rows."""
        if view not in self._shown:
            queries_of = tree.statements(self._database.catalog.relations[view].definition or "")
            self._shown[view] = bool(queries_of) and all(
                self.call_goes_well(one, {}) if isinstance(one, ast.FuncCall) else self.never_fails(one, {})
                for query in queries_of or ()
                for one in (query, *(each for each in tree.walk(query) if isinstance(each, ast.FuncCall)))
            )
        return self._shown[view]

    def _clashes(self, node: Node, bindings: Bindings) -> bool:
        """Whether a name may be a column as well as a variable: an error in plpgsql, whose bodies all have FOUND."""
        if FOUND not in bindings:
            return False
        columns = {
            column.name
            for one in tree.relations(node)
            for oid in self._ground.relations(_name(one))
            for column in self._database.catalog.columns[oid]
        }
        single = (names.parts(one) for one in tree.walk(node) if isinstance(one, ast.ColumnRef))
        return any(len(one) == 1 and one[0] in bindings and one[0] in columns for one in single)

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

    def goes_well(self, step: Step) -> bool:
        """Whether a step surely succeeds and writes nothing."""
        match step:
            case Reads(query, bindings):
                return self.never_fails(query, bindings)
            case Calls(call, bindings):
                return self.call_goes_well(call, bindings)
            case Assigns(_, value):
                return self.is_assigned(value)
            case Tells(node, bindings):
                return self.never_fails(node, bindings)
            case Gives(value, _, bindings):
                return value is None or (isinstance(value, ast.Node) and self.never_fails(value, bindings))
            case _:
                return False

    def call_goes_well(self, call: Node, bindings: Bindings) -> bool:
        """Whether a call surely gives a value, and writes nothing."""
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
        if function.volatility != "v" and locks(function):
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
        if not all(self.never_fails(one.test, one.bindings) for one in tests):
            return False
        if isinstance(path.end, Returned) and not self.never_fails(path.end.node, path.bindings):
            return False
        for step in path.steps:
            if isinstance(step, Calls) and not is_harmless_call(step.call, self._known(step.call, step.bindings)):
                called = list(self._ground.functions(tree.name(step.call.funcname)))
                if not called or not all(self._is_harmless(one, role, depth + 1) for one in called):
                    return False
            elif not isinstance(step, Calls) and not self.goes_well(step):
                return False
        return True

    def is_assigned(self, value: Bound) -> bool:
        """Whether a variable surely takes a value."""
        match value:
            case Computed(node, bindings, declared):
                if not self.never_fails(node, bindings) or declared.not_null:
                    return False
                return not declared.type or self._fits(value)
            case FirstRow(strict=False, declared=declared):
                return not declared.not_null and (not declared.type or self._fits(value))
            case Exists() | Unknown():
                return True
            case Changed(_, _, inner):
                return self.is_assigned(inner)
            case _:
                return False

    def takes(self, column: Column, value: Computed) -> bool:
        """Whether a column surely takes a value, as far as its type goes; a domain or a length may refuse it."""
        node = value.node
        if isinstance(node, ast.A_Const) and node.isnull:
            return column.type_kind != "d"
        if column.type_kind == "d" or "(" in column.type:
            # What the client picks fits.
            bound = names.lookup(node, value.bindings) if isinstance(node, ast.ColumnRef | ast.ParamRef) else None
            return column.type_kind != "d" and bound is not None and isinstance(bound[0], Argument)
        if isinstance(node, ast.A_Const):
            return True
        return self._fits(Computed(node, value.bindings, Declared(column.type)))

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
        if isinstance(node, ast.FuncCall) and tree.name(node.funcname)[-1] in _NOW:
            return target in _MOMENTS
        bound = names.lookup(node, value.bindings) if isinstance(node, ast.ColumnRef | ast.ParamRef) else None
        if bound is not None and isinstance(bound[0], Unknown):
            # It was read out of a row that was written.
            return bound[0].written is not None and self._returned(bound[0]) in {target, *_KEPT.get(target, ())}
        try:
            kind = self.kind_of(value)
        except LostError:
            return False
        return kind == target or kind in _KEPT.get(target, frozenset())

    def _returned(self, value: Unknown) -> str:
        """The type of what RETURNING gives, where that is a column; empty for anything else."""
        column = self.column_returned(value)
        return "" if column is None else column.type

    def column_returned(self, value: Unknown) -> Column | None:
        """Returns the column of a row that was written which a value is; None where it is none."""
        statement: Node = value.written
        if statement is None:
            return None
        targets: Node = tree.returning(statement)
        if value.column >= len(targets) or not isinstance(targets[value.column].val, ast.ColumnRef):
            return None
        parts = names.parts(targets[value.column].val)
        found = list(self._ground.relations(_name(statement.relation)))
        if len(found) != 1 or not parts:
            return None
        return next((one for one in self._database.catalog.columns[found[0]] if one.name == parts[-1]), None)

    def kind_of(self, value: Computed | FirstRow) -> str:
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


def locks(function: Function) -> bool:
    """Returns whether a body locks rows, which only a volatile function may."""
    ways = paths(function)
    steps = () if isinstance(ways, NotFollowed) else (step for path in ways for step in path.steps)
    queries_run = (step.query for step in steps if isinstance(step, Reads))
    return any(isinstance(one, ast.LockingClause) for query in queries_run for one in tree.walk(query))


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
