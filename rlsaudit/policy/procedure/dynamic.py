"""Dynamic SQL whose text is plain to see: a constant, or `format` and `||` of constants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind

from rlsaudit.names import ident, literal
from rlsaudit.policy import tree
from rlsaudit.policy.procedure.fragments import constant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.policy.tree import Node

SPECIFIER = re.compile(r"%(?:(?P<position>\d+)\$)?-?\d*(?P<kind>[sIL%])")
"""What `format` replaces."""


def text_of(node: Node) -> str | None:
    """Returns the text that an expression always has, None where it depends on anything."""
    match node:
        case ast.A_Const():
            return constant(node)
        case ast.TypeCast() if tree.target(node) == "text":
            return text_of(node.arg)
        case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP) if tree.name(node.name) == ("||",) and node.lexpr is not None:
            left, right = text_of(node.lexpr), text_of(node.rexpr)
            return None if left is None or right is None else left + right
        case ast.FuncCall() if tree.name(node.funcname) == ("format",) and node.args:
            texts = [text_of(one) for one in node.args]
            known = [one for one in texts if one is not None]
            return _formatted(known[0], known[1:]) if len(known) == len(texts) else None
        case _:
            return None


def _formatted(template: str, arguments: Sequence[str]) -> str | None:
    parts: list[str] = []
    done, following = 0, 0
    for one in SPECIFIER.finditer(template):
        parts.append(template[done : one.start()])
        done = one.end()
        if one["kind"] == "%":
            parts.append("%")
            continue
        place = int(one["position"]) - 1 if one["position"] else following
        following = place + 1
        width = one[0].removeprefix("%").removesuffix(one["kind"]).removeprefix(f"{one['position']}$")
        if width or not 0 <= place < len(arguments):
            return None
        value = arguments[place]
        parts.append({"s": value, "I": ident(value), "L": literal(value)}[one["kind"]])
    parts.append(template[done:])
    return None if "%" in "".join(parts[::2]) else "".join(parts)
