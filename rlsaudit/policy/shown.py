"""Typed expressions for people: SQL with short names, every column by its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.names import ident, literal
from rlsaudit.policy.columns import INTEGERS
from rlsaudit.policy.expr import (
    AFTER,
    BOOLEAN,
    TRUE,
    Aggregate,
    And,
    AnyRow,
    Call,
    Case,
    Const,
    Field,
    Given,
    IsNull,
    IsTrue,
    Lookup,
    Not,
    Opaque,
    Or,
    Query,
    Who,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rlsaudit.policy.expr import Expr

_ME, _NOW = "me", "now"
_MOST_CHARACTERS = 4_000
_NUMBERS = frozenset({*INTEGERS, "numeric", "real", "double precision"})
_ATOM, _COMPARISON, _NOT, _AND, _OR = range(5)
"""How loosely an expression binds: what binds less than its surroundings has brackets."""
_SHORT = {
    "boolean": "bool",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "character varying": "varchar",
    "integer": "int",
    "double precision": "float8",
}


def shown(expression: Expr) -> str:
    """Returns the expression as short SQL: `exists(public.members m: m.org_id = org_id and m.user_id = me)`."""
    text = _Page({}).at(expression, _OR)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


class _Page:
    """Writes expressions; `names` is what the row at each place is called, none for the row that is asked about."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names

    def at(self, expression: Expr, loosest: int) -> str:
        text, binds = self._of(expression)
        return text if binds <= loosest else f"({text})"

    def _of(self, expression: Expr) -> tuple[str, int]:
        """The text, and how loosely it binds."""
        match expression:
            case Call():
                return self._call(expression)
            case Not(operand):
                return self._negated(operand)
            case And(operands):
                return self._junction(operands, " and ", _AND, "true")
            case Or(operands):
                return self._junction(operands, " or ", _OR, "false")
            case IsNull(operand):
                return f"{self.at(operand, _ATOM)} is null", _COMPARISON
            case IsTrue(operand):
                return f"{self.at(operand, _ATOM)} is true", _COMPARISON
            case _:
                return self._value(expression), _ATOM

    def _value(self, expression: Expr) -> str:
        """What stands for itself, whatever is around it."""
        match expression:
            case Const():
                return _constant(expression)
            case Given():
                return _given(expression)
            case Field(place=place, name=name):
                table = self._names.get(place)
                return f"{ident(table)}.{ident(name)}" if table else ident(name)
            case Case():
                return self._case(expression)
            case AnyRow(query, test):
                return self._rows("exists", query, None if test == TRUE else test, "")
            case Lookup(query, value, strict):
                return self._rows("the" if strict else "first", query, None, self._inside(query).at(value, _OR))
            case Aggregate(function, value, query):
                of = "" if value is None else self._inside(query).at(value, _OR)
                return self._rows(function, query, None, of)
            case Opaque(reason=reason):
                return f"[? {reason}]"
            case _:
                return self.at(expression, _ATOM)

    def _junction(self, operands: Sequence[Expr], word: str, binds: int, empty: str) -> tuple[str, int]:
        if not operands:
            return empty, _ATOM
        if len(operands) == 1:
            return self._of(operands[0])
        return word.join(self.at(one, binds - 1) for one in operands), binds

    def _negated(self, operand: Expr) -> tuple[str, int]:
        match operand:
            case IsNull(inner):
                return f"{self.at(inner, _ATOM)} is not null", _COMPARISON
            case IsTrue(inner):
                return f"{self.at(inner, _ATOM)} is not true", _COMPARISON
            case _:
                return f"not {self.at(operand, _NOT if isinstance(operand, Not) else _ATOM)}", _NOT

    def _call(self, call: Call) -> tuple[str, int]:
        name, args = call.name, call.args
        if name == AFTER:
            return self._of(args[0])
        if name.startswith("::") and len(args) == 1:
            kind = name[2:]
            return f"{self.at(args[0], _ATOM)}::{_SHORT.get(kind, kind)}", _ATOM
        if name == "[]":
            return f"{self.at(args[0], _ATOM)}[{self.at(args[1], _OR)}]", _ATOM
        if name == "ARRAY":
            return f"array[{self._list(args)}]", _ATOM
        if name.endswith("()"):
            return f"{name[:-1]}{self._list(args)})", _ATOM
        if name.endswith((" ANY", " ALL")):
            operator, _, word = name.partition(" ")
            return f"{self.at(args[0], _ATOM)} {operator} {word.lower()} ({self.at(args[1], _OR)})", _COMPARISON
        if len(args) == 1:
            return f"{name} {self.at(args[0], _ATOM)}", _COMPARISON
        words = {"~~": "like", "!~~": "not like", "~~*": "ilike", "!~~*": "not ilike"}
        return f" {words.get(name, name)} ".join(self.at(one, _ATOM) for one in args), _COMPARISON

    def _list(self, expressions: Sequence[Expr]) -> str:
        return ", ".join(self.at(one, _OR) for one in expressions)

    def _case(self, case: Case) -> str:
        first = [_coalesced(condition, value) for condition, value in case.branches]
        if all(first):
            return f"coalesce({self._list([*(value for _, value in case.branches), case.default])})"
        branches = " ".join(f"when {self.at(a, _OR)} then {self.at(b, _OR)}" for a, b in case.branches)
        empty = isinstance(case.default, Const) and case.default.value is None
        return f"case {branches}{'' if empty else f' else {self.at(case.default, _OR)}'} end"

    def _inside(self, query: Query) -> _Page:
        taken = set(self._names.values())
        names = dict(self._names)
        for source in query.sources:
            last = source.name.rpartition(".")[2].strip('"')
            letter = last[:1].lower() if last[:1].isalpha() else "r"
            number = 1
            while (name := letter if number == 1 else f"{letter}{number}") in taken:
                number += 1
            taken.add(name)
            names[source.place] = name
        return _Page(names)

    def _rows(self, word: str, query: Query, test: Expr | None, value: str) -> str:
        page = self._inside(query)
        sources = ", ".join(f"{one.name} {page._names[one.place]}" for one in query.sources)  # noqa: SLF001  a page too
        parts = [one for one in (query.where, test) if one is not None and one != TRUE]
        loosest = _OR if len(parts) == 1 else _NOT
        flat = [each for one in parts for each in (one.operands if isinstance(one, And) else (one,))]
        loosest = _OR if len(flat) == 1 else _NOT
        conditions = " and ".join(page.at(one, loosest) for one in flat)
        text = f"{value} of {sources}" if value else sources
        text += f": {conditions}" if conditions else ""
        return f"{word}({text}{'' if query.exact else ', only some'})"


def _constant(constant: Const) -> str:
    value = constant.value
    if value is None:
        return "null"
    if constant.type == BOOLEAN:
        return "true" if value == "t" else "false"
    if constant.type.name in _NUMBERS:
        return value
    return literal(value).strip()


def _given(given: Given) -> str:
    if given.who is Who.IDENTITY:
        return _ME if given.key == "sub" else f"my {given.key}"
    if given.who is Who.CLOCK:
        return _NOW
    words = {Who.SERVER: "given", Who.CLIENT: "chosen", Who.ARGUMENT: "argument"}
    return f"{words[given.who]}({given.key})"


def _coalesced(condition: Expr, value: Expr) -> bool:
    return condition == Not(IsNull(value))
