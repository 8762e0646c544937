"""The FROM of a query: which rows it combines, what their columns are called, and what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import JoinType

from rlsaudit.access.views import is_invoker
from rlsaudit.policy import tree
from rlsaudit.policy.expr import TRUE, AnyRow, Const, Expr, Field, Not, Query, Source, type_of
from rlsaudit.policy.read import operators, types, unpacked
from rlsaudit.policy.read.aggregates import sums
from rlsaudit.policy.read.here import Choices, Here, LostError, Rows, Table, Value
from rlsaudit.policy.read.junctions import conjunction
from rlsaudit.policy.read.opaque import lone, opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.scalar import Column
    from rlsaudit.policy.tree import Node

_READABLE = frozenset("rpmf")


class From:
    """Takes the items of a FROM one after the other into `rows`."""

    def __init__(self, rows: Rows, choices: Choices) -> None:
        self._rows = rows
        self._choices = choices
        self._outer = rows.here

    def finish(self) -> None:
        """Puts what was found in scope."""
        here = self._rows.here
        self._rows.here = replace(here, levels=(tuple(self._rows.tables), *self._outer.levels))

    def add(self, item: Node) -> list[Table]:
        """Takes one item, and returns the tables that it makes."""
        match item:
            case ast.RangeVar():
                made = [self._relation(item)]
            case ast.RangeSubselect():
                here = self._lateral() if item.lateral else self._inner(())
                made = [self._derived(self._nested(item.subquery, here), item.alias)]
            case ast.RangeFunction():
                made = [self._function(item)]
            case ast.JoinExpr():
                return self._join(item)
            case _:
                raise LostError("reads from something that is not followed")
        self._rows.tables += made
        return made

    def _inner(self, tables: tuple[Table, ...]) -> Here:
        return replace(self._rows.here, levels=(tables, *self._outer.levels) if tables else self._outer.levels)

    def _lateral(self) -> Here:
        return self._inner(tuple(self._rows.tables))

    def _relation(self, item: Node) -> Table:
        here = self._rows.here
        if not item.schemaname and item.relname in here.common:
            query, there, names = here.common[item.relname]
            nested = self._nested(query, replace(there, free=here.free))
            return self._derived(nested, item.alias, default=item.relname, names=names)
        database = here.scope.database
        name = (item.schemaname, item.relname) if item.schemaname else (item.relname,)
        found = None if database is None else database.find(name, here.scope.path)
        if found is None or database is None:
            raise LostError(f"reads {'.'.join(name)}, which is not known")
        if not item.inh and database.catalog.children[found.oid]:
            raise LostError("reads a table without its children")
        renamed = [one.sval or "" for one in (item.alias.colnames or () if item.alias else ())]
        alias = item.alias.aliasname if item.alias else item.relname
        schema = "" if item.alias else database.catalog.schema_name(found)
        table = self._view(found, here) if found.kind == "v" else self._table(found, here)
        self._rows.checks.append((here.scope.role, found, table))
        columns = dict(table.columns)
        if not renamed:
            return Table(alias, columns, schema, used=table.used)
        if len(renamed) > len(columns):
            raise LostError("gives more names than there are columns")
        pairs = list(columns.items())
        new = {name: pairs[number][1] for number, name in enumerate(renamed)} | dict(pairs[len(renamed) :])
        # Which of the old columns are used cannot be told by the new names.
        table.used.update(columns)
        return Table(alias, new, schema)

    def _table(self, found: Relation, here: Here) -> Table:
        database = here.scope.database
        if found.kind not in _READABLE or database is None:
            raise LostError(f"reads {found.name}, which is no table")
        place = here.free
        self._rows.here = here.at(place + 1)
        self._rows.sources.append(Source(place, found.oid, database.catalog.identity(found)))
        self._rows.conditions.append(_policies(found, place, here))
        return Table(found.name, row(found, place, here))

    def _view(self, found: Relation, here: Here) -> Table:
        key = ("view", found.oid, 0)
        parsed = tree.shared(found.definition or "")
        if key in here.within or not parsed or len(parsed) != 1:
            raise LostError(f"reads the view {found.name}, which is not followed")
        role = here.caller if is_invoker(found) else found.owner
        scope = replace(here.scope, relation="", columns={}, table=0, path=(), role=role)
        nested = self._nested(
            parsed[0],
            Here(here.work, scope, here.free, within=here.within | {key}, user=here.user, key=f"{here.key} {role}"),
        )
        database = here.scope.database
        names = () if database is None else tuple(one.name for one in database.catalog.columns[found.oid])
        if len(names) != len(nested.columns):
            raise LostError(f"reads the view {found.name}, which is not followed")
        return self._derived(nested, None, default=found.name, names=names)

    def _nested(self, select: Node, here: Here) -> Rows:
        """A query within the FROM, in so far as its rows are just combinations of rows."""
        nested = here.work.readers.rows(select, here, self._choices)
        if nested.node is not None and _sums_up_all(nested.node):
            return _summed(nested, here)
        if nested.node is not None and not is_plain(nested.node):
            raise LostError("reads from a query that sums up, or picks among its rows")
        # It may be run by who may read all that it names, whichever of its columns are asked for.
        nested.conditions.append(_touched(nested))
        return nested

    def _derived(self, nested: Rows, alias: Node, default: str = "", names: tuple[str, ...] = ()) -> Table:
        # A query that is named twice in the next, and so on, has no end of tables.
        self._rows.here.work.spend(len(nested.sources))
        self._rows.sources += nested.sources
        self._rows.conditions += nested.conditions
        self._rows.checks += nested.checks
        self._rows.here = self._rows.here.at(nested.here.free)
        given = tuple(one.sval or "" for one in (alias.colnames or () if alias else ()))
        called = [name for name, _ in nested.columns]
        for new in (names, given):
            called = [*new, *called[len(new) :]]
        columns: dict[str, Value] = {}
        for name, (_, value) in zip(called, nested.columns, strict=False):
            columns[name] = _twice if name in columns else value
        return Table((alias.aliasname if alias else None) or default, columns)

    def _function(self, item: Node) -> Table:
        # Each of ROWS FROM is a function with what its columns are declared as.
        functions: Node = item.functions or ()
        elements = unpacked.columns(item, self._lateral())
        if elements is not None:
            self._rows.conditions.append(unpacked.is_there(item))
            return Table(item.alias.aliasname if item.alias else unpacked.called(item), elements)
        if len(functions) != 1 or item.ordinality or item.is_rowsfrom or item.coldeflist or functions[0][1:] != (None,):
            raise LostError("reads from functions in a way that is not followed")
        call = functions[0][0]
        here = self._lateral()
        if isinstance(call, ast.FuncCall):
            nested = here.work.readers.returned(call, here, self._choices)
            name = tree.name(call.funcname)[-1]
            alias = item.alias
            if alias is not None and len(nested.columns) == 1 and not alias.colnames:
                # A lone column is called as the function is, if that is given a name.
                nested.columns = [(alias.aliasname or name, nested.columns[0][1])]
            return self._derived(nested, alias, default=name)
        raise LostError("reads from functions in a way that is not followed")

    def _join(self, join: Node) -> list[Table]:
        if join.alias is not None:
            raise LostError("gives a join a name")
        if join.jointype == JoinType.JOIN_INNER:
            return self._inner_join(join)
        if join.jointype not in {JoinType.JOIN_LEFT, JoinType.JOIN_RIGHT}:
            raise LostError("has a full outer join")
        if self._choices.pick(2) == 0:
            return self._inner_join(join)
        # The rows without a partner, which is NULL in all of its columns.
        left, right = (join.larg, join.rarg) if join.jointype == JoinType.JOIN_LEFT else (join.rarg, join.larg)
        kept = self.add(left)
        scratch = From(Rows(self._rows.here), Choices())
        missing = scratch.add(right)
        self._rows.checks += scratch._rows.checks
        outer = self._outer

        def partner(free: int) -> Expr:
            rows = Rows(replace(self._rows.here, free=free, levels=outer.levels))
            inside = From(rows, Choices())
            both = [*kept, *inside.add(right)]
            conditions = _join_conditions(join, kept, both[len(kept) :])
            here = replace(rows.here, levels=(tuple(both), *outer.levels))
            asked = [*(one(here.free) for one in rows.conditions), *(one(here) for one in conditions)]
            return Not(AnyRow(Query(tuple(rows.sources), conjunction(asked)), TRUE))

        self._rows.conditions.append(partner)
        nulls = [replace(one, columns={name: _null(one.columns[name]) for name in one.columns}) for one in missing]
        nulls = _merged(join, kept, nulls)
        self._rows.tables += nulls
        return [*kept, *nulls]

    def _inner_join(self, join: Node) -> list[Table]:
        left = self.add(join.larg)
        right = self.add(join.rarg)
        here = replace(self._rows.here, levels=((*left, *right), *self._outer.levels))
        for one in _join_conditions(join, left, right):
            self._rows.conditions.append(_later(one, here))
        merged = _merged(join, left, right)
        self._rows.tables[len(self._rows.tables) - len(right) :] = merged
        return [*left, *merged]


def row(relation: Relation, place: int, here: Here) -> dict[str, Value]:
    """Returns the columns of the relation's row at `place`."""
    database = here.scope.database
    columns = {} if database is None else database.columns(relation)
    return fields(columns, relation.oid, place)


def fields(columns: Mapping[str, Column], relation: int, place: int) -> dict[str, Value]:
    """Returns columns as those of the row at `place`."""
    return {
        name: _field(Field(place, relation, one.number, one.name, types.of_column(one), one.nullable))
        for name, one in columns.items()
    }


def _field(field: Field) -> Value:
    return lambda _: field


def _twice(_: int) -> Expr:
    raise LostError("names a column that is there twice")


def _null(value: Value) -> Value:
    return lambda free: Const(None, type_of(value(free)))


def _later(condition: Callable[[Here], Expr], here: Here) -> Value:
    return lambda free: condition(here.at(free))


def _policies(relation: Relation, place: int, here: Here) -> Value:
    return lambda free: here.work.readers.policies(relation, place, here.at(free))


def _sums_up_all(select: Node) -> bool:
    """Whether a query comes out as one row, whatever there is."""
    picked = (select.groupClause, select.havingClause, select.limitCount, select.limitOffset, select.windowClause)
    return not any(picked) and not distinct_on(select) and not select.distinctClause and sums(select)


def _summed(nested: Rows, here: Here) -> Rows:
    """One row, of whose columns nothing is known but which rows around they may depend on."""
    targets = nested.node.targetList or ()
    if len(targets) != len(nested.columns):
        raise LostError("reads from a query that sums up all of a row")
    columns = [
        (name, _sum(target.val, nested, here.free)) for target, (name, _) in zip(targets, nested.columns, strict=True)
    ]
    return Rows(here, None, checks=nested.checks, columns=columns)


def _sum(target: Node, nested: Rows, base: int) -> Value:
    def summed(_: int) -> Expr:
        of = opaque(target, nested.here, "sums up rows")
        around = tuple(one for one in of.reads if isinstance(one, Field) and one.place < base)
        return lone(of.key, of.reason, of.type, around)

    return summed


def _touched(rows: Rows) -> Value:
    def touch(free: int) -> Expr:
        for _, value in rows.columns:
            value(free)
        return TRUE

    return touch


def _join_conditions(join: Node, left: list[Table], right: list[Table]) -> list[Callable[[Here], Expr]]:
    """What a join asks of its two sides."""
    found = [_equal(name, left, right) for name in _shared(join, left, right)]
    return [*found, lambda here: here.read(join.quals)] if join.quals is not None else list(found)


def _shared(join: Node, left: list[Table], right: list[Table]) -> list[str]:
    if join.isNatural:
        there = {name for one in right for name in one.columns}
        return list(dict.fromkeys(name for one in left for name in one.columns if name in there))
    return [one.sval or "" for one in join.usingClause or ()]


def _equal(name: str, left: list[Table], right: list[Table]) -> Callable[[Here], Expr]:
    def side(tables: list[Table], free: int) -> Expr:
        found = [one for one in tables if name in one.columns and name not in one.merged]
        if len(found) != 1:
            raise LostError(f"joins by {name}, which is not one column")
        return found[0].value(name, free)

    return lambda here: operators.binary("=", side(left, here.free), side(right, here.free), here)


def _merged(join: Node, left: list[Table], right: list[Table]) -> list[Table]:
    shared = frozenset(_shared(join, left, right))
    return [replace(one, merged=one.merged | shared) for one in right] if shared else right


def is_plain(select: Node) -> bool:
    """Whether the rows of a query are combinations of rows of its FROM, all of them, if perhaps not each one again."""
    extras = (
        select.groupClause, select.havingClause, select.limitCount, select.limitOffset, select.windowClause,
        select.intoClause,
    )  # fmt: skip
    return not any(extras) and not distinct_on(select) and not sums(select)


def distinct_on(select: Node) -> bool:
    """Whether a query has DISTINCT ON."""
    return any(one is not None for one in select.distinctClause or ())
