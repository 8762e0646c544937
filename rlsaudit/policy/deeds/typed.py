"""Whether values fit by their types: of the statements of a body in plpgsql the server asks that only as it runs them.

What is told apart here is never compared or assigned without a cast: a key that is a uuid and an argument that is a
text. Of types that are not known nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import Call, Expr, type_of, walk
from rlsaudit.policy.read.operators import COMPARISONS

if TYPE_CHECKING:
    from collections.abc import Iterable

_TEXT = "text"
_SORTS = {
    "boolean": "boolean",
    "uuid": "uuid",
    **dict.fromkeys(("character", "character varying", "text"), _TEXT),
    **dict.fromkeys(("bigint", "double precision", "integer", "numeric", "real", "smallint"), "number"),
    **dict.fromkeys(("date", "timestamp with time zone", "timestamp without time zone"), "moment"),
    **dict.fromkeys(("json", "jsonb"), "json"),
}
_LISTED = frozenset({"= ANY", "<> ALL"})


def compares_unlike(expressions: Iterable[Expr]) -> bool:
    """Returns whether values are compared for which there is no operator, which is an error whatever they are."""
    return any(_is_unlike(one) for expression in expressions for one in walk(expression))


def may_not_fit(kind: str, declared: str) -> bool:
    """Returns whether some value of a type is none of the one that is declared, when it is cast by being assigned."""
    one, other = _SORTS.get(kind), _SORTS.get(declared)
    return one is not None and other is not None and other not in {one, _TEXT}


def _is_unlike(one: Expr) -> bool:
    if not isinstance(one, Call) or one.name not in COMPARISONS | _LISTED:
        return False
    left, right = (type_of(each).name for each in one.args)
    if one.name in _LISTED:
        right = right.removesuffix("[]")
    sorts = {_SORTS.get(left), _SORTS.get(right)}
    return None not in sorts and len(sorts) > 1
