"""Where an expression stands: what names mean there, whose rights count, and how much work is left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from rlsaudit.policy.expr import (
    Aggregate,
    And,
    AnyRow,
    Call,
    Case,
    Expr,
    Field,
    IsNull,
    IsTrue,
    Lookup,
    Not,
    Opaque,
    Or,
    Query,
)
from rlsaudit.policy.helpers import own_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rlsaudit.catalog.facts import Function, Relation
    from rlsaudit.policy.expr import Source
    from rlsaudit.policy.tree import Node
    from rlsaudit.policy.values import Scope

MOST_DEPTH = 100
MOST_NODES = 20_000
_MOST_WAYS = 16


class LostError(Exception):
    """Something is not followed, for `reason`; whoever can say what that concerns makes it an `Opaque`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLargeError(Exception):
    """The work for one expression is used up."""


class Choices:
    """The ways through a query that is several in one: UNION, or an outer join with and without a partner.

    A query is read once for each way. Whoever comes to a fork asks `pick`, in the same order every time.
    """

    def __init__(self) -> None:
        self._taken: list[tuple[int, int]] = []
        self._at = 0
        self._ways = 1

    def pick(self, count: int) -> int:
        """Returns which of `count` turns to take this time."""
        if self._at == len(self._taken):
            self._ways *= count
            if self._ways > _MOST_WAYS:
                raise LostError("is several queries in one, too many to follow")
            self._taken.append((0, count))
        self._at += 1
        return self._taken[self._at - 1][0]

    def next(self) -> bool:
        """Turns to the next way; False where there is none."""
        self._at = 0
        while self._taken and self._taken[-1][0] + 1 == self._taken[-1][1]:
            self._ways //= self._taken.pop()[1]
        if self._taken:
            turn, count = self._taken[-1]
            self._taken[-1] = (turn + 1, count)
        return bool(self._taken)


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads each sort of thing; they call one another, and find one another here."""

    expression: Callable[[Node, Here], Expr]
    condition: Callable[[Node, Here], Expr]
    policies: Callable[[Relation, int, Here], Expr]
    rows: Callable[[Node, Here, Choices], Rows]
    returned: Callable[[Node, Here, Choices], Rows]
    procedure: Callable[[Function, Here], Expr | None]


class Work:
    """How much of one reading is done."""

    def __init__(self, readers: Readers) -> None:
        self.readers = readers
        self._left = MOST_NODES
        self._depth = 0

    @property
    def left(self) -> int:
        """How much more may be done."""
        return self._left

    def spend(self, steps: int = 1) -> None:
        """Counts some more of the work.

        Raises:
            TooLargeError: that was too much.
        """
        self._left -= steps
        if self._left < 0:
            raise TooLargeError

    def enter(self) -> bool:
        """Whether one more expression may be read at this depth; `leave` it either way."""
        self.spend()
        self._depth += 1
        return self._depth <= MOST_DEPTH

    def leave(self) -> None:
        """Ends what `enter` began."""
        self._depth -= 1


Value: TypeAlias = "Callable[[int], Expr]"
"""What a name means, as it is written where so many places are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What a FROM makes of one of its items: `alias` and columns. `used` collects those that are named.

    `schema` may qualify the alias too. `merged` are columns that another table of the same FROM shows as well (USING).
    """

    alias: str
    columns: Mapping[str, Value]
    schema: str = ""
    used: set[str] = field(default_factory=set)
    merged: frozenset[str] = frozenset()

    def value(self, name: str, free: int) -> Expr:
        """Returns what a column is, where `free` is the first place that is not taken."""
        self.used.add(name)
        return self.columns[name](free)


@dataclass(slots=True, eq=False)
class Rows:
    """One way through a query, before its conditions are read: they stand where all of its places are taken.

    `checks` are the tables that are read, and with whose rights. `columns` is what comes out, in order. `here` is where
    its conditions and columns stand, and `node` the SELECT, None where there is none.
    """

    here: Here
    node: Node = None
    sources: list[Source] = field(default_factory=list)
    conditions: list[Value] = field(default_factory=list)
    checks: list[tuple[int, Relation, Table]] = field(default_factory=list)
    columns: list[tuple[str, Value]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Summed:
    """The rows that an aggregate is over. `here` is where its argument stands, `query` says which rows those are."""

    here: Here
    query: Query


@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """Where an expression stands.

    `free` is the first place not taken. `levels` are the tables whose columns may be named, innermost first.
    `parameters` and `numbered` are the arguments of the function `called` whose body this is, and `clash` whether a
    column of a parameter's name is an error (in plpgsql). `common` are WITH queries, with where each stands. `within`
    holds the functions and policies around. `user` is the role of `current_user` (an OID), 0 for the persona's.
    `written` says that people wrote this, `shadowed` that extensions' names come before those of
    pg_catalog, `key` tells one call of a body from another. `locks` is whether rows may be locked: where a statement
    that does may fail, and is then no more than that.
    """

    work: Work
    scope: Scope
    free: int
    levels: tuple[tuple[Table, ...], ...] = ()
    parameters: Mapping[str, Value] = field(default_factory=dict)
    numbered: tuple[Value, ...] = ()
    called: str = ""
    clash: bool = False
    common: Mapping[str, tuple[Node, Here, tuple[str, ...]]] = field(default_factory=dict)
    within: frozenset[tuple[str, int, int]] = frozenset()
    user: int = 0
    written: bool = False
    shadowed: bool = False
    locks: bool = False
    key: str = ""
    summed: Summed | None = None

    def read(self, node: Node) -> Expr:
        """Returns `node` as an expression that stands here."""
        return self.work.readers.expression(node, self)

    def at(self, free: int) -> Here:
        """Returns the same with more places taken."""
        return self if free == self.free else replace(self, free=free)

    def redefines(self, name: str) -> bool:
        """Whether a name without a schema may mean something of the project's, and not what pg_catalog has."""
        database = self.scope.database
        return self.written and database is not None and name in own_names(database.catalog, extensions=self.shadowed)

    @property
    def rights(self) -> str:
        """What `current_user` is here, for keys."""
        return f"as {self.user}" if self.user else ""

    @property
    def caller(self) -> int:
        """The role of `current_user`."""
        return self.user or _role(self.scope)


def _role(scope: Scope) -> int:
    if scope.database is None:
        return scope.role
    role = scope.database.catalog.roles_by_name.get(scope.persona.role)
    return scope.role if role is None else role.oid


def fixed(expression: Expr, base: int) -> Value:
    """Returns a value that was read where `base` was the first free place: where more are taken, its own are moved."""
    return lambda free: moved(expression, base, free - base) if free > base else expression


def moved(expression: Expr, base: int, by: int) -> Expr:
    """Returns the expression with every place from `base` on `by` higher."""

    def one(part: Expr) -> Expr:
        return moved(part, base, by)

    def query(of: Query) -> Query:
        sources = tuple(replace(each, place=each.place + by) if each.place >= base else each for each in of.sources)
        return Query(sources, one(of.where), of.exact)

    result = expression
    match expression:
        case Field(place=place) if place >= base:
            result = replace(expression, place=place + by)
        case Call(args=args):
            result = replace(expression, args=tuple(map(one, args)))
        case Not(operand) | IsNull(operand) | IsTrue(operand):
            result = replace(expression, operand=one(operand))
        case And(operands) | Or(operands):
            result = replace(expression, operands=tuple(map(one, operands)))
        case Case(branches, default):
            branches = tuple((one(condition), one(value)) for condition, value in branches)
            result = replace(expression, branches=branches, default=one(default))
        case AnyRow(of, test):
            result = AnyRow(query(of), one(test))
        case Lookup(of, value):
            result = replace(expression, query=query(of), value=one(value))
        case Aggregate(value=summand, query=of):
            result = replace(expression, query=query(of), value=None if summand is None else one(summand))
        case Opaque(reads=reads):
            shifted = tuple(map(one, reads))
            if shifted != reads:
                result = replace(expression, reads=shifted, key=f"{expression.key} at {base}+{by}")
        case _:
            pass
    return result
