"""What a column holds once a constant is written to it: the constant itself, where no cast and no length changes it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import z3
from pglast import ast

from rlsaudit.policy import tree
from rlsaudit.policy.columns import INTEGERS, TEXTS
from rlsaudit.policy.proof.afresh import never
from rlsaudit.policy.proof.values import Codes, Term, constant, family, variable

if TYPE_CHECKING:
    from rlsaudit.policy.expr import Type
    from rlsaudit.policy.proof.afresh import Solved
    from rlsaudit.policy.tree import Node

_NUMBERS = INTEGERS.keys() | {"numeric"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")
_LONGEST_NAME = 63


def stored(sql: str, declared: str, kind: Type, term: Term, codes: Codes) -> Solved | None:
    """Returns that a column has the value that `sql` writes to it; None where that is no constant, or becomes another.

    `declared` is the column's type with its modifiers, `kind` the same for the solver.
    """
    node = tree.expression(sql)
    whole = False
    while isinstance(node, ast.TypeCast):
        if tree.modified(node) or not is_kept_as(tree.target(node), declared):
            return None
        whole |= tree.target(node) in INTEGERS
        node = node.arg
    if not isinstance(node, ast.A_Const):
        return None
    if node.isnull:
        return term.null
    text = _text(node)
    if text is None or (whole and not text.removeprefix("-").isdecimal()) or not _fits(text, declared):
        return None
    value = constant(text, kind, codes)
    return None if value is None else z3.And(z3.Not(term.null), term.value == value)


def is_told(sql: str, declared: str, kind: Type) -> bool:
    """Whether it is known what value a column has when `sql` is written to it."""
    return stored(sql, declared, kind, Term(variable("told", family(kind)), never()), Codes()) is not None


def is_kept_as(target: str, declared: str) -> bool:
    """Whether a value that a column of type `declared` can hold is the same after a cast to `target`."""
    plain = declared.partition("(")[0]
    own = "." in plain and plain.rpartition(".")[2].strip('"') == target.rpartition(".")[2].strip('"')
    return target in TEXTS or target == plain or own or {target, plain} <= _NUMBERS


def _text(value: Node) -> str | None:
    match value.val:
        case ast.String(sval=text):
            return text or ""
        case ast.Integer(ival=number):
            return str(number or 0)
        case ast.Float(fval=number):
            return str(number)
        case ast.Boolean(boolval=truth):
            return "true" if truth else "false"
        case _:
            return None


def _fits(text: str, declared: str) -> bool:
    """Whether a text becomes a value of the type as it stands."""
    plain, _, modifiers = declared.partition("(")
    numbers = [int(one) for one in re.findall(r"-?\d+", modifiers)]
    match plain:
        case "character varying" if numbers:
            return len(text) <= numbers[0]
        case "numeric" if numbers:
            return _has_at_most(text, numbers[1] if len(numbers) > 1 else 0)
        case _ if modifiers:
            return False
        case "date":
            return _DATE.fullmatch(text) is not None
        case "timestamp without time zone":
            return _MOMENT.fullmatch(text) is not None
        case "real":
            return text.removeprefix("-").isdecimal()
        case "name":
            return len(text.encode()) <= _LONGEST_NAME
        case _:
            return True


def _has_at_most(text: str, digits: int) -> bool:
    """Whether a number has no more digits behind the point."""
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return False
    return Decimal(text) % Decimal(1).scaleb(-digits) == 0
