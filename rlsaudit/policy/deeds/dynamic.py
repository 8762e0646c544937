"""Dynamic SQL that is made of known pieces: what depends on a value is a hole, and where it stands says what it may do.

A hole that is quoted as a literal is some value. One that is quoted as an identifier names some column, or some
relation: of a known schema, if that is a piece. A hole that is not quoted may be any SQL, unless all of its values are
known, or it stands between quotes and is the name of a column of the row that a trigger is called for.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import pglast
from pglast import ast
from pglast.enums import A_Expr_Kind

from rlsaudit.policy import tree
from rlsaudit.policy.procedure.dynamic import SPECIFIER, text_of
from rlsaudit.policy.procedure.names import lookup
from rlsaudit.policy.procedure.path import Computed, Event, SomeRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rlsaudit.policy.procedure.path import Bindings, Dynamic
    from rlsaudit.policy.tree import Node

HOLE = "rlsaudit_hole_7d1f"
"""What stands for an identifier that is not known; whoever knows of it gains nothing, for it is taken for any name."""
_NUMBER = "$60000"
"""What stands for a literal: an argument that nobody passes."""
_MOST_TEXTS = 16
_DEEPEST = 12
_VALUE = [f" {_NUMBER} "]
_NAME = [HOLE, f'"{HOLE}"']
"""An identifier is quoted only where it has to be: `a_%I` may be one name, or two."""
_QUOTES: dict[tuple[str, ...], list[str]] = {
    ("quote_literal",): _VALUE,
    ("quote_nullable",): _VALUE,
    ("quote_ident",): _NAME,
}
_UNFINISHED = (" and", " or", " where", " from", ",", "=")
USED = frozenset({"format", "quote_ident", "quote_literal", "quote_nullable", "||"})
"""What texts are made of; it has to be Postgres's own."""
_TEXTS = frozenset({"text", "varchar", "character varying"})


_KEYED = frozenset({("json_each",), ("json_each_text",), ("jsonb_each",), ("jsonb_each_text",)})
_KEYS = frozenset({("json_object_keys",), ("jsonb_object_keys",)})
_ROWS = frozenset({("row_to_json",), ("to_json",), ("to_jsonb",)})
READ = frozenset(one for (one,) in _KEYED | _KEYS | _ROWS)
"""What the names of a row's columns are read with; it has to be Postgres's own."""


class _Known(NamedTuple):
    """What names stand for, what a trigger is called with, and whether its columns' names can stand between quotes."""

    bindings: Bindings
    given: tuple[str, ...]
    columns: bool


class UnknownTextError(Exception):
    """The text may be anything."""


def statements_of(step: Dynamic, given: tuple[str, ...] = (), *, columns: bool = False) -> tuple[Node, ...] | None:
    """Returns the statements that dynamic SQL may be, None where it may be any. `HOLE` stands for unknown names.

    `given` are a trigger's arguments, which its definition has. `columns`: no column of a row that it is called for has
    a name that ends the quotes around it.
    """
    try:
        texts = dict.fromkeys(_texts(step.text, _Known(step.bindings, given, columns), 0))
    except UnknownTextError:
        return None
    found: list[Node] = []
    fitting = False
    for text in texts:
        parsed = tree.statements(text)
        if parsed is None and text.rstrip().lower().endswith(_UNFINISHED):
            # No grammar has a statement that ends like this: it fails.
            fitting = True
            continue
        if parsed is None and text.count(HOLE):
            # An identifier that is quoted cannot stand everywhere; but one way it has to be.
            continue
        if parsed is None or not _in_place(text) or not all(map(_is_plain, parsed)):
            return None
        found.extend(parsed)
    return tuple(found) if found or fitting else None


def _in_place(text: str) -> bool:
    """Whether each hole is a word by itself: in a quoted text or a comment it would end that, being quoted."""
    try:
        tokens = pglast.parser.scan(text)
    except (pglast.parser.ParseError, ValueError):
        return False
    words = [text[one.start : one.end + 1] for one in tokens if one.name in {"IDENT", "UIDENT", "PARAM"}]
    return all(sum(word.count(hole) for word in words) == text.count(hole) for hole in (HOLE, _NUMBER))


def _is_plain(statement: Node) -> bool:
    """Whether holes are but relations, columns and values: not functions, types, or names that are given here."""
    for one in tree.walk(statement):
        names: Node = ()
        match one:
            case ast.FuncCall():
                names = one.funcname
            case ast.TypeName():
                names = one.names
            case ast.A_Expr():
                names = one.name
            case ast.CommonTableExpr() if HOLE in (one.ctename or ""):
                return False
            case ast.RangeVar() if one.catalogname:
                return False
            case _:
                pass
        if any(HOLE in (each.sval or "") for each in names or ()):
            return False
    return True


def _texts(node: Node, known: _Known, depth: int) -> list[str]:
    """All texts that an expression may have.

    Raises:
        UnknownTextError: they are not known, or too many.
    """
    if depth > _DEEPEST:
        raise UnknownTextError
    plain = text_of(node)
    if plain is not None:
        return [plain]
    match node:
        case ast.TypeCast() if tree.target(node) in _TEXTS and not tree.modified(node):
            return _texts(node.arg, known, depth + 1)
        case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP) if tree.name(node.name) == ("||",) and node.lexpr is not None:
            return _product(_piece(one, known, depth) for one in (node.lexpr, node.rexpr))
        case ast.FuncCall() if tree.name(node.funcname) == ("format",) and node.args and not node.func_variadic:
            return [
                text for template in _texts(node.args[0], known, depth + 1)
                for text in _formatted(template, node.args[1:], known, depth)
            ]  # fmt: skip
        case ast.CaseExpr():
            values = [one.result for one in node.args or ()] + [node.defresult]
            # Without ELSE it may be NULL, which `format` makes nothing of.
            return _joined([""] if one is None else _texts(one, known, depth + 1) for one in values)
        case ast.CoalesceExpr():
            return _joined(_texts(one, known, depth + 1) for one in node.args or ())
        case ast.A_Indirection(arg=ast.ColumnRef() as name, indirection=(ast.A_Indices(is_slice=False) as place,)):
            found = lookup(name, known.bindings)
            index = place.uidx.val.ival or 0 if isinstance(place.uidx, ast.A_Const) and isinstance(
                place.uidx.val, ast.Integer) else -1  # fmt: skip
            if found is not None and found[0] == Event("tg_argv") and known.given:
                # Beyond the last it is NULL: `format` makes nothing of that, and of `||` nothing is left to be run.
                return [known.given[index]] if 0 <= index < len(known.given) else [""]
        case ast.ColumnRef() | ast.ParamRef():
            found = lookup(node, known.bindings)
            if found is not None and isinstance(found[0], Computed) and not found[1]:
                bound = found[0]
                if bound.declared.type.lower() in _TEXTS:
                    return _texts(bound.node, known._replace(bindings=bound.bindings), depth + 1)
        case _:
            pass
    raise UnknownTextError


def _piece(node: Node, known: _Known, depth: int) -> list[str]:
    """One side of `||`: a text, or a value that is quoted."""
    if isinstance(node, ast.FuncCall) and len(node.args or ()) == 1:
        hole = _QUOTES.get(tree.name(node.funcname))
        if hole is not None:
            return hole
    return _texts(node, known, depth + 1)


def _formatted(template: str, arguments: Sequence[Node], known: _Known, depth: int) -> list[str]:
    parts: list[list[str]] = []
    done, following = 0, 0
    for one in SPECIFIER.finditer(template):
        before = template[done : one.start()]
        parts.append([before])
        done = one.end()
        if one["kind"] == "%":
            parts.append(["%"])
            continue
        place = int(one["position"]) - 1 if one["position"] else following
        following = place + 1
        width = one[0].removeprefix("%").removesuffix(one["kind"]).removeprefix(f"{one['position']}$")
        if width or not 0 <= place < len(arguments):
            raise UnknownTextError
        quoted = before.endswith('"') and template[done:].startswith('"')
        if quoted and one["kind"] == "s" and known.columns and _is_column(arguments[place], known.bindings):
            parts.append([HOLE])
            continue
        parts.append(_value(one["kind"], arguments[place], known, depth))
    rest = template[done:]
    if any("%" in part for each in parts[::2] for part in each) or "%" in rest:
        raise UnknownTextError
    return _product([*parts, [rest]])


def _value(kind: str, node: Node, known: _Known, depth: int) -> list[str]:
    if kind == "L":
        return _VALUE
    if kind == "I":
        return _NAME
    return _texts(node, known, depth + 1)


def _is_column(node: Node, bindings: Bindings) -> bool:
    """Whether a value is the name of a column of the row that a trigger is called for: a key of what it is as JSON."""
    found = lookup(node, bindings) if isinstance(node, ast.ColumnRef) else None
    match found:
        case SomeRow(query=ast.SelectStmt(targetList=(target,), fromClause=source), column=0, bindings=at), fields:
            value = target.val
        case _:
            return False
    match source, value:
        case None | (), _:
            return not fields and _is_row_by(value, _KEYS, at)
        case (ast.RangeFunction(alias=None, functions=((call, _),)),), ast.ColumnRef(fields=(ast.A_Star(),)):
            return fields == ("key",) and _is_row_by(call, _KEYED, at)
        case _:
            return False


def _is_row_by(node: Node, callers: frozenset[tuple[str, ...]], bindings: Bindings) -> bool:
    """Whether one of `callers` is given the trigger's row as JSON."""
    match node:
        case ast.FuncCall(args=(ast.FuncCall(args=(ast.ColumnRef() as row,)) as made,)):
            found = lookup(row, bindings)
            named = tree.name(node.funcname) in callers and tree.name(made.funcname) in _ROWS
            return named and found in ((Event("new"), ()), (Event("old"), ()))
        case _:
            return False


def _product(parts: Iterable[list[str]]) -> list[str]:
    listed = list(parts)
    count = 1
    for one in listed:
        count *= len(one)
    if count > _MOST_TEXTS:
        raise UnknownTextError
    return ["".join(one) for one in itertools.product(*listed)]


def _joined(parts: Iterable[list[str]]) -> list[str]:
    found = list(dict.fromkeys(text for one in parts for text in one))
    if len(found) > _MOST_TEXTS:
        raise UnknownTextError
    return found
