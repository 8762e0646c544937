"""What a flaw is: something about one policy that is surely so, and hardly what its author meant."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlsaudit.model import Operation

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Policy
    from rlsaudit.model import EvidenceKind


class Kind(enum.StrEnum):
    """The kinds of flaws."""

    ALWAYS_TRUE = "always-true"
    """True for every row, and it asks nobody who they are."""
    ALWAYS_FALSE = "always-false"
    """True for no row."""
    ALWAYS_NULL = "always-null"
    """NULL for every row, which lets nothing through."""
    TRUE_FOR_ANON = "true-for-anon"
    """True for every row without a user."""
    TRUE_FOR_ANY_USER = "true-for-any-user"
    """True for every row for whoever is signed in."""
    ROW_INDEPENDENT = "row-independent"
    """It asks who belongs to something, and not whether the row belongs to the same."""
    SHADOWED_COLUMN = "shadowed-column"
    """A subquery compares a column with itself, where the row's column of that name was meant."""
    WRONG_COLUMN = "wrong-column"
    """An id of one sort of thing is compared with an id of another."""
    PRECEDENCE = "precedence"
    """AND binds tighter than OR, and leaves a condition alone that the others were to limit."""
    NULL_OPENS = "null-opens"
    """It is true where something is NULL that nothing asks about."""
    CLIENT_INPUT = "client-input"
    """It trusts in what the client writes itself."""
    DEPENDS_ON_RLS = "depends-on-rls"
    """Nothing but the row-level security of another table ties it to whoever asks."""
    RECURSION = "recursion"
    """The server refuses the statement: infinite recursion detected in policy (42P17)."""
    IGNORED_ARGUMENT = "ignored-argument"
    """A function does not look at what it is given."""
    IGNORED_CALLER = "ignored-caller"
    """A function is given who is calling, and does not look at it."""
    REDUNDANT = "redundant"
    """Another permissive policy lets through all that it does."""
    UNREACHABLE = "unreachable"
    """A restrictive policy lets nothing through of what it would."""
    WITHOUT_GRANT = "without-grant"
    """No role that it is for holds a privilege that it could count for."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A flaw of `policy`.

    `clause` is `using` or `with check` where it is seen in one of them, else empty. `where` is the SQL of the part that
    it is seen in, `because` says what is the matter, in a sentence without a stop. `relations` are those that it takes
    (OIDs) where they are several. `persona` is the name of whom it is about, None where it does not depend on that.
    `operation` is what a statement does that shows it, None where that is not one alone. `evidence` is `proof` where
    the expression says so, `catalog` where privileges and the text of policies do.
    """

    kind: Kind
    policy: Policy
    clause: str
    where: str
    because: str
    persona: str | None
    evidence: EvidenceKind
    relations: tuple[int, ...] = ()
    operation: Operation | None = None

    def about(self, persona: str, operation: Operation) -> bool:
        """Whether it has to do with what a persona does: of the policy it is known that it applies."""
        if self.persona not in {None, persona}:
            return False
        checks = self.policy.check is not None and self.clause == "using"
        match operation:
            case Operation.INSERT:
                return not checks
            case Operation.UPDATE:
                return True
            case _:
                return self.clause != "with check"
