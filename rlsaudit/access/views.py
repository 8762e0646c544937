"""Views: which relations a view reads, and with whose rights.

A view reads with its owner's rights unless it has `security_invoker`; then with those of whoever runs the query, even
inside another view (https://www.postgresql.org/docs/current/sql-createview.html). Schema USAGE is not asked for what a
view reads: its names were resolved when it was made.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.access import deparsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.access.privileges import Access
    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Relation

_TRUE = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
"""What `parse_bool` takes for true; view options are stored as they were written."""


@dataclass(frozen=True, slots=True)
class ViewRead:
    """A relation that a view reaches: `role` is the role whose privileges and policies apply to it.

    `through` are the views on the way, outermost first. `granted` is false where that role may not read it, or a view
    on the way: the query then fails as a whole, whatever it picks of the view. A materialized view holds rows of its
    own: `stored` says that one is on the way, and no policy applies; `role` is then the one that a refresh reads with.
    """

    relation: Relation
    role: int
    through: tuple[Relation, ...]
    granted: bool
    stored: bool


@dataclass(frozen=True, slots=True)
class _Query:
    """The query of a view, `runs_as` whom: the caller, or who owns the materialized view that it fills.

    `optional`: a query on the outermost view need not run it.
    """

    view: Relation
    through: tuple[Relation, ...]
    runs_as: int
    granted: bool
    stored: bool
    optional: bool


def is_invoker(view: Relation) -> bool:
    """Whether the view reads with the rights of whoever runs the query."""
    return _is_set(view, "security_invoker")


def is_barrier(view: Relation) -> bool:
    """Whether the view's own condition is asked before anything of a query's that could tell."""
    return _is_set(view, "security_barrier")


def _is_set(view: Relation, option: str) -> bool:
    options = dict(one.partition("=")[::2] for one in view.options)
    return options.get(option, "").lower() in _TRUE


def reads_through(access: Access, view: Relation, caller: int) -> tuple[ViewRead, ...]:
    """Returns every table that a query on `view` by `caller` reads, through nested views.

    A view on the way is among them only where it may not be read, for it may read no table at all. `caller` is taken to
    hold SELECT on the view itself.

    Where a table is read only by a subquery in a view's output, or by a CTE, a query that does not pick that column
    runs without SELECT on it: such a read is always `granted`. Not seen: a reference to a whole row (`select t from
    t`), for which Postgres asks for every column, and whether the functions may be called that the views call.
    """
    found: list[ViewRead] = []
    waiting = [_Query(view, (), caller, granted=True, stored=False, optional=False)]
    seen: set[tuple[int, int, int, bool, bool, bool]] = set()
    while waiting:
        query = waiting.pop()
        current = query.view
        role = query.runs_as if current.kind == "v" and is_invoker(current) else current.owner
        key = (current.oid, role, query.runs_as, query.granted, query.stored, query.optional)
        if key in seen:
            continue
        seen.add(key)
        through = (*query.through, current)
        # What fills a materialized view runs as its owner, now and then; nothing is checked when it is read.
        stored = query.stored or current.kind == "m"
        runs_as = current.owner if current.kind == "m" else query.runs_as
        for oid, columns in sorted(_read(access.catalog, current).items()):
            relation = access.catalog.relations[oid]
            optional = query.optional or columns is None
            granted = query.granted and (
                stored or optional or _may_read(access, role, relation, columns or frozenset())
            )
            if relation.kind in "vm":
                waiting.append(_Query(relation, through, runs_as, granted, stored, optional))
                if granted or not query.granted:
                    continue
            found.append(ViewRead(relation, role, through, granted, stored))
    return tuple(found)


def _may_read(access: Access, role: int, relation: Relation, columns: frozenset[int]) -> bool:
    """Whether `role` may run a query that reads these columns of `relation`; any one will do where it reads none."""
    if access.on_table(role, relation, "SELECT"):
        return True
    readable = {one.number for one in access.columns(role, relation, "SELECT")}
    return bool(readable) and columns <= readable


def _read(catalog: Catalog, view: Relation) -> Mapping[int, frozenset[int] | None]:
    """The numbers of the columns that the query of `view` is sure to read, by relation; None: it may read none.

    A view depends on a table just the same for `'t'::regclass`, and on its columns for a value of its row type: what a
    function returned, say. Where a column may be that, or be read by an optional part of the query, it is left out: to
    ask for too little is better than to call a query denied that runs.
    """
    columns: defaultdict[int, set[int]] = defaultdict(set)
    returned: set[str] = set()
    for rewrite in catalog.rewrites[view.oid]:
        if rewrite.name == "_RETURN":
            for reference in rewrite.columns:
                columns[reference.relation].add(reference.column)
            returned |= {catalog.functions[oid].returns for oid in rewrite.functions if oid in catalog.functions}
    query = view.definition or ""
    sure, optional = deparsed.parts(query)
    read: dict[int, frozenset[int] | None] = {}
    for oid, numbers in columns.items():
        relation = catalog.relations.get(oid)
        # To ask for the state of a sequence is to read no row.
        if relation is None or relation.kind == "S" or oid == view.oid:
            continue
        name = (catalog.schema_name(relation), relation.name)
        may_be_elsewhere = deparsed.is_source(*name, optional)
        if deparsed.is_source(*name, sure):
            other = may_be_elsewhere or deparsed.is_type(*name, query, frozenset(returned))
            read[oid] = frozenset() if other else frozenset(numbers - {0})
        elif may_be_elsewhere:
            read[oid] = None
    return read
