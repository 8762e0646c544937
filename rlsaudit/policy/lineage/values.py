"""What an expression shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from rlsaudit.policy.answers import SUMMARIES
from rlsaudit.policy.lineage import syntax
from rlsaudit.policy.lineage.shown import NOTHING, Shown, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.policy.lineage.sources import Scope

_AS_IT_IS = (exp.Alias, exp.Paren, exp.Cast, exp.Collate)
"""What leaves a value as it is, or writes it in another type's way."""
_READS_ANYTHING = frozenset(
    {
        "cursor_to_xml", "cursor_to_xml_and_xmlschema", "database_to_xml", "database_to_xml_and_xmlschema",
        "query_to_xml", "query_to_xml_and_xmlschema", "schema_to_xml", "schema_to_xml_and_xmlschema", "table_to_xml",
        "table_to_xml_and_xmlschema", "ts_rewrite", "ts_stat",
    }
)  # fmt: skip
"""Functions of pg_catalog that read whatever relation a text names."""


def value(node: exp.Expr, scope: Scope, rows: Callable[[exp.Expr, Scope], Shown | None]) -> Shown | None:
    """Returns what an expression shows.

    Args:
        node: The expression.
        scope: What names in it mean.
        rows: Tells what the rows show of a query within it.
    """
    while isinstance(node, _AS_IT_IS):
        node = node.this
    if isinstance(node, exp.Column):
        return scope.column(syntax.path(node))
    if isinstance(node, exp.Query):
        return rows(node, scope)
    return within(_parts(node, scope, rows))


def _parts(node: exp.Expr, scope: Scope, rows: Callable[[exp.Expr, Scope], Shown | None]) -> Iterator[Shown | None]:
    waiting: list[exp.Expr] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, exp.Column):
            yield scope.column(syntax.path(current))
        elif isinstance(current, exp.Query):
            yield rows(current, scope)
        elif _reads_anything(current):
            yield None
        else:
            called = syntax.called(current)
            yield NOTHING if called is None else Shown(calls=frozenset({called}))
            waiting.extend(_shown_parts(current))


def _shown_parts(node: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a node that its value is made of."""
    match node:
        case exp.Exists():
            return
        case exp.Any() | exp.All() if isinstance(node.this, exp.Query):
            return
        case exp.In() if node.args.get("query") is not None:
            yield node.this
        case exp.Window() if _is(call := _unfiltered(node.this), SUMMARIES - {("count",)}):
            # A sum that runs along shows each value by what it adds.
            yield from call.iter_expressions()
        case exp.Window() | exp.Filter():
            yield node.this
        case exp.Order() if node.this is not None:
            yield node.this
        case exp.Func() if _is(node, SUMMARIES):
            return
        case exp.Dot() if isinstance(node.expression, exp.Anonymous):
            # The name of a schema before it says whose function this is: not the summary of the same name.
            yield from node.expression.iter_expressions()
        case _:
            yield from node.iter_expressions()


def _unfiltered(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Filter) else node


def _is(node: exp.Expr | None, names: frozenset[tuple[str, ...]]) -> bool:
    """Whether a node is a call of one of these functions of pg_catalog."""
    return any((one,) in names for one in _names(node))


def _reads_anything(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and not _READS_ANYTHING.isdisjoint(_names(node))


def _names(node: exp.Expr | None) -> tuple[str, ...]:
    if isinstance(node, exp.Anonymous):
        return (syntax.function_name(node),)
    return tuple(one.lower() for one in node.sql_names()) if isinstance(node, exp.Func) else ()
