"""Conditions of tables that differ in their names alone: written without the name, and written for another one.

Only names that need no quotes are left out, for those stand in every text as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from rlsaudit.names import ident
from rlsaudit.policy.formula import And, Atom, Coalesce, Constant, Formula, Is, Not, Or, Written

if TYPE_CHECKING:
    from collections.abc import Callable

_QUOTED = re.compile("""('(?:[^']|'')*'|"(?:[^"]|"")*")""")
_GOES_ON = re.compile(r'[\w".]\Z')
"""What a name does not begin behind."""
_NAMELESS = "\0."
"""What stands in the place of the name and its point: a text of Postgres's holds no such character."""


def nameless(text: str, table: str) -> str:
    """Returns a condition without the name of its table where that stands before a column's."""
    return with_name(text, table, _NAMELESS[:-1]) if ident(table) == table else text


def with_name(text: str, before: str, name: str) -> str:
    """Returns a condition on the table called `before` as one on the table called `name` has it."""
    point = f"{before}."
    if point not in text:
        return text
    # By hand, for an expression would have to be compiled for each table.
    parts = _QUOTED.split(text)
    parts[::2] = [_put(part, point, f"{name}.") for part in parts[::2]]
    return "".join(parts)


def _put(text: str, point: str, name: str) -> str:
    first, *others = text.split(point)
    made = [first]
    for before, part in pairwise((first or " ", *others)):
        made += [point if _GOES_ON.search(before) or not before else name, part]
    return "".join(made)


def mentions(formula: Formula, table: str) -> bool:
    """Returns whether words of a formula may name the table."""
    match formula:
        case Atom(text=text):
            return f"{table}." in text
        case Not(operand) | Is(operand):
            return mentions(operand, table)
        case Written(meant, text):
            return f"{table}." in text or mentions(meant, table)
        case And(operands) | Or(operands) | Coalesce(operands):
            return any(mentions(one, table) for one in operands)
        case Constant():
            return False


def in_words(formula: Formula, renamed: Callable[[str], str]) -> Formula:
    """Returns the same formula in other words: what it means is what it meant."""
    match formula:
        case Atom(text=text):
            return replace(formula, text=renamed(text))
        case Not(operand):
            return Not(in_words(operand, renamed))
        case Is(operand):
            return replace(formula, operand=in_words(operand, renamed))
        case Written(meant, text):
            return replace(formula, meant=in_words(meant, renamed), text=renamed(text))
        case And(operands) | Or(operands) | Coalesce(operands):
            return replace(formula, operands=tuple(in_words(one, renamed) for one in operands))
        case Constant():
            return formula
