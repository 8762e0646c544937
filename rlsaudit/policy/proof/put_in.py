"""What a statement puts into a column when somebody signs up: a constant, what nobody else has, what the client says.

A variable is what the way through the body has made of it. The way that only the first user of all takes is nobody's:
that is whoever set the application up.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, NullTestType, SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.columns import TEXTS
from rlsaudit.policy.procedure import lookup
from rlsaudit.policy.procedure.path import Computed, Event, FirstRow, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from rlsaudit.policy.procedure.path import Bindings, Condition
    from rlsaudit.policy.tree import Node

_UNIQUE = frozenset({"gen_random_uuid", "uuid_generate_v4", "nextval"})
_DEEPEST = 8
_METADATA = "raw_user_meta_data"
_EMPTY: Bindings = {}


class Made(enum.Enum):
    """What a column gets where that is no constant."""

    DEFAULT = "default"
    ALONE = "alone"
    """A value that no other row has: the user's id, one made at random."""
    ANYTHING = "anything"
    PERHAPS = "perhaps"
    """Stands beside others where it is not certain that each of them can be had."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What the client says of itself under a key of its metadata, as it likes: any value of the column's type.

    `otherwise` is whether something else stands in where it says nothing: then the value is never NULL. `through` are
    the types that it is cast to on the way, but for texts.
    """

    key: str
    otherwise: bool = False
    through: frozenset[str] = frozenset()


Value: TypeAlias = "Made | Picked | str"
"""What a column gets: a constant as SQL, one of `Made`, or what the client picks."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values of a body. `signing` is whether NEW is the user who signs up.

    `alone` says whether a column of a row that an INSERT has made holds what no other row has. `everybody` says whether
    whoever signs up has a row in a table, and the body sees it: if it finds none, nobody signed up before.
    """

    signing: bool
    alone: Callable[[Node, int], bool]
    everybody: Callable[[Node], bool]

    def values(self, node: Node, bindings: Bindings = _EMPTY, depth: int = 0) -> frozenset[Value]:
        """Returns what an expression may be, with PERHAPS where it is not certain that each of that can be had."""
        inner = tree.uncast(node)
        if inner is None or depth > _DEEPEST:
            return frozenset({Made.ANYTHING})
        match inner:
            case ast.A_Const():
                return frozenset({tree.text(node)})
            case ast.SetToDefault():
                return frozenset({Made.DEFAULT})
            case ast.FuncCall() if is_unique(inner):
                return frozenset({Made.ALONE})
            case ast.ColumnRef():
                return self._named(inner, bindings, depth)
            case ast.CoalesceExpr():
                return self._first_of([self.values(one, bindings, depth + 1) for one in inner.args or ()])
            case ast.CaseExpr(arg=None):
                return self._case(inner, bindings, depth)
            case ast.A_Expr():
                key = self._key(inner, bindings)
                return frozenset({Made.ANYTHING if key is None else Picked(key, through=_casts(node))})
            case _:
                return frozenset({Made.ANYTHING})

    def _named(self, name: Node, bindings: Bindings, depth: int) -> frozenset[Value]:
        found = lookup(name, bindings)
        if found is None:
            written = tuple(getattr(one, "sval", "") for one in name.fields or ())
            return frozenset({Made.ALONE if written == ("new", "id") else Made.ANYTHING})
        match found:
            case (Event("new"), ("id",)):
                return frozenset({Made.ALONE})
            case (Computed(node, then, declared), ()) if "(" not in declared.type:
                return frozenset(_as(one, declared.type) for one in self.values(node, then, depth + 1))
            case (Unknown(written=statement, column=column), ()) if statement is not None:
                return frozenset({Made.ALONE if self.alone(statement, column) else Made.ANYTHING})
            case _:
                return frozenset({Made.ANYTHING})

    @staticmethod
    def _first_of(parts: list[frozenset[Value]]) -> frozenset[Value]:
        """COALESCE: what the client picks, or else the rest."""
        (first,) = parts[0] if len(parts[0]) == 1 else (None,)
        rest = [one for part in parts[1:] for one in part]
        if isinstance(first, Picked) and len(rest) < len(parts) and all(isinstance(one, str) for one in rest):
            return frozenset({replace(first, otherwise=not all(map(is_null, rest)))})
        return frozenset().union(*parts, {Made.PERHAPS})

    def _case(self, case: Node, bindings: Bindings, depth: int) -> frozenset[Value]:
        kept = [one for one in case.args or () if not self.is_first(one.expr, bindings)]
        found = [self.values(one.result, bindings, depth + 1) for one in kept]
        last = case.defresult
        found.append(frozenset({"NULL"}) if last is None else self.values(last, bindings, depth + 1))
        if not kept or (len(kept) == 1 and _is_there(kept[0])):
            # `CASE WHEN v IS NOT NULL THEN v ELSE …` is COALESCE in other words.
            return self._first_of(found) if kept else found[0]
        if len(kept) == 1 and (missing := self._missing(kept[0], last, bindings)):
            others = self._first_of(found[::-1])
            # Of metadata that are there a key may be missing all the same.
            whole = missing == tree.text(tree.uncast(last))
            return others if whole else frozenset(_or_null(one) for one in others)
        return frozenset().union(*found, {Made.PERHAPS})

    def _missing(self, branch: Node, value: Node, bindings: Bindings) -> str:
        """What of the client's word a branch asks to be missing: `CASE WHEN v IS NULL THEN … ELSE v`, else nothing."""
        inner: Node = tree.uncast(value)
        test = branch.expr
        asks = isinstance(test, ast.NullTest) and test.nulltesttype == NullTestType.IS_NULL
        if not asks or self._key(inner, bindings) is None:
            return ""
        asked = tree.text(tree.uncast(test.arg))
        return asked if asked in {tree.text(inner), tree.text(inner.lexpr)} else ""

    def _key(self, node: Node, bindings: Bindings) -> str | None:
        """The key, where it is `new.raw_user_meta_data ->> key`."""
        match node:
            case ast.A_Expr(
                kind=A_Expr_Kind.AEXPR_OP,
                lexpr=ast.ColumnRef() as of,
                rexpr=ast.A_Const(isnull=False, val=ast.String(sval=key)),
            ) if self.signing and tree.name(node.name) == ("->>",):
                if lookup(of, bindings) == (Event("new"), (_METADATA,)):
                    return key
            case _:
                pass
        return None

    # The first user

    def never(self, condition: Condition) -> bool:
        """Whether only the first user of all takes a way that asks for this."""
        test = condition.test
        return isinstance(test, ast.Node) and self.is_first(test, condition.bindings, holds=condition.holds)

    def is_first(self, node: Node, bindings: Bindings, depth: int = 0, *, holds: bool = True) -> bool:
        """Whether a condition, or where it does not hold its contrary, is that nobody has signed up yet."""
        if depth > _DEEPEST:
            return False
        match node:
            case ast.BoolExpr(boolop=BoolExprType.NOT_EXPR, args=(inner,)):
                return self.is_first(inner, bindings, depth + 1, holds=not holds)
            case ast.SubLink(subLinkType=SubLinkType.EXISTS_SUBLINK):
                return not holds and self._reads_all(node.subselect)
            case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, rexpr=ast.A_Const(val=ast.Integer(ival=number))):
                asked = (tree.name(node.name)[-1], number or 0)
                none = asked in ({("=", 0), ("<", 1), ("<=", 0)} if holds else {(">", 0), ("<>", 0), (">=", 1)})
                return none and self._counts(node.lexpr, bindings)
            case ast.ColumnRef():
                meant = self._meant(node, bindings)
                return meant is not None and self.is_first(*meant, depth + 1, holds=holds)
            case _:
                return False

    def _counts(self, node: Node, bindings: Bindings) -> bool:
        """Whether it is the number of all rows of a table in which everybody has one."""
        match node:
            case ast.ColumnRef():
                meant = self._meant(node, bindings)
                return meant is not None and self._counts(*meant)
            case ast.SubLink(subLinkType=SubLinkType.EXPR_SUBLINK):
                select: Node = node.subselect
                return self._reads_all(select) and _is_count(select.targetList[0].val)
            case _:
                # A call that stands alone is a column of such a query.
                return _is_count(node)

    def _meant(self, name: Node, bindings: Bindings) -> tuple[Node, Bindings] | None:
        """What a variable is: an expression, or a column of a query for all rows of such a table."""
        match lookup(name, bindings):
            case (Computed(node, then), ()):
                return node, then
            case (FirstRow(query, column, False, bindings=then), ()) if self._reads_all(query):
                return query.targetList[column].val, then
            case _:
                return None

    def _reads_all(self, select: Node) -> bool:
        """Whether a query takes all rows of a table in which everybody has one."""
        if not isinstance(select, ast.SelectStmt):
            return False
        tables = select.fromClause or ()
        asked = (select.whereClause, select.groupClause, select.havingClause, select.larg, select.withClause)
        bare = not any((*asked, select.limitOffset, select.lockingClause)) and _takes_one(select.limitCount)
        if not bare or len(tables) != 1 or not isinstance(tables[0], ast.RangeVar):
            return False
        # Without its parts it may have no rows at all.
        return bool(tables[0].inh) and self.everybody(tables[0])


def _or_null(value: Value) -> Value:
    return replace(value, otherwise=False) if isinstance(value, Picked) else value


def _casts(node: Node) -> frozenset[str]:
    """The types that something is cast to, from one to the next, but for texts."""
    found = set[str]()
    while isinstance(node, ast.TypeCast):
        found.add(tree.target(node))
        node = node.arg
    return frozenset(found) - TEXTS


def _as(value: Value, declared: str) -> Value:
    """A value that was kept in a variable of this type, as the body writes it."""
    if isinstance(value, Made) or not declared or value == "NULL":
        return value
    cast = tree.expression(f"null::{declared}") if "%" not in declared else None
    if not isinstance(cast, ast.TypeCast):
        return Made.ANYTHING
    if isinstance(value, Picked):
        return replace(value, through=value.through | _casts(cast))
    return f"({value})::{declared}"


def is_null(value: Value) -> bool:
    """Returns whether a constant is NULL."""
    node = tree.uncast(tree.expression(value)) if isinstance(value, str) else None
    return isinstance(node, ast.A_Const) and bool(node.isnull)


def _is_count(node: Node) -> bool:
    """Whether it is `count(*)`."""
    if not isinstance(node, ast.FuncCall) or tree.name(node.funcname) != ("count",):
        return False
    return bool(node.agg_star) and node.agg_filter is None and node.over is None


def _takes_one(limit: Node) -> bool:
    """Whether a LIMIT leaves one row at least, where there is one."""
    match limit:
        case None:
            return True
        case ast.A_Const(val=ast.Integer(ival=number)):
            return (number or 0) > 0
        case _:
            return False


def _is_there(branch: Node) -> bool:
    """Whether a branch of a CASE is `WHEN v IS NOT NULL THEN v`."""
    test = branch.expr
    asked = isinstance(test, ast.NullTest) and test.nulltesttype == NullTestType.IS_NOT_NULL
    return asked and tree.text(test.arg) == tree.text(branch.result)


def is_unique(node: Node | None) -> bool:
    """Whether an expression is a call of what gives nobody the same twice, cast or not."""
    inner = tree.uncast(node)
    return isinstance(inner, ast.FuncCall) and tree.name(inner.funcname)[-1] in _UNIQUE
