"""Arrays of one dimension that begin at 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.evaluate.compare import same
from rlsaudit.policy.evaluate.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.policy.evaluate.values import Result, State, Value
    from rlsaudit.policy.expr import Type


def cardinality(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """The number of elements."""
    del kinds, state
    return len(args[0]) if isinstance(args[0], list) else Unknown.ANYTHING


def length(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`array_length`, and `array_upper` too."""
    del kinds, state
    match args:
        case (list(items), int(dimension)):
            return len(items) if items and dimension == 1 else None
    return Unknown.ANYTHING


def lower(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`array_lower`."""
    found = length(args, kinds, state)
    return 1 if isinstance(found, int) else found


def append(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`array_append`."""
    del kinds, state
    array, item = args
    return [*_items(array), item] if array is None or isinstance(array, list) else Unknown.ANYTHING


def prepend(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`array_prepend`."""
    del kinds, state
    item, array = args
    return [item, *_items(array)] if array is None or isinstance(array, list) else Unknown.ANYTHING


def concatenate(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`array_cat`: NULL beside an array is nothing."""
    del kinds, state
    left, right = args
    if left is None or right is None:
        return right if left is None else left
    return [*left, *right] if isinstance(left, list) and isinstance(right, list) else Unknown.ANYTHING


def _items(array: Value) -> list[Value]:
    return array if isinstance(array, list) else []


def remove(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`array_remove`: NULL too."""
    array, item = args
    if array is None:
        return None
    if not isinstance(array, list):
        return Unknown.ANYTHING
    found = [same(one, item, state.element(kinds[0]), state) for one in array]
    unknown = next((one for one in found if isinstance(one, Unknown)), None)
    return unknown or [one for one, is_it in zip(array, found, strict=True) if is_it is False]


def position(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """`array_position`."""
    array, item, *start = args
    if start:
        return Unknown.ANYTHING
    if array is None:
        return None
    if not isinstance(array, list):
        return Unknown.ANYTHING
    for number, one in enumerate(array, 1):
        found = same(one, item, state.element(kinds[0]), state)
        if found is True:
            return number
        if isinstance(found, Unknown):
            return found
    return None


def overlap(left: list[Value], right: list[Value], element: Type, state: State) -> Result:
    """`left && right`: NULL is in common with nothing."""
    return _any([_among(one, right, element, state) for one in left])


def contains(left: list[Value], right: list[Value], element: Type, state: State) -> Result:
    """`left @> right`: no array contains NULL."""
    found = [_among(one, left, element, state) for one in right]
    if Unknown.ANYTHING in found:
        return Unknown.ANYTHING
    return False if False in found else Unknown.VALUE if Unknown.VALUE in found else True


def _among(item: Value, items: list[Value], element: Type, state: State) -> Result:
    if item is None:
        return False
    return _any([same(one, item, element, state) for one in items])


def _any(found: list[Result]) -> Result:
    if Unknown.ANYTHING in found:
        return Unknown.ANYTHING
    return True if True in found else Unknown.VALUE if Unknown.VALUE in found else False
