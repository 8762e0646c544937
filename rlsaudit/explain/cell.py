"""One cell, explained: each way that leads the persona to the relation's rows, or ends on the way there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.access import Link, Reasons
from rlsaudit.access.views import is_invoker
from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.catalog.index import KINDS
from rlsaudit.explain.asides import asides
from rlsaudit.explain.flaws import flaws
from rlsaudit.explain.proof import proof
from rlsaudit.model import Operation, Reach
from rlsaudit.names import ident
from rlsaudit.reach import widest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Cell, Persona
    from rlsaudit.reach import Way
    from rlsaudit.rules import Case


@dataclass(frozen=True, slots=True)
class Route:
    """One way to the rows. `via` is the object that leads there (empty: the relation itself), `kind` what that is.

    `links` are what it depends on, in the order in which the server asks; `because` is what decides how far it goes,
    and `proof` what that rests on where a predicate was solved.
    """

    via: str
    kind: str
    at_least: Reach
    at_most: Reach
    because: str
    links: tuple[Link, ...]
    columns: tuple[str, ...] | None = None
    proof: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a cell is what it is. `cell` is None where the relation is not exposed to the persona; `notes` say why.

    `reach` is the cell's, or what the routes come to where there is none. The first route is the relation itself.
    `asides` tell of the rows without handing them out as a statement does: publications, public buckets, foreign keys.
    `flaws` are what is wrong with the policies that apply.
    """

    persona: str
    role: str
    operation: Operation
    relation: str
    kind: str
    reach: Reach
    routes: tuple[Route, ...]
    notes: tuple[str, ...]
    cell: Cell | None
    asides: tuple[str, ...] = ()
    flaws: tuple[str, ...] = ()


def explain(
    case: Case, persona: Persona, relation: Relation, operation: Operation, matrix: Iterable[Cell]
) -> Explanation:
    """Returns why the persona reaches what it does of the relation with the operation.

    `matrix` is the report's: what became of the case's own where statements of a replay failed.
    """
    routes = tuple(_Routes(case, persona, operation).to(relation))
    key = (persona.name, case.catalog.identity(relation), operation)
    cell = next((one for one in matrix if (one.persona, one.relation, one.operation) == key), None)
    ways = [case.direct.way(persona, relation, operation), *case.indirect.ways(persona, relation, operation)]
    way = widest(ways)
    found = way.at_least if way.decided else Reach.UNKNOWN
    return Explanation(
        persona=persona.name,
        role=persona.role,
        operation=operation,
        relation=case.catalog.identity(relation),
        kind=KINDS[relation.kind],
        reach=found if cell is None else cell.reach,
        routes=routes,
        notes=tuple(_notes(case, persona, relation, cell)),
        cell=cell,
        asides=tuple(asides(case, persona, relation, operation)),
        flaws=tuple(flaws(case, persona, relation, operation)),
    )


_GOT = {
    Reach.NONE: "attacks got to no row",
    Reach.OWN: "attacks got to a user's own rows only,",
    Reach.SOME: "attacks got to some rows of others,",
    Reach.ALL: "attacks got to all rows,",
}


def _notes(case: Case, persona: Persona, relation: Relation, cell: Cell | None) -> Iterator[str]:
    if cell is not None and not cell.reach.decided and cell.attacked is not None:
        got = _GOT[cell.attacked]
        yield f"{got} with rows made for them, by statements on it alone: no proof that nothing gets further"
    if cell is None:
        schema = ident(case.catalog.schema_name(relation))
        addressed = case.catalog.schema_name(relation) in case.served[persona.name]
        why = (
            f"its role has no USAGE on the schema {schema}"
            if addressed
            else f"the API does not serve the schema {schema}"
        )
        yield f"not exposed to {persona.name}: {why}. Other ways to its rows count all the same."
    elif not cell.escalated.decided:
        yield f"what a chain of statements would gain is not known: {cell.escalated_because}"


class _Routes:
    """Ways of one persona and operation, with their links."""

    def __init__(self, case: Case, persona: Persona, operation: Operation) -> None:
        self._case = case
        self._catalog = case.catalog
        self._persona = persona
        self._operation = operation
        self._role = case.role(persona).oid
        self._reasons = Reasons(case.access)
        self._relations = {case.catalog.identity(one): one for one in case.catalog.snapshot.relations}
        self._functions = {case.catalog.function_identity(one): one for one in case.catalog.snapshot.functions}

    def to(self, relation: Relation) -> Iterator[Route]:
        direct = self._case.direct.way(self._persona, relation, self._operation)
        yield self._route(direct, KINDS[relation.kind], tuple(self._direct(relation)))
        for way in self._case.indirect.ways(self._persona, relation, self._operation):
            if way.at_most is not Reach.NONE:
                yield self._indirect(way, relation)

    def _route(self, way: Way, kind: str, links: tuple[Link, ...]) -> Route:
        return Route(way.via, kind, way.at_least, way.at_most, way.because, links, way.columns, proof(way))

    def _direct(self, relation: Relation) -> Iterator[Link]:
        """What addressing a relation by its name depends on, up to where it ends."""
        yield from _until_it_ends(self._asked(relation))

    def _asked(self, relation: Relation) -> Iterator[Link]:
        yield self._reasons.usage(self._role, self._catalog.schemas[relation.schema])
        yield self._reasons.privilege(self._role, relation, self._operation.value.upper())
        if relation.kind in "rp":
            yield from self._rows(self._role, relation)
        elif relation.kind in "vm":
            yield from self._view(relation)
        elif relation.kind == "f":
            yield self._foreign(relation)

    def _rows(self, role: int, relation: Relation) -> Iterator[Link]:
        yield self._reasons.row_security(role, relation)
        if self._case.access.rls_applies(role, relation):
            yield from self._reasons.policies(role, relation, self._operation)

    def _view(self, view: Relation) -> Iterator[Link]:
        """With whose rights a view reads which tables, and whether their policies filter there."""
        owner = self._case.access.name(view.owner)
        if view.kind == "m":
            rights = f"was filled with the rights of its owner, {owner}: its rows are its own, without policies"
        elif is_invoker(view):
            rights = "reads with the rights of whoever asks (security_invoker)"
        else:
            rights = f"reads with the rights of its owner, {owner}"
        yield Link(f"{KINDS[view.kind].replace('_', ' ')} {self._catalog.identity(view)} {rights}")
        for read in self._case.reads(self._persona, view):
            through = " through ".join(self._catalog.identity(one) for one in reversed(read.through[1:]))
            base = self._catalog.identity(read.relation)
            what = f"reads {base} as {self._case.access.name(read.role)}{f', through {through}' if through else ''}"
            if not read.granted:
                yield Link(what, ("which may not be read so: a query on the view fails",), ends=True)
                continue
            filters = self._reasons.row_security(read.role, read.relation)
            yield Link(what, () if read.stored else (filters.what, *filters.through))

    def _foreign(self, relation: Relation) -> Link:
        """Whose credentials a foreign table's server is given, which then decides."""
        facts = self._catalog.snapshot
        oid = next((one.server for one in facts.foreign_tables if one.relation == relation.oid), 0)
        server = next((ident(one.name) for one in facts.foreign_servers if one.oid == oid), "?")
        mapped = {one.role for one in facts.user_mappings if one.server == oid}
        whose = self._role if self._role in mapped else PUBLIC if PUBLIC in mapped else None
        why = (
            "no user mapping is for this role"
            if whose is None
            else f"by the user mapping for {self._case.access.name(whose)}"
        )
        return Link(f"the server {server} decides, far away", (why,))

    def _indirect(self, way: Way, relation: Relation) -> Route:
        there = self._relations.get(way.via)
        if there is not None:
            shown = self._shown(there, relation)
            return self._route(way, self._kind(there, relation), (*self._direct(there), *shown))
        function = self._functions.get(way.via)
        if function is not None:
            kind = "security definer function" if function.security_definer else "function"
            return self._route(way, kind, tuple(_until_it_ends(self._called(function))))
        return self._route(way, "other", ())

    def _shown(self, view: Relation, relation: Relation) -> Iterator[Link]:
        """Which of the relation's columns a view shows, and what it calls them."""
        if view.kind not in "vm" or self._operation is not Operation.SELECT:
            return
        plain, computed, unknown = [], [], []
        for name, origin in self._case.origins.of_all(view).items():
            found = sorted(column for oid, column in origin.columns if oid == relation.oid)
            if not origin.known and found:
                unknown.append(ident(name))
            elif found and origin.plain == origin.columns:
                plain.append(ident(name) if found == [name] else f"{', '.join(map(ident, found))} as {ident(name)}")
            elif found:
                computed.append(f"{ident(name)} from {', '.join(map(ident, found))}")
        through = (
            *((f"as they are: {'; '.join(plain)}",) if plain else ()),
            *((f"computed: {'; '.join(computed)}",) if computed else ()),
            *((f"not understood, so that it may be any: {'; '.join(unknown)}",) if unknown else ()),
        )
        if through:
            yield Link(f"shows columns of {self._catalog.identity(relation)}", through)

    def _kind(self, there: Relation, relation: Relation) -> str:
        kind = KINDS[there.kind].replace("_", " ")
        if there.oid in self._catalog.parents[relation.oid]:
            return f"parent {kind}"
        return f"child {kind}" if there.oid in self._catalog.children[relation.oid] else kind

    def _called(self, function: Function) -> Iterator[Link]:
        yield self._reasons.usage(self._role, self._catalog.schemas[function.schema])
        yield self._reasons.execute(self._role, function)
        if function.security_definer:
            owner = self._case.access.name(function.owner)
            path = next((one for one in function.settings if one.startswith("search_path=")), None)
            through = (path,) if path else ("without a search_path of its own: the caller's decides what names mean",)
            yield Link(f"runs with the rights of its owner, {owner} (SECURITY DEFINER)", through)


def _until_it_ends(links: Iterator[Link]) -> Iterator[Link]:
    for link in links:
        yield link
        if link.ends:
            return
