"""Which settings a function changes: the role and the claims of the request are settings, and say who is asking."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.body import body_of, statements_of
from rlsaudit.policy.procedure.declared import NotReadError, rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

ANY_SETTING = "*"
ROLES = frozenset({"role", "session_authorization"})
"""Settings that make the session another role's."""
_SET = "set_config"
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_SETS = re.compile(
    rf"\b{_SET}\b|(?:^|;|\b(?:begin|then|else|loop)\b)\s*(?:re)?set\b(?!\s+constraints\s)", re.IGNORECASE
)
"""What changes settings in a body, wherever it stands."""
_TAKES = re.compile(r"""\s*set\s+(?:local\s+|session\s+)?role\s+(?:to\s+|=\s*)?["']?(\w+)""", re.IGNORECASE)
_RUNS = re.compile(r"\bexecute\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def changed_settings(function: Function) -> frozenset[str]:
    """Returns the settings that a body changes itself, and does not by dynamic SQL, in lower case.

    `ANY_SETTING` stands for those that are not known.
    """
    found = {one.partition("=")[0].lower() for one in function.settings} & ROLES
    if function.language not in {"sql", "plpgsql"}:
        return frozenset(found | {ANY_SETTING})
    read = _readable(function)
    changes = [one for node in tree.walk(statements_of(read)) for one in _changed(node)]
    words = _COMMENTS.sub(" ", function.body)
    # What could not be parsed may hold what was not seen: more of it than what was, or a text that is run.
    unseen = len(_SETS.findall(words)) > len(changes) or _RUNS.search(words) is not None
    if unseen and not body_of(read).understood:
        changes.append(ANY_SETTING)
    return frozenset(found.union(changes))


@lru_cache(maxsize=4096)
def roles_taken(function: Function) -> frozenset[str]:
    """Returns the roles that a body takes by their names, itself or by a text that it runs."""
    found = {one.partition("=")[2].strip('"') for one in function.settings if one.partition("=")[0].lower() in ROLES}
    for node in tree.walk(statements_of(_readable(function))):
        match node:
            case ast.VariableSetStmt(name=str() as name, args=(value, *_)) if name.lower() in ROLES:
                found |= _texts(value)
            case ast.FuncCall(args=(name, value, _)) if tree.name(node.funcname)[-1] == _SET and _texts(name) & ROLES:
                found |= _texts(value)
            case ast.A_Const(val=ast.String(sval=str() as text)) if taken := _TAKES.match(text):
                found.add(taken[1])
            case _:
                pass
    return frozenset(found)


def _texts(node: Node) -> set[str]:
    while isinstance(node, ast.TypeCast):
        node = node.arg
    return {node.val.sval or ""} if isinstance(node, ast.A_Const) and isinstance(node.val, ast.String) else set()


def _readable(function: Function) -> Function:
    """The function with a body that can be parsed, where only the types of its variables stand in the way."""
    if function.language != "plpgsql" or statements_of(function):
        return function
    try:
        return replace(function, body=rewrite(function.body).body)
    except NotReadError:
        return function


def _changed(node: Node) -> Iterator[str]:
    match node:
        case ast.VariableSetStmt(name=name):
            # Without a name all of them are reset.
            yield (name or ANY_SETTING).lower()
        case ast.FuncCall() if tree.name(node.funcname)[-1] == _SET:
            first = node.args[0] if node.args else None
            while isinstance(first, ast.TypeCast):
                first = first.arg
            named = first.val.sval if isinstance(first, ast.A_Const) and isinstance(first.val, ast.String) else None
            yield (named or ANY_SETTING).lower()
        case _:
            pass
