"""Settings that a function leaves behind: made without LOCAL they stay for as long as the session does."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import VariableSetKind

from rlsaudit.policy import tree
from rlsaudit.policy.body import statements_of
from rlsaudit.policy.procedure.fragments import constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function

_SET = ("set_config",)


@lru_cache(maxsize=4096)
def lasting_settings(function: Function) -> frozenset[str]:
    """Returns the settings that a body makes for the session, by their constant names, in lower case."""
    return frozenset(_lasting(function))


def _lasting(function: Function) -> Iterator[str]:
    for node in tree.walk(statements_of(function)):
        match node:
            case ast.VariableSetStmt(kind=VariableSetKind.VAR_SET_VALUE, name=str() as name) if not node.is_local:
                yield name.lower()
            case ast.FuncCall(args=(named, _, local)) if tree.name(node.funcname) == _SET:
                setting = constant(tree.uncast(named))
                if setting and isinstance(local, ast.A_Const) and isinstance(local.val, ast.Boolean):
                    yield from () if local.val.boolval else (setting.lower(),)
            case _:
                pass
