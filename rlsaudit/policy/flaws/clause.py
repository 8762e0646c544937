"""One expression of a policy, as each persona's request has it computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.model import EvidenceKind
from rlsaudit.policy import tree
from rlsaudit.policy.decide import decide
from rlsaudit.policy.expr import (
    BOOLEAN,
    Aggregate,
    AnyRow,
    Expr,
    Field,
    Given,
    Lookup,
    Opaque,
    Source,
    Who,
    walk,
)
from rlsaudit.policy.flaws.flaw import Flaw, Kind
from rlsaudit.policy.parse import parse
from rlsaudit.policy.proof import Outcomes, Prover
from rlsaudit.policy.read import read_node
from rlsaudit.policy.read.opaque import lone
from rlsaudit.policy.values import SESSION_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.database import Database
    from rlsaudit.policy.decide import Bounds
    from rlsaudit.policy.tree import Node
    from rlsaudit.policy.values import Scope

_PERSONAL = frozenset({Who.IDENTITY, Who.SERVER})


@dataclass(frozen=True, eq=False)
class Sight:
    """An expression as it is for one persona, in its scope."""

    scope: Scope
    text: str

    @property
    def persona(self) -> Persona:
        """Who asks."""
        return self.scope.persona

    @cached_property
    def expression(self) -> Expr:
        """It as typed. What first sight takes for a constant may depend on who asks, which is kept here."""
        node = tree.expression(self.text)
        return lone("an expression", "no SQL to us", BOOLEAN) if node is None else read_node(node, self.scope)

    @cached_property
    def bounds(self) -> Bounds:
        """How far it lets the persona go."""
        return decide(parse(self.text, self.scope))


class Reading:
    """The expressions of one database's policies, each read and solved once."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outcomes = Outcomes(database)
        self.prover = Prover(database)
        self._sights: dict[tuple[str, int, int, str], Sight] = {}

    def sight(self, persona: Persona, relation: Relation, text: str, role: int = 0) -> Sight:
        """Returns an expression over a relation as it is for a persona; `role` is whose rights count, else its own."""
        key = (persona.name, relation.oid, role, text)
        if key not in self._sights:
            self._sights[key] = Sight(self.database.scope(lasting(persona), relation, role), text)
        return self._sights[key]


@dataclass(frozen=True, eq=False)
class Clause:
    """`using` or `with check` of a policy: what all kinds of flaws are looked for in."""

    access: Access
    reading: Reading
    personas: tuple[Persona, ...]
    relation: Relation
    policy: Policy
    name: str
    text: str
    node: Node

    @cached_property
    def concerned(self) -> tuple[Persona, ...]:
        """The personas that it counts for."""
        by_name = self.access.catalog.roles_by_name
        return tuple(
            one for one in self.personas if counts_for(self.access, self.policy, by_name[one.role].oid, self.relation)
        )

    @cached_property
    def sights(self) -> Mapping[str, Sight]:
        """How it is for each of them, by name."""
        return {one.name: self.reading.sight(one, self.relation, self.text) for one in self.concerned}

    @property
    def usual(self) -> Sight | None:
        """How it is for somebody with an identity, else for anybody; None where it counts for no persona."""
        signed_in = (one for one in self.sights.values() if "sub" in one.persona.claims)
        return next(signed_in, None) or next(iter(self.sights.values()), None)

    @cached_property
    def written(self) -> Expr | None:
        """What it says itself, without the row-level security of the tables that it reads."""
        if self.past is None or self.usual is None:
            return None
        return self.reading.sight(self.usual.persona, self.relation, self.text, self.past).expression

    @property
    def past(self) -> int | None:
        """A role that no row-level security applies to."""
        return next((one.oid for one in self.access.catalog.snapshot.roles if one.superuser), None)

    def flaw(
        self,
        kind: Kind,
        because: str,
        *,
        where: Node = None,
        persona: str | None = None,
        evidence: EvidenceKind = EvidenceKind.PROOF,
    ) -> Flaw:
        """Returns a flaw of this clause: of the part `where`, else of all of it."""
        text = self.text if where is None else tree.text(where)
        return Flaw(kind, self.policy, self.name, text, because, persona, evidence)


def clauses(access: Access, reading: Reading, personas: tuple[Persona, ...], relation: Relation) -> Iterator[Clause]:
    """Yields the expressions of all policies of a relation; one that is no SQL to us is left out."""
    for policy in access.catalog.policies[relation.oid]:
        for name, text in (("using", policy.using), ("with check", policy.check)):
            node = None if text is None else tree.expression(text)
            if text is None or node is None or (name == "with check" and text == policy.using):
                continue
            yield Clause(access, reading, personas, relation, policy, name, text, node)


def lasting(persona: Persona) -> Persona:
    """Returns the persona without what its claims say of one session: others that are signed in have others there."""
    claims = {key: one for key, one in persona.claims.items() if key not in SESSION_CLAIMS}
    # What is read of a persona is kept by its name.
    return persona if claims == persona.claims else replace(persona, name=f"{persona.name}, any session", claims=claims)


def counts_for(access: Access, policy: Policy, role: int, relation: Relation) -> bool:
    """Whether a policy has a say in what a role does."""
    if not access.rls_applies(role, relation):
        return False
    return PUBLIC in policy.roles or not access.roles.inherited(role).isdisjoint(policy.roles)


def personal(expression: Expr) -> bool:
    """Whether it asks who is calling; also where that is not known."""
    return any((isinstance(one, Given) and one.who in _PERSONAL) or isinstance(one, Opaque) for one in walk(expression))


def of_the_row(expression: Expr) -> bool:
    """Whether it may ask anything of the row that a policy is asked about."""
    return any(isinstance(one, Field) and one.place == 0 for one in walk(expression))


def opaque(expression: Expr) -> bool:
    """Whether a part of it is not followed."""
    return any(isinstance(one, Opaque) for one in walk(expression))


def sources(expression: Expr) -> Iterator[Source]:
    """Yields the relations that it reads."""
    for one in walk(expression):
        if isinstance(one, Aggregate | AnyRow | Lookup):
            yield from one.query.sources
