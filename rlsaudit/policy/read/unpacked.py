"""Arrays and documents that a FROM takes apart: of their elements no more is known than that there may be some.

That one is there is a condition that may be true or not, for whatever is around it, and its columns may be anything:
where something is true of some element, that is such a one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.policy import tree
from rlsaudit.policy.expr import BOOLEAN, TEXT, UNKNOWN, Expr, Type
from rlsaudit.policy.read.opaque import lone

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here, Value
    from rlsaudit.policy.tree import Node

_REASON = "takes a value apart"
_JSONB, _JSON = Type("jsonb"), Type("json")
_COLUMNS: dict[str, tuple[tuple[str, Type], ...]] = {
    "jsonb_array_elements": (("value", _JSONB),),
    "json_array_elements": (("value", _JSON),),
    "jsonb_array_elements_text": (("value", TEXT),),
    "json_array_elements_text": (("value", TEXT),),
    "jsonb_each": (("key", TEXT), ("value", _JSONB)),
    "jsonb_each_text": (("key", TEXT), ("value", TEXT)),
    "jsonb_object_keys": (("jsonb_object_keys", TEXT),),
    "jsonb_to_recordset": (),
    "json_to_recordset": (),
    "regexp_split_to_table": (("regexp_split_to_table", TEXT),),
    "string_to_table": (("string_to_table", TEXT),),
    "unnest": (("unnest", UNKNOWN),),
}
"""What the server's own functions give that take a value apart, none of which asks who is calling."""


def columns(item: Node, here: Here) -> dict[str, Value] | None:
    """Returns the columns of what is taken apart, each of any value; None where it is something else."""
    name = called(item)
    functions: Node = item.functions or ()
    if name not in _COLUMNS or here.redefines(name) or len(functions) != 1 or item.is_rowsfrom:
        return None
    call, declared = functions[0][0], functions[0][1]
    named = [(one.colname, UNKNOWN) for one in declared or item.coldeflist or ()]
    if name.endswith("recordset") != bool(named) or (name == "unnest" and len(call.args or ()) != 1):
        return None
    found = named or list(_COLUMNS[name])
    given = [one.sval or "" for one in (item.alias.colnames or () if item.alias else ())]
    if item.alias and not given and len(found) == 1:
        # A lone column goes by the name of the whole as well.
        found.append((item.alias.aliasname, found[0][1]))
    if item.ordinality:
        found.append(("ordinality", Type("bigint")))
    kinds = [kind for _, kind in found]
    names = [*given, *(one for one, _ in found[len(given) :])]
    return {one: _anything(one, kind) for one, kind in zip(names, kinds, strict=False)}


def is_there(item: Node) -> Value:
    """Returns whether there is an element."""
    found = replace(lone(f"an element of {called(item)}", _REASON, BOOLEAN), nullable=False)
    return lambda _: found


def called(item: Node) -> str:
    """Returns the name of the function in a FROM, empty where it is not one of pg_catalog's by name."""
    functions: Node = item.functions or ()
    call = functions[0][0] if functions else None
    name = tree.name(getattr(call, "funcname", None) or ())
    return name[-1] if name and name[:-1] in {(), ("pg_catalog",)} else ""


def _anything(words: str, kind: Type) -> Value:
    found: Expr = lone(words, _REASON, kind)
    return lambda _: found
