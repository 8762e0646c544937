"""Predicates as we reason about them: Boolean structure over atoms, in SQL's three-valued logic.

A truth value is True, False or None (NULL). What an atom stands for decides who chooses its value: the row, the
identity, the attacker, or nobody that we know.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rlsaudit.policy.tree import Node
    from rlsaudit.policy.values import Scope

Truth: TypeAlias = "bool | None"


class AtomKind(enum.Enum):
    """Who chooses the value of an atom."""

    TIE = "tie"
    """True on rows tied to the persona's own identity; on rows of strangers False or NULL."""
    CONTENT = "content"
    """The row's own content, whoever it belongs to."""
    CHOSEN = "chosen"
    """The client: it writes this value into its own request or profile."""
    OPAQUE = "opaque"
    """Not understood, so anything."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is the same for every row and identity of the persona."""

    value: Truth


@dataclass(frozen=True, slots=True)
class Subject:
    """What exact conditions are about: a column, or something that the client writes.

    `parts` is what other subjects may share with it: column numbers, or the name of what is written. `complete` are all
    of its values, where they are known. `free` says that each of its values can be found whatever other subjects are,
    `null_found` and `other_found` the same of NULL and of a value that nobody named.
    """

    name: str
    parts: frozenset[int | str]
    chosen: bool
    nullable: bool
    free: bool
    null_found: bool
    other_found: bool
    complete: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A value that a subject is compared with. Tokens of different `value` are different values.

    `found` says that the subject can have this value, if it is free. `mine` says that it is the persona's own identity,
    and `claim` names it where an identity may be without it, so that the comparison is NULL. `listed` says that the
    subject cannot have it where its complete values are known and this is not among them.
    """

    value: str
    found: bool
    mine: bool = False
    claim: str = ""
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Property:
    """Anything else that is true or false of each value of a subject, and NULL of NULL: `value` is its SQL.

    `found` says that the subject, if it is free, has values for which it is true and others for which it is false.
    """

    value: str
    found: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """`subject = token`, the subject's property, or `subject IS NULL` where there is neither."""

    subject: Subject
    of: Token | Property | None


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition that is not taken apart further.

    `text` is its SQL, and with `occurrence` its key: two atoms of one key have one value. `columns` are the numbers of
    the columns that it reads, `nullable` whether it can be NULL. `free` says that a row (or, for a tie, a row and an
    identity) can be found for each of its values, whatever atoms on other columns are: what it takes to claim a
    witness. `exact` is what it asks, where that is known: then atoms on one subject are taken together, and neither
    `nullable` nor `free` is read.
    """

    kind: AtomKind
    text: str
    columns: frozenset[int] = frozenset()
    nullable: bool = True
    free: bool = False
    exact: Condition | None = None
    occurrence: int = 0

    @property
    def key(self) -> str:
        """What tells it from other atoms."""
        # What a column is called differs between a table and a view over it.
        return f"{self.text} {sorted(self.columns)} {self.occurrence}"


@dataclass(frozen=True, slots=True)
class Not:
    """NOT."""

    operand: Formula


@dataclass(frozen=True, slots=True)
class And:
    """AND of all operands."""

    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """OR of all operands."""

    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Is:
    """`operand IS [NOT] TRUE / FALSE / UNKNOWN`: never NULL."""

    operand: Formula
    value: Truth
    negated: bool


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first operand that is not NULL."""

    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A whole expression with what is made of it at first sight: `meant`.

    `node` and `scope` are the expression and what names mean in it, for whoever has to look closer
    (`rlsaudit.policy.read`). `text` and `role` tell it from others of the same `meant`.
    """

    meant: Formula
    text: str
    role: int
    node: Node = field(compare=False, repr=False)
    scope: Scope = field(compare=False, repr=False)


Formula: TypeAlias = Constant | Atom | Not | And | Or | Is | Coalesce | Written

TRUE, FALSE, NULL = Constant(value=True), Constant(value=False), Constant(value=None)


def evaluate(formula: Formula, values: Mapping[str, Truth]) -> Truth:
    """Returns the formula's value where each atom has the value that `values` gives for its key."""
    match formula:
        case Constant(value):
            return value
        case Atom():
            return values[formula.key]
        case Not(operand):
            inner = evaluate(operand, values)
            return None if inner is None else not inner
        case And(operands):
            inners = [evaluate(one, values) for one in operands]
            return False if False in inners else None if None in inners else True
        case Or(operands):
            inners = [evaluate(one, values) for one in operands]
            return True if True in inners else None if None in inners else False
        case Is(operand, value, negated):
            return (evaluate(operand, values) is value) is not negated
        case Written(meant):
            return evaluate(meant, values)
        case Coalesce(operands):
            return next((one for one in (evaluate(each, values) for each in operands) if one is not None), None)


def simplify(formula: Formula) -> Formula:
    """Returns an equal formula with constants folded away."""
    match formula:
        case Not(operand):
            inner = simplify(operand)
            if isinstance(inner, Constant):
                return Constant(None if inner.value is None else not inner.value)
            return inner.operand if isinstance(inner, Not) else Not(inner)
        case And(operands):
            return _junction([simplify(one) for one in operands], And, absorbing=False)
        case Or(operands):
            return _junction([simplify(one) for one in operands], Or, absorbing=True)
        case Is(operand, value, negated):
            inner = simplify(operand)
            if isinstance(inner, Constant):
                return Constant((inner.value is value) is not negated)
            return Is(inner, value, negated)
        case Coalesce(operands):
            return _coalesce([simplify(one) for one in operands])
        case Written(meant):
            return simplify(meant)
        case _:
            return formula


def atoms(formula: Formula) -> Iterator[Atom]:
    """Yields every atom, repeated as often as it stands there."""
    match formula:
        case Atom():
            yield formula
        case Not(operand) | Is(operand) | Written(operand):
            yield from atoms(operand)
        case And(operands) | Or(operands) | Coalesce(operands):
            for one in operands:
                yield from atoms(one)
        case Constant():
            pass


def is_monotone(formula: Formula) -> bool:
    """Whether only AND and OR stand above the atoms: then NULL may be taken for False when asking what is true."""
    match formula:
        case Constant() | Atom():
            return True
        case And(operands) | Or(operands):
            return all(is_monotone(one) for one in operands)
        case Written(meant):
            return is_monotone(meant)
        case _:
            return False


def _junction(operands: list[Formula], kind: type[And | Or], *, absorbing: bool) -> Formula:
    kept: dict[Formula, None] = {}
    for operand in operands:
        if isinstance(operand, Constant) and operand.value is absorbing:
            return operand
        if isinstance(operand, Constant) and operand.value is (not absorbing):
            continue
        for one in operand.operands if isinstance(operand, kind) else (operand,):
            kept[one] = None
    if not kept:
        return Constant(not absorbing)
    return next(iter(kept)) if len(kept) == 1 else kind(tuple(kept))


def _coalesce(operands: list[Formula]) -> Formula:
    kept: list[Formula] = []
    for operand in operands:
        if isinstance(operand, Constant) and operand.value is None:
            continue
        kept.append(operand)
        if isinstance(operand, Constant) or _never_null(operand):
            break
    if not kept:
        return NULL
    return kept[0] if len(kept) == 1 else Coalesce(tuple(kept))


def _never_null(formula: Formula) -> bool:
    match formula:
        case Is():
            return True
        case Atom(exact=None, nullable=nullable):
            return not nullable
        case Atom(exact=Condition(of=None)):
            return True
        case _:
            return False
