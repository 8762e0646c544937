"""Whether a query or an expression surely gives a value: what is known here never ends in an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, LockWaitPolicy, SubLinkType

from rlsaudit.policy import tree
from rlsaudit.policy.read.aggregates import sums

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rlsaudit.policy.tree import Node

_PLAIN = (
    ast.A_ArrayExpr | ast.A_Const | ast.A_Indices | ast.A_Indirection | ast.A_Star | ast.Alias | ast.BoolExpr
    | ast.BooleanTest | ast.Boolean | ast.CaseExpr | ast.CaseWhen | ast.CoalesceExpr | ast.ColumnRef
    | ast.CommonTableExpr | ast.Float | ast.Integer | ast.JoinExpr | ast.LockingClause | ast.MinMaxExpr | ast.NullTest
    | ast.ParamRef | ast.RangeSubselect | ast.RangeVar | ast.ResTarget | ast.RowExpr | ast.SQLValueFunction
    | ast.SelectStmt | ast.SortBy | ast.String | ast.TypeName | ast.WithClause
)  # fmt: skip
"""Nodes that add no error of their own; calls, operators, casts and subqueries are looked at more closely."""
_OPERATORS = frozenset(
    {"=", "<>", "!=", "<", "<=", ">", ">=", "||", "->", "->>", "#>", "#>>", "@>", "<@", "&&", "?", "+", "-", "*"}
    | {"~~", "!~~", "~~*", "!~~*"}
)
"""A number that grows beyond its type is put aside, as a row that breaks a constraint is. LIKE has names of its own."""
_COMPARING = frozenset(
    {
        A_Expr_Kind.AEXPR_DISTINCT, A_Expr_Kind.AEXPR_NOT_DISTINCT, A_Expr_Kind.AEXPR_NULLIF, A_Expr_Kind.AEXPR_IN,
        A_Expr_Kind.AEXPR_LIKE, A_Expr_Kind.AEXPR_ILIKE, A_Expr_Kind.AEXPR_BETWEEN, A_Expr_Kind.AEXPR_NOT_BETWEEN,
    }
)  # fmt: skip
_FUNCTIONS = frozenset(
    {
        "abs", "array_agg", "array_append", "array_length", "avg", "bool_and", "bool_or", "btrim", "cardinality",
        "char_length", "clock_timestamp", "concat", "count", "date_trunc", "every", "gen_random_uuid", "hashtext",
        "hashtextextended", "initcap", "json_agg", "json_build_array", "json_build_object", "jsonb_agg",
        "jsonb_build_array", "jsonb_build_object", "jsonb_strip_nulls", "length", "lower", "ltrim", "max", "md5",
        "min", "now", "pg_advisory_xact_lock", "replace", "round", "row_to_json", "rtrim", "set_config",
        "statement_timestamp", "string_agg", "sum", "timezone", "to_char", "to_json", "to_jsonb",
        "transaction_timestamp", "trim", "unaccent", "upper",
    }
)  # fmt: skip
"""Functions of pg_catalog that take any value of their types. Which setting is set is looked at where that is told."""
_OF_A_WORD = frozenset({"date_trunc", "timezone"})
"""Those that are told a unit, or a place, by its name."""
_OF_OBJECTS = frozenset({"json_build_object", "jsonb_build_object"})
_TEXTS = frozenset({"text", "character varying"})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known where something is evaluated.

    `own` are names that the project defines: what is called so may be anything. `trusted` are functions of the platform
    that give a value to whoever asks. `casts` tells of a cast of a column that every value of it can be cast so, and
    `finds_one` of a query that it finds one row at most.
    """

    own: Collection[str]
    trusted: Collection[tuple[str, ...]]
    casts: Callable[[Node], bool]
    finds_one: Callable[[Node], bool]


def never_fails(node: Node, known: Known) -> bool:
    """Returns whether evaluating an expression or a query surely succeeds, the project's functions in it left aside."""
    return all(_is_sound(one, known) for one in tree.walk(node))


def is_harmless_call(call: Node, known: Known) -> bool:
    """Returns whether a call is of a function of the server's, or the platform's, that never fails."""
    name = tree.name(call.funcname)
    if name in known.trusted:
        return True
    if name[-1] in known.own or name[-1] not in _FUNCTIONS or len(name) > 1:
        return False
    if name[-1] in _OF_A_WORD and not all(map(_is_text, (call.args or ())[:1])):
        return False
    if name[-1] in _OF_OBJECTS:
        # Keys come first of each two, and a key that is NULL is an error.
        args = call.args or ()
        return len(args) % 2 == 0 and all(_is_text(one) for one in args[::2])
    return True


def _is_sound(node: Node, known: Known) -> bool:
    match node:
        case ast.FuncCall():
            # What the project's own do is looked at where it is told that they are called.
            name = tree.name(node.funcname)
            ours = name[-1] in known.own and name not in known.trusted
            return node.over is None and (ours or is_harmless_call(node, known))
        case ast.A_Expr():
            return _is_sound_operator(node, known.own)
        case ast.TypeCast():
            plain = _is_written_out(node.arg) or (tree.target(node) in _TEXTS and not tree.modified(node))
            return plain or known.casts(node)
        case ast.SubLink():
            lone = node.subLinkType == SubLinkType.EXPR_SUBLINK
            return not lone or _gives_one_row(node.subselect) or known.finds_one(node.subselect)
        case ast.LockingClause():
            return bool(node.waitPolicy == LockWaitPolicy.LockWaitBlock)
        case ast.WithClause():
            return not node.recursive
        case ast.SelectStmt():
            return node.intoClause is None and not node.windowClause
        case ast.Node():
            return isinstance(node, _PLAIN)
        case _:
            return True


def _is_sound_operator(node: Node, own: Collection[str]) -> bool:
    name = tree.name(node.name)
    if len(name) > 1 or name[0] in own:
        return False
    if node.kind in _COMPARING:
        return True
    if node.kind not in {A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_OP_ANY, A_Expr_Kind.AEXPR_OP_ALL}:
        return False
    if name[0] in {"/", "%"}:
        return _is_number(node.rexpr)
    if name[0] in {"~", "~*", "!~", "!~*"}:
        return _is_text(node.rexpr)
    return name[0] in _OPERATORS


def _is_written_out(node: Node) -> bool:
    """Whether it is a constant, or a list of such, as the server writes out `status in ('a', 'b')`."""
    if isinstance(node, ast.A_ArrayExpr):
        return all(map(_is_written_out, map(tree.uncast, node.elements or ())))
    return isinstance(node, ast.A_Const)


def _is_number(node: Node) -> bool:
    """Whether it is a number that is not 0."""
    return isinstance(node, ast.A_Const) and isinstance(node.val, ast.Integer) and bool(node.val.ival)


def _is_text(node: Node) -> bool:
    return isinstance(node, ast.A_Const) and isinstance(node.val, ast.String)


def _gives_one_row(select: Node) -> bool:
    """Whether a query surely gives no more than one row."""
    if select.limitCount is not None:
        count = select.limitCount
        return isinstance(count, ast.A_Const) and isinstance(count.val, ast.Integer) and (count.val.ival or 0) <= 1
    return not select.groupClause and not select.larg and bool(not select.fromClause or sums(select))
