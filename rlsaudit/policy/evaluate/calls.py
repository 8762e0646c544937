"""Operators, casts and functions of values that are known: what a `Call` computes."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, localcontext
from typing import TYPE_CHECKING

from rlsaudit.policy.columns import INTEGERS, TEXTS
from rlsaudit.policy.evaluate import arrays, compare, documents, functions, moments, patterns, text
from rlsaudit.policy.evaluate.values import EvaluationError, Interval, Json, Unknown, worst
from rlsaudit.policy.expr import Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.policy.evaluate.values import Result, State, Value

_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_TOTAL = compare.OPERATORS | {"->", "->>", "#>", "#>>", "?", "@>", "<@", "&&", "[]", "ARRAY", "^@"}
"""What never fails, whatever its operands are."""
_DIGITS = 2_000


def call(name: str, args: Sequence[Result], kinds: Sequence[Type], result: Type, state: State) -> Result:
    """Returns the value of a call.

    Raises:
        EvaluationError: it fails.
    """
    kinds = [state.base(one) for one in kinds]
    unknown = worst(args)
    values = [one for one in args if not isinstance(one, Unknown)]
    bare = name.removesuffix("()")
    if unknown is Unknown.ANYTHING or (name.startswith("::") and result.kind == "d"):
        # What a domain's checks ask, of NULL too, is not known here.
        return Unknown.ANYTHING
    if None in values and _is_strict(name, kinds):
        return None
    if unknown:
        return unknown if name in _TOTAL or (name != bare and bare in functions.TOTAL) else Unknown.ANYTHING
    found: Result
    if bare in {"greatest", "least"} and name != bare:
        found = _extreme(bare, values, kinds, state)
    elif name != bare:
        found = functions.function(bare, values, kinds, state)
    elif name == "ARRAY":
        found = Unknown.ANYTHING if any(isinstance(one, list) for one in values) else list(values)
    elif name.startswith("::"):
        found = _cast(values[0], kinds[0], name[2:], result, state)
    elif name.endswith((" ANY", " ALL")):
        found = _quantified(name, values, kinds, state)
    elif len(values) == 1:
        found = _negative(values[0], kinds[0]) if name == "-" else Unknown.ANYTHING
    else:
        found = _binary(name, values, kinds, state)
    return found


def _is_strict(name: str, kinds: Sequence[Type]) -> bool:
    if name.endswith("()"):
        bare = name[:-2]
        return bare not in functions.NOT_STRICT and bare not in {"greatest", "least"}
    if name == "||":
        # With an array it is `array_append` and the like.
        return not any(one.name.endswith("[]") for one in kinds)
    return name != "ARRAY" and not name.endswith((" ANY", " ALL"))


def _binary(name: str, values: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    left, right = values
    found: Result = Unknown.ANYTHING
    if name in compare.OPERATORS:
        found = compare.compare(name, left, right, kinds, state)
    elif name in _ARITHMETIC:
        found = _arithmetic(name, left, right, kinds, state)
    elif name == "||":
        found = _joined(values, kinds, state)
    elif name in patterns.LIKE | patterns.REGULAR and isinstance(left, str) and isinstance(right, str):
        if all(one.name in TEXTS for one in kinds):
            found = (patterns.like if name in patterns.LIKE else patterns.regular)(name, left, right)
    elif name == "^@" and isinstance(left, str) and isinstance(right, str):
        found = left.startswith(right)
    elif name == "[]" and isinstance(left, list) and isinstance(right, int):
        found = left[right - 1] if 1 <= right <= len(left) else None
    elif isinstance(left, list) and isinstance(right, list):
        found = _of_arrays(name, left, right, kinds, state)
    elif isinstance(left, Json):
        found = _of_document(name, left, right, kinds)
    return found


def _of_arrays(name: str, left: list[Value], right: list[Value], kinds: Sequence[Type], state: State) -> Result:
    if kinds[0].name.replace("character varying", "text") != kinds[1].name.replace("character varying", "text"):
        return Unknown.ANYTHING
    element = state.element(kinds[0])
    match name:
        case "@>":
            return arrays.contains(left, right, element, state)
        case "<@":
            return arrays.contains(right, left, element, state)
        case "&&":
            return arrays.overlap(left, right, element, state)
    return Unknown.ANYTHING


def _of_document(name: str, left: Json, right: Value, kinds: Sequence[Type]) -> Result:
    kind = kinds[0].name
    found: tuple[bool, object] | Unknown
    match name, right:
        case ("->" | "->>", str() | int()):
            found = documents.part(left, right, binary=kind == "jsonb")
        case ("#>" | "#>>", list(path)):
            found = documents.at_path(left, path)
        case ("?", str(key)):
            return documents.has_key(left, key)
        case ("?|", list(keys)):
            return any(isinstance(one, str) and documents.has_key(left, one) for one in keys)
        case ("?&", list(keys)):
            return all(one is None or documents.has_key(left, str(one)) for one in keys)
        case ("@>", Json(inner)):
            return documents.contains(left.value, inner)
        case ("<@", Json(inner)):
            return documents.contains(inner, left.value)
        case _:
            return Unknown.ANYTHING
    if isinstance(found, Unknown):
        return found
    if not found[0]:
        return None
    return Json(found[1]) if name in {"->", "#>"} else documents.as_text(found[1], kind)


def _joined(values: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    left, right = values
    first, second = (one.name.endswith("[]") for one in kinds)
    if first and second:
        return arrays.concatenate(values, kinds, state)
    if first:
        return arrays.append(values, kinds, state)
    if second:
        return arrays.prepend(values, kinds, state)
    if isinstance(left, Json) or isinstance(right, Json):
        return Unknown.ANYTHING
    words = [text.to_text(one, kind) for one, kind in zip(values, kinds, strict=True)]
    if not any(one.name in TEXTS for one in kinds):
        return Unknown.ANYTHING
    return worst(words) or "".join(str(one) for one in words)


def _quantified(name: str, values: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`value op ANY (array)` and ALL."""
    operator, every = name[:-4], name.endswith(" ALL")
    value, array = values
    if array is None:
        return None
    if not isinstance(array, list):
        return Unknown.ANYTHING
    if not array:
        return every
    if value is None:
        return None
    element = state.element(kinds[1])
    found: list[Result] = [
        None if one is None else _binary(operator, (value, one), (kinds[0], element), state) for one in array
    ]
    if any(one is Unknown.ANYTHING for one in found):
        return Unknown.ANYTHING
    if any(one is (not every) for one in found):
        return not every
    if any(one is Unknown.VALUE for one in found):
        return Unknown.VALUE
    return None if None in found else every


def _extreme(name: str, values: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    best: Value = None
    kind: Type | None = None
    for value, of in zip(values, kinds, strict=True):
        if value is None:
            continue
        if kind is None:
            best, kind = value, of
            continue
        if of != kind:
            return Unknown.ANYTHING
        better = compare.compare(">" if name == "greatest" else "<", value, best, (kind, kind), state)
        if isinstance(better, Unknown):
            return better
        best = value if better else best
    return best


def _negative(value: Value, kind: Type) -> Result:
    if isinstance(value, Decimal):
        return -value if value else value
    if isinstance(value, int) and kind.name in INTEGERS:
        return text.in_range(-value, kind)
    if isinstance(value, Interval):
        return Interval(-value.months, -value.days, -value.microseconds)
    return Unknown.ANYTHING


def _arithmetic(name: str, left: Value, right: Value, kinds: Sequence[Type], state: State) -> Result:
    a, b = (one.name for one in kinds)
    if a in INTEGERS and b in INTEGERS and isinstance(left, int) and isinstance(right, int):
        wider = Type(max((a, b), key=lambda one: INTEGERS[one]))
        return _whole(name, left, right, wider)
    numbers = INTEGERS.keys() | {"numeric"}
    if a in numbers and b in numbers and isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return _numeric(name, Decimal(left), Decimal(right))
    if a in moments.TYPES and isinstance(right, Interval) and name in "+-":
        return moments.shift(left, right, a, 1 if name == "+" else -1, utc=state.utc)
    if b in moments.TYPES and isinstance(left, Interval) and name == "+":
        return moments.shift(right, left, b, 1, utc=state.utc)
    if a == b and a in moments.TYPES and name == "-":
        return moments.between(left, right)
    if a == moments.DATE and b in INTEGERS and isinstance(right, int) and name in "+-" and abs(right) < 10**6:
        found = moments.shift(left, Interval(days=right), a, 1 if name == "+" else -1, utc=True)
        return found if isinstance(found, Unknown) else moments.cast(found, moments.PLAIN, moments.DATE, utc=True)
    return Unknown.ANYTHING


def _whole(name: str, left: int, right: int, kind: Type) -> Result:
    if name in "/%" and right == 0:
        raise EvaluationError("division by zero", "22012")
    match name:
        case "+":
            found = left + right
        case "-":
            found = left - right
        case "*":
            found = left * right
        case "/":
            found = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        case _:
            found = abs(left) % abs(right) * (-1 if left < 0 else 1)
    return text.in_range(found, kind)


def _numeric(name: str, left: Decimal, right: Decimal) -> Result:
    if name in "/%":
        if right == 0:
            raise EvaluationError("division by zero", "22012")
        # How many digits come out is a matter of its own.
        return Unknown.VALUE
    try:
        with localcontext(Context(prec=_DIGITS, traps=[Inexact])):
            found = left + right if name == "+" else left - right if name == "-" else left * right
    except Inexact:
        return Unknown.ANYTHING
    return found or abs(found)


def _cast(value: Value, source: Type, written: str, target: Type, state: State) -> Result:  # noqa: PLR0911  a case a kind
    name = written.split("(", maxsplit=1)[0].strip()
    if "(" in written:
        return _shortened(value, source, written, target)
    if source.name == target.name and source.kind == target.kind:
        return value
    if target.name in TEXTS or target.name == "name":
        found = text.to_text(value, source)
        return text.from_text(found, target, state) if isinstance(found, str) else found
    if isinstance(value, str) and (source.name in TEXTS or source.name == "name"):
        return text.from_text(value, target, state)
    if target.name in INTEGERS and source.name in INTEGERS and isinstance(value, int):
        return text.in_range(value, target)
    if name == "numeric" and isinstance(value, int) and source.name in INTEGERS:
        return Decimal(value)
    if target.name in INTEGERS and isinstance(value, Decimal):
        return text.in_range(int(value.to_integral_value(ROUND_HALF_UP)), target)
    if name == "integer" and isinstance(value, bool):
        return int(value)
    if name == "boolean" and source.name == "integer":
        return value != 0
    if source.name in moments.TYPES and target.name in moments.TYPES:
        return moments.cast(value, source.name, target.name, utc=state.utc)
    if isinstance(value, Json):
        return _of_json(value, source, target)
    if isinstance(value, list) and target.name.endswith("[]"):
        return _array(value, source, target, state)
    return Unknown.ANYTHING


def _shortened(value: Value, source: Type, written: str, target: Type) -> Result:
    """A cast to `varchar(8)`; of other types' modifiers nothing is known."""
    length = written.removeprefix("character varying(").removesuffix(")")
    found = text.to_text(value, source) if target.name == "character varying" else Unknown.ANYTHING
    return found[: int(length)] if isinstance(found, str) and length.isdecimal() else Unknown.ANYTHING


def _of_json(value: Json, source: Type, target: Type) -> Result:
    inner = value.value
    if source.name == "json" and target.name == "jsonb":
        return value
    if source.name != "jsonb" or inner is None:
        # JSON's null is an error or NULL, as the major is.
        return Unknown.ANYTHING
    if target.name == "boolean":
        if isinstance(inner, bool):
            return inner
        raise EvaluationError("cannot cast jsonb to type boolean", "22023")
    if target.name == "numeric" or target.name in INTEGERS:
        if isinstance(inner, bool) or not isinstance(inner, int | Decimal):
            raise EvaluationError(f"cannot cast jsonb to type {target.name}", "22023")
        if target.name == "numeric":
            return Decimal(inner)
        return text.in_range(int(Decimal(inner).to_integral_value(ROUND_HALF_UP)), target)
    return Unknown.ANYTHING


def _array(value: list[Value], source: Type, target: Type, state: State) -> Result:
    a, b = state.element(source), Type(target.name.removesuffix("[]"))
    b = Type(b.name, "e" if b.name in state.labels else "d" if b.name in state.bases else "b")
    found = [None if one is None else _cast(one, a, b.name, b, state) for one in value]
    return worst(found) or [one for one in found if not isinstance(one, Unknown)]
