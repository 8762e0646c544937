"""Which arguments of a function become a part of SQL that it runs as a text, or of an address, as they are.

Quoted by `format` or passed with USING they are values. Asked about before, they are one of some that are known.
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind

from rlsaudit.policy import tree
from rlsaudit.policy.asked import pieces_of, settles
from rlsaudit.policy.body import fragment
from rlsaudit.policy.procedure.dynamic import SPECIFIER
from rlsaudit.policy.procedure.fragments import constant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.asked import Asks, Piece
    from rlsaudit.policy.tree import Node

_HOLD_SQL = ("text", "character varying", "character", "json", "jsonb", "name", "citext")
"""Beginnings of the types of arguments that may hold SQL."""
_RUN_SQL = frozenset({"query_to_xml", "query_to_xml_and_xmlschema", "query_to_xmlschema", "ts_stat"})
"""Functions of Postgres's own that run their first argument as SQL, with the rights of whoever calls them."""
_KEEPS = frozenset({"lower", "upper", "trim", "btrim", "ltrim", "rtrim", "concat", "concat_ws"})
_ARROWS = frozenset({"->", "->>", "#>", "#>>"})
_SCHEME = re.compile(r"\s*(?:[a-z][a-z0-9+.]*://)?\s*", re.IGNORECASE)
"""What an address may begin with that does not say yet whose it is."""


class Part(enum.Enum):
    """A part of a text: of an address its beginning, which says whose it is, or all up to its query."""

    ANY = enum.auto()
    BEGINNING = enum.auto()
    PATH = enum.auto()


def injected_of(function: Function, asks: Asks) -> frozenset[str]:
    """Returns the arguments that become a part of SQL unquoted, though nothing was asked about them or the caller."""
    given = Given(function, asks)
    found: set[str] = set()
    for piece in given.pieces:
        if piece.asked.who:
            continue
        nodes = fragment(piece.sql) or ()
        if piece.runs:
            target = tree.lone_target(nodes[0]) if len(nodes) == 1 else None
            found |= given.raw(target, piece) if target is not None else frozenset()
        for one in tree.walk(nodes):
            if isinstance(one, ast.FuncCall) and tree.name(one.funcname)[-1] in _RUN_SQL and one.args:
                found |= given.raw(one.args[0], piece)
    return frozenset(found)


class Given:
    """What a function's caller gives it, and where that goes. `pieces` is empty where its body is not understood."""

    def __init__(self, function: Function, asks: Asks) -> None:
        self.pieces = pieces_of(function, asks) or ()
        self._called = f"{function.name.lower()}."
        self._arguments = dict(_texts(function))
        self._filled: dict[str, list[tuple[Node, Piece]]] = {}
        for piece in self.pieces:
            nodes = (fragment(piece.sql) or ()) if piece.fills and not piece.runs else ()
            for name in piece.fills:
                self._filled.setdefault(name, []).extend((one, piece) for one in nodes)

    def raw(self, node: Node, piece: Piece, part: Part = Part.ANY) -> frozenset[str]:
        """Returns the arguments that stand in a text as they are, or in a part of it."""
        return frozenset(self._raw(node, piece.asked.settled, frozenset(), part))

    def constants(self, node: Node) -> Iterator[str]:
        """Yields the texts in a value, and in what its variables are given."""
        waiting, seen = [node], set[str]()
        while waiting:
            for one in tree.walk(waiting.pop()):
                text = constant(one)
                name = _name(one) if isinstance(one, ast.ColumnRef) else ""
                if text is not None:
                    yield text
                elif name and name not in seen:
                    seen.add(name)
                    waiting.extend(value for value, _ in self._filled.get(name, ()))

    def _raw(self, node: Node, settled: frozenset[str], seen: frozenset[str], part: Part) -> Iterator[str]:
        waiting = [(node, settled)]
        while waiting:
            current, settled = waiting.pop()
            match current:
                case ast.ColumnRef() | ast.ParamRef():
                    name = _name(current).removeprefix(self._called)
                    if name not in settled | seen:
                        yield from self._named(name, settled, seen | {name}, part)
                case ast.TypeCast(arg=argument) if tree.type_name(current) in {"text", "varchar", "name", "bpchar"}:
                    waiting.append((argument, settled))
                case ast.CoalesceExpr(args=arguments):
                    waiting.extend((one, settled) for one in arguments or ())
                case ast.CaseExpr():
                    waiting.extend(_cases(current, settled))
                case ast.A_Expr(kind=A_Expr_Kind.AEXPR_NULLIF, lexpr=value):
                    waiting.append((value, settled))
                case ast.A_Expr(lexpr=left, rexpr=right) if tree.name(current.name)[-1] == "||":
                    waiting.extend([(left, settled), *([(right, settled)] if _goes_on(left, part) else [])])
                case ast.A_Expr(lexpr=document) if tree.name(current.name)[-1] in _ARROWS:
                    waiting.append((document, settled))
                case ast.FuncCall(args=arguments) if tree.name(current.funcname) == ("format",) and arguments:
                    waiting.extend((one, settled) for one in _formatted(arguments, part))
                case ast.FuncCall(args=arguments) if tree.name(current.funcname)[-1] in _KEEPS and arguments:
                    waiting.extend((one, settled) for one in (arguments[:1] if part is Part.BEGINNING else arguments))
                case ast.SubLink() if (target := tree.lone_target(current.subselect)) is not None:
                    waiting.append((target, settled))
                case ast.SelectStmt() if (target := tree.lone_target(current)) is not None:
                    waiting.append((target, settled))
                case _:
                    pass

    def _named(self, name: str, settled: frozenset[str], seen: frozenset[str], part: Part) -> Iterator[str]:
        if name in self._arguments:
            yield self._arguments[name]
        for value, piece in self._filled.get(name, ()):
            yield from self._raw(value, settled | piece.asked.settled, seen, part)


def _texts(function: Function) -> Iterator[tuple[str, str]]:
    """The arguments that may hold SQL, by what a body calls them: a number and the name of a table hold none."""
    types = [one.strip() for one in function.arguments.split(",")]
    given = [one.name for one in function.parameters if one.mode in "ibv"] or [""] * len(types)
    for position, (name, kind) in enumerate(zip(given, types, strict=False), 1):
        if kind.startswith(_HOLD_SQL) and not kind.endswith("[]"):
            shown = name or f"${position}"
            yield from ((one, shown) for one in {name.lower() or f"${position}", f"${position}"})


def _name(node: Node) -> str:
    if isinstance(node, ast.ParamRef):
        return f"${node.number}"
    parts = [one.sval or "" for one in node.fields or () if isinstance(one, ast.String)]
    return ".".join(parts).lower()


def _cases(case: Node, settled: frozenset[str]) -> Iterator[tuple[Node, frozenset[str]]]:
    """The values of CASE, each with the names that are settled by then."""
    before = settled
    for one in case.args or ():
        test = one.expr
        if case.arg is not None:
            test = ast.A_Expr(
                kind=A_Expr_Kind.AEXPR_OP, name=(ast.String(sval="="),), lexpr=case.arg, rexpr=one.expr
            )  # fmt: skip
        yield one.result, before | settles(test, holds=True)
        before |= settles(test, holds=False)
    if case.defresult is not None:
        yield case.defresult, before


def _goes_on(before: Node, part: Part) -> bool:
    """Whether what comes after a text is still in the part."""
    match part:
        case Part.BEGINNING:
            text = constant(before)
            return text is not None and _SCHEME.fullmatch(text) is not None
        case Part.PATH:
            return not any("?" in (constant(one) or "") for one in tree.walk(before))
        case _:
            return True


def _formatted(arguments: Sequence[Node], part: Part) -> Iterator[Node]:
    """The arguments of `format` that go into the text as they are, by `%s`."""
    template = constant(arguments[0])
    if template is None:
        yield arguments[0]
        return
    following = 1
    for specifier in SPECIFIER.finditer(template):
        before = ast.A_Const(val=ast.String(sval=template[: specifier.start()]))
        if not _goes_on(before, part):
            return
        if specifier["kind"] == "%":
            continue
        place = int(specifier["position"] or following)
        following = place + 1
        if specifier["kind"] == "s" and place < len(arguments):
            yield arguments[place]
