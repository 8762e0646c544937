"""What a name in a followed body means: a variable's binding, once it is certain that it is no column."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

from pglast import ast

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.procedure.path import Bindings, Bound
    from rlsaudit.policy.tree import Node

OPTIONS = re.compile(r"\s*(?:#\s*\w+\s+\w+\s*)*")
"""What a plpgsql body may begin with."""
_CONFLICT = re.compile(r"#\s*variable_conflict\s+(\w+)")
_SETTING = "plpgsql.variable_conflict="


class Conflict(enum.Enum):
    """What a name means that is both a column of a query and a variable."""

    ERROR = "error"
    """The query fails, with 42702."""
    COLUMN = "use_column"
    VARIABLE = "use_variable"
    UNKNOWN = "unknown"


def conflict_of(function: Function) -> Conflict:
    """Returns what a name that is both means in the body of `function`. The server's default is an error."""
    if function.language == "sql":
        return Conflict.COLUMN
    options = OPTIONS.match(function.body)
    named = _CONFLICT.findall(options[0]) if options else []
    named = named or [one.removeprefix(_SETTING) for one in function.settings if one.startswith(_SETTING)]
    if not named:
        return Conflict.ERROR
    return next((one for one in Conflict if one.value == named[-1]), Conflict.UNKNOWN)


def lookup(name: Node, bindings: Bindings) -> tuple[Bound, tuple[str, ...]] | None:
    """Returns what a ColumnRef or ParamRef that is no column is bound to, and the fields that it takes of that.

    None where it is no variable at all. In a query ask for its columns first: see `conflict_of`.
    """
    if isinstance(name, ast.ParamRef):
        found = bindings.get(f"${name.number}")
        return None if found is None else (found, ())
    dotted = parts(name)
    for length in range(1, len(dotted) + 1):
        found = bindings.get(".".join(dotted[:length]))
        if found is not None:
            return found, dotted[length:]
    return None


def parts(name: Node) -> tuple[str, ...]:
    """Returns the parts of a ColumnRef's name, none where it ends in `*`."""
    texts = tuple(one.sval or "" for one in name.fields or () if isinstance(one, ast.String))
    return texts if len(texts) == len(name.fields or ()) else ()
