"""Whether what decides on rows asks for the database role: where nothing does, no row is tied to a role by its name.

Without claims `current_user` is who somebody is. It is asked for in words, by functions that look up what a role may
do, and by the server's own views. What is not understood may ask for it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SQLValueFunctionOp

from rlsaudit.catalog.firing import fires
from rlsaudit.model import Operation
from rlsaudit.policy import tree
from rlsaudit.policy.body import WHO, body_of, statements_of
from rlsaudit.policy.compared_whole import compared_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.policy.tree import Node

_WHO = WHO | {SQLValueFunctionOp.SVFOP_CURRENT_SCHEMA}
"""A schema may be somebody's: `$user` stands first in the search_path."""
_ASKS = frozenset({"current_schema", "current_schemas", "getpgusername", "row_security_active", "session_user", "user"})
_MEMBER = "pg_has_role"
_ASKS_TOO = ("has_", "_privilege")
"""How the names of functions begin and end that look up what a role may do."""
_SETTINGS_OF_ROLES = frozenset({"is_superuser", "role", "search_path", "session_authorization"})


class RoleAsked:
    """What asks for the role in the database of one snapshot; nothing is looked at twice.

    `apart` limits it to what may look for the role by something else than its whole name: a part of it, a hash.
    """

    def __init__(self, catalog: Catalog, *, apart: bool = False) -> None:
        self._catalog = catalog
        self._apart = apart
        self._relations: dict[int, bool] = {}
        self._functions: dict[int, bool] = {}
        self._by_name: defaultdict[str, list[Function]] = defaultdict(list)
        for one in catalog.snapshot.functions:
            self._by_name[one.name].append(one)
        self._named = {one.name for one in catalog.snapshot.relations}

    def deciding(self, relations: Iterable[int]) -> bool:
        """Whether policies, queries or rules of these relations (OIDs) may ask for the role."""
        return any(map(self._decides, relations))

    def writing(self, relation: Relation) -> bool:
        """Whether a trigger or a default of the relation may put the role's name into a new row."""
        fired = [one.function for one in self._catalog.triggers[relation.oid] if fires(one, Operation.INSERT)]
        called = (*fired, *self._catalog.row_calls[relation.oid])
        computed = (tree.expression(one.computed) for one in self._catalog.columns[relation.oid] if one.computed)
        return any(map(self._in_function, called)) or any(one is None or self._asks(one) for one in computed)

    def _decides(self, relation: int) -> bool:
        if relation not in self._relations:
            found = self._catalog.relations.get(relation)
            # A relation that is not among the project's is one of the server's own, which tell of roles.
            self._relations[relation] = found is None or found.kind == "f" or self._in_its_texts(found)
        return self._relations[relation]

    def _in_its_texts(self, relation: Relation) -> bool:
        policies, rules = self._catalog.policies[relation.oid], self._catalog.rewrites[relation.oid]
        called = {oid for some in (policies, rules) for one in some for oid in one.functions}
        return any(map(self._in_function, called)) or any(
            one is None or self._asks(one) for one in self._expressions(relation)
        )

    def _expressions(self, relation: Relation) -> Iterator[Node | None]:
        for policy in self._catalog.policies[relation.oid]:
            yield from (tree.expression(text) for text in (policy.using, policy.check) if text)
        if relation.kind in "vm":
            yield tree.statements(relation.definition or "")
        for rule in self._catalog.rewrites[relation.oid]:
            if rule.definition:
                yield tree.statements(rule.definition)

    def _in_function(self, oid: int) -> bool:
        waiting, seen = [oid], set[int]()
        while waiting:
            current = waiting.pop()
            function = self._catalog.functions.get(current)
            # One that is not there is built in, or an aggregate.
            if current in seen or function is None:
                continue
            seen.add(current)
            if self._in_body(function):
                return True
            called = body_of(function).calls
            waiting += [one.oid for name in called for one in self._by_name[name[-1]]]
        return False

    def _in_body(self, function: Function) -> bool:
        if function.oid not in self._functions:
            body = body_of(function)
            lost = (not body.understood and function.extension is None) or body.dynamic
            self._functions[function.oid] = lost or self._asks(statements_of(function))
        return self._functions[function.oid]

    def _asks(self, node: Node) -> bool:
        whole = frozenset(map(id, compared_whole(node, is_asking, looks_up))) if self._apart else frozenset()
        return any(is_asking(one) and id(one) not in whole for one in tree.walk(node)) or any(
            self._is_the_servers(one.schemaname, one.relname) for one in tree.relations(node)
        )

    def _is_the_servers(self, schema: str | None, name: str | None) -> bool:
        if schema is not None:
            return (schema, name) not in self._catalog.relations_by_name
        return name not in self._named


def is_asking(node: Node) -> bool:
    """Whether a node itself asks for the role, or for what a role may do."""
    match node:
        case ast.SQLValueFunction(op=op):
            return op in _WHO
        case ast.FuncCall(funcname=written, args=arguments):
            name = tree.name(written)[-1]
            if name == "current_setting":
                return _setting(arguments or ()) is None or _setting(arguments or ()) in _SETTINGS_OF_ROLES
            return name in _ASKS or looks_up(name)
        case _:
            return False


def looks_up(name: str) -> bool:
    """Whether a function of this name looks up what a role may do."""
    return name == _MEMBER or (name.startswith(_ASKS_TOO[0]) and name.endswith(_ASKS_TOO[1]))


def _setting(arguments: tuple[Node, ...]) -> str | None:
    """The setting that a call names, None where that is not written out."""
    first = arguments[0] if arguments else None
    while isinstance(first, ast.TypeCast):
        first = first.arg
    match first:
        case ast.A_Const(val=ast.String(sval=str() as name)):
            return name.lower()
        case _:
            return None
