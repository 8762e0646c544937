"""What a function's body does, as far as its text tells: which relations it reads and writes, whom it asks about.

SQL and plpgsql are parsed; of any other language nothing is known, and `understood` says so. Dynamic SQL may do
anything that its role may.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import SQLValueFunctionOp

from rlsaudit.policy import plpgsql, tree
from rlsaudit.policy.plpgsql import pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

IDENTITY_CALLS = frozenset(
    {("auth", "uid"), ("auth", "jwt"), ("auth", "role"), ("auth", "email"), ("current_setting",), ("session_user",)}
)
"""Calls by which SQL reads who is calling."""
SESSION_USER = ("session_user",)
"""Who logged in, among the calls: SET ROLE does not change it, so that a probe cannot imitate it."""
WHO = frozenset(
    {
        SQLValueFunctionOp.SVFOP_CURRENT_ROLE,
        SQLValueFunctionOp.SVFOP_CURRENT_USER,
        SQLValueFunctionOp.SVFOP_SESSION_USER,
        SQLValueFunctionOp.SVFOP_USER,
    }
)
_WRITES = {ast.InsertStmt: "insert", ast.UpdateStmt: "update", ast.DeleteStmt: "delete"}
RUNS_SQL = frozenset(
    {
        "cursor_to_xml", "cursor_to_xmlschema", "database_to_xml", "database_to_xml_and_xmlschema", "dblink",
        "dblink_exec", "dblink_open", "dblink_send_query", "query_to_xml", "query_to_xml_and_xmlschema",
        "query_to_xmlschema", "schema_to_xml", "schema_to_xml_and_xmlschema", "table_to_xml",
        "table_to_xml_and_xmlschema", "ts_rewrite", "ts_stat",
    }
)  # fmt: skip
"""Functions that run a text as SQL, or read the table whose name they are given."""
_LIMITS = frozenset({"lock_timeout", "row_security", "statement_timeout", "work_mem"})
"""Settings that only make a statement fail which would not have: `row_security` off asks for no row to be hidden."""
_ASSIGNMENT = re.compile(r'\s*[\w."\[\]$]+\s*:?=(?!=)(.*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Body:
    """What a body does. Names are tuples as written: `(schema, name)` or `(name,)`.

    `reads` and `writes` (pairs of operation and name) are relations, `calls` functions, `operators` what stands between
    operands. `dynamic` is whether it runs SQL that is a text to it, or a table's name. `asks_identity` is whether it
    reads who is calling, by itself; `raises` whether it can refuse on purpose; `returns_null` whether a trigger of this
    body can swallow a row, `assigns` the fields of NEW that it sets. `query` is the body where it is one SQL query.
    """

    understood: bool
    reads: frozenset[tuple[str, ...]] = frozenset()
    writes: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    calls: frozenset[tuple[str, ...]] = frozenset()
    operators: frozenset[tuple[str, ...]] = frozenset()
    asks_identity: bool = False
    dynamic: bool = False
    raises: bool = False
    returns_null: bool = False
    assigns: frozenset[str] = frozenset()
    query: str | None = None


def body_of(function: Function) -> Body:
    """Returns what the text of `function` tells. Never raises."""
    names = tuple(one.name for one in function.parameters if one.name)
    return _body(function.language, function.body, names, function.name)


@lru_cache(maxsize=1024)
def statements_of(function: Function) -> tuple[Node, ...]:
    """Returns the statements and expressions of a body, in no order: those of them that are understood."""
    if function.language == "sql":
        return tree.statements(plpgsql.plain(function.body)) or ()
    if function.language != "plpgsql":
        return ()
    parsed = plpgsql.parsed(function.body, tuple(one.name for one in function.parameters if one.name), function.name)
    found = (fragment(query) for query in _queries(parsed)) if parsed is not None else ()
    return tuple(statement for one in found if one is not None for statement in one)


_ENDS = frozenset({"PLpgSQL_stmt_return", "PLpgSQL_stmt_raise", "PLpgSQL_stmt_exit"})


def surely_run(function: Function) -> tuple[Node, ...]:
    """Returns the statements among them that run whenever the function does, as far as that is plain to see."""
    if function.language != "plpgsql":
        return statements_of(function)
    parsed = plpgsql.parsed(function.body, tuple(one.name for one in function.parameters if one.name), function.name)
    found: list[Node] = []
    try:
        block = parsed[0]["PLpgSQL_function"]["action"]["PLpgSQL_stmt_block"]
        # What a handler catches is undone.
        body = () if block.get("exceptions") else block["body"]
    except (KeyError, IndexError, TypeError):
        return ()
    for statement in body:
        if "PLpgSQL_stmt_execsql" in statement:
            found += [each for query in _queries(statement) for each in fragment(query) or ()]
        elif not _ENDS.isdisjoint(_kinds(list(statement.values()))):
            # What comes after it is run only perhaps.
            break
    return tuple(found)


_ERROR = 21
"""The level of RAISE from which on it ends the statement."""


def attempted(function: Function) -> tuple[Node, ...]:
    """Returns the statements that run, unless one of them fails, whenever the function does: its handlers catch that.

    Only of a block in which nothing else is run.
    """
    if function.language != "plpgsql":
        return ()
    parsed = plpgsql.parsed(function.body, tuple(one.name for one in function.parameters if one.name), function.name)
    found: list[Node] = []
    try:
        whole = parsed[0]["PLpgSQL_function"]["action"]["PLpgSQL_stmt_block"]
        blocks = [whole]
        for statement in () if whole.get("exceptions") else whole["body"]:
            if "PLpgSQL_stmt_block" in statement:
                blocks.append(statement["PLpgSQL_stmt_block"])
            elif not _ENDS.isdisjoint(_kinds(list(statement.values()))):
                break
        for block in blocks:
            run = list(itertools.takewhile(lambda one: "PLpgSQL_stmt_return" not in one, block["body"]))
            if block.get("exceptions") and all(map(_is_plain, run)):
                found += [each for query in _queries(run) for each in fragment(query) or ()]
    except (KeyError, IndexError, TypeError):
        return ()
    return tuple(found)


def _is_plain(statement: Any) -> bool:  # noqa: ANN401 — JSON
    """Whether a statement is SQL, or only says something."""
    says = statement.get("PLpgSQL_stmt_raise")
    return "PLpgSQL_stmt_execsql" in statement or (says is not None and says.get("elog_level", _ERROR) < _ERROR)


@lru_cache(maxsize=8192)
def _body(language: str, body: str, parameters: tuple[str, ...], name: str) -> Body:
    """The same for its parts: a body is asked about once for every table, and told apart by its text alone."""
    if language == "sql":
        return _sql_body(plpgsql.plain(body))
    if language == "plpgsql":
        return _plpgsql_body(body, parameters, name)
    return Body(understood=False)


def _sql_body(body: str) -> Body:
    parsed = tree.statements(body)
    if parsed is None:
        return Body(understood=False)
    return facts_of(parsed, query=body if len(parsed) == 1 and isinstance(parsed[0], ast.SelectStmt) else None)


def _plpgsql_body(body: str, parameters: tuple[str, ...], name: str) -> Body:
    parsed = plpgsql.parsed(body, parameters, name)
    if parsed is None:
        return Body(understood=False)
    statements: list[Node] = []
    lone: list[str] = []
    understood = True
    for query in _queries(parsed):
        found = fragment(query)
        if found is None:
            understood = False
            continue
        statements.extend(found)
        lone.append(query)
    kinds = set(_kinds(parsed))
    returned = _lone_return(parsed)
    return facts_of(
        tuple(statements),
        understood=understood,
        dynamic=bool(kinds & {"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors", "dynquery"}),
        raises=bool(kinds & {"PLpgSQL_stmt_raise", "PLpgSQL_stmt_assert"}),
        returns_null=_returns_null(body),
        assigns=frozenset(_assigned(parsed)),
        query=f"select {returned}" if returned and len(lone) == 1 and not plpgsql.DECLARES.search(body) else None,
    )


def facts_of(
    parsed: tuple[Node, ...],
    *,
    understood: bool = True,
    dynamic: bool = False,
    query: str | None = None,
    **more: Any,  # noqa: ANN401 — Body's own fields
) -> Body:
    """Returns what statements and expressions do by themselves; the rest is for the caller to say."""
    writes: set[tuple[str, tuple[str, ...]]] = set()
    calls: set[tuple[str, ...]] = set()
    targets: set[int] = set()
    operators: set[tuple[str, ...]] = set()
    identity = False
    for node in tree.walk(parsed):
        match node:
            case ast.InsertStmt() | ast.UpdateStmt() | ast.DeleteStmt():
                writes.add((_WRITES[type(node)], _relation(node.relation)))
                # ON CONFLICT DO UPDATE changes rows as well.
                if isinstance(node, ast.InsertStmt) and node.onConflictClause is not None:
                    writes.add(("update", _relation(node.relation)))
                targets.add(id(node.relation))
            case ast.MergeStmt():
                writes |= {(operation, _relation(node.relation)) for operation in _WRITES.values()}
            case ast.TruncateStmt():
                writes |= {("delete", _relation(one)) for one in node.relations or ()}
            case ast.FuncCall():
                name = tree.name(node.funcname)
                calls.add(name)
                identity |= name in IDENTITY_CALLS
            case ast.SQLValueFunction():
                # Dates and times are among them, which ask nothing of the sort.
                identity |= node.op in WHO
                if node.op == SQLValueFunctionOp.SVFOP_SESSION_USER:
                    calls.add(SESSION_USER)
            case ast.A_Expr():
                operators.add(tree.name(node.name))
            case ast.SelectStmt() | ast.ResTarget() | ast.CallStmt():
                pass
            case ast.VariableSetStmt(name=str() as setting) if setting.lower() in _LIMITS:
                pass
            case ast.ConstraintsSetStmt():
                # When constraints are asked is no setting, and none of them lets more pass.
                pass
            case ast.RefreshMatViewStmt():
                # What it holds is made anew by its owner; it is read and written like that whoever asks for it.
                pass
            case _:
                # Statements that we do not follow (COPY, LOCK, DDL …) may do anything.
                understood &= not type(node).__name__.endswith("Stmt")
    return Body(
        understood=understood,
        reads=frozenset(_relation(one) for one in tree.relations(parsed)),
        writes=frozenset(writes),
        calls=frozenset(calls),
        operators=frozenset(operators),
        asks_identity=identity,
        dynamic=dynamic or any(one[-1] in RUNS_SQL for one in calls),
        query=query,
        **more,
    )


def _relation(node: Node) -> tuple[str, ...]:
    return (node.schemaname, node.relname) if node.schemaname else (node.relname,)


def fragment(query: str) -> tuple[Node, ...] | None:
    """A plpgsql expression may be a statement, an expression, or an assignment."""
    found = tree.statements(query) or tree.statements(f"select {query}")
    if found is None and (assignment := _ASSIGNMENT.fullmatch(query)):
        found = tree.statements(f"select {assignment[1]}")
    return found


def _queries(node: Any) -> Iterator[str]:  # noqa: ANN401 — JSON
    for key, value in pairs(node):
        if key == "query" and isinstance(value, str):
            yield value


def _kinds(node: Any) -> Iterator[str]:  # noqa: ANN401 — JSON
    for key, _ in pairs(node):
        yield key


def _assigned(parsed: Any) -> Iterator[str]:  # noqa: ANN401 — JSON
    """The fields of NEW that are assigned; `*` where NEW is assigned as a whole."""
    for key, value in pairs(parsed):
        if key == "PLpgSQL_stmt_assign" and isinstance(value, dict):
            query = value.get("expr", {}).get("PLpgSQL_expr", {}).get("query", "")
            target = re.match(r'\s*new\s*(?:\.\s*("(?:[^"]|"")+"|\w+))?\s*:?=', query, re.IGNORECASE)
            if target:
                yield (target[1] or "*").strip('"')


def _returns_null(body: str) -> bool:
    return re.search(r"\breturn\s+(?!new\b|old\b)", body, re.IGNORECASE) is not None


def _lone_return(parsed: Any) -> str | None:  # noqa: ANN401 — JSON
    """Returns the expression of a body that is one RETURN, else None."""
    try:
        statements = parsed[0]["PLpgSQL_function"]["action"]["PLpgSQL_stmt_block"]["body"]
        returned = statements[0]["PLpgSQL_stmt_return"]["expr"]["PLpgSQL_expr"]["query"]
    except (KeyError, IndexError, TypeError):
        return None
    return returned if len(statements) == 1 or set(statements[1]) == {"PLpgSQL_stmt_return"} else None
