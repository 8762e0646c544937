"""Functions of pg_catalog whose value depends on their arguments alone, with the type that comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy.expr import BOOLEAN, INTEGER, TEXT, UNKNOWN, Call, Expr, Type, type_of
from rlsaudit.policy.read import constants, types
from rlsaudit.policy.values import PURE

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here

_NUMERIC, _DOUBLE, _JSONB, _JSON = Type("numeric"), Type("double precision"), Type("jsonb"), Type("json")
_TEXTS, _BYTES = Type("text[]"), Type("bytea")
_SAME = None
"""The type of the first argument."""
_RESULTS: dict[str, Type | None] = {
    **dict.fromkeys(
        (
            "btrim", "concat", "concat_ws", "initcap", "left", "like_escape", "lower", "lpad", "ltrim", "md5",
            "overlay", "quote_ident", "quote_literal", "regexp_replace", "repeat", "replace", "reverse", "right",
            "rpad", "rtrim", "similar_to_escape", "split_part", "substr", "substring", "translate", "upper",
            "array_to_string", "jsonb_extract_path_text", "json_extract_path_text", "jsonb_typeof", "json_typeof",
            "to_hex", "encode", "chr", "regexp_substr", "normalize",
        ),
        TEXT,
    ),
    **dict.fromkeys(
        (
            "array_length", "array_lower", "array_ndims", "array_position", "array_upper", "ascii", "bit_length",
            "cardinality", "char_length", "character_length", "json_array_length", "jsonb_array_length", "length",
            "octet_length", "position", "strpos", "regexp_count", "regexp_instr",
        ),
        INTEGER,
    ),
    **dict.fromkeys(
        (
            "starts_with", "jsonb_exists", "jsonb_exists_any", "jsonb_exists_all", "texteq", "textlike", "textnlike",
            "texticlike", "booleq", "uuid_eq", "regexp_like", "isfinite", "array_contains", "arraycontains",
            "arrayoverlap", "starts_with",
        ),
        BOOLEAN,
    ),
    **dict.fromkeys(("string_to_array", "regexp_split_to_array", "regexp_match"), _TEXTS),
    **dict.fromkeys(
        (
            "abs", "array_append", "array_cat", "array_remove", "array_replace", "ceil", "ceiling", "date_trunc",
            "floor", "jsonb_strip_nulls", "justify_days", "justify_hours", "justify_interval", "mod", "round", "sign",
            "trim_array", "trunc", "jsonb_set",
        ),
        _SAME,
    ),
    "age": types.INTERVAL,
    "array_prepend": UNKNOWN,
    "date_part": _DOUBLE,
    "decode": _BYTES,
    "extract": _NUMERIC,
    "json_build_array": _JSON,
    "json_build_object": _JSON,
    "json_extract_path": _JSON,
    "jsonb_build_array": _JSONB,
    "jsonb_build_object": _JSONB,
    "jsonb_extract_path": _JSONB,
    "make_date": Type("date"),
    "make_interval": types.INTERVAL,
    "num_nonnulls": INTEGER,
    "num_nulls": INTEGER,
    "power": _DOUBLE,
    "sha256": _BYTES,
    "sqrt": _DOUBLE,
    "timezone": UNKNOWN,
    "to_json": _JSON,
    "to_jsonb": _JSONB,
    "to_timestamp": types.CLOCK,
}  # fmt: skip
_NEVER_TEXT = frozenset({"array_append", "array_cat", "array_position", "array_remove", "array_replace"})
"""Functions whose later arguments are of the first one's type, or of its elements'."""
_STORAGE = {"foldername": _TEXTS, "filename": TEXT, "extension": TEXT}

assert _RESULTS.keys() >= PURE  # noqa: S101  whatever is pure there has a type here


def is_known(name: str) -> bool:
    """Whether it is a function of pg_catalog that is followed."""
    return name in _RESULTS


def call(name: str, args: tuple[Expr, ...], here: Here) -> Expr | None:
    """Returns the call of a function of pg_catalog; None where it is not one of these."""
    if name not in _RESULTS or not args:
        return None
    first = type_of(args[0])
    if (name == "age" and len(args) == 1) or any(types.is_foreign(type_of(one)) for one in args):
        # Until this midnight; or a function of that name that comes with the type.
        return None
    if name not in _NEVER_TEXT:
        args = tuple(constants.as_type(one, TEXT, here) for one in args)
    elif types.is_array(first):
        rest = first if name == "array_cat" else types.element(first, here.scope)
        args = (args[0], *(constants.as_type(one, rest, here) for one in args[1:]))
    if name in {"substring", "length"} and first.name in {"bytea", "bit"}:
        return None
    return Call(f"{name}()", args, _result(name, args))


def _result(name: str, args: tuple[Expr, ...]) -> Type:
    kinds = [type_of(one) for one in args]
    second = kinds[1] if len(kinds) > 1 else UNKNOWN
    match name:
        case "timezone":
            return Type("timestamp without time zone") if second == types.CLOCK else types.CLOCK
        case "date_trunc" | "array_prepend":
            return second
        case _:
            known = _RESULTS[name]
            return kinds[0] if known is _SAME else known


def storage(name: str, args: tuple[Expr, ...], here: Here) -> Expr:
    """Returns the call of one of Supabase's functions of paths."""
    return Call(f"storage.{name}()", tuple(constants.as_type(one, TEXT, here) for one in args), _STORAGE[name])
