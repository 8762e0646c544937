"""Values that make functions come out as the solver would have them, and what a client is able to write.

The solver takes the result of `lower(name)` for any value it likes. Here the column gets a value of which the function
makes that; where several functions want something of one column, the last wish counts, and whether all come true is for
the evaluation to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.client import SOURCES, may_write, may_write_anything, split_key
from rlsaudit.policy.evaluate import Json, Unknown
from rlsaudit.policy.expr import Call, Const, Expr, Field, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.policy.evaluate import Result
    from rlsaudit.policy.expr import Type
    from rlsaudit.policy.proof.encode import Applied, Encoder
    from rlsaudit.policy.proof.values import Row, Term

NOTHING = Unknown.ANYTHING
"""No value: where a model has none that a row could hold."""

_FIRST_PART = frozenset({"split_part()", "string_to_array()", "storage.foldername()"})


def wishes(encoder: Encoder, known: Callable[[Term, Type], Result]) -> dict[tuple[Row, int], Result]:
    """Returns values for columns that go through functions, by row and number; `known` tells what the model has."""
    found: dict[tuple[Row, int], Result] = {}
    for one in encoder.applied:
        column = _column(one.call)
        if column is None or column.place >= len(one.env):
            continue
        row = one.env[column.place]
        wanted = known(one.result, one.call.type)
        value = _wish(one, wanted, found.get((row, column.number), NOTHING), known)
        if value is not NOTHING:
            found[row, column.number] = value
    return found


def _column(call: Call) -> Field | None:
    """The lone column that a call is about."""
    for one in reversed(call.args) if call.name == "= ANY" else call.args:
        if isinstance(one, Field):
            return one
        if isinstance(one, Call) and (inner := _column(one)) is not None:
            return inner
    return None


def _wish(one: Applied, wanted: Result, before: Result, known: Callable[[Term, Type], Result]) -> Result:
    call = one.call
    result: Result = NOTHING
    match call.name, call.args:
        case "[]", (Call(name, (Field(), *_)), Const("1")) if name in _FIRST_PART and wanted is not NOTHING:
            result = "file" if wanted is None else f"{wanted}/file"
        case "split_part()", (Field(), Const("/"), Const("1")) if isinstance(wanted, str):
            result = f"{wanted}/file"
        case (("lower()" | "upper()" | "btrim()"), (Field(),)):
            result = wanted
        case name, (Field(),) if name.startswith("::") and isinstance(wanted, bool | int | str):
            result = ("true" if wanted else "false") if isinstance(wanted, bool) else str(wanted)
        case "->>", (Field(), Const(str() as key)):
            held = before.value if isinstance(before, Json) and isinstance(before.value, dict) else {}
            result = Json({**held, **({} if wanted is None else {key: wanted})})
        case "= ANY", (element, Field()):
            result = _array(one, element, wanted, before, known)
        case (("~~" | "~~*"), (Field(), Const(str() as pattern))):
            result = pattern.replace("%", "").replace("_", "x") if wanted is True else "~"
        case "starts_with()", (Field(), Const(str() as start)):
            result = start if wanted is True else "~"
        case _:
            pass
    return result


def _array(
    one: Applied, element: Expr, wanted: Result, before: Result, known: Callable[[Term, Type], Result]
) -> Result:
    value = known(one.args[0], type_of(element))
    held = list(before) if isinstance(before, list) else []
    if wanted is True and value is not None and not isinstance(value, Unknown):
        held.append(value)
    return held


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
