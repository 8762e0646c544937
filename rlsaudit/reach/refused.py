"""Policies that may make a statement fail: they read or call what the role may not, or go round in circles.

Postgres asks for these privileges however the row turns out, but not for a part that the planner folds away. So it is
not claimed that such a statement fails, only no longer that it succeeds. A circle that is found is another matter, for
the server finds it before it plans anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Operation
    from rlsaudit.policy.flaws import Circles


def may_fail(access: Access, circles: Circles, role: int, caller: int, relation: Relation, operation: Operation) -> str:
    """Returns why the policies of `operation` may make every statement fail, empty where they surely do not.

    `role` is whose privileges count on the tables that the policies read, `caller` who needs EXECUTE.
    """
    circle = circles.refusing(caller, role, relation, operation)
    if circle is not None:
        return circles.told(circle, operation)
    catalog = access.catalog
    for policy in access.policies(role, relation, operation):
        for oid in sorted({one.relation for one in policy.columns} - {relation.oid}):
            other = catalog.relations.get(oid)
            if other is None:
                continue
            read = {one.column for one in policy.columns if one.relation == oid} - {0}
            readable = {one.number for one in access.columns(role, other, "SELECT")}
            if not access.on_table(role, other, "SELECT") and not (readable and read <= readable):
                return f'policy "{policy.name}" reads {catalog.identity(other)}, which this role may not'
        for oid in policy.functions:
            function = catalog.functions.get(oid)
            if function is not None and not access.may_call(caller, function):
                return f'policy "{policy.name}" calls {catalog.function_identity(function)}, which this role may not'
    return ""
