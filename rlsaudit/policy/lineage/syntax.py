"""A view's query as sqlglot's tree, believed only as far as Postgres's own grammar finds the same names in it."""

from __future__ import annotations

import logging
from collections import Counter

import sqlglot
from pglast import ast
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

from rlsaudit.policy import tree

# It warns of what it does not know, with the text itself: names from a database do not go to a terminal like that.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())
logging.getLogger("sqlglot").propagate = False

STAR = "*"


def query(sql: str) -> exp.Query | exp.Values | None:
    """Returns the tree of one SELECT; None where it is none, is too long, or the two grammars do not agree on it."""
    parsed = tree.statements(sql)
    if not parsed or len(parsed) != 1 or not isinstance(parsed[0], ast.SelectStmt):
        return None
    try:
        found = sqlglot.parse_one(sql, dialect=Postgres)
    except Exception:  # noqa: BLE001 — a grammar written by hand: whatever it stumbles over is not understood
        return None
    if not isinstance(found, exp.Query | exp.Values):
        return None
    # sqlglot accepts nearly anything. A reference that it lost on the way would be a column that is called not shown.
    return None if _mentioned(parsed[0]) - _found(found) else found


def _mentioned(select: tree.Node) -> Counter[tuple[str, ...]]:
    """The references in a query, and the functions with a schema: how often each is there, to Postgres's grammar."""
    return Counter(
        names
        for one in tree.walk(select)
        if isinstance(one, ast.ColumnRef | ast.FuncCall)
        for names in [tuple(part.sval or "" if isinstance(part, ast.String) else STAR for part in _parts(one))]
        # A lone star changes how many outputs there are, which is looked at anyway; one of pg_catalog's functions may
        # be written as a keyword, as EXTRACT is.
        if (names != (STAR,) if isinstance(one, ast.ColumnRef) else len(names) > 1 and names[0] != "pg_catalog")
    )


def _parts(node: ast.ColumnRef | ast.FuncCall) -> tuple[tree.Node, ...]:
    return (node.fields if isinstance(node, ast.ColumnRef) else node.funcname) or ()


def _found(query: exp.Query | exp.Values) -> Counter[tuple[str, ...]]:
    """The same in sqlglot's tree."""
    found: Counter[tuple[str, ...]] = Counter()
    for one in query.walk():
        if isinstance(one, exp.Column):
            found[path(one)] += 1
        elif (name := called(one)) is not None:
            found[name] += 1
    return found


def word(node: exp.Expr | None) -> str:
    """Returns a name as Postgres folds it."""
    if isinstance(node, exp.Star):
        return STAR
    if not isinstance(node, exp.Identifier):
        return "" if node is None else str(node.name)
    return str(node.this) if node.args.get("quoted") else str(node.this).lower()


def path(column: exp.Column) -> tuple[str, ...]:
    """Returns the parts of a reference, `("u", "email")`; the last is `*` for a whole row."""
    return tuple(word(one) for one in column.parts)


def called(node: exp.Expr) -> tuple[str, str] | None:
    """Returns the (schema, name) of the call that a node is; None where it is none, or has no schema."""
    if isinstance(node, exp.Dot) and isinstance(node.this, exp.Identifier):
        schema, function = node.this, node.expression
    elif isinstance(node, exp.Table) and isinstance(node.args.get("db"), exp.Identifier):
        schema, function = node.args["db"], node.this
    else:
        return None
    return (word(schema), function_name(function)) if isinstance(function, exp.Anonymous) else None


def function_name(function: exp.Anonymous) -> str:
    """Returns the name of a function that sqlglot knows nothing of."""
    name = function.this
    if isinstance(name, exp.Identifier):
        return word(name)
    return str(name) if function.args.get("quoted") else str(name).lower()
