"""A project's own function in the place of its call: its body with the arguments put in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast
from pglast.visitors import Visitor

from rlsaudit.policy import tree
from rlsaudit.policy.body import body_of
from rlsaudit.policy.values import UNDERSTOOD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

_LOSSLESS = frozenset({"text", "character varying", "uuid", "boolean", "smallint", "integer", "bigint"})
"""Types of parameters into which the server casts nothing silently that was different before and equal afterwards."""
PATH = "search_path="
FOUND = "found"
"""A variable that every plpgsql body has, and that hides a parameter of that name."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A Boolean function whose body is one query.

    `query` is that query, `name` what its own body may call it, `parameters` are the names of its arguments in order
    (empty where one has none). `open` is whether a call means the same as the body with the arguments put in.
    """

    name: str
    query: str
    parameters: tuple[str, ...]
    open: bool


def helper_of(function: Function, own: frozenset[str]) -> Helper | None:
    """Returns the function as a helper of policies; None where it is none, or its body is more than a query.

    `own` are the names of the project's own functions and operators: written without a schema, as bodies do, such a
    name may mean one of those and not what the same name means in pg_catalog.
    """
    if function.returns != "boolean" or function.extension is not None:
        return None
    if not all(one.startswith(PATH) for one in function.settings):
        # Its body runs with settings of its own, the claims that it reads perhaps among them.
        return None
    query = body_of(function).query
    if query is None or not own.isdisjoint(_unqualified(query)):
        return None
    # Without names, each argument is there all the same.
    types = function.arguments.split(", ") if function.arguments else []
    names = [one.name for one in function.parameters]
    inputs = all(one.mode == "i" for one in function.parameters)
    parameters = tuple(names) if names else ("",) * len(types)
    is_open = (
        inputs
        and len(parameters) == len(types)
        and not function.strict  # of NULL it makes NULL, whatever the body says
        and all(one in _LOSSLESS for one in types)
        and all(harmless(one) for one in function.settings)
        and (function.language != "plpgsql" or FOUND not in names)
    )
    return Helper(function.name, query, parameters, is_open)


@lru_cache(maxsize=4)
def own_names(catalog: Catalog, *, extensions: bool = False) -> frozenset[str]:
    """Returns the names of the project's own functions, operators and aggregates; those of `extensions` if asked to."""
    own = {one.name for one in catalog.snapshot.functions if extensions or one.extension is None}
    for one in catalog.snapshot.spellings:
        spelt = catalog.functions.get(one.function)
        own |= {one.name} if extensions or spelt is None or spelt.extension is None else set()
    return frozenset(own)


def defaults(function: Function) -> tuple[Node, ...]:
    """Returns the defaults of a function's last arguments."""
    parsed = tree.shared(f"select {function.defaults}") if function.defaults else None
    if not parsed or len(parsed) != 1 or not isinstance(parsed[0], ast.SelectStmt):
        return ()
    return tuple(one.val for one in parsed[0].targetList or ())


def _unqualified(query: str) -> frozenset[str]:
    """What a query names without a schema, of the functions that are given a meaning, and of operators."""
    found = set[str]()
    for one in tree.walk(tree.statements(query) or ()):
        parts = one.funcname if isinstance(one, ast.FuncCall) else one.name if isinstance(one, ast.A_Expr) else ()
        if parts and len(parts) == 1:
            name = parts[0].sval or ""
            found |= {name} if isinstance(one, ast.A_Expr) or name in UNDERSTOOD else set()
        elif isinstance(one, ast.CaseExpr | ast.SubLink):
            found.add("=")  # `case a when b` and `a in (select …)` ask for it without naming it
    return frozenset(found)


def harmless(setting: str) -> bool:
    """A search_path that looks into pg_catalog first, as any does that does not name it elsewhere."""
    value = setting.removeprefix(PATH)
    return value != setting and ("pg_catalog" not in value or value.startswith("pg_catalog"))


def applied(helper: Helper, arguments: Sequence[Node]) -> Node | None:
    """Returns the expression that a call stands for; None where it takes a table to tell, or arguments are left out.

    A body that reads a table, or anything else that has columns, is left alone: there the columns' names come before
    those of the parameters.
    """
    if not helper.open or len(arguments) != len(helper.parameters):
        return None
    if any(isinstance(one, ast.NamedArgExpr) for one in arguments):
        return None
    known = _target(tree.shared(helper.query))
    if known is None or any(isinstance(one, ast.SelectStmt) and one.fromClause for one in tree.walk(known)):
        return None
    # One of its own, for it is changed.
    target = _target(tree.statements(helper.query))
    bound = _Bound(helper, arguments)
    # The visitor replaces nodes below what it is given.
    holder = ast.ResTarget(val=target)
    bound(holder)
    return None if bound.lost else holder.val


def _target(parsed: tuple[Node, ...] | None) -> Node | None:
    return tree.lone_target(parsed[0]) if parsed and len(parsed) == 1 else None


class _Bound(Visitor):
    """Puts arguments in the places of parameters. `lost` is whether a name was no parameter."""

    def __init__(self, helper: Helper, arguments: Sequence[Node]) -> None:
        super().__init__()
        self._helper = helper
        self._arguments = arguments
        self.lost = False

    def visit_ParamRef(self, _ancestors: object, node: Node) -> Node:  # noqa: N802  named after the node
        return self._argument(node.number - 1)

    def visit_ColumnRef(self, _ancestors: object, node: Node) -> Node:  # noqa: N802  named after the node
        parts = [one.sval for one in node.fields if isinstance(one, ast.String)]
        known = self._helper.parameters
        if len(parts) == len(node.fields) and parts[:-1] in ([], [self._helper.name]) and parts[-1] in known:
            return self._argument(known.index(parts[-1]))
        self.lost = True
        return None

    def _argument(self, place: int) -> Node:
        if not 0 <= place < len(self._arguments):
            self.lost = True
            return None
        return self._arguments[place]
