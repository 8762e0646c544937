"""Policies that change nothing: another lets the same through, a restrictive one nothing, or nobody is there to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import PUBLIC
from rlsaudit.model import EvidenceKind
from rlsaudit.policy.expr import (
    TRUE,
    Aggregate,
    And,
    AnyRow,
    Const,
    Expr,
    Field,
    IsTrue,
    Lookup,
    Not,
    Opaque,
    Or,
    walk,
)
from rlsaudit.policy.flaws.clause import counts_for
from rlsaudit.policy.flaws.flaw import Flaw, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.access import Access
    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.flaws.clause import Reading

_PRIVILEGES = {"r": ("SELECT",), "a": ("INSERT",), "w": ("UPDATE",), "d": ("DELETE",)}
_EVERY = ("SELECT", "INSERT", "UPDATE", "DELETE")
_FOR_ALL = "*"
_ELSEWHERE = (Aggregate, AnyRow, Lookup, Opaque)
"""What takes a look into other tables, or is not followed: two of that are compared by their shape only."""
_PREDEFINED = "pg_"
_MOST_POLICIES = 12


class Idle:
    """The policies of one relation, against each other and against its privileges."""

    def __init__(
        self,
        access: Access,
        reading: Reading,
        personas: tuple[Persona, ...],
        relation: Relation,
    ) -> None:
        self._access = access
        self._reading = reading
        self._relation = relation
        self._personas = personas
        self._past = {one.oid for one in access.catalog.snapshot.roles if one.superuser or one.bypass_rls}
        # Nobody asks as a predefined role: who is a member of one inherits from it.
        self._roles = [one for one in access.catalog.snapshot.roles if not one.name.startswith(_PREDEFINED)]
        self._policies = access.catalog.policies[relation.oid]

    def flaws(self) -> Iterator[Flaw]:
        """Yields the policies that change nothing, each once."""
        for policy in self._policies if self._relation.rls else ():
            missing = self._without_grant(policy)
            if missing:
                yield missing
            elif policy.permissive and len(self._policies) <= _MOST_POLICIES:
                found = self._unreachable(policy) or self._redundant(policy)
                if found is not None:
                    yield found

    def _without_grant(self, policy: Policy) -> Flaw | None:
        """No role that the policy could keep from anything may do anything that it is about."""
        if any(one in self._past for one in policy.roles):
            # That such a role needs none is no question of grants.
            return None
        privileges = _PRIVILEGES.get(policy.command, _EVERY)
        if any(
            counts_for(self._access, policy, role.oid, self._relation)
            and any(self._access.on_any_column(role.oid, self._relation, one) for one in privileges)
            for role in self._roles
        ):
            return None
        because = f"no role that it counts for holds {' or '.join(privileges)} on the table"
        return self._flaw(Kind.WITHOUT_GRANT, policy, because)

    def _unreachable(self, policy: Policy) -> Flaw | None:
        """A restrictive policy for the same roles and commands that is true of no row."""
        for other in self._policies:
            if other.permissive or not _covers(other, policy) or self._who(policy) is None:
                continue
            clauses = [one for one in _clauses(policy) if _text(other, one) is not None]
            if len(clauses) < len(_clauses(policy)):
                continue
            if all(self._never(_text(other, one) or "", other) for one in clauses):
                return self._flaw(
                    Kind.UNREACHABLE, policy, f'the restrictive policy "{other.name}" lets nothing through', proof=True
                )
        return None

    def _redundant(self, policy: Policy) -> Flaw | None:
        who = self._who(policy)
        if not who:
            return None
        for other in self._policies:
            if other is policy or not other.permissive or not _covers(other, policy):
                continue
            # Of two that are alike the later one is told of.
            alike = _covers(policy, other) and self._implies(other, policy, who)
            if alike and other.oid > policy.oid:
                continue
            if self._implies(policy, other, who):
                return self._flaw(
                    Kind.REDUNDANT, policy, f'policy "{other.name}" lets through all that it does', proof=True
                )
        return None

    def _implies(self, policy: Policy, other: Policy, who: tuple[Persona, ...]) -> bool:
        """Whether whatever one policy lets through the other does as well, for each of these personas."""
        for clause in _clauses(policy):
            one, another = _text(policy, clause), _text(other, clause)
            if one is None:
                continue
            if another is None:
                return False
            if not all(self._implied(self._read(one, each), self._read(another, each)) for each in who):
                return False
        return True

    def _implied(self, one: Expr, another: Expr) -> bool:
        """Whether one condition is true only where the other is: by their shape, or of the row alone by proof."""
        if isinstance(one, Const) and one.value != "t":
            # Nothing is what it was to let through.
            return False
        if another in {TRUE, one}:
            return True
        if isinstance(one, Or):
            return all(self._implied(each, another) for each in one.operands)
        if isinstance(another, And):
            return all(self._implied(one, each) for each in another.operands)
        if isinstance(another, Or) and any(self._implied(one, each) for each in another.operands):
            return True
        if isinstance(one, And) and any(self._implied(each, another) for each in one.operands):
            return True
        if any(isinstance(part, _ELSEWHERE) for each in (one, another) for part in walk(each)):
            return False
        if not {part for part in walk(one) if isinstance(part, Field)} & {*walk(another)}:
            return False
        # What was let through before it could fail would fail then.
        fails = self._reading.outcomes.of(another, self._relation.oid).fails
        possible = self._reading.outcomes.of(one, self._relation.oid).true
        return (
            possible
            and not fails
            and not self._reading.outcomes.of(And((one, Not(IsTrue(another)))), self._relation.oid).true
        )

    def _never(self, text: str, policy: Policy) -> bool:
        who = self._who(policy)
        return bool(who) and all(
            not self._reading.outcomes.of(self._read(text, one), self._relation.oid).true for one in who or ()
        )

    def _read(self, text: str, persona: Persona) -> Expr:
        return self._reading.sight(persona, self._relation, text).expression

    def _who(self, policy: Policy) -> tuple[Persona, ...] | None:
        """The personas that a policy counts for; None where it counts for others as well, of whom nothing is read."""
        roles = {self._access.catalog.roles_by_name[one.role].oid for one in self._personas}
        privileges = _PRIVILEGES.get(policy.command, _EVERY)
        for role in self._roles:
            if role.oid in roles or not counts_for(self._access, policy, role.oid, self._relation):
                continue
            if any(self._access.on_any_column(role.oid, self._relation, one) for one in privileges):
                return None
        return tuple(
            one
            for one in self._personas
            if counts_for(self._access, policy, self._access.catalog.roles_by_name[one.role].oid, self._relation)
        )

    def _flaw(self, kind: Kind, policy: Policy, because: str, *, proof: bool = False) -> Flaw:
        evidence = EvidenceKind.PROOF if proof else EvidenceKind.CATALOG
        return Flaw(kind, policy, "", policy.using or policy.check or "", because, None, evidence)


def _covers(one: Policy, other: Policy) -> bool:
    """Whether a policy counts wherever the other does."""
    roles = PUBLIC in one.roles or set(other.roles) <= set(one.roles)
    return roles and one.command in {_FOR_ALL, other.command}


def _clauses(policy: Policy) -> tuple[str, ...]:
    if policy.command == "a":
        return ("with check",)
    return ("using",) if policy.command in "rd" else ("using", "with check")


def _text(policy: Policy, clause: str) -> str | None:
    return policy.using if clause == "using" else policy.check or policy.using
