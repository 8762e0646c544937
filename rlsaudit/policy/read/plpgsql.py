"""Bodies of several statements as what they return: a CASE over the ways through them.

A condition or a value of a way is read where its variables are what they were at that moment, as arguments are read.
A way that ends in an error has no value, and as there is no expression for an error, it may be any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.expr import (
    BOOLEAN,
    UNKNOWN,
    And,
    Call,
    Case,
    Const,
    Expr,
    Field,
    Given,
    IsNull,
    IsTrue,
    Lookup,
    Not,
    Opaque,
    Or,
    Type,
    size,
    type_of,
    walk,
)
from rlsaudit.policy.procedure import Branch, Conflict, NotFollowed, conflict_of, value
from rlsaudit.policy.procedure.declared import is_built_in
from rlsaudit.policy.procedure.path import (
    Argument,
    Bindings,
    Bound,
    Changed,
    Computed,
    Condition,
    Declared,
    Exists,
    FirstRow,
    Returned,
    Unknown,
)
from rlsaudit.policy.read import constants, types
from rlsaudit.policy.read.here import Here, LostError, Value, fixed
from rlsaudit.policy.read.opaque import opaque, unlike
from rlsaudit.policy.read.sublinks import column_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rlsaudit.catalog.facts import Function
    from rlsaudit.policy.scalar import Column
    from rlsaudit.policy.tree import Node

_RAISES = "raises an error"
_MOST_NAMED = 2_000
"""Parts of a variable's value."""
_OF_REQUEST = (And, Call, Case, Const, Given, IsNull, IsTrue, Not, Or)
"""What is made of values that come with the request, and reads no row."""
_ROW = re.compile(r"\s*%\s*rowtype\s*$", re.IGNORECASE)


def procedure(function: Function, here: Here) -> Expr | None:
    """Returns what a call of `function` returns, None where its body is not followed.

    `here` is where the body stands: its arguments are `here.parameters` by name and `here.numbered` in order.
    """
    found = value(function)
    if isinstance(found, NotFollowed) or not found:
        return None
    if function.language == "sql" and any(one.end == Returned(None) for one in found):
        # A body without a query at its end returns nothing, or is not valid.
        return None
    # Of a name that is both, no more is known where that is an error, or where the variable counts.
    around = replace(here, clash=conflict_of(function) is not Conflict.COLUMN, called="")
    # What a volatile one does not tell may be something else at the next call.
    call = unlike() if function.volatility == "v" else ""
    return Body(around, types.of_text(function.returns, here.scope), call).chosen(found)


@dataclass(slots=True, eq=False)
class Body:
    """The reading of one body that stands at `here` and returns a `kind`. Bounds and bindings are told by identity.

    `call` tells what is unknown of this call from what is of others like it.
    """

    here: Here
    kind: Type
    call: str
    _values: dict[tuple[int, str], tuple[Expr, int]] = field(default_factory=dict)
    _moments: dict[int, Here] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)
    _raised: int = 0

    def chosen(self, branches: Sequence[Branch]) -> Expr:
        """Returns the value of the branch that is taken."""
        cases, other = self._chosen(branches, 0)
        return Case(tuple(cases), other, self.kind) if cases else other

    def _chosen(self, branches: Sequence[Branch], depth: int) -> tuple[list[tuple[Expr, Expr]], Expr]:
        """The same for branches that have their first `depth` conditions in common, as the parts of a CASE.

        What comes first is asked first, for what comes after it may fail where it is not met.
        """
        self.here.work.spend(len(branches))
        if not branches:
            return [], self._nothing(_RAISES, self.kind)
        if len(branches) == 1 and len(branches[0].conditions) == depth:
            return [], self._end(branches[0])
        tests = [one.conditions[depth] if len(one.conditions) > depth else None for one in branches]
        first = tests[0]
        if first is None or any(one is None or one.test is not first.test for one in tests):
            return self._flat(branches, depth), self._nothing("takes a way that is not followed", self.kind)
        met, unmet = (
            [one for one, test in zip(branches, tests, strict=True) if test is not None and test.holds is holds]
            for holds in (True, False)
        )
        if isinstance(first.test, Unknown) and self._never_fails(first.test):
            return self._chosen(unmet, depth + 1)
        test = self.test(first)
        cases, value_met = self._chosen(met, depth + 1)
        if cases:
            value_met = Case(tuple(cases), value_met, self.kind)
        cases, other = self._chosen(unmet, depth + 1)
        # CASE takes a branch whose condition is true, as IF does.
        return [(test, value_met), *cases], other

    def _never_fails(self, unknown: Unknown) -> bool:
        """Whether what may fail in a block is one value that is known: a claim that the persona does not have."""
        if unknown.fails is None:
            return False
        here = self.moment(unknown.at)
        found = here.read(unknown.fails)
        # A domain may refuse NULL, also on the way.
        known = isinstance(found, Const) and "d" not in (found.type.kind, self.kind.kind)
        return known and all(_is_the_servers(one, here) for one in tree.walk(unknown.fails))

    def _flat(self, branches: Sequence[Branch], depth: int) -> list[tuple[Expr, Expr]]:
        """The cases of ways that part in no order."""
        cases: list[tuple[Expr, Expr]] = []
        for one in branches:
            tests = tuple(
                IsTrue(self.test(each)) if each.holds else Not(IsTrue(self.test(each)))
                for each in one.conditions[depth:]
            )
            cases.append((tests[0] if len(tests) == 1 else And(tests), self._end(one)))
        return cases

    def test(self, condition: Condition) -> Expr:
        """Returns what a way asks for, whether that holds there or not."""
        match condition.test:
            case Exists() as exists:
                return self._exists(exists)
            case Unknown() as unknown:
                return self._unknown(unknown, BOOLEAN)
            case node:
                here = self.moment(condition.bindings)
                return here.work.readers.condition(node, here)

    def _end(self, branch: Branch) -> Expr:
        match branch.end:
            case Returned(None):
                return Const(None, self.kind)
            case Returned(node, query):
                here = self.moment(branch.bindings)
                # Of more rows than one the first counts.
                found = self._column(node, 0, here, strict=False) if query else here.read(node)
                try:
                    return self._assigned(found, self.kind, self.kind.name)
                except LostError as lost:
                    return self._nothing(lost.reason, self.kind)
            case _:
                return self._nothing(_RAISES, self.kind)

    def _nothing(self, reason: str, kind: Type) -> Expr:
        """A value that may be any, unlike any other."""
        self._raised += 1
        return self._any(f"{reason} {self._raised}", reason, kind)

    def _unknown(self, unknown: Unknown, kind: Type = UNKNOWN) -> Expr:
        found = self._any(f"unknown {unknown.key}{self.call}", f"depends on {unknown.reason}", kind)
        fails = self._computed_from_request(unknown) if kind == BOOLEAN else None
        return found if fails is None else replace(found, nullable=False, fails=fails)

    def _computed_from_request(self, unknown: Unknown) -> Expr | None:
        """What may fail in a block where that is one value, made of nothing but what the request brings along."""
        if unknown.fails is None or not all(_is_the_servers(one, self.here) for one in tree.walk(unknown.fails)):
            return None
        try:
            found = self._assigned(self.moment(unknown.at).read(unknown.fails), self.kind, self.kind.name)
        except LostError:
            return None
        return found if all(isinstance(one, _OF_REQUEST) and "d" not in _kinds(one) for one in walk(found)) else None

    def _any(self, key: str, reason: str, kind: Type) -> Opaque:
        arguments = [one(self.here.free) for one in self.here.numbered]
        reads = dict.fromkeys(part for one in arguments for part in walk(one) if isinstance(part, Field))
        return Opaque(f"{key} {self.here.key}", reason, kind, tuple(reads))

    def moment(self, bindings: Bindings) -> Here:
        """Where an expression stands under these bindings."""
        if id(bindings) not in self._moments:
            variables = _Variables(bindings, self)
            numbered: list[Value] = []
            while f"${len(numbered) + 1}" in variables:
                numbered.append(variables[f"${len(numbered) + 1}"])
            # The same words mean something else once a variable has another value.
            key = f"{self.here.key} moment {len(self._moments)}"
            here = replace(self.here, parameters=variables, numbered=tuple(numbered), key=key)
            self._moments[id(bindings)] = here
            self._kept.append(bindings)
        return self._moments[id(bindings)]

    def value(self, bound: Bound, part: str) -> Expr:
        """Returns what a variable is bound to, or the field `part` of it, where the body stands.

        Raises:
            LostError: it is no plain value.
        """
        key = (id(bound), part)
        if key not in self._values:
            found = self._field(bound, part) if part else self._whole(bound)
            self._values[key] = found, size(found, _MOST_NAMED)
            self._kept.append(bound)
        result, parts = self._values[key]
        if parts > _MOST_NAMED:
            # What is made of itself again and again grows beyond all measure.
            raise LostError("names a variable that is made of too much")
        self.here.work.spend(parts)
        return result

    def _whole(self, bound: Bound) -> Expr:
        match bound:
            case Argument(position):
                return self.here.numbered[position - 1](self.here.free)
            case Computed(node, bindings, declared):
                return self._declared(self.moment(bindings).read(node), declared)
            case FirstRow(query, column, whole, strict, bindings, declared):
                if whole or (whole is None and self._is_row(declared)):
                    raise LostError("names a whole row")
                found = self._column(query, column, self.moment(bindings), strict=strict)
                return self._declared(found, declared)
            case Exists():
                return self._exists(bound)
            case Unknown():
                return self._unknown(bound)
            case _:
                raise LostError("names a variable that is not followed")

    def _field(self, bound: Bound, part: str) -> Expr:
        match bound:
            case Changed(whole, name, changed):
                return self.value(changed, "") if name == part else self.value(whole, part)
            case FirstRow(query, _, whole, strict, bindings, declared):
                if not whole and not (whole is None and self._is_row(declared)):
                    raise LostError("names a part of a value")
                here = self.moment(bindings)
                if declared.type.lower() == "record":
                    return self._column(query, part, here, strict=strict)
                return self._of_row(query, part, here, declared, strict=strict)
            case _:
                raise LostError("names a part of a value")

    def _column(self, query: Node, column: int | str, here: Here, *, strict: bool) -> Expr:
        try:
            return column_of(query, column, here, strict=strict)
        except LostError as lost:
            return replace(opaque(query, here, lost.reason), key=f"{column} {opaque(query, here, lost.reason).key}")

    def _exists(self, exists: Exists) -> Expr:
        asked = ast.SubLink(subLinkType=SubLinkType.EXISTS_SUBLINK, subselect=exists.query)
        here = self.moment(exists.bindings)
        return here.work.readers.condition(asked, here)

    def _of_row(self, query: Node, part: str, here: Here, declared: Declared, *, strict: bool) -> Expr:
        """A field of a variable that is declared to hold rows of a table: it takes a query's columns by their order."""
        cast = _cast(_ROW.sub("", declared.type))
        relation, columns = self._table(() if cast is None else tree.name(cast.typeName.names))
        if part not in columns:
            raise LostError(f"names {part}, which is no column of the row")
        found = self._column(query, list(columns).index(part), here, strict=strict)
        of = found.value if isinstance(found, Lookup) else None
        if not (isinstance(of, Field) and (of.relation, of.name) == (relation, part)):
            # Whatever is no column of that very table is cast.
            found = self._assigned(found, *_plain(columns[part]))
        return found

    def _table(self, name: tuple[str, ...]) -> tuple[int, Mapping[str, Column]]:
        database = self.here.scope.database
        relation = database.find(name, self.here.scope.path) if database is not None and name else None
        if database is None or relation is None:
            raise LostError(f"has a variable like {'.'.join(name)}, which is not followed")
        return relation.oid, database.columns(relation)

    def _is_row(self, declared: Declared) -> bool:
        return self._type(declared)[0].kind == "c"

    def _type(self, declared: Declared) -> tuple[Type, str]:
        """What a variable is declared as, and that with its modifiers."""
        cast = _cast(declared.type)
        found = None if cast is None else types.of_cast(cast, self.here.scope)
        if cast is not None and cast.typeName.pct_type and not cast.typeName.arrayBounds:
            *table, column = tree.name(cast.typeName.names)
            _, columns = self._table(tuple(table))
            found = _plain(columns[column]) if column in columns else None
        if found is None:
            raise LostError(f"has a variable of the type {declared.type}, which is not followed")
        return found

    def _declared(self, found: Expr, declared: Declared) -> Expr:
        """The value once it is assigned."""
        if declared.type:
            found = self._assigned(found, *self._type(declared))
        if declared.not_null and not (isinstance(found, Const) and found.value is not None):
            kind = type_of(found)
            found = Case(((Not(IsNull(found)), found),), self._nothing(_RAISES, kind), kind)
        return found

    def _assigned(self, found: Expr, kind: Type, name: str) -> Expr:
        """An assignment casts where a cast is silent, and else goes by way of the text, as `::` need not."""
        source = type_of(found)
        if isinstance(found, Opaque) and source == UNKNOWN:
            return replace(found, type=kind)
        if source == kind and name == kind.name:
            return found
        if isinstance(found, Const) and found.value is None and kind.kind != "d":
            return Const(None, kind)
        odd = BOOLEAN in (source, kind) and not (isinstance(found, Const) and source == UNKNOWN)
        if name != kind.name or kind.kind == "c" or (odd and not types.is_text(kind)):
            raise LostError(f"assigns to the type {name} in a way that is not followed")
        return constants.cast(found, kind, self.here)


def _cast(written: str) -> Node | None:
    """A cast to a type as it is written."""
    node: Node = tree.expression(f"null::{written}")
    return node if isinstance(node, ast.TypeCast) else None


def _plain(column: Column) -> tuple[Type, str]:
    """The type of a column, and that with its modifiers."""
    return types.of_column(column), column.declared


class _Variables(Mapping[str, Value]):
    """The variables of one moment, by name: `v`, `f.v`, and `r.x` for a field of one that holds a row."""

    def __init__(self, bindings: Bindings, body: Body) -> None:
        self._bindings = bindings
        self._body = body

    def __getitem__(self, name: str) -> Value:
        bound, part = self._bindings.get(name), ""
        if bound is None:
            variable, _, part = name.rpartition(".")
            bound = self._bindings[variable]

        def written(free: int) -> Expr:
            return fixed(self._body.value(bound, part), self._body.here.free)(free)

        return written

    def __iter__(self) -> Iterator[str]:
        return iter(self._bindings)

    def __len__(self) -> int:
        return len(self._bindings)


def _kinds(part: Expr) -> str:
    """The sort of type that a part of an expression has."""
    return type_of(part).kind


def _is_the_servers(node: tree.Node, here: Here) -> bool:
    """Whether nothing of the project's is called, or cast to: it might refuse a value that the server would take."""
    match node:
        case ast.FuncCall():
            name = tree.name(node.funcname)
            database = here.scope.database
            own = database is not None and any(
                one.extension is None and one.name == name[-1] for one in database.catalog.snapshot.functions
            )
            return name in here.scope.trusted or not (len(name) > 1 or own)
        case ast.TypeCast():
            written: tree.Node = node.typeName
            found = types.of_cast(node, here.scope)
            listed = found is not None and found[0].kind == "e" and found[0].name == found[1]
            return listed or is_built_in(".".join(tree.name(written.names)).removeprefix("pg_catalog."))
        case _:
            return True
