"""A function's body, followed from its parameters to its ends."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pglast import ast

from rlsaudit.names import ident
from rlsaudit.policy import plpgsql, tree
from rlsaudit.policy.procedure import effects
from rlsaudit.policy.procedure.declared import NotReadError, is_built_in, rewrite
from rlsaudit.policy.procedure.fragments import NotFollowedError
from rlsaudit.policy.procedure.path import (
    Argument,
    Computed,
    Declared,
    Event,
    FellOff,
    NotFollowed,
    Path,
    Returned,
)
from rlsaudit.policy.procedure.state import ROW, SCALAR, Kind, Leaves, State
from rlsaudit.policy.procedure.walk import FOUND, Walker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.procedure.declared import Declaration, Rewritten
    from rlsaudit.policy.procedure.path import Bound, Step

_EVENTS = {
    "trigger": (
        "new", "old", "tg_name", "tg_when", "tg_level", "tg_op", "tg_relid", "tg_relname", "tg_table_name",
        "tg_table_schema", "tg_nargs", "tg_argv",
    ),
    "event_trigger": ("tg_event", "tg_tag"),
}  # fmt: skip
"""Variables of triggers. https://www.postgresql.org/docs/current/plpgsql-trigger.html"""
_MOST_KEPT = 4_096
"""Functions whose ways are kept."""
_IN, _OUT = "ibv", "bot"
"""Modes of parameters that take something in, and that give something back."""


def paths(function: Function) -> tuple[Path, ...] | NotFollowed:
    """Returns every way through the body of a function in SQL or plpgsql, the same for whoever asks. Never raises.

    Nobody may change the trees in it: helpers are followed wherever a policy or another function calls them.
    """
    try:
        return _followed(function)
    except RecursionError:
        # How deep it may be nested depends on who asks, so that this is not kept.
        return NotFollowed(tree.TOO_DEEP)


@lru_cache(maxsize=_MOST_KEPT)
def _followed(function: Function) -> tuple[Path, ...] | NotFollowed:
    try:
        if function.language == "sql":
            return _sql(function)
        if function.language == "plpgsql":
            return _plpgsql(function)
    except (NotFollowedError, NotReadError) as error:
        return NotFollowed(str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        # The parser's JSON is of another shape than we know.
        return NotFollowed("a body that is not understood")
    return NotFollowed(f"a function in {function.language}")


def _sql(function: Function) -> tuple[Path, ...]:
    parsed = tree.statements(plpgsql.plain(function.body))
    if parsed is None:
        raise NotFollowedError("a body that does not parse")
    start = _parameters(function, State())
    steps: list[Step] = []
    for one in parsed:
        steps += effects.of_statement(one, start.values)
    last = parsed[-1] if parsed else None
    rows = isinstance(last, ast.SelectStmt) or bool(
        getattr(last, "returningList", getattr(last, "returningClause", None))
    )
    returned = Returned(last, query=True) if rows and not _gives_nothing(function) else Returned(None)
    return (Path((), tuple(steps), returned, start.values),)


def _plpgsql(function: Function) -> tuple[Path, ...]:
    rewritten = rewrite(function.body)
    head = _head(function)
    parsed = plpgsql.parsed_under(
        head, rewritten.body, "procedure" if function.kind == "p" else "function", function.name
    )
    if parsed is None:
        raise NotFollowedError("a body that does not parse")
    whole = parsed[0]["PLpgSQL_function"]
    outputs = any(one.mode in _OUT for one in function.parameters)
    results = outputs or _gives_nothing(function) or function.returns_set
    walker = Walker(_declarations(whole["action"], rewritten), _datums(whole["datums"]), results=results)
    start = _parameters(function, State())
    for name in _EVENTS.get(function.returns, ()):
        start = start.declared(name, Event(name), ROW if name in {"new", "old"} else SCALAR)
    no = ast.A_Const(isnull=False, val=ast.Boolean(boolval=False))
    start = start.declared(FOUND, Computed(no, {}), SCALAR)
    hidden = {one.name for one in function.parameters if one.mode in _OUT} & {
        one.name for _, block in rewritten.blocks for one in block
    }
    if hidden:
        raise NotFollowedError("a variable that hides an output parameter")
    return tuple(_path(one, results=results) for one in walker.follow(whole["action"], start))


def _path(state: State, *, results: bool) -> Path:
    if isinstance(state.end, Leaves):
        raise NotFollowedError("an EXIT of nothing")
    end = state.end or (Returned(None) if results else FellOff())
    return Path(state.conditions, state.steps, end, state.values)


def _gives_nothing(function: Function) -> bool:
    return function.kind == "p" or function.returns in {"void", "event_trigger"}


def _parameters(function: Function, state: State) -> State:
    """What the parameters are bound to: arguments, or NULL where they only give something back."""
    types = function.arguments.split(", ") if function.arguments else []
    inputs = [one for one in function.parameters if one.mode in _IN]
    if not function.parameters:
        inputs_count = len(types)
        for position in range(1, inputs_count + 1):
            state = state.declared(f"${position}", Argument(position, ""), _kind(types[position - 1]))
        return state
    known = len(types) == len(inputs)
    # Of several nobody says which type each has.
    alone = sum(one.mode in _OUT for one in function.parameters) == 1 and not function.returns_set
    position = 0
    for number, one in enumerate(function.parameters, 1):
        if "." in one.name:
            raise NotFollowedError("a parameter with a dot in its name")
        value: Bound = Computed(ast.A_Const(isnull=True), {})
        kind = Kind(Declared(), None)
        if one.mode in _IN:
            position += 1
            value = Argument(position, one.name)
            kind = _kind(types[position - 1]) if known else kind
        elif alone and one.mode == "o":
            kind = _kind(function.returns)
        if one.mode == "t":
            # Columns of RETURNS TABLE are no parameters that `$1` would count.
            names: tuple[str, ...] = (one.name, f"{function.name}.{one.name}")
        else:
            names = (f"${number}", *((one.name, f"{function.name}.{one.name}") if one.name else ()))
        state = state.declared(names[0], value, kind, names[1:])
    return state


def _kind(written: str) -> Kind:
    return Kind(Declared(written), False if written.endswith("[]") or is_built_in(written) else None)


def _head(function: Function) -> str:
    """Parameters and result for the parser, which knows no types but the built-in ones."""
    modes = {"i": "", "b": "inout ", "v": "", "o": "out ", "t": "out "}
    names = [(modes[one.mode], one.name) for one in function.parameters]
    if not names and function.arguments:
        names = [("", "")] * len(function.arguments.split(", "))
    written = ", ".join(f"{mode}{ident(name) + ' ' if name else ''}text" for mode, name in names)
    outputs = sum(mode != "" for mode, _ in names)
    if function.kind == "p":
        return f"({written})"
    if function.returns in _EVENTS or function.returns == "void":
        result = function.returns
    elif outputs:
        single = "text" if outputs == 1 else "record"
        result = f"setof {single}" if function.returns_set else single
    else:
        result = "setof record" if function.returns_set else "text"
    return f"({written}) returns {result}"


def _datums(datums: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """The names of variables by number. A field of a record has none, for its record is not told."""
    names: list[str | None] = []
    for number, one in enumerate(datums):
        ((kind, what),) = one.items()
        if what.get("dno", number) != number:
            raise NotFollowedError("variables that the parser does not number")
        names.append(what.get("refname") if kind in {"PLpgSQL_var", "PLpgSQL_rec"} else None)
    return names


def _declarations(action: Any, rewritten: Rewritten) -> dict[int, tuple[Declaration, ...]]:  # noqa: ANN401 — JSON
    """What each block declares, by identity: the parser does not tell which of the variables are a block's."""
    blocks = list(_blocks(action))
    if [one["lineno"] for one in blocks] != [line for line, _ in rewritten.blocks]:
        raise NotFollowedError("blocks that the parser counts otherwise")
    return {id(one): declared for one, (_, declared) in zip(blocks, rewritten.blocks, strict=True)}


def _blocks(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 — JSON
    """Yields the blocks in the order of their text, but for the one that the parser puts around some bodies."""
    if isinstance(node, list):
        for one in node:
            yield from _blocks(one)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "PLpgSQL_stmt_block" and "lineno" in value:
                yield value
            yield from _blocks(value)
