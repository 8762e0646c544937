"""NULL that opens: true where nobody is signed in, or where an owner is missing, and nothing asks about that."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pglast import ast

from rlsaudit.model import Reach
from rlsaudit.policy import tree
from rlsaudit.policy.expr import Expr, Field, Given, Who, rebuilt, walk
from rlsaudit.policy.flaws.flaw import Kind
from rlsaudit.policy.values import PURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.policy.flaws.clause import Clause
    from rlsaudit.policy.flaws.flaw import Flaw
    from rlsaudit.policy.tree import Node

_ID = ("auth", "uid")


def null_opens(clause: Clause) -> Iterator[Flaw]:
    """Yields that visitors get further than users, and that rows without an owner are everybody's."""
    users = [(name, one) for name, one in clause.sights.items() if "sub" in one.persona.claims]
    if len(users) != 1 or not clause.policy.permissive or _thought_of(clause.node):
        return
    ((named, user),) = users
    if not any(isinstance(one, Given) and one.who is Who.IDENTITY for one in walk(user.expression)):
        return
    bounds = user.bounds
    for name, visitor in clause.sights.items():
        if "sub" in visitor.persona.claims or not visitor.persona.claims:
            continue
        found = visitor.bounds
        if found.at_least > max(bounds.at_most, Reach.OWN) and not found.chosen:
            yield clause.flaw(
                Kind.NULL_OPENS,
                f"visitors have no id, and by that reach {_WORDS[found.at_least]} where users do not",
                persona=name,
            )
    if bounds.at_least is not Reach.SOME or bounds.chosen or not any(map(_handles_null, tree.walk(clause.node))):
        return
    columns = {one for one in walk(user.expression) if isinstance(one, Field) and one.place == 0 and one.nullable}
    for column in sorted(columns, key=lambda one: one.number):
        filled = clause.reading.prover.solve(_filled(user.expression, column), user.persona, clause.relation.oid)
        if filled.at_most <= Reach.OWN:
            yield clause.flaw(Kind.NULL_OPENS, f"a row without {column.name} is everybody's", persona=named)


_WORDS = {Reach.SOME: "strangers' rows", Reach.ALL: "every row"}


def opened_by_missing(clause: Clause, persona: str) -> frozenset[str]:
    """Returns the columns without whose value a row is a persona's that would not be with it, by their names.

    Unlike `null_opens` also where the clause says so.
    """
    sight = clause.sights.get(persona)
    if sight is None or not _asks_about_null(clause.text):
        return frozenset()
    columns = {one for one in walk(sight.expression) if isinstance(one, Field) and one.place == 0 and one.nullable}
    solve, table = clause.reading.prover.solve, clause.relation.oid
    return frozenset(
        one.name for one in columns if solve(_filled(sight.expression, one), sight.persona, table).at_most <= Reach.OWN
    )


def _filled(expression: Expr, column: Field) -> Expr:
    """The expression where the column is never NULL."""
    return rebuilt(expression, lambda one: replace(column, nullable=False) if one == column else one)


def _thought_of(node: Node) -> bool:
    """Whether it may be meant: something asks about NULL or a role, or has a value in the place of a missing id."""
    for one in tree.walk(node):
        match one:
            case ast.NullTest() | ast.SQLValueFunction():
                return True
            case ast.FuncCall():
                name = tree.name(one.funcname)
                if name != _ID and not (len(name) == 1 and name[0] in PURE):
                    return True
            case ast.CoalesceExpr():
                if any(
                    isinstance(each, ast.A_Const) and isinstance(each.val, ast.String) for each in tree.walk(one.args)
                ):
                    return True
            case _:
                pass
    return False


@lru_cache(maxsize=1024)
def _asks_about_null(text: str) -> bool:
    return any(isinstance(one, ast.NullTest) or _handles_null(one) for one in tree.walk(tree.expression(text)))


def _handles_null(node: Node) -> bool:
    """What makes something of NULL; without it NULL opens nothing."""
    return isinstance(node, ast.CoalesceExpr | ast.BooleanTest | ast.CaseExpr)
