"""Small questions to pglast's syntax trees, whose nodes share no useful static type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import pglast
from pglast import ast
from pglast.enums import SubLinkType
from pglast.stream import RawStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Node: TypeAlias = Any
"""A node of pglast's tree, a tuple of them, or None."""

MOST_CHARACTERS = 100_000
"""Longer SQL is not parsed: whoever wrote it wrote it to be slow."""


_MOST_REMEMBERED = 2_000
"""Longer expressions are not kept, neither their trees nor their texts."""
_MOST_TREES = 16_384

TOO_DEEP = "an expression that is nested too deeply"


_TYPES = {
    "bool": "boolean",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "varchar": "character varying",
}
"""The grammar's names of built-in types, as the catalog writes them."""


def statements(sql: str) -> tuple[Node, ...] | None:
    """Returns the statements of `sql`, or None where it is not SQL (or too long, or nested too deeply)."""
    if len(sql) > MOST_CHARACTERS:
        return None
    try:
        return tuple(one.stmt for one in pglast.parse_sql(sql))
    except (pglast.parser.ParseError, RecursionError, ValueError):
        return None


def shared(sql: str) -> tuple[Node, ...] | None:
    """Returns the same as `statements`, the same trees for whoever asks: nobody may change them.

    Policies, and the bodies of what they call, are read for each persona and again for what is wrong with them.
    """
    known = _known(sql) if len(sql) <= _MOST_REMEMBERED else None
    # How deep it may be nested depends on who asks.
    return statements(sql) if known is None else known


_known = lru_cache(maxsize=_MOST_TREES)(statements)


def expression(sql: str) -> Node | None:
    """Returns the tree of the lone expression `sql`, or None where it is none; nobody may change it."""
    parsed = shared(f"select {sql}")
    if not parsed or len(parsed) != 1:
        return None
    target = lone_target(parsed[0])
    # `true as x` is a target and no expression.
    return target if target is not None and not parsed[0].targetList[0].name else None


def lone_target(select: Node) -> Node | None:
    """Returns x of `select x`, None for any other query: the wrapper that makes Postgres evaluate x once."""
    if not isinstance(select, ast.SelectStmt) or select.fromClause or select.whereClause or select.larg:
        return None
    extras = (
        select.distinctClause, select.groupClause, select.havingClause, select.intoClause, select.limitCount,
        select.limitOffset, select.lockingClause, select.sortClause, select.windowClause, select.withClause,
    )  # fmt: skip
    if any(extras) or select.valuesLists or not select.targetList or len(select.targetList) != 1:
        return None
    return select.targetList[0].val


def walk(node: Node) -> Iterator[Node]:
    """Yields every node below and including `node`."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Node):
            yield current
            kind: Node = type(current)
            # Nothing is below an attribute that is not set.
            waiting.extend(filter(None, _below(kind)(current)))
        elif isinstance(current, tuple | list):
            waiting.extend(current)


@cache
def _below(kind: Node) -> Callable[[Node], tuple[Node, ...]]:
    """Returns what takes from a node of that kind whatever may be or hold nodes: most attributes are numbers."""
    names = [name for name, (_, types, _) in kind.__slots__.items() if _may_hold_nodes(types)]
    if not names:
        return lambda _: ()
    # Of a lone name it is the value itself.
    return attrgetter(*names) if len(names) > 1 else lambda node: (getattr(node, names[0]),)


def _may_hold_nodes(types: type | tuple[type, ...]) -> bool:
    holders = (list, tuple, ast.Node)
    return any(issubclass(one, holders) for one in (types if isinstance(types, tuple) else (types,)))


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What stands below a node: the parts of names of columns, and the names of the functions that are called."""

    columns: frozenset[str]
    calls: frozenset[tuple[str, ...]]


def mentioned(node: Node) -> Mentioned:
    """Returns what stands below and including `node`."""
    known = _mentioned.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    columns: set[str] = set()
    calls: set[tuple[str, ...]] = set()
    for one in walk(node):
        if isinstance(one, ast.ColumnRef):
            columns.update(part.sval or "" for part in one.fields or () if isinstance(part, ast.String))
        elif isinstance(one, ast.FuncCall):
            calls.add(name(one.funcname))
    found = Mentioned(frozenset(columns), frozenset(calls))
    if len(_mentioned) >= _MOST_TREES:
        _mentioned.clear()
    _mentioned[id(node)] = (node, found)
    return found


_mentioned: dict[int, tuple[Node, Mentioned]] = {}
"""What stands below nodes, by which object they are: it is asked for at every level of an expression."""


def relations(node: Node) -> Iterator[ast.RangeVar]:
    """Yields every mention of a relation below `node`, but for the names of WITH queries where they are in scope."""
    waiting: list[tuple[Node, frozenset[str]]] = [(node, frozenset())]
    while waiting:
        current, common = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend((one, common) for one in current)
        elif isinstance(current, ast.RangeVar):
            if current.schemaname or current.relname not in common:
                yield current
        elif isinstance(current, ast.Node):
            clause = getattr(current, "withClause", None)
            if clause is not None:
                for one in clause.ctes or ():
                    # Only a recursive one sees itself (and what comes later); else the name is still the table's.
                    all_of_them = {each.ctename or "" for each in clause.ctes} if clause.recursive else set()
                    waiting.append((one, common | all_of_them))
                    common |= {one.ctename or ""}
            waiting.extend((getattr(current, part), common) for part in current if part != "withClause")


def name(parts: Node) -> tuple[str, ...]:
    """Returns a dotted name without `pg_catalog`, where every unqualified name of a deparsed expression lives."""
    names = tuple(part.sval for part in parts)
    return names[1:] if len(names) > 1 and names[0] == "pg_catalog" else names


def target(cast: Node) -> str:
    """Returns the built-in type that a cast casts to, as the catalog writes it, or a user's type with its schema."""
    names = name(cast.typeName.names)
    if cast.typeName.arrayBounds or cast.typeName.setof:
        return "array"
    return builtin(names[0]) if len(names) == 1 else ".".join(names)


def builtin(name: str) -> str:
    """Returns a built-in type's name as the catalog writes it, for the one that the grammar has."""
    return _TYPES.get(name, name)


def modified(cast: Node) -> bool:
    """Whether a cast changes how long or how precise a value may be, as `::varchar(3)` does."""
    return bool(cast.typeName.typmods)


def type_name(cast: Node) -> str:
    """Returns the type that a cast casts to, without schema and modifiers; `array` for arrays."""
    return "array" if cast.typeName.arrayBounds else name(cast.typeName.names)[-1]


def uncast(node: Node) -> Node:
    """Returns what is cast, through several casts; None where one has modifiers, which may cut a value short."""
    while isinstance(node, ast.TypeCast):
        written: Node = node.typeName
        if written.typmods:
            return None
        node = node.arg
    return node


def text(node: Node) -> str:
    """Returns the node as SQL, or words in its place where it is nested too deeply to write it out."""
    known = _texts.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    try:
        found = str(RawStream()(node))
        # Written out, a node knows what is above it, which takes as much memory again and is never asked for.
        for one in walk(node):
            one.ancestors = None
    except RecursionError:
        return TOO_DEEP
    if len(found) <= _MOST_REMEMBERED:
        if len(_texts) >= _MOST_TREES:
            _texts.clear()
        _texts[id(node)] = (node, found)
    return found


_texts: dict[int, tuple[Node, str]] = {}
"""What nodes are as SQL, by which object they are: to write them out takes longer than to parse them."""


ANY_SUBLINK, ALL_SUBLINK = SubLinkType.ANY_SUBLINK, SubLinkType.ALL_SUBLINK


def returning(statement: Node) -> Node:
    """Returns the targets of RETURNING, which Postgres 18's grammar keeps elsewhere than those before it."""
    clause = getattr(statement, "returningClause", None)
    return (clause.exprs if clause is not None else getattr(statement, "returningList", None)) or ()


def is_scalar(link: Node) -> bool:
    """Whether a subquery stands for one value, or an array of values, and not for a condition."""
    return link.subLinkType in {SubLinkType.EXPR_SUBLINK, SubLinkType.ARRAY_SUBLINK}


def array_query(node: Node) -> Node | None:
    """Returns the query of `ARRAY (SELECT …)`, also of a lone `(SELECT ARRAY (SELECT …))`, None for anything else."""
    if isinstance(node, ast.SubLink) and node.subLinkType == SubLinkType.EXPR_SUBLINK:
        node = lone_target(node.subselect)
    return node.subselect if isinstance(node, ast.SubLink) and node.subLinkType == SubLinkType.ARRAY_SUBLINK else None
