"""Whether running a query on a relation could do something that a rollback does not undo.

A READ ONLY transaction stops writes, sequences and locks on rows; it does not stop connections to elsewhere, files,
advisory locks or a sleep. Nor does SET ROLE stop a function from taking another role: it runs in our session, which may
become more than the API's ever could. So before a relation is probed, every function that its policies, its query or
its rules may call is looked at, with what those read in turn; one that is not understood, or known to reach out, keeps
the relation from being probed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SQLValueFunctionOp

from rlsaudit.policy import tree
from rlsaudit.policy.body import SESSION_USER, body_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation

_REACHES_OUT = (
    "brin_", "currtid", "dblink", "gin_clean", "http", "lo_", "pg_advisory", "pg_backup", "pg_cancel", "pg_clear_",
    "pg_copy", "pg_create", "pg_current_logfile", "pg_current_xact_id", "pg_drop", "pg_export", "pg_file", "pg_import",
    "pg_log", "pg_ls", "pg_logical", "pg_promote", "pg_read", "pg_reload", "pg_replication", "pg_restore_",
    "pg_rotate", "pg_set_", "pg_sleep", "pg_start", "pg_stat_force", "pg_stat_reset", "pg_stop", "pg_switch", "pg_sync",
    "pg_terminate", "pg_try_advisory", "pg_wal", "txid_current", "query_to_xml", "table_to_xml", "cursor_to_xml",
    "database_to_xml", "schema_to_xml", "ts_rewrite", "ts_stat",
)  # fmt: skip
"""Beginnings of the names of functions that act outside of the transaction, or run SQL that they are given."""
_CHANGES_SETTINGS = "set_config"
_HARMLESS_THOUGH_VOLATILE = ("gen_", "uuid_generate_")
"""Extension functions that are volatile for the sake of chance alone."""
_IDENTITY_SETTINGS = frozenset({"role", "session_authorization"})


def reason_not_to_run(catalog: Catalog, relation: Relation) -> str:
    """Returns why a query on the relation should not be run; empty where nothing speaks against it."""
    look = _Look(catalog, [relation])
    while look.relations:
        current = look.relations.pop()
        if current.oid in look.seen_relations:
            continue
        look.seen_relations.add(current.oid)
        if current.kind == "f":
            return f"{catalog.identity(current)} is a foreign table: reading it connects to elsewhere"
        reason = _relation_reason(look, current)
        if reason:
            return reason
        look.relations.extend(_read_by(catalog, current))
    return ""


_NOT_IMITATED = "it reads session_user, which is the auditor's: SET ROLE does not change it"


@dataclass(slots=True)
class _Look:
    """One search: what is left to look at, and what has been."""

    catalog: Catalog
    relations: list[Relation]
    seen_relations: set[int] = field(default_factory=set)
    seen_functions: set[int] = field(default_factory=set)


def _relation_reason(look: _Look, relation: Relation) -> str:
    catalog = look.catalog
    policies, rewrites = catalog.policies[relation.oid], catalog.rewrites[relation.oid]
    # By dependency, so that casts and defaults of arguments, which call functions without naming them, count.
    for oid in {oid for one in policies for oid in one.functions} | {oid for one in rewrites for oid in one.functions}:
        if oid not in catalog.functions:
            return "it calls a function that rlsaudit does not look into (an aggregate, say)"
        reason = _functions_reason(look, [catalog.functions[oid]])
        if reason:
            return reason
    for node in _expressions(catalog, relation):
        if node is None:
            return "its policies or its query could not be parsed"
        for one in tree.walk(node):
            reason = ""
            if isinstance(one, ast.FuncCall):
                reason = _call_reason(look, tree.name(one.funcname))
            elif isinstance(one, ast.SQLValueFunction) and one.op == SQLValueFunctionOp.SVFOP_SESSION_USER:
                reason = _NOT_IMITATED
            elif isinstance(one, ast.A_Expr) and len(tree.name(one.name)) > 1:
                reason = f"it uses the operator {'.'.join(tree.name(one.name))}, whose function is not known"
            if reason:
                return reason
    return ""


def _expressions(catalog: Catalog, relation: Relation) -> Iterator[tree.Node | None]:
    for policy in catalog.policies[relation.oid]:
        for text in (policy.using, policy.check):
            if text:
                yield tree.expression(text)
    if relation.kind == "v":
        yield tree.statements(relation.definition or "")
    for rule in catalog.rewrites[relation.oid]:
        if rule.definition:
            yield tree.statements(rule.definition)


def _read_by(catalog: Catalog, relation: Relation) -> Iterator[Relation]:
    references = {ref.relation for one in catalog.policies[relation.oid] for ref in one.columns}
    if relation.kind != "m":
        references |= {ref.relation for one in catalog.rewrites[relation.oid] for ref in one.columns}
    for oid in references | set(catalog.children[relation.oid]):
        if oid in catalog.relations:
            yield catalog.relations[oid]


def _call_reason(look: _Look, name: tuple[str, ...]) -> str:
    """Why what is called by this name should not run. A name without a schema is a built-in one's, or may be."""
    shown = ".".join(name)
    if name == SESSION_USER:
        return _NOT_IMITATED
    if len(name) > 1:
        own = look.catalog.functions_by_name[(name[-2], name[-1])]
        if not own:
            return f"it calls {shown}, which rlsaudit does not look into"
        return _functions_reason(look, list(own))
    if name[0].startswith(_REACHES_OUT):
        return f"it may call {shown}, whose effects outlive a rollback"
    if name[0] == _CHANGES_SETTINGS:
        return f"it calls {shown}, which could take another role than the persona's"
    return _functions_reason(look, [one for one in look.catalog.snapshot.functions if one.name == name[0]])


def _functions_reason(look: _Look, functions: list[Function]) -> str:
    for function in functions:
        if function.oid in look.seen_functions:
            continue
        look.seen_functions.add(function.oid)
        reason = _function_reason(look, function)
        if reason:
            return reason
    return ""


def _function_reason(look: _Look, function: Function) -> str:
    catalog = look.catalog
    identity = catalog.function_identity(function)
    if function.extension is not None:
        # An immutable or stable function promises to change nothing; a volatile one of an extension may do anything.
        promises = function.volatility != "v" or function.name.startswith(_HARMLESS_THOUGH_VOLATILE)
        harmless = promises and not function.name.startswith(_REACHES_OUT)
        return "" if harmless else f"it may call {identity} of extension {function.extension}"
    if any(one.partition("=")[0].lower() in _IDENTITY_SETTINGS for one in function.settings):
        return f"it calls {identity}, which takes another role, as the API's login could not"
    body = body_of(function)
    if not body.understood:
        return f"it calls {identity}, whose body is not understood"
    look.relations.extend(_named(catalog, body.reads))
    # What it calls may say more exactly why its SQL is not known.
    called = next((reason for name in sorted(body.calls) if (reason := _call_reason(look, name))), "")
    return called or (f"it calls {identity}, which runs dynamic SQL" if body.dynamic else "")


def _named(catalog: Catalog, names: frozenset[tuple[str, ...]]) -> Iterator[Relation]:
    for name in names:
        if len(name) > 1 and (name[-2], name[-1]) in catalog.relations_by_name:
            yield catalog.relations_by_name[(name[-2], name[-1])]
        elif len(name) == 1:
            # Which one it is depends on the search_path.
            yield from (one for one in catalog.snapshot.relations if one.name == name[0] and one.kind != "S")
