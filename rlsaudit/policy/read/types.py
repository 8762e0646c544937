"""Types as expressions have them: by the catalog's names, without modifiers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rlsaudit.names import qualified
from rlsaudit.policy import tree
from rlsaudit.policy.columns import COLLATED, INTEGERS, TEXTS
from rlsaudit.policy.expr import TEXT, UNKNOWN, Expr, Field, Type, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.policy.scalar import Column
    from rlsaudit.policy.tree import Node
    from rlsaudit.policy.values import Scope

_MODIFIERS = re.compile(r"\(\d+(?:,-?\d+)?\)")
_KINDS = {"enum": "e", "domain": "d", "composite": "c", "?": "?"}
_GRAMMAR = {
    "bpchar": "character",
    "char": '"char"',
    "float4": "real",
    "decimal": "numeric",
    "int": "integer",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}
"""The grammar's names of built-in types beside those of `tree`, as the catalog writes them."""
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
"""Numbers, each cast silently to those after it."""
_MOMENTS = ("date", "timestamp without time zone", "timestamp with time zone")
JSON = frozenset({"json", "jsonb"})
CLOCK, INTERVAL, NAME = Type(_MOMENTS[2]), Type("interval"), Type("name")


def of_column(column: Column) -> Type:
    """Returns the type of a column."""
    return Type(_MODIFIERS.sub("", column.declared), _KINDS.get(column.type, "b"))


def of_text(name: str, scope: Scope) -> Type:
    """Returns a type by the name that `format_type` gives it."""
    plain = _MODIFIERS.sub("", name)
    known = {} if scope.database is None else _known(scope.database.catalog)
    return Type(plain, known.get(plain, "b"))


def of_cast(cast: Node, scope: Scope) -> tuple[Type, str] | None:
    """Returns what a cast casts to, and its name with modifiers; None where it is not certain which type that is."""
    of = cast.typeName
    if of.setof or of.pct_type:
        return None
    names = tree.name(of.names)
    name = tree.target(cast) if not of.arrayBounds else names[-1]
    if len(names) == 1:
        name = tree.builtin(names[0])
        name = _GRAMMAR.get(name, name)
        found = _own(names[0], scope)
    else:
        found = qualified(names[-2], names[-1])
    if found is not None:
        name = found
    modifiers = ""
    if of.typmods:
        written = [tree.text(one) for one in of.typmods]
        # An interval's fields are written in its modifiers in a way of their own.
        if name == "interval" or not all(re.fullmatch(r"-?\d+", one) for one in written):
            return None
        modifiers = f"({','.join(written)})"
    array = "[]" if of.arrayBounds else ""
    head, space, rest = name.partition(" ")
    full = f"{head}{modifiers}{space}{rest}" if name.startswith("time") else f"{name}{modifiers}"
    return of_text(name + array, scope), full + array


def _own(name: str, scope: Scope) -> str | None:
    """A type of the project that a name without a schema means."""
    if scope.database is None:
        return None
    known = _known(scope.database.catalog)
    return next((one for one in (qualified(schema, name) for schema in scope.path) if one in known), None)


@lru_cache(maxsize=4)
def _known(catalog: Catalog) -> Mapping[str, str]:
    """The kinds of the database's own types, by name."""
    schemas = {oid: one.name for oid, one in catalog.schemas.items()}
    rows = {qualified(schema, name): "c" for schema, name in catalog.relations_by_name}
    types = catalog.snapshot.types
    return rows | {qualified(schemas[one.schema], one.name): one.kind for one in types if one.schema in schemas}


@lru_cache(maxsize=4)
def _labels(catalog: Catalog) -> Mapping[str, tuple[str, ...]]:
    schemas = {oid: one.name for oid, one in catalog.schemas.items()}
    types = catalog.snapshot.types
    return {qualified(schemas[one.schema], one.name): one.labels for one in types if one.schema in schemas}


def labels(kind: Type, scope: Scope) -> tuple[str, ...]:
    """Returns an enumeration's labels in their order; none where it is none, or not known."""
    return () if scope.database is None else _labels(scope.database.catalog).get(kind.name, ())


@lru_cache(maxsize=4)
def _bases(catalog: Catalog) -> Mapping[str, str]:
    schemas = {oid: one.name for oid, one in catalog.schemas.items()}
    types = catalog.snapshot.types
    return {qualified(schemas[one.schema], one.name): one.base for one in types if one.base and one.schema in schemas}


def base(kind: Type, scope: Scope) -> Type:
    """Returns the type that a domain rests on, any other type itself."""
    for _ in range(10):
        if kind.kind != "d" or scope.database is None:
            break
        name = _bases(scope.database.catalog).get(kind.name)
        if name is None:
            return UNKNOWN
        kind = of_text(name, scope)
    return kind


def is_array(kind: Type) -> bool:
    """Whether values of the type are arrays."""
    return kind.name.endswith("[]")


def element(array: Type, scope: Scope) -> Type:
    """Returns the type of an array's elements."""
    return of_text(array.name[:-2], scope) if is_array(array) else UNKNOWN


def array_of(kind: Type) -> Type:
    """Returns the type of arrays of such values."""
    return kind if kind.name.endswith("[]") else Type(f"{kind.name}[]") if kind != UNKNOWN else UNKNOWN


def is_text(kind: Type) -> bool:
    """Whether values of the type are texts as they stand."""
    return kind.name in TEXTS


def is_whole(kind: Type) -> bool:
    """Whether it is a type of whole numbers."""
    return kind.name in INTEGERS


def is_number(kind: Type) -> bool:
    """Whether it is a type of numbers."""
    return kind.name in _NUMBERS


def is_moment(kind: Type) -> bool:
    """Whether it is a date or a timestamp."""
    return kind.name in _MOMENTS


def is_foreign(kind: Type) -> bool:
    """Whether it is a base type that is not built in: what its operators do is not known."""
    return kind.kind == "b" and "." in kind.name.removesuffix("[]") and not is_array(kind)


def is_collated(expression: Expr) -> bool:
    """Whether a text in it has a collation by which others are equal that are written differently."""
    return any(isinstance(one, Field) and COLLATED in one.type.name for one in walk(expression))


def common(kinds: Iterable[Type]) -> Type:
    """Returns the type that values of several types are cast to where they have to have one."""
    known = list(dict.fromkeys(one for one in kinds if one != UNKNOWN))
    if not known:
        return UNKNOWN
    for ladder in (_NUMBERS, _MOMENTS):
        if all(one.name in ladder for one in known):
            return max(known, key=lambda one: ladder.index(one.name))
    return TEXT if len(known) > 1 and all(is_text(one) or one == NAME for one in known) else known[0]
