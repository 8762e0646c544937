"""What is known of a function once its body has been followed: the ways through it, and what is done on each.

Expressions and queries stay pglast nodes, as they are written. Beside each stands what the body's variables were bound
to when it ran: nothing is put into a node, for there a name may be a column's. `names.lookup` finds what a name means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.policy.tree import Node

Bindings: TypeAlias = "Mapping[str, Bound]"
"""What a body's names stand for: `v`, `$1`, and with the label of their block, or the function's name, `f.v`."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A type as it is written in the body, empty where it is not known, and whether NULL is refused (an error)."""

    type: str = ""
    not_null: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """What the caller passes at `position`, counted from 1 among the parameters that take something in."""

    position: int
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """What the server tells a trigger: `new`, `old`, `tg_op` and more."""

    name: str


@dataclass(frozen=True, slots=True)
class Computed:
    """The value of an expression, under the bindings of its moment, cast as in an assignment to what is declared."""

    node: Node
    bindings: Bindings = field(repr=False)
    declared: Declared = field(default_factory=Declared)


@dataclass(frozen=True, slots=True)
class FirstRow:
    """Column `column`, from 0, of a query's first row; NULL where it has none. Cast as in an assignment.

    `whole`: the row itself, else a column; None where that depends on whether the declared type is composite.
    `strict`: more than one row is an error. That there is none, if that is one, is a condition of the path.
    """

    query: Node
    column: int
    whole: bool | None
    strict: bool
    bindings: Bindings = field(repr=False)
    declared: Declared = field(default_factory=Declared)


@dataclass(frozen=True, slots=True)
class SomeRow:
    """Column `column` of one of a query's rows, or the row itself, as for `FirstRow`: it is not known which."""

    query: Node
    column: int
    whole: bool | None
    bindings: Bindings = field(repr=False)
    declared: Declared = field(default_factory=Declared)


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether a query has a row: FOUND after it ran."""

    query: Node
    bindings: Bindings = field(repr=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """The composite `whole` with `value` in the place of one field."""

    whole: Bound
    field: str
    value: Bound


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any value at all, for `reason`. `key` tells it from the other unknown values of the same function.

    `written`: it is column `column`, from 0, of what this statement RETURNING gives of a row that it wrote. `fails`: it
    is whether this expression fails, under the bindings `at`. `wrote`: it is whether this statement wrote a row.
    """

    reason: str
    key: int
    written: Node | None = field(default=None, repr=False)
    column: int = 0
    fails: Node | None = field(default=None, repr=False)
    at: Bindings = field(default_factory=dict, repr=False)
    wrote: Node | None = field(default=None, repr=False)


Bound: TypeAlias = Argument | Event | Computed | FirstRow | SomeRow | Exists | Changed | Unknown


@dataclass(frozen=True, slots=True)
class Condition:
    """What a path asks for: that `test` is true, or, where it does not hold, that it is false or NULL.

    `after` is what may have been done by then: what a query gave is what that has left.
    """

    test: Node | Exists | Unknown
    bindings: Bindings = field(repr=False)
    holds: bool
    after: tuple[Step, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Reads:
    """A query is run. `maybe`, here and below: perhaps not at all, perhaps again and again."""

    query: Node
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Writes:
    """An INSERT, UPDATE, DELETE, MERGE or TRUNCATE is run, also one that is part of a query."""

    statement: Node
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    """A function is called (`call` is its node) or a procedure, wherever it stands."""

    call: Node
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Assigns:
    """A variable gets a value: `name` as it is written, with the field if only that is set (`new.owner`)."""

    name: str
    value: Bound
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Tells:
    """A message is made of a value: by RAISE, or ASSERT. Who runs the statement reads it, also where that fails."""

    node: Node
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Sets:
    """A setting is changed; `name` is None where it is not known which."""

    name: str | None
    statement: Node
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A text is run as SQL: it may do anything. `arguments` are those of USING."""

    text: Node
    arguments: tuple[Node, ...]
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Gives:
    """RETURN NEXT of an expression, or of the output parameters where it is None; RETURN QUERY of a query.

    `value` is a `Dynamic` where the query is a text.
    """

    value: Node | Dynamic | None
    query: bool
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Makes:
    """Tables of these names are made, indexed or dropped: temporary ones, if there are no others that have them."""

    names: tuple[str, ...]
    bindings: Bindings = field(repr=False)
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """A statement that touches neither rows nor variables: LOCK, NOTIFY."""

    statement: Node
    bindings: Bindings = field(repr=False)
    maybe: bool = False


Step: TypeAlias = Reads | Writes | Calls | Assigns | Sets | Dynamic | Gives | Tells | Makes | Other


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returns an expression, a query's rows (SQL), or nothing: NULL, or the output parameters."""

    node: Node
    query: bool = False


@dataclass(frozen=True, slots=True)
class Raised:
    """The statement fails. `sqlstate` is None where it is not known, `message` where it is computed otherwise."""

    sqlstate: str | None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class FellOff:
    """Control reaches the end without RETURN: error 2F005."""


End: TypeAlias = Returned | Raised | FellOff


@dataclass(frozen=True, slots=True)
class Path:
    """One way through a body: taken where all `conditions` hold, which no two ways of a function have in common.

    An expression of the path may fail, and then the statement does: that is no way of its own. A query stands for what
    it gave when it ran, in the order of `steps`: what has been written before is seen by it.
    """

    conditions: tuple[Condition, ...]
    steps: tuple[Step, ...]
    end: End
    bindings: Bindings = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """Nothing is known of the ways through a body, for `reason`."""

    reason: str
