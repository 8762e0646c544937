"""A call of the project's own function as what its body computes of the arguments.

Arguments are bound by value: what they mean was read where the call stands. Inside, `current_user` and the tables'
rights are the owner's where the function is SECURITY DEFINER, else those of whoever runs the statement, even where a
view or a policy around reads with the rights of somebody else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import plpgsql, tree
from rlsaudit.policy.body import body_of
from rlsaudit.policy.expr import UNKNOWN, Case, Const, Expr, IsNull, Opaque, Or, Type, type_of, walk
from rlsaudit.policy.failing import after
from rlsaudit.policy.helpers import FOUND, PATH, defaults, harmless
from rlsaudit.policy.read import constants, types
from rlsaudit.policy.read.here import Choices, Here, LostError, Rows, Value, fixed
from rlsaudit.policy.read.opaque import is_lone
from rlsaudit.policy.read.sublinks import value_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

_NO_VALUE = frozenset({"void", "trigger", "event_trigger", "record"})
_HOW = frozenset({"lock_timeout", "plan_cache_mode", "statement_timeout", "work_mem"})
_MOST_KEPT = 16_384
"""Calls whose values are kept."""
_INPUT, _OUTPUTS = "i", frozenset({"o", "t"})


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of `function`: `here` is where its body stands, `arguments` what it is called with."""

    function: Function
    here: Here
    arguments: tuple[Expr, ...]


def call_of(node: Node, here: Here) -> Expr:
    """Returns the value of a call.

    Raises:
        LostError: it is not known which function that is, or what it does.
    """
    call = _entered(node, here)
    function = call.function
    if function.returns_set:
        raise LostError(f"calls {_shown(call)}, which returns a set")
    kind = types.of_text(function.returns, call.here.scope)
    if function.returns in _NO_VALUE or kind.kind == "c":
        raise LostError(f"calls {_shown(call)}, which returns no plain value")
    value = _body(call)
    if type_of(value) != kind:
        value = _returned(value, kind, call)
    value = after(value, call.arguments)
    maybe = [one for one in call.arguments if not (isinstance(one, Const) and one.value is not None)]
    if function.strict and maybe:
        missing = tuple(IsNull(one) for one in maybe)
        value = Case(((missing[0] if len(missing) == 1 else Or(missing), Const(None, kind)),), value, kind)
    return value


def returned(node: Node, here: Here, choices: Choices) -> Rows:
    """Returns the rows of a call: those of its query where it returns a set, else the one that its value is."""
    if not isinstance(node, ast.FuncCall):
        raise LostError("reads from something that is not followed")
    name = tree.name(node.funcname)
    database = here.scope.database
    found = database and database.function(name, here.scope.path, len(node.args or ()))
    if not found or not found.returns_set:
        if len(name) == 1 and not found:
            raise LostError(f"reads from {name[0]}")
        return Rows(here, columns=[(name[-1], lambda free: here.at(free).read(node))])
    call = _entered(node, here)
    if call.function.strict:
        raise LostError(f"calls {_shown(call)}, which returns a set")
    query = _query(call)
    rows = here.work.readers.rows(query, call.here, choices)
    rows.columns = _columns(call, rows)
    return rows


def _entered(node: Node, here: Here) -> _Call:
    """Goes into the body of the function that is called."""
    name, given = tree.name(node.funcname), node.args or ()
    database = here.scope.database
    function = None if database is None else database.function(name, here.scope.path, len(given))
    if function is None or database is None:
        raise LostError(f"calls {'.'.join(name)}")
    key = ("function", function.oid, 0)
    shown = database.catalog.function_identity(function)
    if key in here.within:
        raise LostError(f"calls {shown}, which calls itself")
    if function.kind != "f" or node.func_variadic or node.over is not None:
        raise LostError(f"calls {shown} in a way that is not followed")
    arguments = _arguments(given, _names(function, shown), function, here, shown)
    return _Call(function, inside(function, arguments, here), arguments)


def inside(function: Function, arguments: tuple[Expr, ...], here: Here) -> Here:
    """Returns where the body of a function stands that is called from `here` with these arguments.

    Raises:
        LostError: it is not known what it is called with, or has settings that change what it does.
    """
    database = here.scope.database
    if database is None:
        raise LostError(f"calls {function.name}")
    shown = database.catalog.function_identity(function)
    paths = [one for one in function.settings if one.startswith(PATH)]
    exempt = function.security_definer and _bypasses(function.owner, here)
    if not all(one in paths or _changes_nothing(one, exempt=exempt) for one in function.settings):
        raise LostError(f"calls {shown}, which has settings of its own")
    names = _names(function, shown)
    definer = function.security_definer
    user = function.owner if definer else here.user
    scope = replace(
        here.scope,
        relation="",
        columns={},
        table=0,
        role=function.owner if definer else here.caller,
        path=database.path_of(function),
    )
    digest = hashlib.sha256(repr(arguments).encode()).hexdigest()[:12] if arguments else ""
    procedural = function.language == "plpgsql"
    hidden = {one.name for one in function.parameters if one.mode != _INPUT} | ({FOUND} if procedural else set())
    values = tuple(fixed(one, here.free) for one in arguments)
    parameters = {called: value for called, value in zip(names, values, strict=True) if called}
    parameters |= dict.fromkeys(hidden if procedural else (), _variable)
    return Here(
        here.work,
        scope,
        here.free,
        parameters=parameters,
        numbered=values,
        called=function.name,
        clash=procedural,
        within=here.within | {("function", function.oid, 0)},
        user=user,
        written=True,
        shadowed=not all(map(harmless, paths)),
        key=f"in {shown} {digest} {here.key if not arguments else ''}",
    )


def _changes_nothing(setting: str, *, exempt: bool) -> bool:
    """Whether a setting decides how long and how a body runs and not what it computes."""
    name = setting.partition("=")[0].lower()
    return name in _HOW or name.startswith("enable_") or (exempt and setting.lower() == "row_security=off")


def _bypasses(owner: int, here: Here) -> bool:
    """Whether row-level security never applies to the role; where it does, `row_security=off` is an error."""
    role = None if here.scope.database is None else here.scope.database.catalog.roles.get(owner)
    return role is not None and (role.superuser or role.bypass_rls)


def _variable(_: int) -> Expr:
    raise LostError("names a variable")


def _shown(call: _Call) -> str:
    database = call.here.scope.database
    return call.function.name if database is None else database.catalog.function_identity(call.function)


def _names(function: Function, shown: str) -> list[str]:
    """The names of a function's inputs in order, empty where one has none."""
    inputs = function.arguments.split(", ") if function.arguments else []
    if not function.parameters:
        return [""] * len(inputs)
    if any(one.mode != _INPUT and one.mode not in _OUTPUTS for one in function.parameters):
        raise LostError(f"calls {shown}, whose arguments are not followed")
    names = [one.name for one in function.parameters if one.mode == _INPUT]
    if len(names) != len(inputs):
        raise LostError(f"calls {shown}, whose arguments are not followed")
    return names


def _arguments(
    given: tuple[Node, ...], names: list[str], function: Function, here: Here, shown: str
) -> tuple[Expr, ...]:
    """What the function is called with, by position or by name."""
    found: dict[int, Expr] = {}
    for number, one in enumerate(given):
        place = number
        if isinstance(one, ast.NamedArgExpr):
            place = names.index(one.name) if one.name in names else -1
        if place < 0 or place in found or place >= len(names):
            raise LostError(f"calls {shown} with arguments that are not followed")
        found[place] = here.read(one.arg if isinstance(one, ast.NamedArgExpr) else one)
    for place, default in enumerate(defaults(function), len(names) - len(defaults(function))):
        if place not in found:
            # The server writes it, and it names nothing but functions.
            nowhere = replace(here.scope, relation="", columns={}, table=0, path=())
            around = Here(here.work, nowhere, here.free, within=here.within, user=here.user, key=here.rights)
            found[place] = around.read(default)
    if len(found) != len(names):
        raise LostError(f"calls {shown}, and leaves arguments out")
    kinds = function.arguments.split(", ") if function.arguments else []
    return tuple(_argument(found[place], kinds[place], here, shown) for place in range(len(names)))


def _argument(value: Expr, declared: str, here: Here, shown: str) -> Expr:
    if declared.startswith("any"):
        raise LostError(f"calls {shown}, which takes values of any type")
    kind = types.of_text(declared, here.scope)
    source = type_of(value)
    if source == kind or (source == UNKNOWN and not isinstance(value, Const)):
        return value
    return constants.cast(value, kind, here)


def _returned(value: Expr, kind: Type, call: _Call) -> Expr:
    if isinstance(value, Opaque) and value.type == UNKNOWN:
        return replace(value, type=kind)
    return constants.cast(value, kind, call.here)


def _body(call: _Call) -> Expr:
    """What the body computes: read once for all calls that are alike, whichever policy they stand in."""
    here, persona = call.here, call.here.scope.persona
    bodies = here.scope.database.memory.bodies if here.scope.database is not None else {}
    key = _key(call)
    if key in bodies:
        _, value, work = bodies[key]
        here.work.spend(work)
        return value
    before = here.work.left
    value = _read(call)
    if len(bodies) < _MOST_KEPT and not any(isinstance(one, Opaque) and is_lone(one) for one in walk(value)):
        bodies[key] = persona, value, before - here.work.left
    return value


def _key(call: _Call) -> tuple[Hashable, ...]:
    """All that the value of a call depends on."""
    here, scope = call.here, call.here.scope
    where = (here.free, here.key, here.user, here.within, here.shadowed)
    # A persona is told by identity: it is kept with the value.
    who = (id(scope.persona), scope.role, scope.caller)
    return (call.function.oid, call.arguments, *where, *who, scope.trusted, scope.path)


def _read(call: _Call) -> Expr:
    function, here = call.function, call.here
    target = _lone_query(function)
    if function.language == "plpgsql" or target is None:
        value = here.work.readers.procedure(function, here)
        if value is not None:
            return value
    target = _query(call)
    lone = tree.lone_target(target)
    if lone is not None:
        return here.read(lone)
    # Of more rows than one the first counts.
    return value_of(target, here, strict=False)


def _query(call: _Call) -> Node:
    """The one query that a body is."""
    found = _lone_query(call.function)
    if found is None:
        raise LostError(f"calls {_shown(call)}, whose body is not followed")
    return found


def _lone_query(function: Function) -> Node | None:
    text: str | None = None
    if function.language == "sql":
        text = plpgsql.plain(function.body)
    elif function.language == "plpgsql":
        text = (
            plpgsql.returned_query(function.body, tuple(one.name for one in function.parameters if one.name))
            if function.returns_set
            else body_of(function).query
        )
    parsed = None if text is None else tree.shared(text)
    if not parsed or len(parsed) != 1 or not isinstance(parsed[0], ast.SelectStmt):
        return None
    return parsed[0]


def _columns(call: _Call, rows: Rows) -> list[tuple[str, Value]]:
    """What the columns of a set are called: as the function declares them."""
    function = call.function
    declared = [one.name for one in function.parameters if one.mode in _OUTPUTS]
    database = call.here.scope.database
    of = function.returns.removeprefix("SETOF ")
    if not declared and types.of_text(of, call.here.scope).kind == "c" and database is not None:
        known = {database.catalog.identity(one): one for one in database.catalog.relations.values()}
        relation = known.get(of)
        declared = [] if relation is None else [one.name for one in database.catalog.columns[relation.oid]]
    elif not declared:
        declared = [function.name]
    if len(declared) != len(rows.columns):
        raise LostError(f"calls {_shown(call)}, whose columns are not followed")
    return [(name, value) for name, (_, value) in zip(declared, rows.columns, strict=True)]
