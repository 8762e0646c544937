"""Functions that a view calls and whoever asks may not: what they keep back depends on where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.query import Query


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A call that the caller may not make. `filters`: it may stand between the rows; `always`: every query makes it."""

    why: str
    filters: bool
    always: bool


def forbidden_calls(
    access: Access, shape: Callable[[Relation], Query | None], caller: int, view: Relation
) -> Iterator[Forbidden]:
    """The functions that this view and those below call and the caller may not.

    A column is computed only for whoever picks it, or what is made of it, and a view below one that joins may go
    unread. EXECUTE is the caller's to hold, whoever's rights the view has. `shape` gives the shape of a view's query.
    """
    catalog = access.catalog
    pending, seen = [(view, True)], set[int]()
    while pending:
        current, read = pending.pop()
        if current.oid in seen or current.kind != "v":
            continue
        seen.add(current.oid)
        query = shape(current)
        plain = query is not None and query.plain
        always = read and plain and query is not None and query.asks_always
        for rewrite in catalog.rewrites[current.oid]:
            if rewrite.name != "_RETURN":
                continue
            called = (catalog.functions.get(oid) for oid in rewrite.functions)
            for function in (one for one in called if one and not access.may_call(caller, one)):
                name = (catalog.schemas[function.schema].name, function.name)
                filters = query is None or not plain or name in query.asks
                why = f"the view calls {catalog.function_identity(function)}, which this role may not"
                yield Forbidden(why, filters, always and filters)
            below = (catalog.relations.get(one.relation) for one in rewrite.columns)
            pending.extend((one, read and plain) for one in below if one is not None)
