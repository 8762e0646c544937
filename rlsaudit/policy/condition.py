"""A condition that somebody writes down, as SQL that can be sent to a server: nothing in it runs code of anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.policy import tree
from rlsaudit.policy.expr import Opaque, reads_tables, walk
from rlsaudit.policy.parse import parse
from rlsaudit.policy.query import read_query
from rlsaudit.policy.read import read
from rlsaudit.policy.values import UNDERSTOOD

if TYPE_CHECKING:
    from rlsaudit.policy.values import Scope


def sendable(condition: str, scope: Scope) -> str | None:
    """Returns a condition written out again from its tree.

    None where it is not understood, reads other tables, or calls a function that is not Postgres's own: what that may
    do beside its answer is not looked at.
    """
    node, query = tree.expression(condition), read_query(f"select {condition}")
    if node is None or query is None or any(len(name) > 1 or name[0] not in UNDERSTOOD for name in query.calls):
        return None
    expression = read(parse(condition, scope))
    if reads_tables(expression) or any(isinstance(one, Opaque) for one in walk(expression)):
        return None
    return tree.text(node)
