"""Facts as values to compare, without some of what they say."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def without(kind: type, *names: str) -> Callable[[Any], tuple[object, ...]]:
    """Returns what makes a value of a fact of that kind: two are equal if nothing but what `names` call is different.

    To make another fact with less in it would take several times as long, and thousands of tables are compared.
    """
    return attrgetter(*(one.name for one in fields(kind) if one.name not in names))
