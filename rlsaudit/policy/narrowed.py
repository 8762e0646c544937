"""Conditions with more asked in their subqueries: of each row of a table that they look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import BoolExprType

from rlsaudit.policy import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.policy.tree import Node


def narrowed(text: str, table: tuple[str, str], condition: Callable[[str], str]) -> str | None:
    """Returns a condition whose subqueries on a table alone ask `condition` as well; None where there are none.

    Args:
        text: The condition, as the server writes it.
        table: The schema and name of the table.
        condition: What to ask, of the name that the table has in a subquery.
    """
    # A tree of our own, for it is changed.
    parsed = tree.statements(f"select {text}")
    if parsed is None or len(parsed) != 1:
        return None
    found = False
    queries = [one for one in tree.walk(parsed[0].targetList[0].val) if isinstance(one, ast.SelectStmt)]
    for query in queries:
        name = _name_in(query, table)
        more = tree.statements(f"select {condition(name)}") if name else None
        if more:
            asked = (query.whereClause, more[0].targetList[0].val) if query.whereClause else ()
            query.whereClause = ast.BoolExpr(BoolExprType.AND_EXPR, asked) if asked else more[0].targetList[0].val
            found = True
    said = tree.text(parsed[0].targetList[0].val) if found else tree.TOO_DEEP
    return None if said == tree.TOO_DEEP else said


def _name_in(query: Node, table: tuple[str, str]) -> str:
    """What a query calls the table that it reads, if that is all that it reads."""
    tables: Node = query.fromClause or ()
    if len(tables) != 1 or not isinstance(tables[0], ast.RangeVar) or query.groupClause or query.larg:
        return ""
    one = tables[0]
    if (one.schemaname, one.relname) != table:
        return ""
    return str(one.alias.aliasname if one.alias else one.relname)
