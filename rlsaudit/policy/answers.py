"""What a query or a function gives to whoever runs it: columns of which relations, and what its caller must know.

A function that runs as its owner is as open as the queries in it: one without a condition hands out the table, one
that looks up a row by a key gives rows to whoever has the key. Nothing here is guessed from names alone: a word that
is no column of the relations at hand comes from outside, so it is an argument or a variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType, NullTestType, SetOperation, SubLinkType

from rlsaudit.policy import plpgsql, tree
from rlsaudit.policy.plpgsql import pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

Name: TypeAlias = tuple[str, ...]
"""A relation as it is written: `(schema, name)` or `(name,)`."""
ColumnOf: TypeAlias = tuple[Name, str]
Columns: TypeAlias = "Callable[[Name], frozenset[str] | None]"
"""The columns of a relation, None where it is not known."""

SUMMARIES = frozenset(
    (name,)
    for name in (
        "avg", "bool_and", "bool_or", "corr", "count", "covar_pop", "covar_samp", "every", "regr_count", "regr_slope",
        "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance",
    )
)  # fmt: skip
"""Aggregates of which no row's own value can be read."""
_FOLDS = frozenset({("lower",), ("upper",), ("trim",), ("btrim",)})
_ASSIGNMENT = re.compile(r'\s*(?P<target>[\w"]+)[\w."\[\]$]*\s*:?=(?!=)(?P<value>.*)', re.DOTALL)
_RETURNED = re.compile(r"\breturn\s+(?:next\s+)?([a-z_]\w*)", re.IGNORECASE)
_DEEPEST = 20
_ERROR = 21
"""RAISE EXCEPTION, among the levels of messages."""


@dataclass(frozen=True, slots=True)
class Read:
    """Rows that a query gives.

    `shown` are the columns that its output shows or is computed from (`*`: all), without those that are only counted
    or summed up. `keys` are the columns that must equal something from outside, in every row that is given.
    `filtered` is whether there is any condition, `outside` whether anything from outside is asked for at all. `sql` is
    the query, where it is a function's.
    """

    shown: frozenset[ColumnOf]
    keys: frozenset[ColumnOf]
    filtered: bool
    outside: bool
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that writes `relation`: `columns` are those that it sets (`*`: all).

    `keys` are as for `Read`; `given` is whether something from outside has a part in a value that it writes, `put`
    whether a column of a row that is there becomes just that. `behind` are keys of rows that were looked up before:
    without one, nobody gets to this statement.
    """

    operation: str
    relation: Name
    columns: frozenset[str]
    keys: frozenset[ColumnOf]
    filtered: bool
    outside: bool
    given: bool
    behind: frozenset[ColumnOf] = frozenset()
    put: bool = False


@dataclass(frozen=True, slots=True)
class Doing:
    """What a function does for its caller."""

    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()


def is_filtered(sql: str) -> bool:
    """Returns whether there is any condition for the rows of one SELECT; so it is where it cannot be parsed."""
    parsed = tree.statements(sql)
    if not parsed or len(parsed) != 1 or not isinstance(parsed[0], ast.SelectStmt):
        return True
    return _Reader(lambda _: None).select(parsed[0]).filtered


def doing_of(function: Function, columns: Columns, *, records: bool = False) -> Doing | None:
    """Returns what a function does for its caller; None where its language or its text is not understood.

    Bodies that declare variables of the project's own types are read with `records`: what such a body writes may be of
    a row that it looked up, and is not told from what its caller gives.
    """
    if function.language == "sql":
        return _sql(function.body, columns)
    if function.language == "plpgsql":
        return _plpgsql(function, columns, records=records)
    return None


def _sql(body: str, columns: Columns) -> Doing | None:
    parsed = tree.statements(plpgsql.plain(body))
    if not parsed:
        return None
    reader = _Reader(columns)
    answer = reader.answer(parsed[-1])
    return Doing(() if answer is None else (answer,), tuple(reader.writes(parsed)))


def _plpgsql(function: Function, columns: Columns, *, records: bool) -> Doing | None:
    parsed = _parsed(function, records=records)
    if parsed is None:
        return None
    procedure = _Procedure(parsed, function.body, columns)
    return Doing(tuple(procedure.reads()), tuple(procedure.writes()))


def _parsed(function: Function, *, records: bool) -> Any:  # noqa: ANN401 — JSON
    if records:
        return plpgsql.parsed(function.body, tuple(one.name for one in function.parameters if one.name), function.name)
    for returns in ("setof record", "record", "void"):
        found = plpgsql.parsed_under(f"() returns {returns}", function.body, name=function.name)
        if found is not None:
            return found
    return None


class _Reader:
    """Reads queries of one function or view."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def answer(self, statement: Node) -> Read | None:
        """What the result of a statement shows; None where it has none."""
        match statement:
            case ast.SelectStmt():
                return replace(self.select(statement), sql=tree.text(statement))
            case ast.UpdateStmt() | ast.DeleteStmt():
                returned = _returning(statement)
                if not returned:
                    return None
                query = _Query(self, _Scope({_alias(statement.relation): _name(statement.relation)}))
                query.conditions(statement.whereClause)
                query.targets(returned)
                return query.result()
            case _:
                return None

    def select(self, select: Node, outer: _Scope | None = None, depth: int = 0) -> Read:
        """What the rows of a SELECT show."""
        if depth > _DEEPEST:
            return Read(frozenset(), frozenset(), filtered=True, outside=True)
        common = dict(outer.common) if outer else {}
        for one in select.withClause.ctes if select.withClause else ():
            if isinstance(one.ctequery, ast.SelectStmt):
                common[one.ctename] = self.select(one.ctequery, _Scope({}, outer, common), depth + 1)
            else:
                common[one.ctename] = self.answer(one.ctequery) or Read(
                    frozenset(), frozenset(), filtered=False, outside=False
                )
        if select.op != SetOperation.SETOP_NONE:
            left, right = (self.select(one, _Scope({}, outer, common), depth + 1) for one in (select.larg, select.rarg))
            return Read(
                left.shown | right.shown,
                left.keys | right.keys if left.keys and right.keys else frozenset(),
                filtered=left.filtered and right.filtered,
                outside=left.outside or right.outside,
            )
        query = _Query(self, _Scope({}, outer, common), depth)
        query.sources(select.fromClause or ())
        query.conditions(select.whereClause)
        query.filtered |= bool(select.havingClause or select.limitCount)
        query.targets(select.targetList or ())
        return query.result()

    def writes(self, statements: Sequence[Node]) -> Iterator[Write]:
        """Every statement that writes, wherever it stands."""
        for node in tree.walk(statements):
            match node:
                case ast.InsertStmt():
                    yield self._insert(node)
                    if node.onConflictClause is not None and node.onConflictClause.targetList:
                        yield self._conflict(node)
                case ast.UpdateStmt() | ast.DeleteStmt():
                    yield self._change(node)
                case ast.TruncateStmt():
                    for one in node.relations or ():
                        yield Write(
                            "delete", _name(one), frozenset(), frozenset(), filtered=False, outside=False, given=False
                        )
                case _:
                    pass

    def _insert(self, node: Node) -> Write:
        query = _Query(self, _Scope({}))
        select = node.selectStmt
        if select is not None:
            query.sources(getattr(select, "fromClause", None) or ())
        given = any(query.is_outside(one) for one in tree.walk(select)) if select is not None else False
        named = frozenset(one.name for one in node.cols or ()) or frozenset({"*"})
        return Write("insert", _name(node.relation), named, frozenset(), filtered=False, outside=given, given=given)

    def _conflict(self, node: Node) -> Write:
        """ON CONFLICT DO UPDATE changes the row that has the key that was to be inserted."""
        name = _name(node.relation)
        insert = self._insert(node)
        inferred = getattr(node.onConflictClause.infer, "indexElems", None) or ()
        # What is inferred may be an expression, which has no name.
        keys = frozenset((name, one.name) for one in inferred if one.name)
        named = frozenset(one.name for one in node.onConflictClause.targetList)
        given = insert.given
        return Write("update", name, named, keys, filtered=True, outside=given, given=given, put=given)

    def _change(self, node: Node) -> Write:
        name = _name(node.relation)
        query = _Query(self, _Scope({_alias(node.relation): name}))
        more = node.fromClause if isinstance(node, ast.UpdateStmt) else node.usingClause
        query.sources(more or ())
        query.conditions(node.whereClause)
        targets = node.targetList if isinstance(node, ast.UpdateStmt) else ()
        given = any(query.is_outside(one) for target in targets or () for one in tree.walk(target.val))
        return Write(
            "update" if isinstance(node, ast.UpdateStmt) else "delete",
            name,
            frozenset(one.name for one in targets or ()),
            query.keys(),
            filtered=query.filtered,
            outside=query.outside,
            given=given,
            put=any(_is_put(query, target.val) for target in targets or ()),
        )

    def columns(self, name: Name) -> frozenset[str] | None:
        """The columns of a relation."""
        return self._columns(name)


@dataclass(slots=True)
class _Scope:
    """What names in a query mean: `sources` by alias, those of the query around it, and its common tables."""

    sources: dict[str, Name | Read]
    outer: _Scope | None = None
    common: Mapping[str, Read] = field(default_factory=dict)

    def chain(self) -> Iterator[_Scope]:
        """This scope and those around it, the innermost first."""
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


class _Query:
    """One SELECT, UPDATE or DELETE while it is read."""

    def __init__(self, reader: _Reader, scope: _Scope, depth: int = 0) -> None:
        self._reader = reader
        self._scope = scope
        self._depth = depth
        self._shown: set[ColumnOf] = set()
        self._keys: set[ColumnOf] = set()
        self.filtered = False
        self.outside = False

    def result(self) -> Read:
        return Read(frozenset(self._shown), frozenset(self._keys), self.filtered, self.outside)

    def keys(self) -> frozenset[ColumnOf]:
        return frozenset(self._keys)

    def sources(self, items: Sequence[Node], *, optional: bool = False) -> None:
        for item in items:
            match item:
                case ast.RangeVar():
                    common = None if item.schemaname else self._scope.common.get(item.relname or "")
                    self._add(_alias(item), _name(item) if common is None else common, optional=optional)
                case ast.RangeSubselect() if isinstance(item.subquery, ast.SelectStmt):
                    inner = self._reader.select(item.subquery, self._scope, self._depth + 1)
                    self._add(item.alias.aliasname or "" if item.alias else "", inner, optional=optional)
                case ast.JoinExpr():
                    inner_join = item.jointype == JoinType.JOIN_INNER
                    left_optional = item.jointype in {JoinType.JOIN_RIGHT, JoinType.JOIN_FULL}
                    right_optional = item.jointype in {JoinType.JOIN_LEFT, JoinType.JOIN_FULL}
                    self.sources([item.larg], optional=optional or left_optional)
                    self.sources([item.rarg], optional=optional or right_optional)
                    if inner_join and not optional:
                        self._conjuncts(item.quals)
                case _:
                    pass

    def _add(self, alias: str, source: Name | Read, *, optional: bool) -> None:
        self._scope.sources[alias] = source
        if isinstance(source, Read):
            self.outside |= source.outside
            if not optional:
                self._keys |= source.keys
                self.filtered |= source.filtered

    def conditions(self, where: Node) -> None:
        if where is not None:
            self.filtered = True
            self.outside |= any(self.is_outside(one) for one in tree.walk(where))
            self._conjuncts(where)

    def _conjuncts(self, node: Node) -> None:
        match node:
            case ast.BoolExpr(boolop=BoolExprType.AND_EXPR):
                for one in node.args or ():
                    self._conjuncts(one)
            case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP | A_Expr_Kind.AEXPR_OP_ANY) if tree.name(node.name)[-1] == "=":
                for column, other in ((node.lexpr, node.rexpr), (node.rexpr, node.lexpr)):
                    found = self._column(_uncast(column))
                    if found is not None and self._only_outside(other):
                        self._keys.add(found)
            case ast.SubLink(subLinkType=SubLinkType.EXISTS_SUBLINK | SubLinkType.ANY_SUBLINK):
                self._keys |= self._reader.select(node.subselect, self._scope, self._depth + 1).keys
            case _:
                pass

    def _only_outside(self, node: Node) -> bool:
        """Whether a value is made of something from outside, and of no column."""
        found = [one for one in tree.walk(node) if isinstance(one, ast.ColumnRef | ast.ParamRef)]
        return bool(found) and all(self.is_outside(one) for one in found)

    def is_outside(self, node: Node) -> bool:
        """Whether a node is a parameter, or a name that no relation at hand has."""
        if isinstance(node, ast.ParamRef):
            return True
        return isinstance(node, ast.ColumnRef) and self._where(node) is None

    def _column(self, node: Node) -> ColumnOf | None:
        if not isinstance(node, ast.ColumnRef):
            return None
        found = self._where(node)
        return found if isinstance(found, tuple) else None

    def _where(self, node: Node) -> ColumnOf | Read | None:
        """The column that a reference means, the derived table that has it, or None: it comes from outside."""
        parts = [one.sval or "" for one in node.fields if isinstance(one, ast.String)]
        if len(parts) != len(node.fields) or not parts:
            return Read(frozenset(), frozenset(), filtered=True, outside=False)
        for scope in self._scope.chain():
            if len(parts) > 1:
                source = scope.sources.get(parts[-2])
                if source is not None:
                    return source if isinstance(source, Read) else (source, parts[-1])
                continue
            for alias, source in scope.sources.items():
                if isinstance(source, Read):
                    if alias == parts[0]:
                        return source
                    continue
                known = self._reader.columns(source)
                if known is None or parts[0] in known:
                    return (source, parts[0])
                if alias == parts[0]:
                    return (source, "*")
        derived = [one for scope in self._scope.chain() for one in scope.sources.values() if isinstance(one, Read)]
        # The output of a derived table has names that are not followed: an unknown name may be one of them.
        return derived[0] if len(parts) == 1 and derived else None

    def targets(self, targets: Sequence[Node]) -> None:
        for target in targets:
            self._show(target.val if isinstance(target, ast.ResTarget) else target)

    def _show(self, node: Node) -> None:
        waiting = [node]
        while waiting:
            current = waiting.pop()
            if isinstance(current, tuple | list):
                waiting.extend(current)
            match current:
                case ast.FuncCall() if current.agg_star or tree.name(current.funcname) in SUMMARIES:
                    pass
                case ast.SubLink():
                    if current.subLinkType in {SubLinkType.EXPR_SUBLINK, SubLinkType.ARRAY_SUBLINK}:
                        inner = self._reader.select(current.subselect, self._scope, self._depth + 1)
                        self._shown |= inner.shown
                        self.outside |= inner.outside
                        # A query in the targets, `select (select … where id = $1)`, is the only condition there is.
                        if not self._scope.sources:
                            self._keys |= inner.keys
                            self.filtered |= inner.filtered
                case ast.ColumnRef():
                    self._shown |= self._named(current)
                case ast.Node():
                    waiting.extend(getattr(current, name) for name in current)
                case _:
                    pass

    def _named(self, node: Node) -> set[ColumnOf]:
        parts = [one.sval or "" for one in node.fields if isinstance(one, ast.String)]
        star = isinstance(node.fields[-1], ast.A_Star)
        if star:
            starred = [one for alias, one in self._scope.sources.items() if not parts or alias == parts[-1]]
            return {one for each in starred for one in (each.shown if isinstance(each, Read) else {(each, "*")})}
        found = self._where(node)
        if found is None:
            return set()
        return set(found.shown) if isinstance(found, Read) else {found}


class _Procedure:
    """A PL/pgSQL body, as the JSON that Postgres's own parser gives."""

    def __init__(self, parsed: Any, body: str, columns: Columns) -> None:  # noqa: ANN401 — JSON
        self._parsed = parsed
        self._body = body
        self._reader = _Reader(columns)
        self._assigned = list(self._assignments())

    def reads(self) -> Iterator[Read]:
        """What goes back to the caller: returned queries, and queries into variables that are returned."""
        returned: set[str] = {one.lower() for one in _RETURNED.findall(self._body)}
        for kind, value in pairs(self._parsed):
            if kind == "PLpgSQL_stmt_return_query" and (query := _query(value.get("query"))):
                yield from self._answers(query)
            elif kind in {"PLpgSQL_stmt_return", "PLpgSQL_stmt_return_next"} and (query := _query(value.get("expr"))):
                yield from self._answers(f"select {query}")
                returned |= _names(f"select {query}")
        # What a returned variable was made of is returned as well.
        for _ in range(len(self._assigned)):
            more = {name for target, query in self._assigned if target in returned for name in _names(query)}
            if more <= returned:
                break
            returned |= more
        for target, query in self._assigned:
            if target in returned:
                yield from self._answers(query)

    def writes(self) -> Iterator[Write]:
        """Every statement that writes."""
        yield from self._written(self._parsed, frozenset())

    def _written(self, node: Any, behind: frozenset[ColumnOf]) -> Iterator[Write]:  # noqa: ANN401 — JSON
        match node:
            case list():
                for one, following in zip(node, (*node[1:], None), strict=True):
                    yield from self._written(one, behind)
                    behind |= self._looked_up(one, following)
            case dict():
                for key, value in node.items():
                    if key == "query" and isinstance(value, str):
                        found = self._reader.writes(tree.statements(value) or ())
                        yield from (replace(one, behind=behind) for one in found)
                    else:
                        yield from self._written(value, behind)
            case _:
                pass

    def _looked_up(self, statement: Any, following: Any) -> frozenset[ColumnOf]:  # noqa: ANN401 — JSON
        """The keys of the row that a statement looks up, where the function is left if there is none."""
        none: frozenset[ColumnOf] = frozenset()
        ((kind, value),) = statement.items() if isinstance(statement, dict) and len(statement) == 1 else (("", {}),)
        if kind == "PLpgSQL_stmt_perform":
            query = _query(value.get("expr"))
        elif kind == "PLpgSQL_stmt_execsql" and value.get("into"):
            query = _query(value.get("sqlstmt"))
        else:
            return none
        parsed = tree.statements(query or "") or ()
        if len(parsed) != 1 or not isinstance(parsed[0], ast.SelectStmt):
            return none
        # A row of sums there is always.
        if any(isinstance(one, ast.FuncCall) for one in tree.walk(parsed[0].targetList or ())):
            return none
        if value.get("strict") or _leaves_without(following, frozenset(_targets(value.get("target")))):
            return self._reader.select(parsed[0]).keys
        return none

    def _answers(self, sql: str) -> Iterator[Read]:
        for statement in tree.statements(sql) or ():
            answer = self._reader.answer(statement)
            if answer is not None and answer.shown:
                yield answer

    def _assignments(self) -> Iterator[tuple[str, str]]:
        """Pairs of a variable and the query that fills it."""
        for kind, value in pairs(self._parsed):
            if kind == "PLpgSQL_stmt_execsql" and value.get("into") and (query := _query(value.get("sqlstmt"))):
                yield from ((name, query) for name in _targets(value.get("target")))
            elif kind == "PLpgSQL_stmt_fors" and (query := _query(value.get("query"))):
                yield from ((name, query) for name in _targets(value.get("var")))
            elif kind == "PLpgSQL_stmt_assign" and (query := _query(value.get("expr"))):
                if assignment := _ASSIGNMENT.fullmatch(query):
                    yield assignment["target"].strip('"').lower(), f"select {assignment['value']}"
            elif kind == "PLpgSQL_var" and (query := _query(value.get("default_val"))):
                yield value["refname"], f"select {query}"


def _query(expression: Any) -> str | None:  # noqa: ANN401 — JSON
    """The SQL of a PLpgSQL_expr."""
    query = expression.get("PLpgSQL_expr", {}).get("query") if isinstance(expression, dict) else None
    return query if isinstance(query, str) else None


def _leaves_without(statement: Any, targets: frozenset[str]) -> bool:  # noqa: ANN401 — JSON
    """Whether a statement leaves the function where the one before found no row, or none for one of its targets."""
    branch = statement.get("PLpgSQL_stmt_if", {}) if isinstance(statement, dict) else {}
    condition = _query(branch.get("cond"))
    last = (branch.get("then_body") or [{}])[-1]
    leaves = "PLpgSQL_stmt_return" in last or last.get("PLpgSQL_stmt_raise", {}).get("elog_level", 0) >= _ERROR
    if condition is None or not leaves:
        return False
    parsed = tree.statements(f"select {condition}")
    asked = parsed[0].targetList[0].val if parsed and len(parsed) == 1 else None
    if isinstance(asked, ast.BoolExpr) and asked.boolop == BoolExprType.OR_EXPR:
        return any(_is_none(one, targets) for one in asked.args or ())
    return _is_none(asked, targets)


def _is_none(node: Node | None, targets: frozenset[str]) -> bool:
    match node:
        case ast.BoolExpr(boolop=BoolExprType.NOT_EXPR, args=(ast.ColumnRef(fields=(ast.String(sval="found"),)),)):
            return True
        case ast.NullTest(nulltesttype=NullTestType.IS_NULL, arg=ast.ColumnRef(fields=(ast.String(sval=name), *_))):
            return name in targets
        case _:
            return False


def _targets(target: Any) -> Iterator[str]:  # noqa: ANN401 — JSON
    for kind, value in pairs(target):
        if kind in {"PLpgSQL_rec", "PLpgSQL_var"} and isinstance(value, dict):
            yield value["refname"]
        elif kind == "fields":
            yield from (one["name"] for one in value)


def _names(sql: str) -> set[str]:
    """The first names of all references in a query."""
    references = [one for one in tree.walk(tree.statements(sql) or ()) if isinstance(one, ast.ColumnRef)]
    firsts = [one.fields[0] for one in references if one.fields]
    return {one.sval for one in firsts if isinstance(one, ast.String) and one.sval}


def _is_put(query: _Query, value: Node) -> bool:
    """Whether a value is something from outside as it is, or where there is any: `coalesce($1, name)`."""
    value = _uncast(value)
    if isinstance(value, ast.CoalesceExpr):
        return any(query.is_outside(_uncast(one)) for one in value.args or ())
    return query.is_outside(value)


def _uncast(node: Node) -> Node:
    """The column below casts, and below functions that only fold its case."""
    while True:
        match node:
            case ast.TypeCast(arg=inner):
                node = inner
            case ast.FuncCall(args=(inner,)) if tree.name(node.funcname) in _FOLDS:
                node = inner
            case _:
                return node


def _returning(statement: Node) -> Sequence[Node]:
    """The targets of RETURNING, which Postgres 18's grammar keeps elsewhere than those before it."""
    clause = getattr(statement, "returningClause", None)
    found = clause.exprs if clause is not None else getattr(statement, "returningList", None)
    return found or ()


def _alias(node: Node) -> str:
    return (node.alias.aliasname if node.alias else node.relname) or ""


def _name(node: Node) -> Name:
    return (node.schemaname, node.relname) if node.schemaname else (node.relname,)
