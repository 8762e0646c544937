"""As whom a function lets its caller ask: what it sets that says who is asking, from what the caller gives it.

A body is read from top to bottom, which is the order of what is run as far as it matters here. Where it asks who calls,
or looks anything up for the caller, before it sets something, that may be the check that makes it right: such a body
is taken to be in order. So what is found is a fault, and what is not found may be one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pglast import ast
from pglast.enums import VariableSetKind

from rlsaudit.policy import plpgsql, tree
from rlsaudit.policy.body import WHO, facts_of, fragment
from rlsaudit.policy.changes import ANY_SETTING, ROLES
from rlsaudit.policy.client import SOURCES
from rlsaudit.policy.procedure.dynamic import text_of
from rlsaudit.policy.procedure.fragments import NotFollowedError, assignment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.tree import Node

    Named: TypeAlias = Callable[[tuple[str, ...]], Iterable[Function]]
    """The project's functions that a name may mean."""

_SET, _SETTING = ("set_config",), ("current_setting",)
_WRITTEN_BY_CLIENTS = frozenset({*SOURCES, "request.path", "request.method"})
_SETS = re.compile(
    r"\s*set\s+(?P<how>session\s+(?!authorization)|local\s+)?(?P<name>role\b|session\s+authorization\b|[\w.]+)",
    re.IGNORECASE,
)
"""What a text that is run begins with where it sets something."""
_STATEMENT = "PLpgSQL_stmt_"
_RUNS = frozenset({"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"})
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Pose:
    """One setting that a function changes for its caller, which it has not asked anything before.

    `setting` is in lower case; it ends in `*` where more may follow. `chosen` is whether its value is the caller's;
    else it is always the same `value`. `local` is whether it ends with the transaction. `reads`, `writes` and `calls`
    are what the body does afterwards, by the names that it uses; `asks` whether it asks then who is asking, `runs`
    whether it runs a text.
    """

    setting: str
    chosen: bool
    value: str | None
    local: bool
    reads: frozenset[tuple[str, ...]] = frozenset()
    writes: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    calls: frozenset[tuple[str, ...]] = frozenset()
    asks: bool = False
    runs: bool = False

    def sets(self, name: str) -> bool:
        """Whether it may be the setting of that name, in lower case, that is changed."""
        return name.startswith(self.setting[:-1]) if self.setting.endswith("*") else name == self.setting

    @property
    def goes_on(self) -> bool:
        """Whether the body does anything afterwards that may depend on who is asking."""
        return bool(self.reads or self.writes or self.calls or self.runs)


def poses_of(function: Function, named: Named, depth: int = 0) -> tuple[Pose, ...]:
    """Returns the settings that a function changes unasked; none where its body is not understood.

    Args:
        function: The function.
        named: The project's functions that a name may mean: those that pose in turn are followed.
        depth: How many calls deep this is.
    """
    if function.language not in {"sql", "plpgsql"} or depth > _DEEPEST:
        return ()
    return tuple(_Reading(function, named, depth).read())


def named_in(catalog: Catalog) -> Named:
    """Returns what finds the project's functions by the names that bodies use; without a schema it may be any."""
    by_name: defaultdict[tuple[str, ...], list[Function]] = defaultdict(list)
    for one in catalog.snapshot.functions:
        if one.extension is None:
            by_name[one.name,].append(one)
            by_name[catalog.schemas[one.schema].name, one.name].append(one)
    return lambda name: by_name.get(name[-2:], ())


@dataclass(slots=True)
class _Noted:
    """A pose while the rest of the body is read."""

    setting: str
    chosen: bool
    value: str | None
    local: bool
    reads: set[tuple[str, ...]] = field(default_factory=set)
    writes: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    calls: set[tuple[str, ...]] = field(default_factory=set)
    asks: bool = False
    runs: bool = False

    def done(self) -> Pose:
        return Pose(
            self.setting, self.chosen, self.value, self.local,
            frozenset(self.reads), frozenset(self.writes), frozenset(self.calls), self.asks, self.runs,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Step:
    """A piece of SQL in a body: `kind` of its statement, and the variables that it fills."""

    kind: str
    nodes: tuple[Node, ...]
    fills: tuple[str, ...] = ()
    value: Node = None


class _Reading:
    """One body, read from top to bottom."""

    def __init__(self, function: Function, named: Named, depth: int) -> None:
        self._function = function
        self._named = named
        self._depth = depth
        self._chosen = {one.name.lower() for one in function.parameters if one.mode in "ibv" and one.name}
        self._asked = False
        self._found: list[_Noted] = []

    def read(self) -> Iterator[Pose]:
        for one in self._function.settings:
            name, _, value = one.partition("=")
            if name.lower() in ROLES:
                self._found.append(_Noted(name.lower(), chosen=False, value=value.strip('"'), local=True))
        for step in self._steps():
            self._take(step)
        return (one.done() for one in self._found)

    def _steps(self) -> Iterator[_Step]:
        if self._function.language == "sql":
            for one in tree.statements(plpgsql.plain(self._function.body)) or ():
                yield _Step("", (one,))
            return
        names = tuple(one.name for one in self._function.parameters if one.name)
        parsed = plpgsql.parsed(self._function.body, names, self._function.name)
        yield from _in_order(parsed, "", {}) if parsed is not None else ()

    def _take(self, step: _Step) -> None:
        setting = list(self._set_in(step))
        inside = [call for call, _ in setting if call is not None]
        around = list(_outside(step.nodes, inside))
        facts = facts_of(step.nodes)
        below = list(self._below(step))
        ours = {name for name in facts.calls if any(True for _ in self._named(name))}
        asked = ours - {name for name, _ in below}
        for one in self._found:
            self._note(one, step, facts.reads, facts.writes, ours)
        checks = any(map(_asks, around)) or any(self._asks_in(name) for name in asked)
        checks |= bool(facts.reads or asked) and any(self._is_chosen(one) for one in _names_in(around))
        if not self._asked and not checks:
            for _, noted in setting:
                self._note(noted, step, facts.reads, facts.writes, ours, itself=True)
                self._found.append(noted)
            self._found += [noted for _, noted in below]
        if not self._found:
            self._asked |= checks
        value = step.value
        for name in step.fills:
            chosen = value is not None and self._is_chosen(value)
            (self._chosen.add if chosen else self._chosen.discard)(name.lower())

    def _note(
        self,
        noted: _Noted,
        step: _Step,
        reads: Iterable[tuple[str, ...]],
        writes: Iterable[tuple[str, tuple[str, ...]]],
        calls: Iterable[tuple[str, ...]],
        *,
        itself: bool = False,
    ) -> None:
        noted.reads |= set(reads)
        noted.writes |= set(writes)
        if not itself:
            noted.calls |= set(calls)
            noted.asks |= any(map(_asks, tree.walk(step.nodes)))
            noted.runs |= step.kind in _RUNS

    def _below(self, step: _Step) -> Iterator[tuple[tuple[str, ...], _Noted]]:
        """What functions set that the step calls with something of the caller's, behind their names."""
        for call in tree.walk(step.nodes):
            if not isinstance(call, ast.FuncCall):
                continue
            given = any(self._is_chosen(one) for one in call.args or ())
            name = tree.name(call.funcname)
            for function in self._named(name):
                if function.oid == self._function.oid:
                    continue
                for one in poses_of(function, self._named, self._depth + 1):
                    if given or not one.chosen:
                        noted = _Noted(
                            one.setting, one.chosen, one.value, one.local, set(one.reads), set(one.writes),
                            set(one.calls), one.asks, one.runs,
                        )  # fmt: skip
                        yield name, noted

    def _set_in(self, step: _Step) -> Iterator[tuple[Node, _Noted]]:
        """What a step sets, behind the call by which it does."""
        for node in tree.walk(step.nodes):
            match node:
                case ast.VariableSetStmt(kind=VariableSetKind.VAR_SET_VALUE, name=str() as name):
                    value = _constant((node.args or (None,))[0])
                    yield None, _Noted(name.lower(), chosen=False, value=value, local=bool(node.is_local))
                case ast.FuncCall(args=(name, value, local)) if tree.name(node.funcname) == _SET:
                    chosen = self._is_chosen(value)
                    setting = _setting(name)
                    if setting.endswith("*") and not self._is_chosen(name):
                        continue
                    ends = not (isinstance(local, ast.A_Const) and _is_false(local))
                    if chosen or (_constant(value) is not None and setting in ROLES):
                        yield node, _Noted(setting, chosen=chosen, value=_constant(value), local=ends)
                case _:
                    pass
        for node in step.nodes if step.kind in _RUNS else ():
            target = tree.lone_target(node)
            text = text_of(target)
            if text is not None:
                yield from self._set_in(_Step("", tree.statements(text) or ()))
            else:
                sets = _SETS.match(_beginning(target) or "")
                if sets is not None and self._is_chosen(target):
                    name = "_".join(sets["name"].lower().split())
                    local = (sets["how"] or "").strip().lower() == "local"
                    yield None, _Noted(name, chosen=True, value=None, local=local)

    def _is_chosen(self, node: Node) -> bool:
        """Whether a value is what the caller says, or made of that."""
        match node:
            case ast.ParamRef():
                return True
            case ast.ColumnRef():
                names = [one.sval.lower() for one in node.fields or () if isinstance(one, ast.String) and one.sval]
                if len(names) > 1 and names[0] == self._function.name.lower():
                    names = names[1:]
                return bool(names) and names[0] in self._chosen
            case ast.SubLink():
                target = tree.lone_target(node.subselect)
                return target is not None and self._is_chosen(target)
            case ast.SelectStmt() if node.fromClause:
                # What is found may be what the caller is meant to get by.
                return False
            case ast.FuncCall():
                name = tree.name(node.funcname)
                if name == _SETTING:
                    read = _constant((node.args or (None,))[0])
                    return read is not None and read.lower() in _WRITTEN_BY_CLIENTS
                known = len(name) == 1 and not any(True for _ in self._named(name))
                return known and any(map(self._is_chosen, node.args or ()))
            case tuple() | list():
                return any(self._is_chosen(one) for one in node)
            case ast.Node():
                return any(self._is_chosen(getattr(node, part)) for part in node)
            case _:
                return False

    def _asks_in(self, name: tuple[str, ...]) -> bool:
        """Whether a function of the project asks who is asking, itself or below."""
        waiting, seen = [(one, 0) for one in self._named(name)], set[int]()
        while waiting:
            function, depth = waiting.pop()
            if function.oid in seen or depth > _DEEPEST:
                continue
            seen.add(function.oid)
            statements = _statements(function)
            if any(map(_asks, tree.walk(statements))):
                return True
            waiting += [(one, depth + 1) for each in facts_of(statements).calls for one in self._named(each)]
        return False


def _statements(function: Function) -> tuple[Node, ...]:
    if function.language == "sql":
        return tree.statements(plpgsql.plain(function.body)) or ()
    parsed = plpgsql.parsed(function.body, tuple(one.name for one in function.parameters if one.name), function.name)
    return tuple(node for one in _in_order(parsed, "", {}) for node in one.nodes) if parsed is not None else ()


def _in_order(node: Any, kind: str, statement: Any) -> Iterator[_Step]:  # noqa: ANN401 — JSON
    """The SQL of a body, as it is written from top to bottom."""
    if isinstance(node, list):
        for one in node:
            yield from _in_order(one, kind, statement)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "PLpgSQL_expr" and isinstance(value.get("query"), str):
                yield _step(value["query"], kind, statement)
            elif key.startswith(_STATEMENT) or key == "PLpgSQL_var":
                yield from _in_order(value, key, value)
            else:
                yield from _in_order(value, kind, statement)


def _step(query: str, kind: str, statement: Any) -> _Step:  # noqa: ANN401 — JSON
    if kind == "PLpgSQL_var":
        nodes = fragment(query) or ()
        return _Step(kind, nodes, (statement["refname"],), nodes)
    if kind == "PLpgSQL_stmt_assign":
        try:
            names, _, assigned = assignment(query)
        except NotFollowedError:
            return _Step(kind, fragment(query) or ())
        return _Step(kind, (assigned,), names[:1], assigned)
    nodes = fragment(query) or ()
    if statement.get("into"):
        fields = statement.get("target", {}).get("PLpgSQL_row", {}).get("fields", ())
        record = statement.get("target", {}).get("PLpgSQL_rec", {}).get("refname")
        fills = tuple(one["name"] for one in fields) or ((record,) if record else ())
        return _Step(kind, nodes, fills, nodes)
    return _Step(kind, nodes)


def _outside(nodes: Sequence[Node], calls: Sequence[Node]) -> Iterator[Node]:
    """Every node but those below one of the calls."""
    waiting: list[Node] = list(nodes)
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple | list):
            waiting.extend(current)
        elif isinstance(current, ast.Node) and not any(current is one for one in calls):
            yield current
            waiting.extend(getattr(current, part) for part in current)


def _names_in(nodes: Iterable[Node]) -> Iterator[Node]:
    return (one for one in nodes if isinstance(one, ast.ColumnRef | ast.ParamRef))


def _asks(node: Node) -> bool:
    """Whether a node asks who is asking: not for what clients write themselves."""
    match node:
        case ast.SQLValueFunction():
            return node.op in WHO
        case ast.FuncCall() if tree.name(node.funcname) == _SETTING:
            read = _constant((node.args or (None,))[0])
            return read is None or read.lower() not in _WRITTEN_BY_CLIENTS
        case ast.FuncCall():
            name = tree.name(node.funcname)
            return len(name) > 1 and name[-2] == "auth"
        case _:
            return False


def _setting(name: Node) -> str:
    """The name of a setting; what it begins with and `*` where that is all that is known."""
    constant = _constant(name)
    return constant.lower() if constant is not None else f"{(_beginning(name) or '').lower()}{ANY_SETTING}"


def _beginning(node: Node) -> str | None:
    """The text that an expression surely begins with."""
    match node:
        case ast.A_Expr() if tree.name(node.name) == ("||",):
            return _beginning(node.lexpr)
        case ast.FuncCall() if tree.name(node.funcname) in {("format",), ("concat",)} and node.args:
            text = _beginning(node.args[0]) or ""
            return text.partition("%")[0] if tree.name(node.funcname) == ("format",) else text
        case _:
            return _constant(node)


def _constant(node: Node) -> str | None:
    while isinstance(node, ast.TypeCast):
        node = node.arg
    return node.val.sval if isinstance(node, ast.A_Const) and isinstance(node.val, ast.String) else None


def _is_false(node: Node) -> bool:
    return isinstance(node.val, ast.Boolean) and not node.val.boolval
