"""What may be an error instead of a value, and the arguments of a call, which the server computes before the body."""

from __future__ import annotations

from rlsaudit.policy.expr import AFTER, Call, Expr, Lookup, Opaque, type_of, walk

_NEVER_FAIL = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "= ANY", "<> ALL", "lower()", "upper()", "btrim()", "||", "ARRAY", "->", "->>"}
    | {"[]", "storage.foldername()", AFTER}
)
_NEVER_FAIL_AS = frozenset({"text", "character varying"})
"""What any value can be cast to."""


def may_fail(part: Expr) -> bool:
    """Returns whether computing this may be an error, its parts left aside."""
    match part:
        case Opaque():
            return True
        case Lookup(strict=strict):
            return strict
        case Call(name):
            return part.type.name not in _NEVER_FAIL_AS if name.startswith("::") else name not in _NEVER_FAIL
        case _:
            return False


def after(value: Expr, arguments: tuple[Expr, ...]) -> Expr:
    """Returns what a body comes to, behind those of the call's arguments that may fail: then the whole call does."""
    first = tuple(one for one in arguments if any(map(may_fail, walk(one))))
    return Call(AFTER, (value, *first), type_of(value)) if first else value
