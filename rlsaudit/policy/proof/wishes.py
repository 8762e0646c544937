"""Values that make functions come out as the solver would have them, and what a client is able to write.

The solver takes the result of `lower(name)` for any value it likes. Here the column gets a value of which the function
makes that; where several functions want something of one column, the last wish counts, and whether all come true is for
the evaluation to tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.policy.client import SOURCES, may_write, may_write_anything, split_key
from rlsaudit.policy.evaluate import Json, Unknown
from rlsaudit.policy.expr import Call, Const, Expr, Field, Given, Who, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rlsaudit.policy.evaluate import Result
    from rlsaudit.policy.expr import Type
    from rlsaudit.policy.proof.encode import Applied, Encoder
    from rlsaudit.policy.proof.values import Row, Term

NOTHING = Unknown.ANYTHING
"""No value: where a model has none that a row could hold."""

_MOST_PARTS = 8
_ANCHORED = re.compile(r"\^([A-Za-z0-9_/ -]+)\$?")
"""A pattern that a text matches which begins with what it says."""


def wishes(encoder: Encoder, known: Callable[[Term, Type], Result]) -> dict[tuple[Row, int], Result]:
    """Returns values for columns that go through functions, by row and number; `known` tells what the model has."""
    found: dict[tuple[Row, int], Result] = {}
    for one in encoder.applied:
        column = _column(one.call)
        if column is None or column.place >= len(one.env):
            continue
        row = one.env[column.place]
        wish = _Wish(encoder.own, known, found.get((row, column.number), NOTHING))
        value = wish.of_call(one, known(one.result, one.call.type))
        if value is not NOTHING:
            found[row, column.number] = value
    return found


def sent_wishes(encoder: Encoder, known: Callable[[Term, Type], Result]) -> dict[str, str]:
    """Returns texts that a client sends, by their keys, which match the patterns that they are held against."""
    found: dict[str, str] = {}
    for one in encoder.applied:
        match one.call.name, one.call.args:
            case (("~~" | "~~*"), (Given(Who.CLIENT, key), Const(str() as pattern))):
                if known(one.result, one.call.type) is True:
                    found[key] = _like(pattern.replace("%", "x"))
            case _:
                pass
    return found


def _column(call: Call) -> Field | None:
    """The lone column that a call is about."""
    for one in reversed(call.args) if call.name == "= ANY" else call.args:
        if isinstance(one, Field):
            return one
        if isinstance(one, Call) and (inner := _column(one)) is not None:
            return inner
    return None


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one column should be, which was wished to be `before`, for a call to come out as wanted."""

    own: Mapping[str, str]
    known: Callable[[Term, Type], Result]
    before: Result

    def of_call(self, one: Applied, wanted: Result) -> Result:
        """Returns a value for the column, NOTHING where there is none to wish for."""
        call = one.call
        match call.name, call.args:
            case "= ANY", (element, array):
                return self.of(array, self._array(one, element, wanted))
            case (("~~" | "~~*"), (text, pattern)):
                said = self._text(pattern)
                return NOTHING if said is None else self.of(text, _like(said) if wanted is True else "~")
            case (("~" | "~*"), (text, pattern)):
                matched = _ANCHORED.fullmatch(self._text(pattern) or "")
                return self.of(text, matched[1] if wanted is True else "~") if matched is not None else NOTHING
            case "starts_with()", (text, start):
                said = self._text(start)
                return NOTHING if said is None else self.of(text, said if wanted is True else "~")
            case (("@>" | "&&"), (array, Call("ARRAY", elements))) if wanted is True:
                return self.of(array, self._holding(elements))
            case (("<@" | "&&"), (Call("ARRAY", elements), array)) if wanted is True:
                return self.of(array, self._holding(elements))
            case _:
                return self.of(call, wanted)

    def of(self, expression: Expr, wanted: Result) -> Result:
        """Returns what the column within an expression has to be for the whole to be what is wanted."""
        if wanted is NOTHING:
            return NOTHING
        match expression:
            case Field():
                return wanted
            case Call(name, (inner,)) if name.startswith("::"):
                return self.of(inner, _as_text(wanted))
            case Call("lower()" | "upper()" | "btrim()", (inner,)):
                return self.of(inner, wanted)
            case Call("[]", (Call("storage.foldername()", (inner,)), Const(str() as number))):
                return self.of(inner, self._path("/", number, wanted))
            case Call("[]", (Call("string_to_array()", (inner, Const(str() as mark))), Const(str() as number))) | Call(
                "split_part()", (inner, Const(str() as mark), Const(str() as number))
            ):
                return self.of(inner, self._path(mark, number, wanted))
            case Call("->>", (inner, Const(str() as key))):
                held = (
                    self.before.value if isinstance(self.before, Json) and isinstance(self.before.value, dict) else {}
                )
                return self.of(inner, Json({**held, **({} if wanted is None else {key: wanted})}))
            case _:
                return NOTHING

    def _path(self, mark: str, number: str, wanted: Result) -> Result:
        """A text whose part of this number is what is wanted, and whose others are what was wished for."""
        parts = self.before.split(mark)[:-1] if isinstance(self.before, str) and mark else []
        if not mark or not number.isdigit() or not 1 <= int(number) <= _MOST_PARTS:
            return NOTHING
        if wanted is None:
            return mark.join([*parts[: int(number) - 1], "file"])
        parts += ["x"] * (int(number) - len(parts))
        parts[int(number) - 1] = str(wanted)
        return mark.join([*parts, "file"])

    def _array(self, one: Applied, element: Expr, wanted: Result) -> Result:
        value = self.known(one.args[0], type_of(element))
        held = list(self.before) if isinstance(self.before, list) else []
        if wanted is True and value is not None and not isinstance(value, Unknown):
            held.append(value)
        return held

    def _holding(self, elements: Sequence[Expr]) -> Result:
        texts = [self._text(one) for one in elements]
        held = list(self.before) if isinstance(self.before, list) else []
        return NOTHING if None in texts else [*held, *texts]

    def _text(self, expression: Expr) -> str | None:
        """A text that is the same whatever the rows are."""
        match expression:
            case Const(str() as text):
                return text
            case Given(Who.IDENTITY, key):
                return self.own.get(key)
            case Call(name, (inner,)) if name.startswith("::"):
                return self._text(inner)
            case Call("||", (left, right)):
                before, after = self._text(left), self._text(right)
                return None if before is None or after is None else before + after
            case _:
                return None


def _like(pattern: str) -> str:
    return pattern.replace("%", "").replace("_", "x")


def _as_text(value: Result) -> Result:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        str(value) if isinstance(value, int | str) else value if isinstance(value, list) or value is None else NOTHING
    )


def can_write(key: str, text: Result) -> bool:
    """Whether the client can bring about this text where `key` says."""
    source, _ = _split(key)
    if text is None:
        # Every token has a level, and most an address.
        return can_write_anything(key)
    return isinstance(text, str) and may_write(source, text)


def can_write_anything(key: str) -> bool:
    """Whether the client can write any text at all where `key` says."""
    return may_write_anything(*_split(key))


def _split(key: str) -> tuple[str, tuple[str, ...]]:
    """A key as the source and the path into it, which it was made of."""
    for source in SOURCES:
        if key == source or key.startswith(f"{source}."):
            return source, split_key(key, source)
    return key, ()
