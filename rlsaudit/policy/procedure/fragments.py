"""The pieces of SQL in a plpgsql body, as nodes: expressions, queries, assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pglast
from pglast import ast
from pglast.enums import SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.procedure.declared import folded

if TYPE_CHECKING:
    from rlsaudit.policy.tree import Node


class NotFollowedError(Exception):
    """What the body does is not understood, for the reason given."""


def expression(sql: str) -> Node:
    """Returns an expression of plpgsql, which may go on like a query (`count(*) from t`): then as a scalar subquery.

    Raises:
        NotFollowedError: where it is none.
    """
    parsed = tree.statements(f"select {sql}")
    if not parsed or len(parsed) != 1 or not isinstance(parsed[0], ast.SelectStmt):
        raise NotFollowedError("an expression that does not parse")
    target = tree.lone_target(parsed[0])
    if target is not None:
        return target
    select = parsed[0]
    while select.larg is not None:
        select = select.larg
    if select.intoClause is not None or len(select.targetList or ()) != 1:
        raise NotFollowedError("an expression that is more than one value")
    return ast.SubLink(subLinkType=SubLinkType.EXPR_SUBLINK, subselect=parsed[0])


def statement(sql: str) -> Node:
    """Returns a lone SQL statement.

    Raises:
        NotFollowedError: where it is none.
    """
    parsed = tree.statements(sql)
    if not parsed or len(parsed) != 1:
        raise NotFollowedError("a statement that does not parse")
    return parsed[0]


def assignment(sql: str) -> tuple[tuple[str, ...], bool, Node]:
    """Returns the names that an assignment starts with, whether it sets a part of an array, and the value.

    Raises:
        NotFollowedError: where it is none.
    """
    names: list[str] = []
    try:
        tokens = pglast.parser.scan(sql)
    except (pglast.parser.ParseError, ValueError) as error:
        raise NotFollowedError("an assignment that does not parse") from error
    depth, subscripts = 0, False
    for token in tokens:
        text = sql[token.start : token.end + 1]
        if token.name in {"COLON_EQUALS", "ASCII_61"} and depth == 0 and names:
            return tuple(names), subscripts, expression(sql[token.end + 1 :])
        depth += (text == "[") - (text == "]")
        if text == "[":
            subscripts = True
        elif depth == 0 and text not in {".", "]"} and token.name not in {"SQL_COMMENT", "C_COMMENT"}:
            names.append(folded(text))
    raise NotFollowedError("an assignment that does not parse")


def constant(node: Node) -> str | None:
    """Returns the text of a constant, None of anything else."""
    if isinstance(node, ast.A_Const) and isinstance(node.val, ast.String):
        return node.val.sval or ""
    return None
