"""What the owner meant, to be asked relation by relation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.intent.pattern import any_fits, column_fits, function_fits
from rlsaudit.model import Operation, Persona, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most reach that is meant, for relations, personas and operations; later ones win over earlier ones.

    `protected` limits it to relations with (True) or without (False) row-level security. `declared`: the user wrote
    it; otherwise it is a pack's. `columns` are meant to be seen, whatever their names suggest.
    """

    relations: tuple[str, ...]
    personas: tuple[str, ...]
    reaches: tuple[tuple[Operation, Reach], ...]
    columns: tuple[str, ...] = ()
    protected: bool | None = None
    declared: bool = False

    def reach(self, operation: Operation) -> Reach | None:
        """The reach for an operation; None if this says nothing about it."""
        return next((reach for named, reach in self.reaches if named is operation), None)

    def concerns(self, persona: str, role: str, relation: str) -> bool:
        """Whether this is about the persona, by its name or its role, and about the relation."""
        return any_fits(self.personas, persona, role) and any_fits(self.relations, relation)


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """Who may call functions. `names` are patterns; one without parentheses fits all argument types."""

    names: tuple[str, ...]
    callable_by: tuple[str, ...]
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """An intent file on top of its packs, in this order: what comes later wins.

    `personas` are those that the file declares, beside the built-in ones. `schemas` are the exposed ones as far as the
    file says so.
    """

    allowances: tuple[Allowance, ...] = ()
    functions: tuple[FunctionRule, ...] = ()
    sensitive: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    public_buckets: tuple[str, ...] = ()
    personas: tuple[Persona, ...] = ()
    schemas: tuple[str, ...] = ()

    @property
    def named(self) -> frozenset[str]:
        """The personas of which the user's own file says something, by their names or roles, patterns among them."""
        return frozenset(one for each in self.allowances if each.declared for one in each.personas)

    def intended(self, persona: str, role: str, relation: str, operation: Operation, *, protected: bool) -> Reach:
        """The most reach that is meant.

        Args:
            persona: The persona's name.
            role: Its role; an entry that names the role is about all personas of that role.
            relation: The relation's identity, `public.posts`.
            operation: What the persona does.
            protected: Whether the relation has row-level security.
        """
        for allowance in reversed(self.allowances):
            reach = allowance.reach(operation)
            if (
                reach is not None
                and allowance.protected in {None, protected}
                and allowance.concerns(persona, role, relation)
            ):
                # An entry for every persona says `own`, which anon cannot have.
                return Reach.NONE if reach is Reach.OWN and persona == "anon" else reach
        return Reach.NONE

    def declared(self, persona: str, relation: str, operation: Operation, *, role: str = "") -> bool:
        """Whether the user's own file, not only a pack, says how far the persona may get here."""
        return any(
            allowance.declared
            and allowance.reach(operation) is not None
            and allowance.concerns(persona, role or persona, relation)
            for allowance in self.allowances
        )

    def is_sensitive(self, relation: str, column: str) -> bool:
        """Whether a column holds private data, to judge by its name, and the file does not say that it may be seen."""
        return column_fits(self.sensitive, column) and not self.is_meant(relation, column)

    def is_meant(self, relation: str, column: str) -> bool:
        """Whether the file says that a column may be seen, whatever it holds."""
        meant = (allowance.columns for allowance in self.allowances if any_fits(allowance.relations, relation))
        return any(column_fits(columns, column) for columns in meant)

    def names_owner(self, column: str) -> bool:
        """Whether a column says whose row it is."""
        return column_fits(self.owner, column)

    def names_tenant(self, column: str) -> bool:
        """Whether a column says to which tenant a row belongs."""
        return column_fits(self.tenant, column)

    def function_allowed(self, identity: str, persona: str, *, role: str = "") -> bool:
        """Whether a persona is meant to call a function, `public.search(text)`."""
        for rule in reversed(self.functions):
            if any(function_fits(name, identity) for name in rule.names):
                return any_fits(rule.callable_by, persona, role or persona)
        return False

    def bucket_public(self, name: str) -> bool:
        """Whether a storage bucket is meant to be public."""
        return any_fits(self.public_buckets, name)

    def idle(self, relations: Iterable[str], personas: Iterable[str], functions: Iterable[str]) -> tuple[str, ...]:
        """The patterns of the user's file that fit nothing in this database: misspelt, or out of date.

        Args:
            relations: The identities of all relations.
            personas: The names of all personas and their roles.
            functions: The identities of all functions.
        """
        relations, personas, functions = tuple(relations), tuple(personas), tuple(functions)
        idle: dict[str, None] = {}
        for allowance in (one for one in self.allowances if one.declared):
            idle |= dict.fromkeys(one for one in allowance.relations if not _fits_one(one, relations))
            idle |= dict.fromkeys(one for one in allowance.personas if not _fits_one(one, personas))
        for rule in (one for one in self.functions if one.declared):
            idle |= dict.fromkeys(
                one for one in rule.names if not any(function_fits(one, identity) for identity in functions)
            )
            idle |= dict.fromkeys(one for one in rule.callable_by if not _fits_one(one, personas))
        return tuple(idle)


def _fits_one(pattern: str, names: tuple[str, ...]) -> bool:
    """Whether a pattern fits one of the names at least."""
    return any_fits((pattern,), *names)
