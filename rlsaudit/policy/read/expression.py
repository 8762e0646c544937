"""One expression of SQL as an `Expr`: each kind of node, with its parts read in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, BoolTestType, MinMaxOp, NullTestType

from rlsaudit.policy import tree
from rlsaudit.policy.expr import (
    BOOLEAN,
    FALSE,
    TEXT,
    TRUE,
    UNKNOWN,
    And,
    Call,
    Case,
    Const,
    Expr,
    IsNull,
    IsTrue,
    Not,
    Opaque,
    Or,
    Type,
    type_of,
)
from rlsaudit.policy.read import builtins, constants, operators, types
from rlsaudit.policy.read.aggregates import AGGREGATES, aggregate
from rlsaudit.policy.read.arrays import among
from rlsaudit.policy.read.calls import call_of
from rlsaudit.policy.read.given import clock, given, of_claims
from rlsaudit.policy.read.here import LostError
from rlsaudit.policy.read.names import column
from rlsaudit.policy.read.opaque import NESTED, opaque
from rlsaudit.policy.read.sublinks import sublink
from rlsaudit.policy.values import PURE_SUPABASE

if TYPE_CHECKING:
    from rlsaudit.policy.read.here import Here
    from rlsaudit.policy.tree import Node


def expression(node: Node, here: Here) -> Expr:
    """Returns `node`, with what is not followed as `Opaque`.

    Raises:
        TooLargeError: there is more of it than is read.
    """
    try:
        if not here.work.enter():
            return opaque(node, here, NESTED)
        return _expression(node, here)
    except LostError as lost:
        return opaque(node, here, lost.reason, _type_at_sight(node, here))
    finally:
        here.work.leave()


def truth(node: Node, here: Here) -> Expr:
    """Returns `node` where a condition is wanted."""
    return boolean(here.read(node), here)


def boolean(value: Expr, here: Here) -> Expr:
    """Returns `value` as a Boolean, where its type was not known."""
    if type_of(value) != UNKNOWN:
        return value
    if isinstance(value, Opaque):
        return Opaque(value.key, value.reason, BOOLEAN, value.reads, value.nullable)
    return constants.as_type(value, BOOLEAN, here)


def _expression(node: Node, here: Here) -> Expr:  # noqa: C901, PLR0912  a case a kind of node
    result = given(node, here)
    if result is not None:
        return result
    match node:
        case ast.A_Const():
            result = _constant(node)
        case ast.TypeCast():
            result = _cast(node, here)
        case ast.ColumnRef():
            result = column(node, here)
        case ast.ParamRef():
            result = _parameter(node, here)
        case ast.BoolExpr():
            result = _junction(node, here)
        case ast.A_Expr():
            result = _operator(node, here)
        case ast.NullTest():
            result = _null_test(node, here)
        case ast.BooleanTest():
            result = _boolean_test(node, here)
        case ast.SubLink():
            result = sublink(node, here)
        case ast.CaseExpr():
            result = _case(node, here)
        case ast.CoalesceExpr():
            result = _coalesce(node, here)
        case ast.MinMaxExpr():
            result = _extreme(node, here)
        case ast.A_ArrayExpr():
            result = _array(node, here)
        case ast.A_Indirection():
            result = _subscript(node, here)
        case ast.FuncCall():
            result = _call(node, here)
        case _:
            raise LostError(f"has {_words(node)}")
    return result


def _words(node: Node) -> str:
    known = {ast.RowExpr: "a row of values", ast.CollateClause: "a collation of its own", ast.NamedArgExpr: "a name"}
    return known.get(type(node), f"a construct that is not followed ({type(node).__name__})")


def _type_at_sight(node: Node, here: Here) -> Type:
    match node:
        case ast.TypeCast():
            found = types.of_cast(node, here.scope)
            return UNKNOWN if found is None else found[0]
        case ast.BoolExpr() | ast.NullTest() | ast.BooleanTest():
            return BOOLEAN
        case ast.A_Expr():
            compares = operators.COMPARISONS | operators.PATTERNS
            return BOOLEAN if tree.name(node.name)[-1] in compares or node.kind in _NAMELESS else UNKNOWN
        case ast.SubLink():
            return UNKNOWN if tree.is_scalar(node) else BOOLEAN
        case ast.FuncCall() if here.scope.database is not None:
            name = tree.name(node.funcname)
            function = here.scope.database.function(name, here.scope.path, len(node.args or ()))
            return UNKNOWN if function is None else types.of_text(function.returns, here.scope)
        case _:
            return UNKNOWN


_NAMELESS = frozenset(
    {
        A_Expr_Kind.AEXPR_BETWEEN,
        A_Expr_Kind.AEXPR_DISTINCT,
        A_Expr_Kind.AEXPR_IN,
        A_Expr_Kind.AEXPR_NOT_BETWEEN,
        A_Expr_Kind.AEXPR_NOT_DISTINCT,
    }
)


def _constant(node: Node) -> Expr:
    if node.isnull:
        return Const(None, UNKNOWN)
    match node.val:
        case ast.String(sval=text):
            return Const(text or "", UNKNOWN)
        case ast.Boolean(boolval=value):
            return TRUE if value else FALSE
        case ast.Integer(ival=number):
            return constants.integer(number or 0)
        case ast.Float(fval=text):
            return constants.of_number(text or "0")
        case _:
            raise LostError("has a bit string")


def _cast(node: Node, here: Here) -> Expr:
    found = types.of_cast(node, here.scope)
    if found is None:
        raise LostError("casts to a type that is not followed")
    value = here.read(node.arg)
    if type_of(value).kind == "c":
        raise LostError("casts a whole row")
    return constants.cast(value, found[0], here, found[1])


def _parameter(node: Node, here: Here) -> Expr:
    number = node.number or 0
    if not 0 < number <= len(here.numbered):
        raise LostError("names an argument that is not there")
    found: Expr = here.numbered[number - 1](here.free)
    return found


def _junction(node: Node, here: Here) -> Expr:
    operands = tuple(truth(one, here) for one in node.args or ())
    if node.boolop == BoolExprType.NOT_EXPR:
        return Not(operands[0])
    return And(operands) if node.boolop == BoolExprType.AND_EXPR else Or(operands)


def _operator(node: Node, here: Here) -> Expr:
    names = tree.name(node.name)
    if len(names) != 1:
        raise LostError(f"uses the operator {'.'.join(names)}")
    name = names[0]
    if node.lexpr is None:
        if name == "-":
            return operators.negative(here.read(node.rexpr), here)
        raise LostError(f"uses the operator {name} before a value")
    match node.kind:
        case A_Expr_Kind.AEXPR_OP if isinstance(node.lexpr, ast.RowExpr) and isinstance(node.rexpr, ast.RowExpr):
            return _rows(name, node, here)
        case A_Expr_Kind.AEXPR_OP | A_Expr_Kind.AEXPR_LIKE | A_Expr_Kind.AEXPR_ILIKE | A_Expr_Kind.AEXPR_SIMILAR:
            left, right = here.read(node.lexpr), here.read(node.rexpr)
            return of_claims(left, right, name, here) or operators.binary(name, left, right, here)
        case A_Expr_Kind.AEXPR_DISTINCT:
            return Not(_same(node, here))
        case A_Expr_Kind.AEXPR_NOT_DISTINCT:
            return _same(node, here)
        case A_Expr_Kind.AEXPR_NULLIF:
            return _nullif(node, here)
        case A_Expr_Kind.AEXPR_IN:
            return _in(name, node, here)
        case A_Expr_Kind.AEXPR_OP_ANY | A_Expr_Kind.AEXPR_OP_ALL:
            return _quantified(name, node, here)
        case A_Expr_Kind.AEXPR_BETWEEN | A_Expr_Kind.AEXPR_NOT_BETWEEN:
            return _between(node, here)
        case _:
            raise LostError("has BETWEEN SYMMETRIC")


def _rows(name: str, node: Node, here: Here) -> Expr:
    left, right = node.lexpr.args or (), node.rexpr.args or ()
    if name not in {"=", "<>"} or len(left) != len(right) or not left:
        raise LostError("compares rows of values")
    pairs = zip(left, right, strict=True)
    every = tuple(operators.binary("=", here.read(a), here.read(b), here) for a, b in pairs)
    return And(every) if name == "=" else Not(And(every))


def _same(node: Node, here: Here) -> Expr:
    """`a IS NOT DISTINCT FROM b`: both NULL, or equal."""
    left, right = here.read(node.lexpr), here.read(node.rexpr)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Const) and one.value is None:
            return IsNull(other)
    equal = operators.binary("=", left, right, here)
    if isinstance(left, Const) or isinstance(right, Const):
        return IsTrue(equal)
    return Or((IsTrue(equal), And((IsNull(left), IsNull(right)))))


def _nullif(node: Node, here: Here) -> Expr:
    left = here.read(node.lexpr)
    equal = operators.binary("=", left, here.read(node.rexpr), here)
    left = equal.args[0] if isinstance(equal, Call) else left
    kind = type_of(left)
    return Case(((equal, Const(None, kind)),), left, kind)


def _in(name: str, node: Node, here: Here) -> Expr:
    left = node.lexpr
    if isinstance(left, ast.RowExpr):
        raise LostError("looks for a row of values in a list")
    value = here.read(left)
    found = tuple(operators.binary("=", value, here.read(one), here) for one in node.rexpr or ())
    among = found[0] if len(found) == 1 else Or(found)
    return among if name == "=" else Not(among)


def _quantified(name: str, node: Node, here: Here) -> Expr:
    """`left op ANY (array)` and `left op ALL (array)`."""
    every = node.kind == A_Expr_Kind.AEXPR_OP_ALL
    queried = tree.array_query(node.rexpr)
    if queried is not None:
        return sublink(
            ast.SubLink(
                subLinkType=tree.ALL_SUBLINK if every else tree.ANY_SUBLINK,
                testexpr=node.lexpr,
                operName=node.name,
                subselect=queried,
            ),
            here,
        )
    value, array = here.read(node.lexpr), here.read(node.rexpr)
    return among(name, value, constants.as_type(array, types.array_of(type_of(value)), here), here, every=every)


def _between(node: Node, here: Here) -> Expr:
    value, (low, high) = here.read(node.lexpr), (here.read(one) for one in node.rexpr)
    inside = And((operators.binary(">=", value, low, here), operators.binary("<=", value, high, here)))
    return inside if node.kind == A_Expr_Kind.AEXPR_BETWEEN else Not(inside)


def _null_test(node: Node, here: Here) -> Expr:
    if isinstance(node.arg, ast.RowExpr):
        raise LostError("asks whether a row of values is NULL")
    value = here.read(node.arg)
    if type_of(value).kind == "c":
        raise LostError("asks whether a whole row is NULL")
    return IsNull(value) if node.nulltesttype == NullTestType.IS_NULL else Not(IsNull(value))


def _boolean_test(node: Node, here: Here) -> Expr:
    value = truth(node.arg, here)
    match BoolTestType(node.booltesttype):
        case BoolTestType.IS_TRUE:
            return IsTrue(value)
        case BoolTestType.IS_NOT_TRUE:
            return Not(IsTrue(value))
        case BoolTestType.IS_FALSE:
            return IsTrue(Not(value))
        case BoolTestType.IS_NOT_FALSE:
            return Not(IsTrue(Not(value)))
        case BoolTestType.IS_UNKNOWN:
            return IsNull(value)
        case _:
            return Not(IsNull(value))


def _case(node: Node, here: Here) -> Expr:
    subject = None if node.arg is None else here.read(node.arg)
    branches: list[tuple[Expr, Expr]] = []
    for one in node.args or ():
        met = here.read(one.expr)
        met = boolean(met, here) if subject is None else operators.binary("=", subject, met, here)
        branches.append((met, here.read(one.result)))
    default = Const(None, UNKNOWN) if node.defresult is None else here.read(node.defresult)
    return cases(branches, default, here)


def cases(branches: list[tuple[Expr, Expr]], default: Expr, here: Here) -> Expr:
    """Returns a CASE whose values are all of one type."""
    kind = types.common(type_of(one) for one in (*(value for _, value in branches), default))
    settled = tuple((met, constants.as_type(value, kind, here)) for met, value in branches)
    return Case(settled, constants.as_type(default, kind, here), kind)


def _coalesce(node: Node, here: Here) -> Expr:
    values = [here.read(one) for one in node.args or ()]
    kind = types.common(map(type_of, values))
    values = [constants.as_type(one, kind, here) for one in values]
    kept: list[Expr] = []
    for one in values:
        if isinstance(one, Const) and one.value is None:
            continue
        kept.append(one)
        if isinstance(one, Const):
            break
    if not kept:
        return Const(None, kind)
    if len(kept) == 1:
        return kept[0]
    return Case(tuple((Not(IsNull(one)), one) for one in kept[:-1]), kept[-1], kind)


def _extreme(node: Node, here: Here) -> Expr:
    values = [here.read(one) for one in node.args or ()]
    kind = types.common(map(type_of, values))
    name = "greatest" if node.op == MinMaxOp.IS_GREATEST else "least"
    return Call(f"{name}()", tuple(constants.as_type(one, kind, here) for one in values), kind)


def _array(node: Node, here: Here) -> Expr:
    values = [here.read(one) for one in node.elements or ()]
    kind = types.common(map(type_of, values))
    if kind == UNKNOWN and all(isinstance(one, Const) for one in values):
        kind = TEXT  # what the server takes words without a type for
    if types.is_array(kind):
        raise LostError("has an array of arrays")
    return Call("ARRAY", tuple(constants.as_type(one, kind, here) for one in values), types.array_of(kind))


def _subscript(node: Node, here: Here) -> Expr:
    steps: Node = node.indirection or ()
    if len(steps) != 1 or not isinstance(steps[0], ast.A_Indices) or steps[0].is_slice:
        raise LostError("takes a part of a value that is not followed")
    value, index = here.read(node.arg), here.read(steps[0].uidx)
    of = type_of(value)
    if types.is_array(of):
        return Call("[]", (value, index), types.element(of, here.scope))
    if of.name == "jsonb":
        # Unlike `->`, it takes a text for the number of an element too, and nothing of what is no array or object.
        step = index if type_of(index) == TEXT else constants.cast(index, TEXT, here)
        return Call("#>", (value, Call("ARRAY", (step,), Type("text[]"))), of)
    raise LostError("takes a part of a value that is not followed")


def _call(node: Node, here: Here) -> Expr:
    name = tree.name(node.funcname)
    if node.over is not None:
        raise LostError("calls a window function")
    aggregates = len(name) == 1 and name[0] in AGGREGATES
    if aggregates and here.summed is not None and not here.redefines(name[0]):
        return aggregate(node, name[0], here.summed)
    if node.agg_star or node.agg_distinct or node.agg_filter or node.agg_order or node.agg_within_group:
        raise LostError("calls an aggregate")
    if name in PURE_SUPABASE and name in here.scope.trusted:
        return builtins.storage(name[-1], tuple(map(here.read, node.args or ())), here)
    if len(name) == 1 and (builtins.is_known(name[0]) or clock(name[0]) is not None):
        if here.redefines(name[0]):
            raise LostError(f"calls {name[0]}, which may be a function of the project")
        if any(isinstance(one, ast.NamedArgExpr) for one in node.args or ()) or node.func_variadic:
            raise LostError(f"calls {name[0]} in a way that is not followed")
        args = tuple(map(here.read, node.args or ()))
        found = clock(name[0]) if not args else builtins.call(name[0], args, here)
        if found is not None:
            return found
        raise LostError(f"calls {name[0]}")
    if name == ("current_setting",):
        raise LostError(f"asks for the setting {tree.text((node.args or (None,))[0])}")
    return call_of(node, here)
