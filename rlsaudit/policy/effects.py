"""Whether running a query on a relation could do something that a rollback does not undo.

A READ ONLY transaction stops writes, sequences and locks on rows; it does not stop connections to elsewhere, files,
advisory locks or a sleep. So before a relation is probed, every function that its policies, or its query, may call is
looked at; one that is not understood, or known to reach out, keeps the relation from being probed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.body import body_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation

_REACHES_OUT = (
    "dblink", "http", "lo_", "pg_advisory", "pg_backup", "pg_cancel", "pg_copy", "pg_create", "pg_current_logfile",
    "pg_drop", "pg_export", "pg_file", "pg_import", "pg_log", "pg_ls", "pg_logical", "pg_promote", "pg_read",
    "pg_reload", "pg_replication", "pg_rotate", "pg_sleep", "pg_start", "pg_stat_reset", "pg_stop", "pg_switch",
    "pg_terminate", "pg_try_advisory", "pg_wal", "query_to_xml", "table_to_xml", "cursor_to_xml", "database_to_xml",
    "schema_to_xml",
)  # fmt: skip
"""Beginnings of the names of functions that act outside of the transaction, or run SQL that they are given."""
_SUPABASE_OWN = frozenset({"auth", "storage", "realtime"})


def reason_not_to_run(catalog: Catalog, relation: Relation) -> str:
    """Returns why a query on the relation should not be run; empty where nothing speaks against it."""
    seen_relations: set[int] = set()
    seen_functions: set[int] = set()
    relations = [relation]
    while relations:
        current = relations.pop()
        if current.oid in seen_relations:
            continue
        seen_relations.add(current.oid)
        if current.kind == "f":
            return f"{catalog.identity(current)} is a foreign table: reading it connects to elsewhere"
        for called in _calls(catalog, current):
            reason = _reason(catalog, called, seen_functions)
            if reason:
                return reason
        relations.extend(_read_by(catalog, current))
    return ""


def _calls(catalog: Catalog, relation: Relation) -> Iterator[tuple[str, ...]]:
    texts = [text for one in catalog.policies[relation.oid] for text in (one.using, one.check) if text]
    for text in texts:
        node = tree.expression(text)
        yield from _called(node) if node is not None else [("?", text)]
    if relation.kind == "v":
        parsed = tree.statements(relation.definition or "")
        yield from _called(parsed) if parsed is not None else [("?", "the view's query")]


def _called(node: tree.Node) -> Iterator[tuple[str, ...]]:
    for one in tree.walk(node):
        if isinstance(one, ast.FuncCall):
            yield tree.name(one.funcname)


def _read_by(catalog: Catalog, relation: Relation) -> Iterator[Relation]:
    references = [ref for one in catalog.policies[relation.oid] for ref in one.columns]
    if relation.kind == "v":
        references += [ref for one in catalog.rewrites[relation.oid] if one.name == "_RETURN" for ref in one.columns]
    for oid in {ref.relation for ref in references} | set(catalog.children[relation.oid]):
        if oid in catalog.relations:
            yield catalog.relations[oid]


def _reason(catalog: Catalog, called: tuple[str, ...], seen: set[int]) -> str:
    waiting = [called]
    while waiting:
        name = waiting.pop()
        if name[0] == "?":
            return "its policies or its query could not be parsed"
        own = _functions(catalog, name)
        if not own and name[-1].startswith(_REACHES_OUT):
            return f"it may call {'.'.join(name)}, whose effects outlive a rollback"
        for function in own:
            if function.oid in seen:
                continue
            seen.add(function.oid)
            reason, more = _function_reason(catalog, function)
            if reason:
                return reason
            waiting.extend(more)
    return ""


def _functions(catalog: Catalog, name: tuple[str, ...]) -> list[Function]:
    if len(name) > 1:
        return list(catalog.functions_by_name[(name[-2], name[-1])])
    return [one for one in catalog.snapshot.functions if one.name == name[0]]


def _function_reason(catalog: Catalog, function: Function) -> tuple[str, frozenset[tuple[str, ...]]]:
    """Why the function should not run, and else what it calls."""
    identity = catalog.function_identity(function)
    if function.extension is not None:
        # An immutable or stable function promises to change nothing; a volatile one of an extension may do anything.
        harmless = function.volatility != "v" or not function.name.startswith(_REACHES_OUT)
        return ("" if harmless else f"it may call {identity} of extension {function.extension}"), frozenset()
    if catalog.schemas[function.schema].name in _SUPABASE_OWN and function.volatility != "v":
        return "", frozenset()
    body = body_of(function)
    if not body.understood:
        return f"it calls {identity}, whose body is not understood", frozenset()
    if body.dynamic:
        return f"it calls {identity}, which runs dynamic SQL", frozenset()
    return "", body.calls
