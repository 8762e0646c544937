"""Reach through views: a plain filter is solved together with the policies below it, others by what they read.

A view checks its relations as its owner, or as the caller with `security_invoker`; the identity that policies and
filters ask for (`auth.uid()`, `current_user`) stays the caller's either way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rlsaudit.access.views import is_invoker, reads_through
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy.decide import decide
from rlsaudit.policy.formula import TRUE, And, Atom, AtomKind, Formula
from rlsaudit.policy.parse import parse_node
from rlsaudit.policy.query import Query, read_query
from rlsaudit.policy.values import Scope
from rlsaudit.reach.bounds import Way, anything, none
from rlsaudit.reach.triggers import refusing_trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.scalar import Column
    from rlsaudit.reach.predicates import Predicates

# pg_relation_is_updatable: 1 << CmdType, from src/include/nodes/nodes.h.
_UPDATABLE = {Operation.UPDATE: 1 << 2, Operation.INSERT: 1 << 3, Operation.DELETE: 1 << 4}
_INSTEAD_TRIGGER = 64
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Chain:
    """A view that is a plain filter, down to its base table.

    `filters` is what all its views ask of a row, `role` who the table's policies are for, `stored` whether a
    materialized view is on the way. `columns` are the view's columns as values of the table's row.
    """

    base: Relation
    role: int
    filters: Formula
    stored: bool
    columns: Mapping[str, Column]


class Views:
    """Ways through views of one snapshot."""

    def __init__(self, access: Access, predicates: Predicates) -> None:
        self._access = access
        self._catalog = access.catalog
        self._predicates = predicates
        self._shapes: dict[int, Query | None] = {}

    def way(self, persona: Persona, caller: int, view: Relation, operation: Operation) -> Way:
        """Returns how far the persona gets with `operation` over the rows that the view shows.

        `caller` is the role that runs the query and holds the privilege on the view.
        """
        barred = self._barred(caller, view)
        if barred:
            return none(barred)
        if operation is not Operation.SELECT:
            return self._write(persona, caller, view, operation)
        chain = self.chain(persona, caller, view)
        if chain is not None:
            bounds = decide(self._visible(persona, chain, Operation.SELECT))
            evidence = EvidenceKind.PROOF if self._filtered(chain) else EvidenceKind.CATALOG
            because = f"{self._rights(view)} {self._catalog.identity(chain.base)}: {bounds.because}"
            return Way(bounds.at_least, bounds.at_most, evidence, because, chosen=bounds.chosen)
        asking = self._asking(caller, view)
        if asking:
            return anything(f"a view that is not a plain filter, and {asking}")
        return Way(
            Reach.ALL, Reach.ALL, EvidenceKind.CATALOG, f"{self._rights(view)} its tables, the same rows for everybody"
        )

    def into(self, persona: Persona, caller: int, view: Relation, base: Relation, operation: Operation) -> Way | None:
        """Returns how far the view takes the persona into `base`, a table that it reads; None where it does not."""
        barred = self._barred(caller, view)
        via = self._catalog.identity(view)
        if barred:
            return None
        chain = self.chain(persona, caller, view) if view.kind == "v" else self._stored_chain(persona, view)
        if operation is not Operation.SELECT:
            if chain is None or chain.base.oid != base.oid or chain.stored:
                return None
            way = self._write(persona, caller, view, operation)
            return replace(way, via=via)
        if chain is not None and chain.base.oid == base.oid:
            bounds = decide(self._visible(persona, chain, operation))
            because = f"{self._rights(view)} it: {bounds.because}"
            return Way(bounds.at_least, bounds.at_most, EvidenceKind.PROOF, because, via, chosen=bounds.chosen)
        reads = [one for one in reads_through(self._access, view, caller) if one.relation.oid == base.oid]
        if not reads:
            return None
        if all(not one.stored and self._access.rls_applies(one.role, base) for one in reads):
            # Whatever else the view asks, its rows of this table pass the table's own policies.
            at_most = max(decide(self._predicates.using(persona, one.role, base, operation)).at_most for one in reads)
            return Way(Reach.NONE, at_most, EvidenceKind.PROOF, "read by a view, within RLS", via)
        return anything("read by a view that joins, groups or limits", via)

    def chain(self, persona: Persona, caller: int, view: Relation, depth: int = 0) -> Chain | None:
        """Returns the view as a filter over one table; None where it is not one."""
        query = self.shape(view)
        if query is None or not query.plain or query.source is None or depth > _DEEPEST:
            return None
        source = self._catalog.relations_by_name.get(query.source)
        if source is None or source.kind not in "rpvm":
            return None
        # Functions called by the targets do not change which rows there are.
        role = caller if view.kind == "v" and is_invoker(view) else view.owner
        if source.kind in "vm":
            inner = self.chain(persona, caller, source, depth + 1)
            if inner is None:
                return None
            base, below, columns, stored, role = inner.base, inner.filters, inner.columns, inner.stored, inner.role
        else:
            base, below, columns, stored = source, TRUE, self._predicates.columns(source), False
        where: Formula = TRUE
        if query.where is not None:
            known = self._predicates.scope(persona, base)
            scope = Scope(persona, query.alias, columns, known.trusted, known.helpers)
            where = parse_node(query.where, scope)
        filters: Formula = And((below, where))
        if (stored or view.kind == "m") and query.asks_identity:
            # The identity was that of whoever refreshed it.
            filters = And((below, Atom(AtomKind.OPAQUE, "the filter of a materialized view")))
        shown = {output: columns[name] for output, name in query.columns if name in columns}
        return Chain(base, role, filters, stored or view.kind == "m", shown)

    def shape(self, view: Relation) -> Query | None:
        """Returns the shape of the view's query, None where it cannot be parsed."""
        if view.oid not in self._shapes:
            self._shapes[view.oid] = read_query(view.definition or "")
        return self._shapes[view.oid]

    def _stored_chain(self, persona: Persona, view: Relation) -> Chain | None:
        chain = self.chain(persona, view.owner, view)
        # What filled it ran as its owner: rows that the owner may not see are not in it, but the owner is no persona.
        return chain if chain is not None and not self._access.rls_applies(chain.role, chain.base) else None

    def _visible(self, persona: Persona, chain: Chain, operation: Operation) -> Formula:
        if chain.stored or not self._access.rls_applies(chain.role, chain.base):
            return chain.filters
        return And((self._predicates.using(persona, chain.role, chain.base, operation), chain.filters))

    def _filtered(self, chain: Chain) -> bool:
        protected = not chain.stored and self._access.rls_applies(chain.role, chain.base)
        return protected or chain.filters not in {TRUE, And((TRUE, TRUE))}

    def _write(self, persona: Persona, caller: int, view: Relation, operation: Operation) -> Way:
        if not view.updatable & _UPDATABLE[operation]:
            return none(f"the view does not support {operation.value}")
        if any(one.name != "_RETURN" for one in self._catalog.rewrites[view.oid]):
            return anything("a rule rewrites the statement")
        if any(one.type & _INSTEAD_TRIGGER for one in self._catalog.triggers[view.oid]):
            return anything("an INSTEAD OF trigger does the work")
        chain = self.chain(persona, caller, view)
        if chain is None or chain.stored:
            return anything("a view that is not a plain filter")
        source_role = chain.role
        if not self._access.columns(source_role, chain.base, operation.value.upper()) and not self._access.on_table(
            source_role, chain.base, operation.value.upper()
        ):
            return none(f"its {self._whose(view)} may not {operation.value} on {self._catalog.identity(chain.base)}")
        rls = self._access.rls_applies(source_role, chain.base)
        using = self._predicates.using(persona, source_role, chain.base, operation) if rls else TRUE
        check = self._predicates.check(persona, source_role, chain.base, operation) if rls else TRUE
        options = {option.partition("=")[0] for option in view.options}
        if operation is Operation.INSERT:
            # Without a check option the view's own filter does not limit what is put in.
            bounds = decide(And((check, chain.filters)) if "check_option" in options else check)
        else:
            bounds = decide(And((using, chain.filters)))
        sure = bounds.at_least
        if operation is Operation.UPDATE and decide(check).at_least is Reach.NONE:
            sure = Reach.NONE
        limited = len(chain.columns) < len(self._catalog.columns[chain.base.oid])
        if operation is Operation.INSERT and limited and self._lacks_required(chain):
            sure = Reach.NONE
        trigger = refusing_trigger(self._catalog, chain.base, operation)
        nested = self.shape(view)
        if trigger is not None or nested is None or "check_option" in options:
            sure = Reach.NONE
        because = f"{self._rights(view)} {self._catalog.identity(chain.base)}: {bounds.because}"
        return Way(sure, bounds.at_most, EvidenceKind.PROOF, because)

    def _lacks_required(self, chain: Chain) -> bool:
        """Whether a new row needs a column that the view does not show."""
        shown = {one.number for one in chain.columns.values()}
        return any(
            one.not_null and not one.default and one.number not in shown
            for one in self._catalog.columns[chain.base.oid]
        )

    def _barred(self, caller: int, view: Relation) -> str:
        """Why a query on the view fails for the caller whatever it holds; empty where it does not."""
        if view.kind == "m":
            return ""
        for read in reads_through(self._access, view, caller):
            if not read.granted:
                return f"the view reads {self._catalog.identity(read.relation)}, which its {self._whose(view)} may not"
        for rewrite in self._catalog.rewrites[view.oid]:
            for oid in rewrite.functions if rewrite.name == "_RETURN" else ():
                function = self._catalog.functions.get(oid)
                if function is not None and not self._access.may_call(caller, function):
                    return f"the view calls {self._catalog.function_identity(function)}, which this role may not"
        return ""

    def _asking(self, caller: int, view: Relation) -> str:
        """What makes a view's rows depend on who asks; empty where nothing does."""
        pending, seen = [view], set[int]()
        while pending:
            current = pending.pop()
            if current.oid in seen:
                continue
            seen.add(current.oid)
            query = self.shape(current)
            if query is None:
                return "its query is not understood"
            if query.asks_identity or self._predicates.asks_identity(query.calls):
                return "its rows depend on who asks"
            for rewrite in self._catalog.rewrites[current.oid]:
                oids = {one.relation for one in rewrite.columns} - {current.oid}
                found = [self._catalog.relations[oid] for oid in oids if oid in self._catalog.relations]
                pending.extend(one for one in found if one.kind == "v")
        for read in reads_through(self._access, view, caller):
            if not read.stored and self._access.rls_applies(read.role, read.relation):
                return f"RLS applies to {self._catalog.identity(read.relation)} below it"
            if read.relation.kind == "f":
                return f"{self._catalog.identity(read.relation)} is a foreign table"
        return ""

    def _whose(self, view: Relation) -> str:
        return "caller" if is_invoker(view) else "owner"

    def _rights(self, view: Relation) -> str:
        if view.kind == "m":
            return "a materialized view holds rows of"
        if is_invoker(view):
            return "security_invoker view over"
        owner = self._catalog.roles.get(view.owner)
        return f"runs with the rights of its owner {owner.name if owner else view.owner} on"
