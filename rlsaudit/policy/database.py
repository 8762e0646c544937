"""What a policy may ask about the tables and functions that it names, as the steps after this one know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping

    from rlsaudit.catalog import Catalog
    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.model import Persona
    from rlsaudit.policy.expr import Expr
    from rlsaudit.policy.formula import Formula
    from rlsaudit.policy.proof import Prover, Witness
    from rlsaudit.policy.scalar import Column
    from rlsaudit.policy.sight import Bounds
    from rlsaudit.policy.values import Scope


@dataclass(frozen=True, slots=True, eq=False)
class Worded:
    """A formula in the words of another table, of which it means the same: what is found of `original` holds for it."""

    formula: Formula
    original: Formula
    renamed: Callable[[str], str]


@dataclass(slots=True, eq=False)
class Memory:
    """What was found out of formulas over one database, each told by which object it is: it goes when that goes."""

    decided: dict[int, tuple[Formula, Bounds]] = field(default_factory=dict)
    read: dict[int, tuple[Formula, Expr]] = field(default_factory=dict)
    examples: dict[int, tuple[Formula, Witness | None]] = field(default_factory=dict)
    shown: dict[int, tuple[Formula, Bounds]] = field(default_factory=dict)
    worded: dict[int, Worded] = field(default_factory=dict)
    bodies: dict[tuple[Hashable, ...], tuple[Persona, Expr, int]] = field(default_factory=dict)
    """What calls return, by which call it is, with the persona that is part of that, and how much work it was."""
    never_true: dict[tuple[str, int, tuple[str, ...]], bool] = field(default_factory=dict)
    """Whether helpers are never true for a persona, by whose rights count and the helper's name."""
    prover: Prover | None = None
    unpicked: Prover | None = None
    """The same where nobody says of itself what signing up then puts into tables."""


class Database(Protocol):
    """Tables and functions by name, and what row-level security lets a role see of them."""

    @property
    def catalog(self) -> Catalog:
        """Everything else, by OID."""

    @property
    def memory(self) -> Memory:
        """What was decided over it before."""

    def find(self, name: tuple[str, ...], path: tuple[str, ...]) -> Relation | None:
        """Returns the relation of that name, `(schema, name)` or `(name,)`; None where that is not certain."""

    def columns(self, relation: Relation) -> Mapping[str, Column]:
        """Returns a relation's columns as values of a predicate."""

    def seen(self, persona: Persona, role: int, relation: Relation) -> Formula:
        """Returns which rows a query by `role` sees, with the persona's identity: always true without RLS."""

    def may_read(self, role: int, relation: Relation, columns: Collection[str]) -> bool:
        """Whether the role may SELECT these columns of the relation, and use its schema."""

    def scope(self, persona: Persona, relation: Relation, role: int = 0) -> Scope:
        """Returns what names mean in the policies of the relation."""

    def stands_for(self, persona: Persona, role: int, relation: Relation, text: str) -> tuple[int, str]:
        """Returns an expression over a table (an OID), the same for all that mean the same to a persona.

        `role` is whose rights count.
        """

    def function(self, name: tuple[str, ...], path: tuple[str, ...], arguments: int) -> Function | None:
        """Returns the project's own function that a call means; None where that is not certain, or it is not one's own.

        `arguments` is how many the call has: a function with defaults may have more.
        """

    def path_of(self, function: Function) -> tuple[str, ...]:
        """Returns where the names in a function's body are looked for: its own search_path, or the client's."""
