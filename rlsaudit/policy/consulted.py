"""Which tables decide on the rows of others: what their policies look into, and what that depends on in turn."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.policy.body import body_of
from rlsaudit.policy.expr import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.policy.body import Body
    from rlsaudit.policy.expr import Expr


def consulted(catalog: Catalog, conditions: Iterable[tuple[int, Expr]]) -> Mapping[int, frozenset[int]]:
    """Returns for each relation (an OID) the relations that it depends on who sees which of its rows.

    Args:
        catalog: The facts.
        conditions: What policies ask, each behind the relation whose rows it is about.
    """
    direct: defaultdict[int, set[int]] = defaultdict(set)
    for relation, condition in conditions:
        direct[relation] |= {source.relation for query in queries(condition) for source in query.sources}
    for policy in catalog.snapshot.policies:
        direct[policy.relation] |= {ref.relation for ref in policy.columns} - {policy.relation}
        direct[policy.relation] |= set(read_in(catalog, policy.functions))
    for rule in catalog.snapshot.rewrites:
        # What a view shows is seen by whoever sees what it reads.
        direct[rule.relation] |= {ref.relation for ref in rule.columns} | set(read_in(catalog, rule.functions))
    return {oid: _closure(oid, direct) for oid in direct}


def read_in(catalog: Catalog, functions: Iterable[int]) -> Iterator[int]:
    """Yields the relations (OIDs) that bodies read by name, those of the functions that they call among them."""
    for body in _bodies(catalog, functions):
        yield from _named(catalog, body.reads)


def touched_in(catalog: Catalog, functions: Iterable[int]) -> Iterator[int]:
    """Yields the relations (OIDs) that bodies read or write by name, in the same way."""
    for body in _bodies(catalog, functions):
        yield from _named(catalog, body.reads)
        yield from _named(catalog, (name for _, name in body.writes))


def _bodies(catalog: Catalog, functions: Iterable[int]) -> Iterator[Body]:
    waiting, seen = list(functions), set[int]()
    while waiting:
        oid = waiting.pop()
        function = catalog.functions.get(oid)
        if oid in seen or function is None or function.extension is not None:
            continue
        seen.add(oid)
        body = body_of(function)
        yield body
        for name in body.calls:
            same_name = (one for one in catalog.snapshot.functions if one.name == name[-1])
            waiting += [one.oid for one in same_name]


def _named(catalog: Catalog, names: Iterable[tuple[str, ...]]) -> Iterator[int]:
    for name in names:
        same = (one for one in catalog.snapshot.relations if one.name == name[-1])
        yield from (one.oid for one in same if len(name) == 1 or catalog.schema_name(one) == name[-2])


def _closure(start: int, direct: Mapping[int, set[int]]) -> frozenset[int]:
    waiting, seen = list(direct.get(start, ())), set[int]()
    while waiting:
        oid = waiting.pop()
        if oid not in seen:
            seen.add(oid)
            waiting += direct.get(oid, ())
    return frozenset(seen)
