"""Views: which relations a view reads, and with whose rights.

A view reads with its owner's rights unless it has `security_invoker`; then with those of whoever runs the query, even
inside another view (https://www.postgresql.org/docs/current/sql-createview.html). Schema USAGE is not asked for what a
view reads: its names were resolved when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlsaudit.access.privileges import Access
    from rlsaudit.catalog.facts import Relation

_TRUE = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
"""What `parse_bool` takes for true; view options are stored as they were written."""


@dataclass(frozen=True, slots=True)
class ViewRead:
    """A relation that a view reaches: `role` is the role whose privileges and policies apply to it.

    `through` are the views on the way, outermost first. `granted` is false where that role may not read it: the query
    then fails. A materialized view holds rows of its own: `stored` says that one is on the way, and no policy applies.
    """

    relation: Relation
    role: int
    through: tuple[Relation, ...]
    granted: bool
    stored: bool


def is_invoker(view: Relation) -> bool:
    """Whether the view reads with the rights of whoever runs the query."""
    options = dict(option.partition("=")[::2] for option in view.options)
    return options.get("security_invoker", "").lower() in _TRUE


def reads_through(access: Access, view: Relation, caller: int) -> tuple[ViewRead, ...]:
    """Returns every table that a query on `view` by `caller` reads, through nested views.

    `caller` is taken to hold SELECT on the view itself.
    """
    catalog, found = access.catalog, []
    waiting: list[tuple[Relation, tuple[Relation, ...], bool, bool]] = [(view, (), True, False)]
    seen: set[tuple[int, int, bool, bool]] = set()
    while waiting:
        current, through, granted, stored = waiting.pop()
        # What fills a materialized view ran as its owner, once; nothing is checked when it is read.
        invoker = current.kind == "v" and is_invoker(current) and not stored
        role = caller if invoker else current.owner
        key = (current.oid, role, granted, stored)
        if key in seen:
            continue
        seen.add(key)
        here_stored = stored or current.kind == "m"
        read = {
            reference.relation
            for rewrite in catalog.rewrites[current.oid]
            if rewrite.name == "_RETURN"
            for reference in rewrite.columns
        } - {current.oid}
        for oid in sorted(read):
            relation = catalog.relations.get(oid)
            if relation is None or relation.kind == "S":
                continue
            allowed = granted and (here_stored or bool(access.columns(role, relation, "SELECT")))
            if relation.kind in "vm":
                waiting.append((relation, (*through, current), allowed, here_stored))
            else:
                found.append(ViewRead(relation, role, (*through, current), allowed, here_stored))
    return tuple(found)
