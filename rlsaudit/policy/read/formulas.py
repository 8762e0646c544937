"""A formula as an expression: what every `Written` part says, put together again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.policy import formula as f
from rlsaudit.policy.expr import BOOLEAN, FALSE, NULL, TRUE, And, Case, Expr, IsNull, IsTrue, Not, Or
from rlsaudit.policy.read.here import Here, LostError, Table
from rlsaudit.policy.read.opaque import lone
from rlsaudit.policy.read.sources import fields

if TYPE_CHECKING:
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.policy.values import Scope

_CONSTANTS = {True: TRUE, False: FALSE, None: NULL}
_CIRCLE = "policies that ask one another in a circle"
"""Postgres refuses such a statement: infinite recursion detected in policy (42P17)."""


def of_formula(formula: f.Formula, place: int, here: Here) -> Expr:
    """Returns a formula about the row at `place`."""
    match formula:
        case f.Constant(value):
            return _CONSTANTS[value]
        case f.Not(operand):
            return Not(of_formula(operand, place, here))
        case f.And(operands) | f.Or(operands):
            parts = tuple(of_formula(one, place, here) for one in operands)
            if len(parts) == 1:
                return parts[0]
            return And(parts) if isinstance(formula, f.And) else Or(parts)
        case f.Is(operand, value, negated):
            inner = of_formula(operand, place, here)
            test = IsNull(inner) if value is None else IsTrue(inner if value else Not(inner))
            return Not(test) if negated else test
        case f.Coalesce(operands):
            parts = tuple(of_formula(one, place, here) for one in operands)
            return Case(tuple((Not(IsNull(one)), one) for one in parts[:-1]), parts[-1], BOOLEAN)
        case f.Written(node=node, scope=scope):
            return here.work.readers.condition(node, there(scope, place, here))
        case f.Atom(text=text, nullable=nullable):
            return replace(lone(text, text, BOOLEAN), nullable=nullable)


def there(scope: Scope, place: int, here: Here) -> Here:
    """Returns where expressions in a scope about the row at `place` stand."""
    row = Table(scope.relation, fields(scope.columns, scope.table, place))
    levels = ((row,),) if scope.relation else ()
    return Here(here.work, scope, here.free, levels, within=here.within, user=here.user, key=here.rights)


def policies(relation: Relation, place: int, here: Here) -> Expr:
    """Returns what row-level security asks of the row at `place` of a relation that is read here."""
    role, database = here.scope.role, here.scope.database
    if database is None:
        raise LostError("reads a table of which nothing is known")
    formula = database.seen(here.scope.persona, role, relation)
    if isinstance(formula, f.Constant):
        return _CONSTANTS[formula.value]
    key = ("policies", role, relation.oid)
    if key in here.within:
        return lone(f"{relation.oid} {role}", _CIRCLE, BOOLEAN)
    return of_formula(formula, place, replace(here, within=here.within | {key}))
