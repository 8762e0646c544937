"""All flaws of a relation's policies, each fault once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.policy.flaws.circle import Circles
from rlsaudit.policy.flaws.clause import Reading, clauses, lasting
from rlsaudit.policy.flaws.columns import shadowed, wrong
from rlsaudit.policy.flaws.flaw import Flaw, Kind
from rlsaudit.policy.flaws.helpers import ignored
from rlsaudit.policy.flaws.idle import Idle
from rlsaudit.policy.flaws.nulls import null_opens, opened_by_missing
from rlsaudit.policy.flaws.order import precedence
from rlsaudit.policy.flaws.rows import row_independent
from rlsaudit.policy.flaws.things import leads_to
from rlsaudit.policy.flaws.trust import client_input, depends_on_rls
from rlsaudit.policy.flaws.truth import truth
from rlsaudit.policy.renamed import nameless, with_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.flaws.clause import Clause

_KINDS = (truth, row_independent, shadowed, wrong, precedence, null_opens, client_input, depends_on_rls, ignored)
_AT_SIGHT = (shadowed, precedence)
_OPENING = (row_independent, shadowed, wrong, precedence, null_opens, ignored)
_FOLLOWS = {
    Kind.ROW_INDEPENDENT: {Kind.SHADOWED_COLUMN, Kind.WRONG_COLUMN, Kind.IGNORED_ARGUMENT, Kind.IGNORED_CALLER},
    Kind.TRUE_FOR_ANON: {Kind.NULL_OPENS},
}
"""What is only a consequence of another flaw of the same policy."""


class Flaws:
    """The flaws of one database's policies, looked for when they are asked for, and once."""

    def __init__(self, access: Access, database: Database, personas: tuple[Persona, ...]) -> None:
        self._access = access
        self._reading = Reading(database)
        self._personas = personas
        self._circles = Circles(access)
        self._found: dict[int, tuple[Flaw, ...]] = {}
        self._seen: dict[int, tuple[Flaw, ...]] = {}
        self._written: dict[tuple[object, ...], tuple[str, tuple[Flaw, ...]]] = {}
        self._opening: dict[tuple[object, ...], tuple[str, tuple[Flaw, ...]]] = {}

    def of(self, relation: Relation) -> tuple[Flaw, ...]:
        """Returns the flaws of a relation's policies: what is not sure is not among them."""
        if relation.oid not in self._found:
            found = tuple(dict.fromkeys(self._look(relation)))
            kinds = {(one.policy.oid, one.kind) for one in found}
            self._found[relation.oid] = tuple(
                one
                for one in found
                if not any((one.policy.oid, cause) in kinds for cause in _FOLLOWS.get(one.kind, ()))
            )
        return self._found[relation.oid]

    def at_sight(self, relation: Relation) -> tuple[Flaw, ...]:
        """Returns those of them that are seen in the text of policies, without reading what it comes to: at no cost."""
        if not relation.rls:
            return ()
        if relation.oid not in self._seen:
            read = clauses(self._access, self._reading, self._personas, relation)
            written = [flaw for clause in read for flaw in self._of_text(clause)]
            circles = self._circles.of(self._personas, relation)
            self._seen[relation.oid] = tuple(dict.fromkeys([*written, *circles]))
        return self._seen[relation.oid]

    def opening(self, relation: Relation, policies: Collection[Policy]) -> tuple[Flaw, ...]:
        """Returns how these policies come to open what was to be closed; that all is open is no answer to that."""
        if not relation.rls:
            return ()
        read = clauses(self._access, self._reading, self._personas, relation)
        # A constant has no parts that could be wrong.
        parted = [one for one in read if one.policy in policies and not isinstance(one.node, ast.A_Const)]
        return tuple(dict.fromkeys(flaw for clause in parted for flaw in self._of_meaning(clause)))

    def trusting(self, relation: Relation, policies: Collection[Policy]) -> tuple[Flaw, ...]:
        """Returns what these policies trust in that any client writes itself, helpers' bodies included."""
        read = self._clauses(relation, policies)
        return tuple(flaw for clause in read for flaw in self._alike(clause, (client_input,)))

    def by_missing(self, relation: Relation, policy: Policy, persona: str) -> frozenset[str]:
        """Returns the columns without whose value a policy opens a row to a persona, and does not with it."""
        found = (opened_by_missing(one, persona) for one in self._clauses(relation, [policy]))
        return frozenset(name for names in found for name in names)

    def depending(self, relation: Relation, policies: Collection[Policy]) -> tuple[Flaw, ...]:
        """Returns which of these policies only the row-level security of other tables ties to whoever asks."""
        read = self._clauses(relation, policies)
        return tuple(flaw for clause in read for flaw in self._alike(clause, (depends_on_rls,)))

    def _clauses(self, relation: Relation, policies: Collection[Policy]) -> Iterator[Clause]:
        if relation.rls:
            read = clauses(self._access, self._reading, self._personas, relation)
            yield from (one for one in read if one.policy in policies)

    def _of_text(self, clause: Clause) -> Iterator[Flaw]:
        """What is seen in the text of a clause: the same for all tables where the same words of it are columns."""
        name, columns = clause.relation.name, clause.access.catalog.columns[clause.relation.oid]
        text = nameless(clause.text, name)
        # A column of another name is not among what stands there.
        key = (text, *(one.name for one in columns if one.name in text or '"' in one.name))
        if key not in self._written:
            self._written[key] = (name, tuple(flaw for kind in _AT_SIGHT for flaw in kind(clause)))
        before, found = self._written[key]
        return _lifted(found, clause, before)

    def _of_meaning(self, clause: Clause) -> Iterator[Flaw]:
        """How a clause opens too much: the same for all tables of which it means the same to whomever it counts for."""
        return self._alike(clause, _OPENING)

    def _alike(self, clause: Clause, kinds: tuple[Callable[[Clause], Iterator[Flaw]], ...]) -> Iterator[Flaw]:
        name = clause.relation.name
        # What a table points at by columns that its policies do not name, they should perhaps ask for.
        own = leads_to(self._reading.outcomes.tables, clause.relation.oid) if row_independent in kinds else None
        key = (kinds, nameless(clause.text, name), clause.policy.permissive, own, *self._meant(clause))
        if key not in self._opening:
            found = tuple(flaw for kind in kinds for flaw in kind(clause))
            told = (text for one in found for text in (one.because, one.where))
            if any(name in nameless(text, name) for text in told):
                return iter(found)
            self._opening[key] = (name, found)
        before, found = self._opening[key]
        return _lifted(found, clause, before)

    def _meant(self, clause: Clause) -> Iterator[object]:
        database, roles = clause.reading.database, clause.access.catalog.roles_by_name
        for persona in map(lasting, clause.concerned):
            own = roles[persona.role].oid
            # As itself, and past row-level security.
            for role in (own,) if clause.past is None else (own, clause.past):
                yield persona.name, role, *database.stands_for(persona, role, clause.relation, clause.text)

    def _look(self, relation: Relation) -> Iterator[Flaw]:
        # Without row-level security nobody asks the policies.
        if not relation.rls:
            return
        for clause in clauses(self._access, self._reading, self._personas, relation):
            for kind in _KINDS:
                yield from kind(clause)
        yield from self._circles.of(self._personas, relation)
        yield from Idle(self._access, self._reading, self._personas, relation).flaws()


def _lifted(found: tuple[Flaw, ...], clause: Clause, before: str) -> Iterator[Flaw]:
    """The flaws of a clause that says the same of the table called `before`, as those of this one."""
    name = clause.relation.name
    for one in found:
        because, where = (with_name(text, before, name) for text in (one.because, one.where))
        yield replace(one, policy=clause.policy, clause=clause.name, because=because, where=where)
