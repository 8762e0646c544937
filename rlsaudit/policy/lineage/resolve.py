"""Follows the outputs of a query through derived tables, joins, set operations and WITH down to the relations read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from rlsaudit.policy.lineage import syntax
from rlsaudit.policy.lineage.shown import NOTHING, Shown, either
from rlsaudit.policy.lineage.sources import UNKNOWN, Joined, Scope, Source, named, relation
from rlsaudit.policy.lineage.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.policy.lineage.sources import ColumnsOf, Common

_MOST_ROUNDS = 100
"""A value takes a round for each column that it passes through; a recursive query of more is not understood."""


class _NotUnderstoodError(Exception):
    """A query of which not even the number of outputs is known."""


def resolve(sql: str, columns_of: ColumnsOf) -> tuple[Shown | None, ...] | None:
    """Returns what each output of one SELECT shows; None where nothing is known of them."""
    parsed = syntax.query(sql)
    if parsed is None:
        return None
    common_names = frozenset(syntax.word(one.args["alias"].this) for one in parsed.find_all(exp.CTE))
    try:
        outputs = _Resolver(columns_of, common_names).query(parsed, None, {})
    except (_NotUnderstoodError, RecursionError):
        return None
    return tuple(shown for _, shown in outputs.columns)


class _Resolver:
    """Resolves the queries of one definition, of whose WITH queries `common_names` are all names."""

    def __init__(self, columns_of: ColumnsOf, common_names: frozenset[str]) -> None:
        self._columns_of = columns_of
        self._common_names = common_names
        self._relations: dict[tuple[str, str], Source] = {}

    def query(self, node: exp.Expr, outer: Scope | None, common: Common) -> Source:
        """Returns the outputs of a query; a closed source, whatever it shows."""
        while True:
            common = self._with(node, outer, common)
            if not isinstance(node, exp.Subquery):
                break
            node = node.this
        match node:
            case exp.SetOperation():
                return self._set_operation(node, outer, common)
            case exp.Select():
                return self._select(node, outer, common)
            case exp.Values():
                return self._values(node, Scope(outer), common)
            case _:
                raise _NotUnderstoodError

    def _set_operation(self, node: exp.SetOperation, outer: Scope | None, common: Common) -> Source:
        parts = [self.query(one, outer, common) for one in _branches(node)]
        if len({len(one.columns) for one in parts}) != 1:
            raise _NotUnderstoodError
        columns = zip(*(one.columns for one in parts), strict=True)
        names = (name for name, _ in parts[0].columns)
        return named(names, (either(shown for _, shown in one) for one in columns))

    def _select(self, node: exp.Select, outer: Scope | None, common: Common) -> Source:
        scope = Scope(outer)
        joined = Joined()
        if node.args.get("from_") is not None:
            joined = self._item(node.args["from_"].this, scope, common)
        joined = self._joins(node, joined, scope, common)
        scope.merged = joined.merged
        outputs: list[tuple[str, Shown | None]] = []
        for one in node.expressions:
            if isinstance(one, exp.Star):
                outputs += _closed(joined.source()).columns
            elif isinstance(one, exp.Column) and isinstance(one.this, exp.Star):
                outputs += _closed(scope.source(syntax.path(one)[-2])).columns
            else:
                outputs.append((_output_name(one), self._value(one, scope, common)))
        return Source(tuple(outputs))

    def _values(self, node: exp.Values, scope: Scope, common: Common) -> Source:
        rows = [one.expressions if isinstance(one, exp.Tuple) else [one] for one in node.expressions]
        if len({len(row) for row in rows}) != 1:
            raise _NotUnderstoodError
        columns = zip(*rows, strict=True)
        shown = [either(self._value(one, scope, common) for one in column) for column in columns]
        return named((f"column{number}" for number in range(1, len(shown) + 1)), shown)

    def _value(self, node: exp.Expr, scope: Scope, common: Common) -> Shown | None:
        return value(node, scope, lambda inner, around: self.query(inner, around, common).row())

    def _item(self, item: exp.Expr, scope: Scope, common: Common) -> Joined:
        """Adds an item of FROM to the scope, and returns what it has as a whole."""
        alias, names = _alias(item)
        if isinstance(item, exp.Subquery) and _is_join(item):
            joined = self._in_parentheses(item.this, scope, common, alias, names)
        else:
            source = self._source(item, scope, common).renamed(names)
            scope.sources[alias or _own_name(item)] = source
            joined = Joined.of(source)
        return self._joins(item, joined, scope, common)

    def _in_parentheses(self, inner: exp.Expr, scope: Scope, common: Common, alias: str, names: list[str]) -> Joined:
        if not alias:
            return self._item(inner, scope, common)
        inside = Scope(scope)
        joined = self._item(inner, inside, common)
        scope.sources[alias] = joined.source().renamed(names)
        return Joined.of(scope.sources[alias])

    def _joins(self, node: exp.Expr, joined: Joined, scope: Scope, common: Common) -> Joined:
        for join in node.args.get("joins") or ():
            right = self._item(join.this, scope, common)
            joined = joined.with_(right, [syntax.word(one) for one in join.args.get("using") or ()])
        return joined

    def _source(self, item: exp.Expr, scope: Scope, common: Common) -> Source:
        match item:
            case exp.Subquery():
                return self.query(item, scope, common)
            case exp.Values():
                return self._values(item, scope, common)
            case exp.Lateral(this=exp.Subquery() as inner):
                return self.query(inner, scope, common)
            case exp.Lateral(this=exp.Expr() as inner):
                return self._function([inner], scope, common)
            case exp.Table(this=exp.Query() | exp.Values() as inner):
                return self.query(inner, scope, common)
            case exp.Table() if item.args.get("rows_from"):
                return self._function(item.args["rows_from"], scope, common)
            case exp.Table(this=exp.Identifier()) if not item.args.get("catalog"):
                return self._relation(item, common)
            case exp.Table(this=exp.Func()) | exp.Unnest():
                return self._function([item], scope, common)
            case _:
                return UNKNOWN

    def _relation(self, item: exp.Table, common: Common) -> Source:
        name, schema = syntax.word(item.this), item.args.get("db")
        if schema is not None:
            return self._known(syntax.word(schema), name)
        if name in common:
            return common[name]()
        # A WITH query that is not in sight here, or is not understood to be.
        return UNKNOWN if name in self._common_names else self._known("pg_catalog", name)

    def _known(self, schema: str, name: str) -> Source:
        if (schema, name) not in self._relations:
            self._relations[schema, name] = relation(schema, name, self._columns_of)
        return self._relations[schema, name]

    def _function(self, calls: list[exp.Expr], scope: Scope, common: Common) -> Source:
        """A function's columns: any of them may show whatever its arguments do."""
        names = frozenset(name for name in map(syntax.called, calls) if name is not None)
        arguments = (self._value(one.this if isinstance(one, exp.Table) else one, scope, common) for one in calls)
        shown = either([Shown(calls=names), *arguments])
        return Source((), open=True, others=None if shown is None else shown.within())

    def _with(self, node: exp.Expr, outer: Scope | None, common: Common) -> Common:
        clause = node.args.get("with_")
        if clause is None:
            return common
        extended: dict[str, Callable[[], Source]] = dict(common)
        for one in clause.expressions:
            name = syntax.word(one.args["alias"].this)
            recursive = bool(clause.args.get("recursive"))
            extended[name] = _Common(self, one, outer, dict(extended), recursive=recursive)
        return extended


class _Common:
    """A query of a WITH clause, resolved when it is first read."""

    def __init__(
        self, resolver: _Resolver, node: exp.Expr, outer: Scope | None, common: Common, *, recursive: bool
    ) -> None:
        self._resolver = resolver
        self._node = node
        self._outer = outer
        self._names = _alias(node)[1]
        self._common: Common = {**common, _alias(node)[0]: self} if recursive else common
        self._found: Source | None = None
        self._so_far: Source | None = None
        self._reads_itself = False

    def __call__(self) -> Source:
        if self._found is None and self._so_far is not None:
            self._reads_itself = True
            return self._so_far
        if self._found is None:
            self._found = self._resolve()
        return self._found

    def _resolve(self) -> Source:
        """What rows show that are made of rows made before: at first of none, until nothing is added."""
        self._so_far = Source((), open=True, others=NOTHING)
        for _ in range(_MOST_ROUNDS):
            found = self._resolver.query(self._node.this, self._outer, self._common).renamed(self._names)
            if found == self._so_far or not self._reads_itself:
                return found
            self._so_far = found
        return UNKNOWN


def _closed(source: Source | None) -> Source:
    """The source of a star, where it is known which columns that are."""
    if source is None or source.open:
        raise _NotUnderstoodError
    return source


def _branches(node: exp.SetOperation) -> Iterator[exp.Expr]:
    """The queries whose rows a set operation gives, without recursion: hundreds lean on one another."""
    waiting: list[exp.Expr] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, exp.SetOperation) and (current is node or current.args.get("with_") is None):
            # EXCEPT: what stands on the right only takes away.
            waiting.extend([current.this] if isinstance(current, exp.Except) else [current.expression, current.this])
        else:
            yield current


def _is_join(item: exp.Subquery) -> bool:
    """Whether parentheses hold a part of FROM, not a query."""
    inner = item.this
    while isinstance(inner, exp.Subquery) and not inner.args.get("joins") and not inner.args.get("alias"):
        inner = inner.this
    return not isinstance(inner, exp.Select | exp.SetOperation | exp.Values) or bool(inner.args.get("alias"))


def _alias(item: exp.Expr) -> tuple[str, list[str]]:
    """The alias of an item of FROM or WITH, and the names that it gives the columns."""
    alias = item.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return ("" if alias is None else syntax.word(alias)), []
    columns = [one.this if isinstance(one, exp.ColumnDef) else one for one in alias.args.get("columns") or ()]
    return ("" if alias.this is None else syntax.word(alias.this)), [syntax.word(one) for one in columns]


def _own_name(item: exp.Expr) -> str:
    return syntax.word(item.this) if isinstance(item.this, exp.Identifier) else ""


def _output_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Alias):
        return syntax.word(node.args["alias"])
    return syntax.word(node.this) if isinstance(node, exp.Column) else "?column?"
