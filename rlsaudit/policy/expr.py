"""A policy as a typed expression: what the server computes, with every name resolved and every body put in.

Where a `Formula` says who chooses the value of a condition, an `Expr` says how the value comes about: it can be
evaluated over a row and the tables (`rlsaudit.policy.evaluate`), and handed to a solver (`rlsaudit.policy.proof`).
Truth is SQL's: a Boolean expression is true, false or NULL.

Rows are numbered by places. Place 0 is the row that a policy is asked about; each relation in the FROM of a subquery
has the next place after those that are in scope there, so that equal subqueries are equal expressions.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Type:
    """A type without modifiers, as the catalog writes it: `uuid`, `text[]`, `public.stage`.

    `kind` is `typtype`: `b` base, `e` enum, `d` domain, `c` composite; `?` where it is not known.
    """

    name: str
    kind: str = "b"


BOOLEAN, TEXT, UUID, INTEGER = Type("boolean"), Type("text"), Type("uuid"), Type("integer")
UNKNOWN = Type("unknown", "?")
AFTER = "after"
"""The name of a `Call` that is its first argument, once the others are computed: what they come to does not matter."""


class Who(enum.Enum):
    """Who chooses a value that is in no table."""

    IDENTITY = "identity"
    """Nobody: it tells this persona from all others, and is never NULL. The user's id, or the role of a login."""
    SERVER = "server"
    """The server gave it to this persona, or did not: a claim in app_metadata, a tenant that the application sets."""
    CLIENT = "client"
    """The client writes it: user_metadata, headers, an e-mail that nobody verified."""
    ARGUMENT = "argument"
    """Whoever calls the function picks it."""
    CLOCK = "clock"
    """The time of the statement."""


@dataclass(frozen=True, slots=True)
class Const:
    """A constant in the server's own text form (`t`, `f` for Booleans), None for NULL."""

    value: str | None
    type: Type


@dataclass(frozen=True, slots=True)
class Given:
    """A value that a request brings along. `key` tells it from others of its kind: `sub`, `app_metadata.org`."""

    who: Who
    key: str
    type: Type
    nullable: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the row at `place`, by its number in `relation` (an OID)."""

    place: int
    relation: int
    number: int
    name: str
    type: Type
    nullable: bool


class _Compound:
    """What is made of others."""

    __slots__ = ("_hash",)
    _hash: int


def _hashed_once(compound: type[_T]) -> type[_T]:
    """Makes a class compute its hash once: what stands in several places would be gone through for each of them."""
    computed = compound.__hash__

    def hashed(self: _Compound) -> int:
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", computed(self))
            return self._hash

    compound.__hash__ = hashed  # type: ignore[assignment,method-assign]
    return compound


@_hashed_once
@dataclass(frozen=True, slots=True)
class Call(_Compound):
    """A built-in function, operator or cast of values: a function of them and of nothing else.

    `name` is `f()` for a function f, `=` for an operator, `::uuid` for a cast to uuid (which may fail), `[]` for a
    subscript, `= ANY` for an operator and ANY over an array, `ARRAY` for an array of its arguments, `AFTER` for the
    first of them.
    """

    name: str
    args: tuple[Expr, ...]
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Not(_Compound):
    """NOT."""

    operand: Expr


@_hashed_once
@dataclass(frozen=True, slots=True)
class And(_Compound):
    """AND of all operands; of none it is true."""

    operands: tuple[Expr, ...]


@_hashed_once
@dataclass(frozen=True, slots=True)
class Or(_Compound):
    """OR of all operands; of none it is false."""

    operands: tuple[Expr, ...]


@_hashed_once
@dataclass(frozen=True, slots=True)
class IsNull(_Compound):
    """`operand IS NULL`: of a Boolean, IS UNKNOWN."""

    operand: Expr


@_hashed_once
@dataclass(frozen=True, slots=True)
class IsTrue(_Compound):
    """`operand IS TRUE`: false where it is NULL."""

    operand: Expr


@_hashed_once
@dataclass(frozen=True, slots=True)
class Case(_Compound):
    """The value of the first branch whose condition is true, else `default`.

    COALESCE and NULLIF are written as this: `(NOT a IS NULL, a) …`, `(a = b, NULL)`.
    """

    branches: tuple[tuple[Expr, Expr], ...]
    default: Expr
    type: Type


@dataclass(frozen=True, slots=True)
class Source:
    """A relation in a FROM, at its place, by OID and the name that people know."""

    place: int
    relation: int
    name: str


@_hashed_once
@dataclass(frozen=True, slots=True)
class Query(_Compound):
    """The rows of a query: all combinations of rows of its sources for which `where` is true.

    What row-level security asks of a source is a part of `where`. `exact` is false where the query yields only some of
    these rows (OFFSET, HAVING), or each only perhaps.
    """

    sources: tuple[Source, ...]
    where: Expr
    exact: bool = True


@_hashed_once
@dataclass(frozen=True, slots=True)
class AnyRow(_Compound):
    """`test` ORed over the rows of a query: EXISTS where `test` is true, `x IN (SELECT y …)` where it is `x = y`."""

    query: Query
    test: Expr


@_hashed_once
@dataclass(frozen=True, slots=True)
class Lookup(_Compound):
    """A scalar subquery: `value` of the query's row, NULL where it has none.

    `strict`: more than one row is an error; else the first row counts, of any order (SELECT INTO, LIMIT 1).
    """

    query: Query
    value: Expr
    strict: bool
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Aggregate(_Compound):
    """An aggregate over all rows of a query, without GROUP BY: `count(*)` has no value, and is never NULL."""

    function: str
    value: Expr | None
    query: Query
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Opaque(_Compound):
    """A value that is not followed, for `reason`: any value at all.

    Two of one `key` are the same value; `key` holds everything that it depends on, and `reads` are fields among that.
    """

    key: str
    reason: str
    type: Type
    reads: tuple[Expr, ...] = ()
    nullable: bool = True


Expr: TypeAlias = (
    Const | Given | Field | Call | Not | And | Or | IsNull | IsTrue | Case | AnyRow | Lookup | Aggregate | Opaque
)

TRUE, FALSE, NULL = Const("t", BOOLEAN), Const("f", BOOLEAN), Const(None, BOOLEAN)


def type_of(expression: Expr) -> Type:
    """Returns the type of an expression's value."""
    match expression:
        case Const(type=kind) | Given(type=kind) | Field(type=kind) | Call(type=kind) | Case(type=kind):
            return kind
        case Lookup(type=kind) | Aggregate(type=kind) | Opaque(type=kind):
            return kind
        case _:
            return BOOLEAN


def below(expression: Expr) -> tuple[Expr, ...]:
    """Returns the expressions that `expression` is made of, those of its queries among them."""
    match expression:
        case Call(args=parts) | And(operands=parts) | Or(operands=parts) | Opaque(reads=parts):
            return parts
        case Not(operand) | IsNull(operand) | IsTrue(operand):
            return (operand,)
        case Case(branches, default):
            return (*(one for branch in branches for one in branch), default)
        case AnyRow(query, value) | Lookup(query, value):
            return (query.where, value)
        case Aggregate(value=value, query=query):
            return (query.where,) if value is None else (query.where, value)
        case _:
            return ()


def sources(expression: Expr) -> tuple[Source, ...]:
    """Returns the relations that `expression` itself reads, without what is below it."""
    return expression.query.sources if isinstance(expression, AnyRow | Lookup | Aggregate) else ()


def walk(expression: Expr) -> Iterator[Expr]:
    """Yields every expression below and including `expression`, one that stands in several places once.

    Bodies that are put in the place of calls share their arguments: written out they may be larger than any memory.
    """
    waiting, seen = [expression], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting.extend(below(current))


def size(expression: Expr, most: int) -> int:
    """Returns how many expressions there are in it, written out: one that stands in several places each time.

    Beyond `most` they are not counted.
    """
    waiting, count = [expression], 0
    while waiting and count <= most:
        waiting.extend(below(waiting.pop()))
        count += 1
    return count


def is_larger(expression: Expr, most: int) -> bool:
    """Returns whether there are more than so many expressions in it, written out."""
    return size(expression, most) > most


def queries(expression: Expr) -> Iterator[Query]:
    """Yields every query in an expression."""
    return (one.query for one in walk(expression) if isinstance(one, AnyRow | Lookup | Aggregate))


def reads_tables(expression: Expr) -> bool:
    """Returns whether an expression depends on more than its row and the request, as far as is known."""
    return any(isinstance(one, AnyRow | Lookup | Aggregate | Opaque) for one in walk(expression))


def rebuilt(
    expression: Expr, leaf: Callable[[Expr], Expr], source: Callable[[Source], Source] = lambda one: one
) -> Expr:
    """Returns the expression with every constant, given value and field replaced by what `leaf` makes of it.

    What stands in several places is one expression in the result, too.
    """
    made: dict[int, Expr] = {}

    def one(part: Expr) -> Expr:
        if id(part) not in made:
            made[id(part)] = of(part)
        return made[id(part)]

    def query(of: Query) -> Query:
        return Query(tuple(map(source, of.sources)), one(of.where), of.exact)

    def of(part: Expr) -> Expr:
        match part:
            case Call(name, args, kind):
                return Call(name, tuple(map(one, args)), kind)
            case Not(operand) | IsNull(operand) | IsTrue(operand):
                return type(part)(one(operand))
            case And(operands) | Or(operands):
                return type(part)(tuple(map(one, operands)))
            case Case(branches, default, kind):
                return Case(tuple((one(condition), one(value)) for condition, value in branches), one(default), kind)
            case AnyRow(asked, test):
                return AnyRow(query(asked), one(test))
            case Lookup(asked, value, strict, kind):
                return Lookup(query(asked), one(value), strict, kind)
            case Aggregate(function, summand, asked, kind):
                return Aggregate(function, None if summand is None else one(summand), query(asked), kind)
            case Opaque(key, reason, kind, reads, nullable):
                return Opaque(key, reason, kind, tuple(map(one, reads)), nullable)
            case _:
                return leaf(part)

    return one(expression)
