"""What policies say of columns: the constants, identities and other columns that they compare them with.

A row that shows what a policy lets through has to have these values; made up at random it would have none of them.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.catalog.facts import ColumnRef
from rlsaudit.policy.expr import AFTER, Call, Const, Expr, Field, Given, IsNull, Who, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_COMPARES = frozenset({"=", "<>", "<", "<=", ">", ">=", "~~", "~~*", "= ANY", "<> ALL", "@>", "<@", "&&", "?"})


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of each column that policies compare with something.

    `constants` are texts in the server's form, None for NULL; `members` those that a member of a document is compared
    with, behind its path. `parts` are what something made of the column is compared with: a folder of a name. `given`
    are the keys of what a request brings along (`sub`, `app_metadata.org`), `links` columns that are compared with one
    another.
    """

    constants: Mapping[ColumnRef, tuple[str | None, ...]] = field(default_factory=dict)
    members: Mapping[ColumnRef, tuple[tuple[tuple[str, ...], str], ...]] = field(default_factory=dict)
    parts: Mapping[ColumnRef, tuple[str, ...]] = field(default_factory=dict)
    given: Mapping[ColumnRef, tuple[str, ...]] = field(default_factory=dict)
    links: tuple[tuple[ColumnRef, ColumnRef], ...] = ()


def said(expressions: Iterable[Expr]) -> Said:
    """Returns what the expressions say of columns, those of the tables that they look into among them."""
    constants: defaultdict[ColumnRef, dict[str | None, None]] = defaultdict(dict)
    members: defaultdict[ColumnRef, dict[tuple[tuple[str, ...], str], None]] = defaultdict(dict)
    parts: defaultdict[ColumnRef, dict[str, None]] = defaultdict(dict)
    given: defaultdict[ColumnRef, dict[str, None]] = defaultdict(dict)
    links: dict[tuple[ColumnRef, ColumnRef], None] = {}
    for expression in expressions:
        for one in walk(expression):
            if isinstance(one, IsNull) and isinstance(one.operand, Field):
                constants[_ref(one.operand)][None] = None
            if not isinstance(one, Call) or one.name not in _COMPARES:
                continue
            for left, right in itertools.permutations(one.args) if one.args[1:] and not one.args[2:] else ():
                column, path = _column(left)
                if column is None:
                    for each in _fields(left):
                        parts[_ref(each)] |= dict.fromkeys(value for value in _constants(right) if value is not None)
                    continue
                ref = _ref(column)
                for value in _constants(right):
                    if path and value is not None:
                        members[ref][path, value] = None
                    elif not path:
                        constants[ref][value] = None
                source = _bare(right)
                if isinstance(source, Given) and source.who is not Who.CLOCK and not path:
                    given[ref][source.key] = None
                elif isinstance(source, Field) and not path and _ref(source) != ref:
                    links[min(ref, _ref(source)), max(ref, _ref(source))] = None
    return Said(
        {ref: tuple(values) for ref, values in constants.items()},
        {ref: tuple(values) for ref, values in members.items()},
        {ref: tuple(values) for ref, values in parts.items()},
        {ref: tuple(values) for ref, values in given.items()},
        tuple(links),
    )


def _ref(column: Field) -> ColumnRef:
    return ColumnRef(column.relation, column.number)


def _bare(expression: Expr) -> Expr:
    """What is below casts and changes of case, and what a body comes to."""
    while isinstance(expression, Call) and (
        (len(expression.args) == 1 and expression.name.startswith(("::", "lower"))) or expression.name == AFTER
    ):
        expression = expression.args[0]
    return expression


def _column(expression: Expr) -> tuple[Field | None, tuple[str, ...]]:
    """The column that an expression is, or the member of one, with its path."""
    path: list[str] = []
    while True:
        expression = _bare(expression)
        match expression:
            case Field():
                return expression, tuple(reversed(path))
            case Call(name="->" | "->>", args=(inner, Const(value=str() as key))):
                path.append(key)
                expression = inner
            case _:
                return None, ()


def _fields(expression: Expr) -> Iterator[Field]:
    return (one for one in walk(expression) if isinstance(one, Field)) if isinstance(expression, Call) else iter(())


def _constants(expression: Expr) -> Iterator[str | None]:
    expression = _bare(expression)
    if isinstance(expression, Const):
        yield expression.value
    elif isinstance(expression, Call) and expression.name == "ARRAY":
        yield from (one.value for one in map(_bare, expression.args) if isinstance(one, Const))
