"""Built-in functions of values, by name. What is not here is not known."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.policy.evaluate import arrays, documents, patterns, text
from rlsaudit.policy.evaluate.values import EvaluationError, Json, Result, Unknown, Value
from rlsaudit.policy.expr import TEXT, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rlsaudit.policy.evaluate.values import State

    Function: TypeAlias = Callable[[Sequence[Value], Sequence[Type], State], Result]

_MOST_LETTERS = 10_000


def _lower(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    # Beyond ASCII, and in Turkish, it is the collation's matter; the latter is not asked for.
    return value.lower() if isinstance(value, str) and value.isascii() else Unknown.VALUE


def _upper(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    return value.upper() if isinstance(value, str) and value.isascii() else Unknown.VALUE


def _length(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    return len(value) if isinstance(value, str) else Unknown.ANYTHING


def _octets(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    # Of other letters it is the database's encoding that says.
    return len(value) if isinstance(value, str) and value.isascii() else Unknown.VALUE


def _left(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), int(count)):
            return value[:count]
    return Unknown.ANYTHING


def _right(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), int(count)):
            return value[max(len(value) - count, 0) :] if count >= 0 else value[-count:]
    return Unknown.ANYTHING


def _substr(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), int(start)):
            return value[max(start - 1, 0) :]
        case (str(value), int(start), int(count)):
            if count < 0:
                raise EvaluationError("negative substring length not allowed", "22011")
            return value[max(start - 1, 0) : max(start - 1 + count, 0)]
    return Unknown.ANYTHING


def _strpos(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), str(wanted)):
            return value.find(wanted) + 1
    return Unknown.ANYTHING


def _starts_with(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), str(prefix)):
            return value.startswith(prefix)
    return Unknown.ANYTHING


def _split_part(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), str(separator), int(number)):
            if number == 0:
                raise EvaluationError("field position must not be zero", "22023")
            if number < 0:
                number = (len(value.split(separator)) if separator else 1) + number + 1
            if not value or number < 1:
                return ""
            parts = value.split(separator) if separator else [value]
            return parts[number - 1] if number <= len(parts) else ""
    return Unknown.ANYTHING


def _replace(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), str(old), str(new)):
            return value.replace(old, new) if old else value
    return Unknown.ANYTHING


def _trimmed(args: Sequence[Value], *, left: bool, right: bool) -> Result:
    match args:
        case (str(value), *rest) if all(isinstance(one, str) for one in rest):
            letters = str(rest[0]) if rest else " "
            value = value.lstrip(letters) if left and letters else value
            return value.rstrip(letters) if right and letters else value
    return Unknown.ANYTHING


def _btrim(args: Sequence[Value], *_: object) -> Result:
    return _trimmed(args, left=True, right=True)


def _ltrim(args: Sequence[Value], *_: object) -> Result:
    return _trimmed(args, left=True, right=False)


def _rtrim(args: Sequence[Value], *_: object) -> Result:
    return _trimmed(args, left=False, right=True)


def _reverse(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    return value[::-1] if isinstance(value, str) else Unknown.ANYTHING


def _repeat(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), int(count)) if len(value) * count <= _MOST_LETTERS:
            return value * max(count, 0)
    return Unknown.ANYTHING


def _padded(args: Sequence[Value], *, left: bool) -> Result:
    match args:
        case (str(value), int(wanted), *rest) if wanted <= _MOST_LETTERS and all(isinstance(one, str) for one in rest):
            fill = str(rest[0]) if rest else " "
            missing = wanted - len(value)
            if missing <= 0 or not fill:
                return value[: max(wanted, 0)]
            filled = (fill * missing)[:missing]
            return filled + value if left else value + filled
    return Unknown.ANYTHING


def _lpad(args: Sequence[Value], *_: object) -> Result:
    return _padded(args, left=True)


def _rpad(args: Sequence[Value], *_: object) -> Result:
    return _padded(args, left=False)


def _md5(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    if not isinstance(value, str) or not value.isascii():
        return Unknown.VALUE
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def _string_to_array(args: Sequence[Value], *_: object) -> Result:
    value, separator, null = (*args, None)[:3]
    if value is None:
        return None
    if not isinstance(value, str):
        return Unknown.ANYTHING
    parts: list[str]
    if not value:
        parts = []
    elif separator is None:
        parts = list(value)
    else:
        parts = value.split(str(separator)) if separator else [value]
    return [None if null is not None and one == null else one for one in parts]


def _outputs(args: Sequence[Value], kinds: Sequence[Type]) -> list[str | None] | Unknown:
    """What the output functions write, which for Booleans is not what a cast writes."""
    found: list[str | None] = []
    for value, kind in zip(args, kinds, strict=True):
        word = text.to_text(value, kind) if not isinstance(value, bool) else "t" if value else "f"
        if isinstance(word, Unknown):
            return word
        found.append(None if word is None else str(word))
    return found


def _concat(args: Sequence[Value], kinds: Sequence[Type], _: State) -> Result:
    words = _outputs(args, kinds)
    return words if isinstance(words, Unknown) else "".join(one for one in words if one is not None)


def _concat_ws(args: Sequence[Value], kinds: Sequence[Type], _: State) -> Result:
    if args[0] is None:
        return None
    words = _outputs(args, kinds)
    if isinstance(words, Unknown):
        return words
    return str(words[0]).join(one for one in words[1:] if one is not None)


def _array_to_string(args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    array, separator, null = (*args, None)[:3]
    if array is None or separator is None:
        return None
    if not isinstance(array, list):
        return Unknown.ANYTHING
    words = _outputs(array, [state.element(kinds[0])] * len(array))
    if isinstance(words, Unknown):
        return words
    shown = [null if one is None else one for one in words]
    return str(separator).join(str(one) for one in shown if one is not None)


def _foldername(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    # string_to_array(name, '/') without the last
    return list(value.split("/")[:-1]) if isinstance(value, str) else Unknown.ANYTHING


def _filename(args: Sequence[Value], *_: object) -> Result:
    (value,) = args
    if not isinstance(value, str):
        return Unknown.ANYTHING
    return value.split("/")[-1] if value else None


def _extension(args: Sequence[Value], *_: object) -> Result:
    name = _filename(args)
    if not isinstance(name, str):
        return name
    return name.split(".")[-1] if name else None


def _abs(args: Sequence[Value], kinds: Sequence[Type], _: State) -> Result:
    (value,) = args
    if isinstance(value, int) and not isinstance(value, bool):
        return text.in_range(abs(value), kinds[0])
    return Unknown.ANYTHING


def _json_path(args: Sequence[Value]) -> tuple[bool, object] | Unknown:
    document, *path = args
    return documents.at_path(document, path) if isinstance(document, Json) else Unknown.ANYTHING


def _extract_path(args: Sequence[Value], *_: object) -> Result:
    found = _json_path(args)
    if isinstance(found, Unknown):
        return found
    return Json(found[1]) if found[0] else None


def _extract_path_text(args: Sequence[Value], kinds: Sequence[Type], _: State) -> Result:
    found = _json_path(args)
    if isinstance(found, Unknown):
        return found
    return documents.as_text(found[1], kinds[0].name) if found[0] else None


def _json_typeof(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (Json(inner),):
            names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
            return names.get(type(inner), "number")
    return Unknown.ANYTHING


def _json_array_length(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (Json(list(inner)),):
            return len(inner)
        case (Json(),):
            raise EvaluationError("cannot get array length of what is no array", "22023")
    return Unknown.ANYTHING


def _to_jsonb(args: Sequence[Value], kinds: Sequence[Type], _: State) -> Result:
    match args:
        case (Json(),):
            return args[0] if kinds[0].name == "jsonb" else Unknown.ANYTHING
        case (bool() | int() | str(),):
            return Json(args[0])
    return Unknown.ANYTHING


def _jsonb_exists(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (Json() as document, str(key)):
            return documents.has_key(document, key)
    return Unknown.ANYTHING


def _regexp_like(args: Sequence[Value], *_: object) -> Result:
    match args:
        case (str(value), str(pattern)):
            return patterns.search(value, pattern, folded=False)
    return Unknown.ANYTHING


def _num_nulls(args: Sequence[Value], *_: object) -> Result:
    return sum(one is None for one in args)


def _num_nonnulls(args: Sequence[Value], *_: object) -> Result:
    return sum(one is not None for one in args)


NOT_STRICT = frozenset(
    {
        "array_append", "array_cat", "array_position", "array_prepend", "array_remove", "array_to_string", "concat",
        "concat_ws", "num_nonnulls", "num_nulls", "string_to_array",
    }
)  # fmt: skip
"""Functions that are called with NULL too; all others return NULL then."""
TOTAL = frozenset(
    {
        "array_length", "array_lower", "array_upper", "btrim", "cardinality", "char_length", "character_length",
        "concat", "concat_ws", "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_exists", "jsonb_typeof",
        "left", "length",
        "lower", "ltrim", "md5", "octet_length", "position", "replace", "reverse", "right", "rtrim", "starts_with",
        "string_to_array", "strpos", "upper",
    }
)  # fmt: skip
"""Functions that never fail, whatever they are called with."""
FUNCTIONS: dict[str, Function] = {
    "abs": _abs,
    "array_append": arrays.append,
    "array_cat": arrays.concatenate,
    "array_length": arrays.length,
    "array_lower": arrays.lower,
    "array_position": arrays.position,
    "array_prepend": arrays.prepend,
    "array_remove": arrays.remove,
    "array_to_string": _array_to_string,
    "array_upper": arrays.length,
    "btrim": _btrim,
    "cardinality": arrays.cardinality,
    "char_length": _length,
    "character_length": _length,
    "concat": _concat,
    "concat_ws": _concat_ws,
    "json_array_length": _json_array_length,
    "json_extract_path": _extract_path,
    "json_extract_path_text": _extract_path_text,
    "json_typeof": _json_typeof,
    "jsonb_array_length": _json_array_length,
    "jsonb_exists": _jsonb_exists,
    "jsonb_extract_path": _extract_path,
    "jsonb_extract_path_text": _extract_path_text,
    "jsonb_typeof": _json_typeof,
    "left": _left,
    "length": _length,
    "lower": _lower,
    "lpad": _lpad,
    "ltrim": _ltrim,
    "md5": _md5,
    "num_nonnulls": _num_nonnulls,
    "num_nulls": _num_nulls,
    "octet_length": _octets,
    "position": _strpos,
    "regexp_like": _regexp_like,
    "repeat": _repeat,
    "replace": _replace,
    "reverse": _reverse,
    "right": _right,
    "rpad": _rpad,
    "rtrim": _rtrim,
    "split_part": _split_part,
    "starts_with": _starts_with,
    "storage.extension": _extension,
    "storage.filename": _filename,
    "storage.foldername": _foldername,
    "string_to_array": _string_to_array,
    "strpos": _strpos,
    "substr": _substr,
    "substring": _substr,
    "to_jsonb": _to_jsonb,
    "upper": _upper,
}
assert FUNCTIONS.keys() >= NOT_STRICT | TOTAL  # noqa: S101  a name that is misspelt has no effect

_TEXT_ONLY = frozenset({"btrim", "char_length", "length", "lower", "ltrim", "md5", "octet_length", "reverse", "rtrim"})


def function(name: str, args: Sequence[Value], kinds: Sequence[Type], state: State) -> Result:
    """Returns the value of a function of values.

    Raises:
        EvaluationError: it fails.
    """
    found = FUNCTIONS.get(name)
    if found is None or not args:
        return Unknown.ANYTHING
    if name in _TEXT_ONLY and kinds[0] not in {TEXT, Type("character varying"), Type("name")}:
        return Unknown.ANYTHING
    return found(args, kinds, state)
