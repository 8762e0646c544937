"""What may not be said of a clone that is not alike: nothing by its answers, on what is not as it is in the database.

The catalog's and the prover's verdicts rest on the database's own facts and stand. What was asked in the clone is asked
of something else where a relation is not alike, or where something that it depends on is not: such an answer decides no
cell, opens no chain and is no evidence of a finding.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.model import Reach, Skipped
from rlsaudit.probe.doubts import Doubts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Policy, Rewrite
    from rlsaudit.catalog.likeness import Difference
    from rlsaudit.migrations import Failure
    from rlsaudit.model import Report

_Node: TypeAlias = "tuple[str, str]"
"""The kind and the identity of what may depend on something: `table` for any relation."""
_OF_ALL = frozenset({"role", "membership", "type"})
"""What everything may depend on."""


def doubted(catalog: Catalog, found: Iterable[Difference]) -> Doubts:
    """Returns whose answers are not believed: of what is not alike, and of what depends on that."""
    found = list(found)
    reasons = _reasons(catalog, found)
    return Doubts(
        relations={identity: because for (kind, identity), because in reasons.items() if kind == "table"},
        functions={identity: because for (kind, identity), because in reasons.items() if kind == "function"},
        everything=next((_said(one) for one in found if one.object.type in _OF_ALL), ""),
    )


def unlike(found: Iterable[Difference], failures: Iterable[Failure]) -> list[Skipped]:
    """Returns what is not alike, and statements that failed and made it so."""
    found = list(found)
    names = {_name(one.object.identity) for one in found}
    return [Skipped(f"{one.object.type} {one.object.identity} in the clone", ", ".join(one.what)) for one in found] + [
        Skipped(f"a statement of the clone: {one.statement}", one.message)
        for one in failures
        # A grant to a role that is no more, say: everything that it is about came out as it is.
        if not one.objects or any(_name(each.identity) in names for each in one.objects)
    ]


def with_doubts(report: Report, doubts: Doubts, skipped: Iterable[Skipped]) -> Report:
    """Returns the report with more that was skipped; a cell that is open for want of a believed answer says so."""
    listed = (*report.skipped, *skipped)
    matrix = tuple(
        replace(one, because=f"{one.because}; {because}")
        if one.reach is Reach.UNKNOWN and (because := doubts.of(one.relation))
        else one
        for one in report.matrix
    )
    return replace(report, matrix=matrix, skipped=listed, summary=replace(report.summary, skipped=len(listed)))


def _said(one: Difference) -> str:
    return f"the clone is not alike: {one.object.type} {one.object.identity} ({', '.join(one.what)})"


def _name(identity: str) -> str:
    """A function's name without its arguments, anything else as it is."""
    return identity.partition("(")[0]


def _reasons(catalog: Catalog, found: Iterable[Difference]) -> Mapping[_Node, str]:
    """For relations and functions, what is not alike of them or of what they depend on."""
    reasons = {(_kind(one.object.type), one.object.identity): _said(one) for one in found}
    if reasons:
        users: defaultdict[_Node, set[_Node]] = defaultdict(set)
        for user, used in _uses(catalog).items():
            for node in used:
                users[node].add(user)
        waiting = list(reasons)
        while waiting:
            node = waiting.pop()
            for user in users[node] - reasons.keys():
                reasons[user] = reasons[node]
                waiting.append(user)
    return reasons


def _kind(kind: str) -> str:
    return kind if kind in {"function", "schema"} else "table"


def _uses(catalog: Catalog) -> Mapping[_Node, set[_Node]]:
    """What each relation and function rests on, by its kind and identity: by dependence, or by a name in a body."""
    uses: defaultdict[_Node, set[_Node]] = defaultdict(set)
    tables = {one.oid: ("table", catalog.identity(one)) for one in catalog.snapshot.relations}
    functions = {one.oid: ("function", catalog.function_identity(one)) for one in catalog.snapshot.functions}
    for relation in catalog.snapshot.relations:
        node = tables[relation.oid]
        uses[node].add(("schema", catalog.schemas[relation.schema].name))
        near = (*catalog.children[relation.oid], *catalog.parents[relation.oid])
        uses[node] |= {tables[oid] for oid in near if oid in tables}
        called = (*catalog.row_calls[relation.oid], *(one.function for one in catalog.triggers[relation.oid]))
        uses[node] |= {functions[oid] for oid in called if oid in functions}
        dependent: tuple[Policy | Rewrite, ...] = (*catalog.policies[relation.oid], *catalog.rewrites[relation.oid])
        for one in dependent:
            uses[node] |= {functions[each] for each in one.functions if each in functions}
            uses[node] |= {tables[each.relation] for each in one.columns if each.relation in tables}
    by_name: defaultdict[str, set[_Node]] = defaultdict(set)
    for relation in catalog.snapshot.relations:
        by_name[relation.name.lower()].add(tables[relation.oid])
    for function in catalog.snapshot.functions:
        by_name[function.name.lower()].add(functions[function.oid])
        uses[functions[function.oid]].add(("schema", catalog.schemas[function.schema].name))
    for function in catalog.snapshot.functions:
        for word in set(re.findall(r'"[^"]+"|\w+', function.body.lower())):
            uses[functions[function.oid]] |= by_name.get(word.strip('"'), set())
    return uses
