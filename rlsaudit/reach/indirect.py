"""Reach by other ways: children and parents, views, functions, triggers and rules that lead to a table's rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rlsaudit.access.views import reads_through
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy.body import Body, body_of
from rlsaudit.policy.decide import decide_rows
from rlsaudit.policy.deeds import ANYHOW
from rlsaudit.policy.expr import FALSE, TRUE, And, Given, Or, Who, is_larger, walk
from rlsaudit.policy.formula import TRUE as EVERYTHING
from rlsaudit.policy.formula import AtomKind, atoms
from rlsaudit.reach.bounds import Way, anything
from rlsaudit.reach.columns import Insertable
from rlsaudit.reach.deeds import Doings
from rlsaudit.reach.family import ancestors, descendants, is_related
from rlsaudit.reach.footprint import Footprints, Touch
from rlsaudit.reach.parted import tells_no_parts_apart
from rlsaudit.reach.posing import Poses, Posing
from rlsaudit.reach.together import Together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.decide import Bounds
    from rlsaudit.policy.deeds import Change, Sure
    from rlsaudit.policy.expr import Expr
    from rlsaudit.reach.direct import Direct
    from rlsaudit.reach.predicates import Predicates

TELLS_NOTHING = frozenset({"void", "boolean", "trigger", "event_trigger"})
"""Return types that carry no row: a Boolean is an oracle, which is no reach."""
_NOT_CALLABLE = frozenset({"trigger", "event_trigger"})
_SURELY = {Reach.OWN: "rows of its own", Reach.SOME: "rows of strangers"}
_MOST_TRIED = 6
"""Ways through one function that are solved for how far they surely lead."""
_MOST_TOGETHER = 400
"""How much is asked of the rows that all functions lead to together."""
_WRITES = (Operation.INSERT, Operation.UPDATE, Operation.DELETE)


@dataclass(slots=True)
class _Lifted:
    """Where a persona's statements lead with rights that are not its own.

    `known` are by (relation, operation) and the name of what leads there the rows that may be meant, each with why;
    `anywhere` is what a role may do by something that is not followed, by the name of what leads there. `posing` is
    where somebody else may come to ask, as far as who asks matters. `sure` is what functions do for certain. `changes`
    is what these rows are made into, by what leads there and by rows.
    """

    known: defaultdict[tuple[int, Operation], dict[str, dict[Expr, str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    anywhere: dict[tuple[Operation, int, str], Way] = field(default_factory=dict)
    posing: dict[tuple[Posing, str], Way] = field(default_factory=dict)
    sure: defaultdict[tuple[int, Operation], dict[str, list[Sure]]] = field(default_factory=lambda: defaultdict(dict))
    changes: defaultdict[tuple[int, Operation], dict[tuple[str, Expr], Change]] = field(
        default_factory=lambda: defaultdict(dict)
    )


class Indirect:
    """Ways to tables that do not address them by name.

    `served` are the schemas whose functions a persona can call, and whose views it can name, by the persona's name.
    `asking` is whether what functions ask of tables keeps them from something: not where these may have been written
    before, by other statements.
    """

    def __init__(
        self,
        access: Access,
        predicates: Predicates,
        direct: Direct,
        served: Mapping[str, frozenset[str]],
        *,
        asking: bool = True,
    ) -> None:
        self._asking = asking
        self._access = access
        self._catalog = access.catalog
        self._predicates = predicates
        self._direct = direct
        self._served = served
        self._bodies: dict[int, Body] = {}
        self._readers = self._view_readers()
        self._footprints = Footprints(access)
        self._insertable = Insertable(access)
        self._lifted: dict[str, _Lifted] = {}
        self._doings: dict[str, Doings] = {}
        self._poses = Poses(access, predicates, self._readers)

    def ways(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        """Yields every way but the direct one that leads the persona to the relation's rows, or might."""
        yield from self._not_by_other_rights(persona, relation, operation)
        if relation.kind in "rp":
            yield from self._by_other_rights(persona, relation, operation)

    def _not_by_other_rights(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        if relation.kind in "rpf" and is_related(self._catalog, relation):
            yield from self._family(persona, relation, operation)
        if relation.kind in "rp":
            yield from self._through_views(persona, relation, operation)

    def body(self, function: Function) -> Body:
        """Returns what a function does, together with the functions that it calls."""
        if function.oid not in self._bodies:
            self._bodies[function.oid] = self._closed(function)
        return self._bodies[function.oid]

    def touches(self, function: Function, relation: Relation, operation: Operation) -> str:
        """Returns why the function might do `operation` to the relation, empty where it surely does not."""
        body = self.body(function)
        if not body.understood:
            return f"language {function.language} is not followed" if not body.calls else "its body is not understood"
        if body.dynamic:
            return "it runs dynamic SQL"
        reading = operation is Operation.SELECT
        named = body.reads if reading else {name for done, name in body.writes if done == operation}
        found = {oid for name in named for oid in self._footprints.relations(name)}
        if all(relation.oid not in self._footprints.concerned(oid) for oid in found):
            return ""
        return "it reads the table" if reading else "it writes the table"

    def callable_definers(self, persona: Persona) -> Iterator[Function]:
        """Yields the project's SECURITY DEFINER functions that the persona can call."""
        return (one for one in self.callable_by(persona) if one.security_definer)

    def sure_writes(self, persona: Persona) -> Iterator[tuple[Function, Sure]]:
        """Yields what calls surely do to rows, with the rights of others, for some arguments."""
        doings = self._doings_of(persona)
        for function in self.callable_definers(persona):
            deeds = doings.of(function, function.owner, frozenset())
            for one in deeds.sure if deeds is not None else ():
                if one.operation is not Operation.SELECT and not _is_shapeless(function):
                    yield function, one

    def changes(
        self, persona: Persona, relation: Relation, operation: Operation
    ) -> tuple[tuple[str, Expr, Change], ...] | None:
        """Returns all that other ways do to rows of a relation: by what, to which at most, and what becomes of them.

        None where that may be anything.
        """
        if any(way.at_most is not Reach.NONE for way in self._not_by_other_rights(persona, relation, operation)):
            return None
        if any(True for _ in self._by_anything(persona, relation, operation)):
            return None
        lifted = self._lift_once(persona)
        # Whoever asks as others makes theirs.
        return tuple(
            (via, TRUE if lifted.posing and _asks_who(rows) else rows, change)
            for (via, rows), change in lifted.changes[relation.oid, operation].items()
            if self._most(persona, rows, relation, operation) is not Reach.NONE
        )

    def callable_by(self, persona: Persona) -> Iterator[Function]:
        """Yields the project's functions that the persona can call, with whosever rights they run."""
        role = self._catalog.roles_by_name[persona.role].oid
        for function in self._catalog.snapshot.functions:
            if function.extension is not None or function.returns in _NOT_CALLABLE:
                continue
            if self._catalog.schemas[function.schema].name not in self._served[persona.name]:
                continue
            if self._access.execute(role, function):
                yield function

    def _family(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        for parent in ancestors(self._catalog, relation):
            if operation is Operation.INSERT and not relation.partition:
                continue
            via = self._catalog.identity(parent)
            for way in (self._direct.way(persona, parent, operation), *self._through_views(persona, parent, operation)):
                if way.at_most is Reach.NONE or not way.with_parts:
                    continue
                if tells_no_parts_apart(self._catalog, parent, relation, way.rows):
                    least, most = way.at_least, way.at_most
                else:
                    least = self._least_of_a_part(way)
                    # Some rows of the whole may be all rows of a part: those of its key.
                    most = Reach.ALL if way.at_most is Reach.SOME else way.at_most
                because = f"through its parent: {way.because}"
                yield replace(way, at_least=least, at_most=most, because=because, via=way.via or via, rows=None)
        parts = descendants(self._catalog, relation)
        ways = [(one, self._direct.way(persona, one, operation)) for one in parts]
        leaves = [way for one, way in ways if one.kind != "p"]
        # All rows of a partitioned table are its partitions'; one part's are those of some content: the key's.
        everything = relation.kind == "p" and all(way.at_most is Reach.ALL for way in leaves)
        certain = everything and all(way.at_least is Reach.ALL for way in leaves)
        shown = {one.oid: tuple(self._through_views(persona, one, operation)) for one in parts}
        # Such a CHECK may keep rows from the table itself, and then all that it shows are its children's.
        hollow = any("NO INHERIT" in one.definition for one in self._catalog.constraints[relation.oid])
        within = not hollow and self._leaves_out(relation, ways, shown)
        for part, way in ways:
            if way.at_most is Reach.NONE:
                continue
            at_most = way.at_most if everything or hollow else _of_a_part(way.at_most)
            at_least = way.at_least if certain else _of_a_part(way.at_least)
            via = self._catalog.identity(part)
            because = f"through its child {via}: {way.because}"
            yield replace(way, at_least=at_least, at_most=at_most, because=because, via=via, rows=None, within=within)
        for part in parts:
            for way in shown[part.oid]:
                because = f"through its child {self._catalog.identity(part)}: {way.because}"
                least = _of_a_part(way.at_least)
                # Of a lone partition all rows are all of the whole.
                lone = hollow or (relation.kind == "p" and len(leaves) == 1)
                yield replace(
                    way,
                    at_least=least,
                    at_most=way.at_most if lone else _of_a_part(way.at_most),
                    because=because,
                    rows=None,
                    within=within,
                )

        if operation is not Operation.INSERT:
            yield from self._through_other_wholes(persona, relation, operation)

    def _leaves_out(
        self, relation: Relation, ways: Sequence[tuple[Relation, Way]], shown: Mapping[int, Sequence[Way]]
    ) -> bool:
        """Whether the relation may have rows of strangers that no way into one of its parts leads to.

        Those are its own, where it is not partitioned; or else those of a partition that is closed, at every level.
        """
        if relation.kind != "p":
            return True
        led = {part.oid for part, way in ways if way.at_most >= Reach.SOME}
        led |= {oid for oid, through in shown.items() if any(one.at_most >= Reach.SOME for one in through)}
        return any(
            led.isdisjoint({part.oid, *(one.oid for one in ancestors(self._catalog, part))})
            for part, _ in ways
            if part.kind != "p"
        )

    def _through_other_wholes(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        """What else a child is a part of leads to its rows, which are the relation's as well."""
        parts = descendants(self._catalog, relation)
        known = {one.oid for one in (relation, *parts, *ancestors(self._catalog, relation))}
        others = {one.oid: one for part in parts for one in ancestors(self._catalog, part) if one.oid not in known}
        for other in others.values():
            via = self._catalog.identity(other)
            for way in (self._direct.way(persona, other, operation), *self._through_views(persona, other, operation)):
                if way.at_most is not Reach.NONE and way.with_parts:
                    because = f"through a child's other parent {via}: {way.because}"
                    yield Way(Reach.NONE, _of_a_part(way.at_most), EvidenceKind.NONE, because, way.via or via)

    @staticmethod
    def _least_of_a_part(way: Way) -> Reach:
        """How far a way to the whole surely leads into one part, whose rows may be of some content only."""
        if way.at_least is Reach.ALL:
            return Reach.ALL
        ties = way.rows is not None and all(one.kind is AtomKind.TIE for one in atoms(way.rows))
        return way.at_least if way.at_least is Reach.OWN and ties else Reach.NONE

    def _through_views(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        role = self._catalog.roles_by_name[persona.role].oid
        for view in self._readers.get(relation.oid, ()):
            schema = self._catalog.schemas[view.schema]
            if schema.name not in self._served[persona.name]:
                continue
            granted = self._access.columns(role, view, operation.value.upper()) or self._access.on_table(
                role, view, operation.value.upper()
            )
            if granted and self._access.usage(role, schema):
                way = self._direct.views.into(persona, role, view, relation, operation)
                if way is not None and way.at_most is not Reach.NONE:
                    yield way

    def _by_other_rights(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        lifted = self._lift_once(persona)
        known = lifted.known.get((relation.oid, operation))
        if known:
            together = self._together(persona, relation, operation, known)
            for via, rows in known.items():
                yield from self._bounded(persona, (relation, operation), via, rows, together)
        yield from self._by_anything(persona, relation, operation)

    def _lift_once(self, persona: Persona) -> _Lifted:
        if persona.name not in self._lifted:
            self._lifted[persona.name] = self._lift(persona)
        return self._lifted[persona.name]

    def _by_anything(self, persona: Persona, relation: Relation, operation: Operation) -> Iterator[Way]:
        """The ways by what is not followed, and by asking as somebody else."""
        lifted = self._lift_once(persona)
        for (done, role, _), way in lifted.anywhere.items():
            if done is operation and self._may(role, relation, operation):
                yield way
        for (posing, _), way in lifted.posing.items():
            family = (relation, *ancestors(self._catalog, relation), *descendants(self._catalog, relation))
            if any(self._poses.matters(posing, persona, one, operation) for one in family):
                yield way

    def _together(
        self, persona: Persona, relation: Relation, operation: Operation, known: Mapping[str, Mapping[Expr, str]]
    ) -> Together | None:
        """How far all functions go together, where that is not to every row; None where that is not known."""
        doings = self._doings_of(persona)
        every = tuple(dict.fromkeys(one for rows in known.values() for one in rows if one != FALSE))
        if not self._asking or not every or TRUE in every or is_larger(And(every), _MOST_TOGETHER):
            return None
        if self._lifted[persona.name].posing and any(map(_asks_who, every)):
            return None
        if all(doings.most(one, relation.oid, operation) is not Reach.ALL for one in every):
            return None
        found = Together(every, persona, self._predicates, relation.oid, operation is not Operation.INSERT)
        return found if found.with_rows(()) is not Reach.ALL else None

    def _bounded(
        self,
        persona: Persona,
        done: tuple[Relation, Operation],
        via: str,
        rows: Mapping[Expr, str],
        together: Together | None,
    ) -> Iterator[Way]:
        """The way to rows that are touched for several reasons, as far as it may lead; none where it leads nowhere."""
        relation, operation = done
        bounds = {one: self._most(persona, one, relation, operation) for one in rows}
        most = max(bounds.values())
        if most is Reach.NONE:
            return
        because = next(why for one, why in rows.items() if bounds[one] is most)
        joined = together if most is Reach.ALL else None
        if joined is not None:
            most = Reach.SOME
        least = self._sure(persona, done, via)
        if least is not None and least.at_least > most:
            because, least, most = f"{because}; two readings of it disagree, which is a bug", None, Reach.ALL
        if least is None:
            yield replace(anything(because, via), at_most=most, together=joined)
        else:
            because = f"{because}: {least.because}"
            kind = EvidenceKind.PROOF
            yield Way(least.at_least, most, kind, because, via, given=least.given, together=joined)

    def _most(self, persona: Persona, rows: Expr, relation: Relation, operation: Operation) -> Reach:
        """How far the persona gets at most by what is done to such rows."""
        if self._lifted[persona.name].posing and _asks_who(rows):
            # Whoever asks as others gets theirs.
            return Reach.ALL
        return self._doings_of(persona).most(rows, relation.oid, operation)

    def _sure(self, persona: Persona, done: tuple[Relation, Operation], via: str) -> Bounds | None:
        """How far a function surely leads, None where that is not known."""
        relation, operation = done
        found = self._lifted[persona.name].sure[relation.oid, operation].get(via, ())
        tried = [(one.rows, min(one.most, self._put_in(relation, operation, one))) for one in found]
        every = tuple(dict.fromkeys(rows for rows, most in tried if most is Reach.ALL))
        if len(every) > 1 and not is_larger(Or(every), _MOST_TOGETHER):
            tried.insert(0, (Or(every), Reach.ALL))
        best: Bounds | None = None
        for rows, most in tried[:_MOST_TRIED]:
            if best is not None and best.at_least >= most:
                continue
            stored = operation is not Operation.INSERT
            bounds = decide_rows(rows, persona, self._predicates, relation.oid, stored=stored)
            least = min(bounds.at_least, most)
            if least is not Reach.NONE and (best is None or least > best.at_least):
                because = _SURELY[least] if least is not bounds.at_least else bounds.because
                best = replace(bounds, at_least=least, because=because)
        return best

    def _put_in(self, relation: Relation, operation: Operation, sure: Sure) -> Reach:
        """How far an INSERT goes of which nothing is asked, as far as the columns are concerned that it leaves out."""
        if operation is not Operation.INSERT:
            return Reach.ALL
        return self._insertable.most(relation.owner, relation, EVERYTHING, sure.columns)[0]

    def _lift(self, persona: Persona) -> _Lifted:
        """Follows every statement that the persona could send to where it has the rights of others."""
        role = self._catalog.roles_by_name[persona.role].oid
        lifted = _Lifted()
        doings = self._doings_of(persona)
        for function in self.callable_by(persona):
            via = self._catalog.function_identity(function)
            named = "SECURITY DEFINER function" if function.security_definer else "function"
            silent = function.returns in TELLS_NOTHING
            touched = self._footprints.of_call(function, role, doings)
            self._note(lifted, persona, touched, f"{named} {via}", via, silent=silent)
            # The API cannot say what such rows are made of, and a call fails without.
            if not _is_shapeless(function):
                self._note_sure(lifted, function, via, doings)
        asked: dict[int, frozenset[Touch]] = {}
        for relation in self._catalog.snapshot.relations:
            self._lift_asked(lifted, persona, relation, asked)
            if relation.kind in "rpv" and self._catalog.schema_name(relation) in self._served[persona.name]:
                self._lift_addressed(lifted, persona, role, relation)
        return lifted

    def _doings_of(self, persona: Persona) -> Doings:
        if persona.name not in self._doings:
            self._doings[persona.name] = Doings(self._footprints, self._predicates, persona, later=not self._asking)
        return self._doings[persona.name]

    def _lift_asked(
        self, lifted: _Lifted, persona: Persona, relation: Relation, asked: dict[int, frozenset[Touch]]
    ) -> None:
        """A policy's functions run for whoever is asked, before anything is known to pass, and behind any view.

        `asked` is what they touch, by OID, as far as that was looked for.
        """
        role = self._catalog.roles_by_name[persona.role].oid
        via = self._catalog.identity(relation)
        for oid in {one for policy in self._catalog.policies[relation.oid] for one in policy.functions}:
            if called := self._catalog.functions.get(oid):
                if oid not in asked:
                    asked[oid] = self._footprints.of_condition(called, role, self._doings_of(persona))
                self._note(lifted, persona, asked[oid], f"a policy of {via} calls a function", via, silent=True)

    def _lift_addressed(self, lifted: _Lifted, persona: Persona, role: int, relation: Relation) -> None:
        via = self._catalog.identity(relation)
        open_for = {one for one in Operation if self._direct.way(persona, relation, one).at_most is not Reach.NONE}
        if relation.kind == "v" and open_for:
            # A write goes through the view's own conditions as well, but shows nothing of what they read.
            silent = Operation.SELECT not in open_for
            self._note(lifted, persona, self._footprints.of_query(relation, role), f"view {via}", via, silent=silent)
        for one in _WRITES:
            if one in open_for or self._may(role, relation, one):
                touched = self._footprints.of_write(relation, one, role, self._doings_of(persona))
                what = f"{one.value} on {via} sets off a function, trigger or rule"
                # Some triggers come before policies are asked; what they do is undone where those refuse, but for that.
                done = (each for each in touched if one in open_for or each.setting)
                self._note(lifted, persona, done, what, via, silent=True)

    def _note(
        self, lifted: _Lifted, persona: Persona, touched: Iterable[Touch], what: str, via: str, *, silent: bool = False
    ) -> None:
        """Notes what is done with the rights of others; what one has by one's own rights is a way of its own."""
        role = self._catalog.roles_by_name[persona.role].oid
        for touch in touched:
            if touch.setting:
                posing = self._poses.by(touch.setting, persona, own=touch.role == role)
                if posing is not None:
                    lifted.posing.setdefault((posing, via), anything(f"{what}: {touch.why}, so others may ask", via))
                continue
            if touch.role == role or (silent and touch.operation is Operation.SELECT and not touch.answers):
                continue
            if touch.relation is None:
                way = anything(f"{what}: {touch.why}", via)
                lifted.anywhere.setdefault((touch.operation, touch.role, via), way)
            elif self._may(touch.role, self._catalog.relations[touch.relation], touch.operation):
                for oid in self._footprints.concerned(touch.relation):
                    # Of a part, or a whole, which rows these are is not asked.
                    rows = touch.rows if oid == touch.relation or touch.rows == FALSE else TRUE
                    led = lifted.known[oid, touch.operation].setdefault(via, {})
                    led.setdefault(rows, f"{what}: {touch.why}")
                    change = touch.change if oid == touch.relation else ANYHOW
                    noted = lifted.changes[oid, touch.operation]
                    noted[via, rows] = noted[via, rows].either(change) if (via, rows) in noted else change

    def _note_sure(self, lifted: _Lifted, function: Function, via: str, doings: Doings) -> None:
        """Notes what a call does for certain, where that is more than its caller may do."""
        if not self._asking or not function.security_definer:
            return
        deeds = doings.of(function, function.owner, frozenset())
        for one in deeds.sure if deeds is not None else ():
            if self._footprints.opens(function.owner, one.relation, one.operation):
                lifted.sure[one.relation, one.operation].setdefault(via, []).append(one)

    def _may(self, role: int, relation: Relation, operation: Operation) -> bool:
        return self._access.on_any_column(role, relation, operation.value.upper())

    def _closed(self, function: Function) -> Body:
        total = body_of(function)
        seen, waiting = {function.oid}, list(total.calls | total.operators)
        while waiting:
            for called in self._footprints.functions(waiting.pop()):
                if called.oid in seen or called.extension is not None:
                    continue
                seen.add(called.oid)
                inner = body_of(called)
                waiting.extend(inner.calls | inner.operators)
                total = Body(
                    understood=total.understood and inner.understood,
                    reads=total.reads | inner.reads,
                    writes=total.writes | inner.writes,
                    calls=total.calls | inner.calls,
                    asks_identity=total.asks_identity or inner.asks_identity,
                    dynamic=total.dynamic or inner.dynamic,
                    raises=total.raises or inner.raises,
                )
        return total

    def _view_readers(self) -> defaultdict[int, list[Relation]]:
        readers: defaultdict[int, list[Relation]] = defaultdict(list)
        for view in self._catalog.snapshot.relations:
            if view.kind in "vm":
                for oid in {one.relation.oid for one in reads_through(self._access, view, view.owner)}:
                    readers[oid].append(view)
        return readers


def _of_a_part(reach: Reach) -> Reach:
    """What reach over some of a table's rows comes to over all of them."""
    return min(reach, Reach.SOME)


def _asks_who(rows: Expr) -> bool:
    """Whether which rows these are depends on who asks."""
    return any(isinstance(one, Given) and one.who in {Who.IDENTITY, Who.SERVER} for one in walk(rows))


def _is_shapeless(function: Function) -> bool:
    """Whether whoever calls a function has to say which columns it returns."""
    return function.returns.lower().removeprefix("setof ") == "record" and not any(
        one.mode in {"o", "b", "t"} for one in function.parameters
    )
