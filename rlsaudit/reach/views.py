"""Reach through views: a plain filter is solved together with the policies below it, others by what they read.

A view checks its relations as its owner, or as the caller with `security_invoker`; the identity that policies and
filters ask for (`auth.uid()`, `current_user`) stays the caller's either way.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.access.views import ViewRead, is_invoker, reads_through
from rlsaudit.catalog.firing import is_instead
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.names import ident
from rlsaudit.policy.decide import decide, decide_rows
from rlsaudit.policy.formula import TRUE, And, Atom, AtomKind, Formula, Or, Written
from rlsaudit.policy.parse import parse_node
from rlsaudit.policy.query import Query, read_query
from rlsaudit.reach.bounds import Way, anything, none
from rlsaudit.reach.chain import Chain, Link, enforced
from rlsaudit.reach.columns import Insertable, can_change
from rlsaudit.reach.family import descendants
from rlsaudit.reach.forbidden import forbidden_calls
from rlsaudit.reach.joined import Joined, fails_below
from rlsaudit.reach.refused import may_fail
from rlsaudit.reach.triggers import refusing_trigger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.decide import Bounds, Decider, RowsDecider
    from rlsaudit.reach.predicates import Predicates

# pg_relation_is_updatable: 1 << CmdType, from src/include/nodes/nodes.h.
_UPDATABLE = {Operation.UPDATE: 1 << 2, Operation.INSERT: 1 << 3, Operation.DELETE: 1 << 4}
_DEEPEST = 16
_NEVER_FIRES = frozenset({"D", "R"})
_CALLS_WITHOUT_ROWS = frozenset({("auth", "uid"), ("auth", "jwt"), ("auth", "role"), ("lower",), ("upper",), ("now",)})
_SETS = frozenset(
    (name,)
    for name in (
        "generate_series", "generate_subscripts", "json_array_elements", "json_array_elements_text", "json_each",
        "json_each_text", "json_object_keys", "json_populate_recordset", "json_to_recordset", "jsonb_array_elements",
        "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text", "jsonb_object_keys", "jsonb_path_query",
        "jsonb_path_query_tz", "jsonb_populate_recordset", "jsonb_to_recordset", "regexp_matches",
        "regexp_split_to_table", "string_to_table", "unnest", "xpath_table",
    )
)  # fmt: skip
"""Functions of pg_catalog that give any number of rows, none among them, in the place of one."""


class Views:
    """Ways through views of one snapshot."""

    def __init__(
        self,
        access: Access,
        predicates: Predicates,
        decider: Decider = decide,
        rows_decider: RowsDecider = decide_rows,
    ) -> None:
        self._decide = decider
        self._access = access
        self._catalog = access.catalog
        self._predicates = predicates
        self._insertable = Insertable(access)
        self._joined = Joined(access, predicates, rows_decider)
        self._shapes: dict[int, Query | None] = {}
        self._chains: dict[tuple[str, int, int], Chain | None] = {}
        self._reads: dict[tuple[int, int], tuple[ViewRead, ...]] = {}
        self._failures: dict[tuple[int, int, bool], str] = {}

    def way(self, persona: Persona, caller: int, view: Relation, operation: Operation) -> Way:
        """Returns how far the persona gets with `operation` over the rows that the view shows.

        `caller` is the role that runs the query and holds the privilege on the view.
        """
        if operation is not Operation.SELECT:
            return self._write(persona, caller, view, operation)
        barred = self._barred(caller, view)
        if barred:
            return none(barred)
        forbidden = self._forbidden(caller, view)
        chain = self.chain(persona, caller, view)
        if chain is not None:
            bounds = self._decide(self._visible(persona, chain, Operation.SELECT))
            evidence = EvidenceKind.PROOF if self._filtered(chain) else EvidenceKind.CATALOG
            because = f"{self._rights(view)} {self._catalog.identity(chain.base)}: {bounds.because}"
            least, why = self._surely_shown(caller, chain, bounds.at_least)
            return Way(
                least,
                bounds.at_most,
                evidence,
                because + why,
                chosen=bounds.chosen,
                given=bounds.given,
                steps=bounds.steps,
            )
        if self._shows_nothing(persona, caller, view):
            return Way(Reach.NONE, Reach.NONE, EvidenceKind.PROOF, "no row passes the policies of any table below it")
        over = self._joined.over(persona, caller, view)
        if over is not None:
            return self._as_far_as(caller, view, over, f"{self._rights(view)} its tables: {over.because}")
        asking = forbidden or self._asking(caller, view)
        if asking:
            return anything(f"a view that is not a plain filter, and {asking}")
        return Way(
            Reach.ALL, Reach.ALL, EvidenceKind.CATALOG, f"{self._rights(view)} its tables, the same rows for everybody"
        )

    def into(self, persona: Persona, caller: int, view: Relation, base: Relation, operation: Operation) -> Way | None:
        """Returns how far the view takes the persona into `base`, a table that it reads; None where it does not."""
        if operation is not Operation.SELECT:
            return self._written_into(persona, caller, view, base, operation)
        if self._barred(caller, view):
            return None
        via = self._catalog.identity(view)
        chain = self.chain(persona, caller, view) if view.kind == "v" else self._stored_chain(persona, view)
        if chain is not None and chain.base.oid == base.oid:
            rows = self._visible(persona, chain, operation)
            bounds = self._decide(rows)
            least, why = self._surely_shown(caller, chain, bounds.at_least)
            because = f"{self._rights(view)} it: {bounds.because}{why}"
            way = Way(
                least,
                bounds.at_most,
                EvidenceKind.PROOF,
                because,
                via,
                chosen=bounds.chosen,
                given=bounds.given,
                rows=rows,
                steps=bounds.steps,
            )
            return self._into_only(way, base) if chain.only else way
        reads = [one for one in self.reads(view, caller) if one.relation.oid == base.oid]
        if not reads:
            return None
        joined = self._joined.into(persona, caller, view, base)
        if joined is not None:
            because = f"{self._rights(view)} it and others: {joined.because}"
            return replace(self._as_far_as(caller, view, joined, because), via=via)
        if all(not one.stored and self._access.rls_applies(one.role, base) for one in reads):
            # Whatever else the view asks, its rows of this table pass the table's own policies.
            rows = Or(tuple(self._predicates.using(persona, one.role, base, operation) for one in reads))
            at_most = self._decide(rows).at_most
            return Way(Reach.NONE, at_most, EvidenceKind.PROOF, "read by a view, within RLS", via, rows=rows)
        return anything("read by a view that joins, groups or limits", via)

    def _as_far_as(self, caller: int, view: Relation, bounds: Bounds, because: str) -> Way:
        """The way through a view that combines tables, as far as it surely leads."""
        why = ""
        if bounds.at_least is not Reach.NONE:
            query = self.shape(view)
            sets = "a function in it may give no row" if query is None or self._gives_sets(query) else ""
            why = (
                self._forbidden(caller, view)
                or sets
                or fails_below(self._access, self._predicates.circles, caller, view)
            )
        least, because = (Reach.NONE, f"{because}; {why}") if why else (bounds.at_least, because)
        evidence = EvidenceKind.PROOF if least is bounds.at_most else EvidenceKind.NONE
        steps = bounds.steps if least is not Reach.NONE else ()
        return Way(least, bounds.at_most, evidence, because, given=bounds.given, steps=steps)

    def reads(self, view: Relation, caller: int) -> tuple[ViewRead, ...]:
        """Returns what a query on the view by `caller` reads."""
        key = (view.oid, caller)
        if key not in self._reads:
            self._reads[key] = reads_through(self._access, view, caller)
        return self._reads[key]

    def _written_into(
        self, persona: Persona, caller: int, view: Relation, base: Relation, operation: Operation
    ) -> Way | None:
        if view.kind != "v" or not view.updatable & _UPDATABLE[operation]:
            return None
        chain = self.chain(persona, caller, view)
        if chain is not None and chain.base.oid != base.oid:
            return None
        if chain is None and all(one.relation.oid != base.oid for one in self.reads(view, caller)):
            return None
        way = replace(self._write(persona, caller, view, operation), via=self._catalog.identity(view))
        narrowed = chain is not None and chain.only and operation is not Operation.INSERT
        return self._into_only(way, base) if narrowed else way

    def _into_only(self, way: Way, base: Relation) -> Way:
        """The way to a table's own rows as one to all that it stands for, those of its parts included."""
        if not descendants(self._catalog, base):
            return way
        least, most = min(way.at_least, Reach.SOME), min(way.at_most, Reach.SOME)
        return replace(way, at_least=least, at_most=most, with_parts=False)

    def _surely_shown(self, caller: int, chain: Chain, least: Reach) -> tuple[Reach, str]:
        """How far a chain surely leads, whose filters say `least`, and why not that far."""
        if least is Reach.NONE:
            return least, ""
        outermost = chain.links[0].view
        picked = any(one.name in chain.columns for one in self._access.columns(caller, outermost, "SELECT"))
        for one in forbidden_calls(self._access, self.shape, caller, outermost):
            # Whoever picks a column that is a table's own calls nothing that another column is made with.
            if one.filters or not picked:
                return Reach.NONE, f"; {one.why}"
        if not chain.sure:
            return Reach.NONE, "; a function in it may give no row"
        if chain.stored or not self._access.rls_applies(chain.role, chain.base):
            return least, ""
        circles = self._predicates.circles
        failing = may_fail(self._access, circles, chain.role, caller, chain.base, Operation.SELECT)
        return (Reach.NONE, f"; {failing}") if failing else (least, "")

    def _shows_nothing(self, persona: Persona, caller: int, view: Relation) -> bool:
        """Whether no table below the view has a row for the persona, and the view makes none of its own."""
        reads, query = self.reads(view, caller), self.shape(view)
        if not reads or query is None or query.summarises or not query.calls <= _CALLS_WITHOUT_ROWS:
            return False
        return all(
            not one.stored
            and self._access.rls_applies(one.role, one.relation)
            and self._decide(self._predicates.using(persona, one.role, one.relation, Operation.SELECT)).at_most
            is Reach.NONE
            for one in reads
        )

    def chain(self, persona: Persona, caller: int, view: Relation, depth: int = 0) -> Chain | None:
        """Returns the view as a filter over one table; None where it is not one."""
        key = (persona.name, caller, view.oid)
        if key not in self._chains:
            self._chains[key] = self._chain(persona, caller, view, depth)
        return self._chains[key]

    def _chain(self, persona: Persona, caller: int, view: Relation, depth: int) -> Chain | None:
        query = self.shape(view)
        if query is None or not query.plain or query.source is None or depth > _DEEPEST:
            return None
        if re.search(rf"(?<![\w.]){re.escape(ident(query.alias))}\s*\(", view.definition or ""):
            # `from notes n (id, owner)`: the columns have other names in there.
            return None
        source = self._catalog.relations_by_name.get(query.source)
        if source is None or source.kind not in "rpvm" or any(one.kind in "aw" for one in self._called(query)):
            return None
        inner = self.chain(persona, caller, source, depth + 1) if source.kind in "vm" else None
        if source.kind in "vm" and inner is None:
            return None
        base, below, columns = (
            (inner.base, inner.filters, inner.columns)
            if inner is not None
            else (source, TRUE, self._predicates.columns(source))
        )
        where: Formula = TRUE
        if query.where is not None:
            rights = caller if view.kind == "v" and is_invoker(view) else view.owner
            scope = self._predicates.scope(persona, base, rights)
            where = parse_node(query.where, replace(scope, relation=query.alias, columns=columns))
        stored = view.kind == "m" or (inner is not None and inner.stored)
        filters: Formula = And((below, where))
        if stored and (query.asks_identity or self._predicates.asks_identity(query.calls)):
            # The identity was that of whoever refreshed it.
            filters = And((below, Atom(AtomKind.OPAQUE, "the filter of a materialized view")))
        shown = {output: columns[name] for output, name in query.columns if name in columns}
        # Whoever the view runs as addresses the one below it, and holds the privileges there.
        role = caller if view.kind == "v" and is_invoker(view) else view.owner
        below_it = () if inner is None else (replace(inner.links[0], caller=role), *inner.links[1:])
        return Chain(
            base,
            role if inner is None else inner.role,
            filters,
            stored,
            shown,
            (Link(view, caller, where, shown), *below_it),
            sure=not self._gives_sets(query) and (inner is None or inner.sure),
            only=query.only if inner is None else inner.only,
        )

    def _called(self, query: Query) -> Iterator[Function]:
        for name in query.calls:
            if len(name) > 1:
                yield from self._catalog.functions_by_name[(name[-2], name[-1])]

    def _gives_sets(self, query: Query) -> bool:
        return bool(query.calls & _SETS) or any(one.returns_set for one in self._called(query))

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
        chain = self.chain(persona, caller, view)
        on_the_way = [view] if chain is None else [one.view for one in chain.links]
        for one in on_the_way if chain is None else [*on_the_way, chain.base]:
            rules = [each for each in self._catalog.rewrites[one.oid] if each.name != "_RETURN"]
            if any(each.enabled not in _NEVER_FIRES for each in rules):
                return anything("a rule rewrites the statement")
        if any(is_instead(trigger) for one in on_the_way for trigger in self._catalog.triggers[one.oid]):
            return anything("an INSTEAD OF trigger does the work")
        if chain is None or chain.stored:
            return anything("a view that is not a plain filter")
        return self._write_chain(persona, caller, view, chain, operation)

    def _write_chain(self, persona: Persona, caller: int, view: Relation, chain: Chain, operation: Operation) -> Way:
        privilege = operation.value.upper()
        for one in chain.links[1:]:
            if not self._access.on_any_column(one.caller, one.view, privilege):
                return none(f"the view below, {self._catalog.identity(one.view)}, may not be written")
        role, base = chain.role, chain.base
        if not self._access.on_any_column(role, base, privilege):
            return none(f"its {self._whose(view)} may not {operation.value} on {self._catalog.identity(base)}")
        circle = self._predicates.circles.refusing(caller, role, base, operation)
        if circle is not None and circle.sure:
            return none(self._predicates.circles.told(circle, operation))
        # A column of a view may have a default of its own, so that one that is shown counts whoever may set it.
        shown = frozenset[int].intersection(*(frozenset(c.number for c in one.columns.values()) for one in chain.links))
        if operation is Operation.INSERT and (lacking := self._insertable.never(base, shown)):
            return none(f"{self._rights(view)} {self._catalog.identity(base)}: {lacking}")
        rls = self._access.rls_applies(role, base)
        using = self._predicates.using(persona, role, base, operation) if rls else TRUE
        policies = self._predicates.check(persona, role, base, operation) if rls else TRUE
        # Without a check option the view's own filter does not limit what is put in.
        check: Formula = And((policies, *enforced(chain)))
        rows = check if operation is Operation.INSERT else And((using, chain.filters))
        bounds = self._decide(rows)
        at_most = bounds.at_most
        if operation is Operation.UPDATE and self._decide(check).at_most is Reach.NONE:
            at_most = Reach.NONE
        caps = self._write_caps(caller, chain, operation, rows, check) if bounds.at_least is not Reach.NONE else []
        least, why = min([(bounds.at_least, ""), (at_most, ""), *caps], key=lambda one: one[0].rank)
        because = f"{self._rights(view)} {self._catalog.identity(base)}: {bounds.because}"
        because = f"{because}; {why}" if why else because
        return Way(
            least,
            at_most,
            EvidenceKind.PROOF,
            because,
            chosen=bounds.chosen,
            given=bounds.given,
            rows=rows,
            steps=bounds.steps,
        )

    def _write_caps(
        self, caller: int, chain: Chain, operation: Operation, rows: Formula, check: Formula
    ) -> list[tuple[Reach, str]]:
        """What keeps a write from surely going as far as the formulas say: how far it does, and why."""
        role, base = chain.role, chain.base
        caps: list[tuple[Reach, str]] = []
        outermost = chain.links[0].view
        if barred := self._barred(caller, outermost, written=chain) or self._forbidden(caller, outermost):
            caps.append((Reach.NONE, barred))
        circles = self._predicates.circles
        failing = self._access.rls_applies(role, base) and may_fail(
            self._access, circles, role, caller, base, operation
        )
        if failing:
            caps.append((Reach.NONE, failing))
        settable = self._settable(chain, operation.value.upper()) if operation is not Operation.DELETE else frozenset()
        if operation is Operation.INSERT:
            # Defaults are computed, and sequences asked for, as the caller, whoever's rights the view has.
            caps.append(self._insertable.most(caller, base, check, settable))
        elif operation is Operation.UPDATE:
            # The old row passed what is asked of it; a new one that is asked for no more can pass as well.
            same = set(_conjuncts(check)) <= {TRUE, *_conjuncts(rows)}
            possible = same or self._decide(check).at_least is not Reach.NONE
            if not possible or not can_change(check, settable, same=same):
                caps.append((Reach.NONE, "what the check asks for cannot all be set"))
        names = {one.name for one in self._catalog.columns[base.oid] if one.number in settable}
        trigger = refusing_trigger(self._catalog, (base, *descendants(self._catalog, base)), operation, names)
        if trigger is not None:
            caps.append((Reach.NONE, f'trigger "{trigger.name}" may refuse it'))
        return caps

    def _settable(self, chain: Chain, privilege: str) -> frozenset[int]:
        """The base table's columns that a statement on the outermost view can set."""
        found = {one.number for one in self._access.columns(chain.role, chain.base, privilege) if not one.generated}
        for link in chain.links:
            granted = {one.name for one in self._access.columns(link.caller, link.view, privilege)}
            found &= {column.number for name, column in link.columns.items() if name in granted}
        return frozenset(found)

    def _barred(self, caller: int, view: Relation, written: Chain | None = None) -> str:
        """Why a query on the view fails for the caller whatever it holds; empty where it does not.

        What is `written` through it need not be readable: Postgres asks for the privilege to write it, and no other.
        """
        key = (caller, view.oid, written is not None)
        if key not in self._failures:
            targets = {one.view.oid for one in written.links} | {written.base.oid} if written is not None else set()
            self._failures[key] = self._why_barred(caller, view, targets)
        return self._failures[key]

    def _why_barred(self, caller: int, view: Relation, written: Collection[int]) -> str:
        if view.kind == "m":
            return ""
        others = [one for one in self.reads(view, caller) if one.relation.oid not in written]
        for read in others:
            if not read.granted:
                return f"the view reads {self._catalog.identity(read.relation)}, which its {self._whose(view)} may not"
        circles = self._predicates.circles
        for read in others:
            circle = None if read.stored else circles.refusing(caller, read.role, read.relation, Operation.SELECT)
            if circle is not None and circle.sure:
                return circles.told(circle, Operation.SELECT)
        return next((one.why for one in forbidden_calls(self._access, self.shape, caller, view) if one.always), "")

    def _forbidden(self, caller: int, view: Relation) -> str:
        """Which function that the view calls the caller may not: empty where none. Not every query calls it."""
        return next((one.why for one in forbidden_calls(self._access, self.shape, caller, view)), "")

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
        for read in self.reads(view, caller):
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


def _conjuncts(formula: Formula) -> Iterator[Formula]:
    if isinstance(formula, Written):
        yield from _conjuncts(formula.meant)
    elif isinstance(formula, And):
        for one in formula.operands:
            yield from _conjuncts(one)
    else:
        yield formula
