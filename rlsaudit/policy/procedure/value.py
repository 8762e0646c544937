"""What a function gives, as cases: for functions that only look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy.procedure.follow import paths
from rlsaudit.policy.procedure.path import Assigns, Calls, NotFollowed, Reads, Returned, Tells

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.procedure.path import Bindings, Condition, End

_LOOKS = Reads | Calls | Assigns | Tells


@dataclass(frozen=True, slots=True)
class Branch:
    """Where all `conditions` hold the function ends like this. Where that is an error, so does the statement."""

    conditions: tuple[Condition, ...]
    end: End
    bindings: Bindings


def value(function: Function) -> tuple[Branch, ...] | NotFollowed:
    """Returns the cases of what a function returns, of which one holds; they have no order.

    Not followed is what writes, changes settings, runs texts as SQL or gives a set of rows. The functions that it calls
    may still do so: they are for whoever reads the nodes.
    """
    if function.returns_set:
        return NotFollowed("a function that gives a set")
    found = paths(function)
    if isinstance(found, NotFollowed):
        return found
    outputs = [one.name for one in function.parameters if one.mode in "bo"]
    branches: list[Branch] = []
    for path in found:
        if not all(isinstance(one, _LOOKS) for one in path.steps):
            return NotFollowed("a function that does more than look")
        end = path.end
        if outputs and isinstance(end, Returned) and not end.query:
            if len(outputs) > 1 or not outputs[0]:
                return NotFollowed("a function with several results")
            end = Returned(ast.ColumnRef(fields=(ast.String(sval=outputs[0]),)))
        branches.append(Branch(path.conditions, end, path.bindings))
    return tuple(branches)
