"""Reach by addressing a relation itself: privileges, then policies, then what triggers may do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.access import Reasons
from rlsaudit.model import EvidenceKind, Operation, Reach
from rlsaudit.policy.decide import Bounds, decide, decide_rows
from rlsaudit.policy.flaws import unreadable
from rlsaudit.policy.formula import TRUE, And, AtomKind, Formula, atoms
from rlsaudit.policy.renamed import with_name
from rlsaudit.reach.bounds import Way, anything, none
from rlsaudit.reach.columns import Insertable, can_change
from rlsaudit.reach.conditioned import Outside, outside
from rlsaudit.reach.family import ancestors, descendants
from rlsaudit.reach.refused import may_fail
from rlsaudit.reach.triggers import assigned, refusing_trigger
from rlsaudit.reach.views import Views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Column, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.decide import Decider, RowsDecider
    from rlsaudit.reach.predicates import Predicates

_EVENTS = {Operation.SELECT: "1", Operation.UPDATE: "2", Operation.INSERT: "3", Operation.DELETE: "4"}
_NEVER_FIRES = frozenset({"D", "R"})


class Direct:
    """Ways that lead to a relation by its own name; `decider` says how far predicates let through."""

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
        self._reasons = Reasons(access)
        self._insertable = Insertable(access)
        self._ways: dict[tuple[str, int, Operation], Way] = {}
        self._of_twins: dict[tuple[object, ...], tuple[Way, Relation]] = {}
        self.views = Views(access, predicates, decider, rows_decider)
        self._lenient: Direct | None = None

    def outside(self, persona: Persona, relation: Relation, ways: Sequence[Way], condition: str) -> Outside:
        """Returns how far the persona gets along `ways` with rows of the relation that a condition leaves out."""
        return outside(self._predicates, persona, relation, ways, condition)

    def way(self, persona: Persona, relation: Relation, operation: Operation) -> Way:
        """Returns how far the persona gets with `operation` on the relation, addressed by name."""
        key = (persona.name, relation.oid, operation)
        if key not in self._ways:
            self._ways[key] = self._as_twins(persona, relation, operation)
        return self._ways[key]

    def unhindered(self, persona: Persona, relation: Relation, operation: Operation) -> bool:
        """Whether rows of strangers that the policies let pass are surely reached: nothing else stands in the way."""
        if self._lenient is None:
            self._lenient = Direct(self._access, self._predicates, _lets_some_pass)
        return self._lenient.way(persona, relation, operation).at_least >= Reach.SOME

    def _as_twins(self, persona: Persona, relation: Relation, operation: Operation) -> Way:
        number = self._predicates.twins.of(relation, operation)
        if number is None:
            return self._way(persona, relation, operation)
        role = self._catalog.roles_by_name[persona.role].oid
        asked: tuple[int, ...] = ()
        if self._access.rls_applies(role, relation):
            # What the conditions mean is not the twins' to say: it is the same where they were read as one object.
            asked = self._predicates.read_as(persona, role, relation, operation)
        key = (persona.name, operation, number, *asked)
        if key not in self._of_twins:
            self._of_twins[key] = (self._way(persona, relation, operation), relation)
        way, first = self._of_twins[key]
        return self._told_of(way, role, (first, relation), operation)

    def _told_of(self, way: Way, role: int, twins: tuple[Relation, Relation], operation: Operation) -> Way:
        """The way to the first of two twins, as it is told of the second."""
        first, second = twins
        if first is second or not any(f"{first.name}." in one for one in self._asked(role, first, operation)):
            return way
        before, now = (self._named(role, one, operation) for one in twins)
        told, rest = (now, way.because.removeprefix(before)) if way.because.startswith(before) else ("", way.because)
        chosen = tuple(with_name(one, first.name, second.name) for one in way.chosen)
        return replace(way, because=told + with_name(rest, first.name, second.name), chosen=chosen)

    def _asked(self, role: int, relation: Relation, operation: Operation) -> tuple[str, ...]:
        policies = self._access.policies(role, relation, operation)
        return tuple(text for one in policies for text in (one.using, one.check) if text)

    def _way(self, persona: Persona, relation: Relation, operation: Operation) -> Way:
        role = self._catalog.roles_by_name[persona.role].oid
        schema = self._catalog.schemas[relation.schema]
        if not self._access.usage(role, schema):
            return none(f"no USAGE on schema {schema.name}")
        privilege = operation.value.upper()
        columns = self._access.columns(role, relation, privilege)
        if not columns and not self._access.on_table(role, relation, privilege):
            return none(f"no {privilege} privilege")
        way = self.as_role(persona, role, relation, operation, columns)
        partial = len(columns) < len(self._catalog.columns[relation.oid]) and operation is not Operation.DELETE
        shown = tuple(one.name for one in columns) if partial else None
        return way if shown is None else replace(way, columns=shown)

    def as_role(
        self, persona: Persona, role: int, relation: Relation, operation: Operation, columns: tuple[Column, ...]
    ) -> Way:
        """The same for a role that holds the privilege, on these columns at least."""
        if relation.kind == "v":
            return self.views.way(persona, role, relation, operation)
        if relation.kind == "m":
            if operation is not Operation.SELECT:
                return none("a materialized view cannot be written")
            granted = self._granted(role, relation, "SELECT")
            return Way(Reach.ALL, Reach.ALL, EvidenceKind.CATALOG, f"a materialized view has no RLS; SELECT {granted}")
        if relation.kind == "f":
            return anything("a foreign table: its server decides")
        way = self._on_table(persona, role, relation, operation, columns)
        return way if operation is Operation.SELECT else self.hindered(way, relation, operation, columns)

    def _on_table(
        self, persona: Persona, role: int, relation: Relation, operation: Operation, columns: tuple[Column, ...]
    ) -> Way:
        privilege = operation.value.upper()
        if not self._access.rls_applies(role, relation):
            why = "RLS off" if not relation.rls else "RLS does not apply to this role"
            because = f"{why}; {privilege} {self._granted(role, relation, privilege)}"
            way = Way(Reach.ALL, Reach.ALL, EvidenceKind.CATALOG, because, rows=TRUE)
            return self._limited(way, role, relation, operation, TRUE, columns)
        if not any(one.permissive for one in self._access.policies(role, relation, operation)):
            return none(f"RLS on and no policy for {operation.value}")
        circle = self._predicates.circles.refusing(role, role, relation, operation)
        if circle is not None and circle.sure:
            return none(self._predicates.circles.told(circle, operation))
        if refused := unreadable(self._access, role, relation, operation):
            return none(refused)
        using = self._predicates.using(persona, role, relation, operation)
        check = self._predicates.check(persona, role, relation, operation)
        rows = check if operation is Operation.INSERT else using
        # What the check asks for is in the new row as it was in the old one, which so has to pass it as well.
        kept = operation is Operation.UPDATE and check != using and self._keeps(relation, check, columns)
        if kept:
            rows = And((using, check))
        bounds = self._decide(rows)
        if operation is Operation.UPDATE and not kept:
            # Whoever updates chooses the new row, so the check matters only if no row that one may write passes it.
            checked = self._decide(check)
            if checked.at_most is Reach.NONE:
                bounds = Bounds(Reach.NONE, Reach.NONE, f"no new row passes: {checked.because}")
            elif check != using and checked.at_least is Reach.NONE:
                bounds = Bounds(Reach.NONE, bounds.at_most, bounds.because)
        because = f"{self._named(role, relation, operation)}: {bounds.because}"
        way = Way(
            bounds.at_least,
            bounds.at_most,
            EvidenceKind.PROOF,
            because,
            chosen=bounds.chosen,
            given=bounds.given,
            rows=rows,
            steps=bounds.steps,
        )
        failing = self._may_fail(role, relation, operation) if way.at_least is not Reach.NONE else ""
        if failing:
            return _at_least(way, Reach.NONE, failing)
        if operation is Operation.UPDATE and not can_change(check, _settable(columns), same=kept or check == using):
            return _at_least(way, Reach.NONE, "what the check asks for cannot all be set")
        return self._limited(way, role, relation, operation, check, columns)

    def _keeps(self, relation: Relation, check: Formula, columns: tuple[Column, ...]) -> bool:
        """Whether an UPDATE of these columns surely leaves alone what the check asks of the row."""
        changed = assigned(self._catalog, relation, Operation.UPDATE)
        if changed is None or relation.partition or [*descendants(self._catalog, relation)]:
            return False
        computed = {one.number for one in self._catalog.columns[relation.oid] if one.generated}
        asked = {number for atom in atoms(check) for number in atom.columns}
        if any(atom.kind is AtomKind.OPAQUE for atom in atoms(check)):
            return False
        return bool(asked) and asked.isdisjoint(_settable(columns) | changed | computed)

    def _may_fail(self, role: int, relation: Relation, operation: Operation) -> str:
        return may_fail(self._access, self._predicates.circles, role, role, relation, operation)

    def _limited(
        self,
        way: Way,
        role: int,
        relation: Relation,
        operation: Operation,
        check: Formula,
        columns: tuple[Column, ...],
    ) -> Way:
        """The way as far as the columns allow that the role may set."""
        if operation is Operation.INSERT:
            return _at_least(way, *self._insertable.most(role, relation, check, _settable(columns)))
        if operation is Operation.UPDATE and not _settable(columns):
            return _at_least(way, Reach.NONE, "no column can be set")
        return way

    def hindered(self, way: Way, relation: Relation, operation: Operation, columns: tuple[Column, ...]) -> Way:
        """Returns the way where a trigger or rule may refuse, swallow or redirect what the policies let through."""
        if way.at_most is Reach.NONE:
            return way
        rule = next(
            (
                one
                for one in self._catalog.rewrites[relation.oid]
                if one.event == _EVENTS[operation] and one.enabled not in _NEVER_FIRES
            ),
            None,
        )
        if rule is not None:
            return anything(f'rule "{rule.name}" rewrites the statement')
        # The triggers of a part fire for its rows by whatever name it is addressed.
        related = (relation, *descendants(self._catalog, relation))
        if relation.partition:
            related = (*related, *ancestors(self._catalog, relation))
        trigger = refusing_trigger(self._catalog, related, operation, {one.name for one in columns})
        if trigger is None:
            return way
        refused = _at_least(way, Reach.NONE, f'trigger "{trigger.name}" may refuse it')
        return replace(refused, untouched=way.at_least)

    def _granted(self, role: int, relation: Relation, privilege: str) -> str:
        if not self._access.on_table(role, relation, privilege):
            return "granted on columns"
        return " ".join(self._reasons.privilege(role, relation, privilege).through[:1])

    def _named(self, role: int, relation: Relation, operation: Operation) -> str:
        """The policies that apply, with what they ask: shortened, for people."""
        checking = operation is Operation.INSERT
        named = []
        for one in self._access.policies(role, relation, operation):
            text = (one.check or one.using) if checking else one.using
            shown = " ".join((text or "nothing").split())
            kind = "policy" if one.permissive else "restrictive policy"
            named.append(f'{kind} "{one.name}": {shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"}')
        return "; ".join(named)


_SHOWN = 160


def _lets_some_pass(_: Formula) -> Bounds:
    """Decides as if rows of strangers were known to pass."""
    return Bounds(Reach.SOME, Reach.ALL, "rows of strangers pass")


def _settable(columns: tuple[Column, ...]) -> frozenset[int]:
    """Those of the columns that a statement can set: not the generated ones."""
    return frozenset(one.number for one in columns if not one.generated)


def _at_least(way: Way, most: Reach, because: str) -> Way:
    """The way where no more than `most` of it is sure."""
    if way.at_least <= most:
        return way
    evidence = way.evidence if way.at_most is most else EvidenceKind.NONE
    return replace(way, at_least=most, evidence=evidence, because=f"{way.because}; {because}")
