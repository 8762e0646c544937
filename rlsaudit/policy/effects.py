"""Whether running a query on a relation, or writing to it, could do something that a rollback does not undo.

A READ ONLY transaction stops writes, sequences and locks on rows; it does not stop connections to elsewhere, files,
advisory locks or a sleep. Nor does SET ROLE stop a function from taking another role: it runs in our session, which may
become more than the API's ever could. So before a relation is probed, every function that its policies, its query or
its rules may call is looked at, with what those read in turn; one that is not understood, or known to reach out, keeps
the relation from being probed.

A write runs more than that: triggers, defaults, CHECKs, expressions of indexes, and what those write in turn. And it
may draw from sequences, which keep what they have given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SQLValueFunctionOp

from rlsaudit.catalog.firing import fires
from rlsaudit.catalog.platform import API_LOGIN
from rlsaudit.model import Operation
from rlsaudit.policy import tree
from rlsaudit.policy.body import SESSION_USER, body_of
from rlsaudit.policy.changes import roles_taken

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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
_HARMLESS_THOUGH_VOLATILE = ("crypt", "gen_", "insert_username", "moddatetime", "uuid_generate_")
"""Extension functions that are volatile for the sake of chance alone, or set a field of the row that is written."""
_UNTIL_THE_END = "_xact_lock"
"""In the names of functions whose locks end with the transaction."""
_DRAWS = frozenset({"nextval", "setval"})
_EVENTS = {Operation.UPDATE: "2", Operation.INSERT: "3", Operation.DELETE: "4"}
"""Of rewrite rules, as `ev_type` has them."""
_IDENTITY_SETTINGS = frozenset({"role", "session_authorization"})


def reason_not_to_run(catalog: Catalog, relation: Relation, *, throwaway: bool = False) -> str:
    """Returns why a query on the relation should not be run; empty where nothing speaks against it.

    `throwaway` as in `reason_not_to_write`.
    """
    return _reading_reason(_Look(catalog, [relation], lax=_is_lax(catalog, throwaway=throwaway)))


def _is_lax(catalog: Catalog, *, throwaway: bool) -> bool:
    return throwaway and not catalog.snapshot.viewer.superuser


def _reading_reason(look: _Look) -> str:
    """The same for all that a search has found to be read."""
    catalog = look.catalog
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


def reason_not_to_write(
    catalog: Catalog,
    relation: Relation,
    operations: Collection[Operation],
    given: Collection[int],
    *,
    throwaway: bool = False,
) -> str:
    """Returns why rows of the relation should not be written; empty where nothing speaks against it.

    Args:
        catalog: The facts.
        relation: A table.
        operations: What is done to its rows.
        given: The numbers of the columns that the statement gives values for, so that no default does.
        throwaway: Nobody needs the server: sequences may stay advanced. And code that is not understood may do what it
            may do, unless this connection is a superuser's, whose functions reach files and programs.
    """
    asked = [_Write(one, relation, frozenset(given)) for one in operations]
    look = _writing(catalog, throwaway=throwaway)
    look.written = list(asked)
    return _writing_reason(look, asked)


def reason_not_to_attack(catalog: Catalog, relation: Relation, *, throwaway: bool = False) -> str:
    """Returns why a persona's statement on the relation should not be run in a transaction that may write.

    What a READ ONLY one would stop does happen there: a view may draw from a sequence, and a policy call what writes.
    `throwaway` is as in `reason_not_to_write`.
    """
    look = _writing(catalog, throwaway=throwaway)
    look.relations.append(relation)
    look.as_persona = True
    return _writing_reason(look, ())


def reason_not_to_call(catalog: Catalog, function: Function, *, throwaway: bool = False) -> str:
    """Returns why a function should not be called; empty where nothing speaks against it.

    `throwaway` is as in `reason_not_to_write`.
    """
    look = _writing(catalog, throwaway=throwaway)
    return _functions_reason(look, [function]) or _writing_reason(look, ())


def _writing(catalog: Catalog, *, throwaway: bool) -> _Look:
    return _Look(catalog, [], drawing=throwaway, lax=_is_lax(catalog, throwaway=throwaway), writing=True)


def _writing_reason(look: _Look, asked: Collection[_Write]) -> str:
    """Why all that a search has found to be written, and to be read for that, speaks against it."""
    while look.written or look.relations:
        while look.written:
            current = look.written.pop()
            if current in look.seen_writes:
                continue
            look.seen_writes.add(current)
            if reason := _write_reason(look, current):
                where = "" if current in asked else f"{look.catalog.identity(current.relation)} is written as well: "
                return f"{where}{reason}"
        # What is read may call what writes in turn.
        if reason := _reading_reason(look):
            return reason
    return ""


def _write_reason(look: _Look, write: _Write) -> str:
    catalog, relation, operation = look.catalog, write.relation, write.operation
    if relation.kind == "f":
        return f"{catalog.identity(relation)} is a foreign table: writing to it connects to elsewhere"
    if any(one.event == _EVENTS[operation] and one.enabled not in "DR" for one in catalog.rewrites[relation.oid]):
        return "a rule rewrites the statement"
    look.written.extend(_written_with(catalog, write))
    fired = {one.function for one in catalog.triggers[relation.oid] if fires(one, operation)}
    called = fired | (set() if operation is Operation.DELETE else set(catalog.row_calls[relation.oid]))
    # A trigger function that is not among them is one of the server's own, which are harmless.
    reason = _functions_reason(look, [catalog.functions[oid] for oid in sorted(called) if oid in catalog.functions])
    return reason or _expressions_reason(look, write)


def _written_with(catalog: Catalog, write: _Write) -> Iterator[_Write]:
    """Partitions, which have triggers of their own but whose defaults are the parent's, and what points at a row."""
    every = frozenset(one.number for one in catalog.columns[write.relation.oid])
    for oid in catalog.children[write.relation.oid]:
        if oid in catalog.relations and (write.relation.kind == "p" or write.operation is not Operation.INSERT):
            yield _Write(write.operation, catalog.relations[oid], every)
    if write.operation is Operation.DELETE:
        for one in catalog.snapshot.constraints:
            if one.kind == "f" and one.foreign_relation == write.relation.oid:
                for operation in (Operation.DELETE, Operation.UPDATE):
                    yield _Write(operation, catalog.relations[one.relation], frozenset())


def _expressions_reason(look: _Look, write: _Write) -> str:
    """Why the defaults and the constraints of what is written speak against it."""
    relation, parsed = write.relation, list[tree.Node | None]()
    if write.operation is Operation.INSERT:
        for column in look.catalog.columns[relation.oid]:
            if column.number in write.given:
                continue
            if column.identity and not look.drawing:
                return f"{column.name} comes from a sequence, which would stay advanced"
            if column.computed:
                parsed.append(tree.expression(column.computed))
    if write.operation is not Operation.DELETE:
        checks = (one for one in look.catalog.constraints[relation.oid] if one.kind == "c")
        parsed += [tree.statements(f"alter table x add {one.definition}") for one in checks]
    if any(one is None for one in parsed):
        return "a default or a constraint of it could not be parsed"
    calls = (one for one in tree.walk(tuple(parsed)) if isinstance(one, ast.FuncCall))
    return next((reason for one in calls if (reason := _call_reason(look, tree.name(one.funcname)))), "")


@dataclass(frozen=True, slots=True)
class _Write:
    """What is done to rows of a relation; `given` are the columns whose defaults it does not use."""

    operation: Operation
    relation: Relation
    given: frozenset[int]


_NOT_IMITATED = "it reads session_user, which is the auditor's: SET ROLE does not change it"


@dataclass(slots=True)
class _Look:
    """One search: what is left to look at, and what has been.

    `writing` is whether statements may write, and run as the connection itself unless `as_persona`: what that comes to
    has to be the persona's doing. `drawing` is whether sequences may be drawn from, `lax` whether code may run that is
    not understood.
    """

    catalog: Catalog
    relations: list[Relation]
    seen_relations: set[int] = field(default_factory=set)
    seen_functions: set[int] = field(default_factory=set)
    written: list[_Write] = field(default_factory=list)
    seen_writes: set[_Write] = field(default_factory=set)
    writing: bool = False
    as_persona: bool = False
    drawing: bool = False
    lax: bool = False


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
        return "" if look.writing and not look.as_persona else _NOT_IMITATED
    if name[-1] in _DRAWS and look.writing:
        return "" if look.drawing else f"it calls {shown}: a sequence would stay advanced"
    if len(name) > 1:
        own = look.catalog.functions_by_name[(name[-2], name[-1])]
        if not own:
            return "" if look.lax else f"it calls {shown}, which rlsaudit does not look into"
        return _functions_reason(look, list(own))
    if name[0].startswith(_REACHES_OUT) and not (look.writing and _UNTIL_THE_END in name[0]):
        return f"it may call {shown}, whose effects outlive a rollback"
    # A query is run as a persona, and what it comes to has to be the persona's doing.
    if name[0] == _CHANGES_SETTINGS and not (look.lax and look.writing and not look.as_persona):
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
        promises = function.volatility != "v" or function.name.startswith(_HARMLESS_THOUGH_VOLATILE) or look.lax
        # What it queues is sent when the transaction is committed.
        queues = look.lax and function.extension == "pg_net"
        harmless = promises and (queues or not function.name.startswith(_REACHES_OUT))
        return "" if harmless else f"it may call {identity} of extension {function.extension}"
    if any(one.partition("=")[0].lower() in _IDENTITY_SETTINGS for one in function.settings):
        return f"it calls {identity}, which takes another role, as the API's login could not"
    body = body_of(function)
    if not body.understood and not look.lax:
        return f"it calls {identity}, whose body is not understood"
    if beyond := roles_taken(function) - _taken_by_api(catalog):
        return f"it calls {identity}, which takes the role {min(beyond)}, as the persona's login may not"
    look.relations.extend(_named(catalog, body.reads))
    for operation, name in body.writes:
        look.written.extend(
            _Write(Operation(operation), one, frozenset()) for one in _named(catalog, frozenset({name}))
        )
    # What it calls may say more exactly why its SQL is not known.
    called = next((reason for name in sorted(body.calls) if (reason := _call_reason(look, name))), "")
    return called or (f"it calls {identity}, which runs dynamic SQL" if body.dynamic and not look.lax else "")


def _taken_by_api(catalog: Catalog) -> set[str]:
    """The roles that Supabase's API can take, whatever ours can."""
    login = catalog.roles_by_name.get(API_LOGIN)
    return {
        catalog.roles[one.role].name
        for one in catalog.snapshot.memberships
        if login is not None and one.member == login.oid and one.set is not False
    }


def _named(catalog: Catalog, names: frozenset[tuple[str, ...]]) -> Iterator[Relation]:
    for name in names:
        if len(name) > 1 and (name[-2], name[-1]) in catalog.relations_by_name:
            yield catalog.relations_by_name[(name[-2], name[-1])]
        elif len(name) == 1:
            # Which one it is depends on the search_path.
            yield from (one for one in catalog.snapshot.relations if one.name == name[0] and one.kind != "S")
